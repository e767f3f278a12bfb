import type { Client, ClientChannel } from "ssh2";
import { openSessions } from "./session.ts";

/** The inside of an ssh2 client, version 1.17.0: the questions of the login, and who is told of their answers. */
interface ClientInside {
  readonly _remoteVer: string | undefined;
  readonly _protocol: {
    service(name: string): void;
    readonly _handlers: { SERVICE_ACCEPT(protocol: unknown, name: string): void; USERAUTH_FAILURE(...given: unknown[]): void };
  };
}

/** A login that does not wait for answers it can foresee. */
export interface EarlyLogin {
  /** The sessions that were asked for with the first key; none where that key did not do, or nothing was sent early. */
  sessions(): readonly Promise<ClientChannel>[];
}

/**
 * Saves two round trips and more at login: the first key goes out with the request to log in at all, and with it the requests for
 * sessions. OpenSSH takes all of them in order; a host that is none is asked one by one, as it is where the first key is to be
 * chosen by what the host says. Call it after `connect`.
 */
export function logInEarly(client: Client): EarlyLogin {
  const inside = client as unknown as ClientInside;
  const { _protocol: protocol } = inside;
  const { _handlers: handlers } = protocol;
  const { SERVICE_ACCEPT: accept, USERAUTH_FAILURE: refuse } = handlers;
  const service = protocol.service.bind(protocol);
  let isEarly = false;
  let sessions: readonly Promise<ClientChannel>[] = [];
  protocol.service = (name) => {
    service(name);
    const { _remoteVer: software } = inside;
    if (software?.startsWith("OpenSSH_") !== true) return;
    isEarly = true;
    accept(protocol, name);
    sessions = openSessions(client);
  };
  handlers.SERVICE_ACCEPT = (given, name) => {
    if (!isEarly) return accept(given, name);
    isEarly = false;
  };
  handlers.USERAUTH_FAILURE = (...given) => {
    sessions = [];
    refuse(...given);
  };
  return { sessions: () => sessions };
}
