import type { Client, ClientChannel } from "ssh2";
import { openSession } from "./session.ts";

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
  /** The session that was asked for with the first key; undefined where that key did not do, or nothing was sent early. */
  session(): Promise<ClientChannel> | undefined;
}

/**
 * Saves two round trips and more at login: the first key goes out with the request to log in at all, and with it the request for a
 * session. OpenSSH takes all three in order; a host that is none is asked one by one, as it is where the first key is to be
 * chosen by what the host says. Call it after `connect`.
 */
export function logInEarly(client: Client): EarlyLogin {
  const inside = client as unknown as ClientInside;
  const { _protocol: protocol } = inside;
  const { _handlers: handlers } = protocol;
  const { SERVICE_ACCEPT: accept, USERAUTH_FAILURE: refuse } = handlers;
  const service = protocol.service.bind(protocol);
  let isEarly = false;
  let session: Promise<ClientChannel> | undefined;
  protocol.service = (name) => {
    service(name);
    if (inside._remoteVer?.startsWith("OpenSSH_") !== true) return;
    isEarly = true;
    accept(protocol, name);
    session = openSession(client);
    session.catch(() => undefined);
  };
  handlers.SERVICE_ACCEPT = (given, name) => {
    if (!isEarly) return accept(given, name);
    isEarly = false;
  };
  handlers.USERAUTH_FAILURE = (...given) => {
    session = undefined;
    refuse(...given);
  };
  return { session: () => session };
}
