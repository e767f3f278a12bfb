import type { Client, ClientChannel } from "ssh2";
import { openSessions } from "./session.ts";

/** The inside of an ssh2 client, version 1.17.0: the questions of the login, and who is told of their answers. */
interface ClientInside {
  readonly _remoteVer: string | undefined;
  readonly _protocol: {
    service(name: string): void;
    readonly _packetRW: { readonly write: { readonly allocStart: number; alloc(length: number): Buffer; finalize(packet: Buffer): Buffer } };
    readonly _cipher: { encrypt(packet: Buffer): void };
    readonly _handlers: { SERVICE_ACCEPT(protocol: unknown, name: string): void; USERAUTH_FAILURE(...given: unknown[]): void; USERAUTH_SUCCESS(...given: unknown[]): void };
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
  const { SERVICE_ACCEPT: accept, USERAUTH_FAILURE: refuse, USERAUTH_SUCCESS: succeed } = handlers;
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
    sayNothing(protocol);
  };
  handlers.USERAUTH_FAILURE = (...given) => {
    sessions = [];
    refuse(...given);
  };
  handlers.USERAUTH_SUCCESS = (...given) => {
    if (sessions.length > 0) sayNothing(protocol);
    succeed(...given);
  };
  return { sessions: () => sessions };
}

/** SSH_MSG_IGNORE without anything to ignore. Source: RFC 4253, 11.2. */
const nothing = Buffer.from([2, 0, 0, 0, 0]);

/**
 * Sends a packet that means nothing, and with it word that what the host said has come. Before its first command sshd lets its system hold a packet back until
 * the one before has come (Nagle's algorithm), and ours tells of that only after 40 ms where nothing is sent.
 */
function sayNothing({ _packetRW: { write }, _cipher: cipher }: ClientInside["_protocol"]): void {
  const packet = write.alloc(nothing.length);
  packet.set(nothing, write.allocStart);
  cipher.encrypt(write.finalize(packet));
}
