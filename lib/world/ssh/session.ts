import type { Client, ClientChannel } from "ssh2";
import type { TerminalSize } from "../../ground/terminal.ts";

/**
 * The inside of an ssh2 client, version 1.17.0: what is needed to open a session before it is known what will run in it. Its public
 * `exec` opens and starts in one go, which costs each command a second round trip.
 */
interface ClientInside {
  readonly _chanMgr: { add(answer: SessionAnswer): number };
  readonly _protocol: {
    session(id: number, windowBytes: number, packetBytes: number): void;
    exec(id: number, command: string, wantReply: boolean): void;
    openssh_agentForward(id: number, wantReply: boolean): void;
    pty(id: number, rows: number, columns: number, heightPixels: number, widthPixels: number, kind: string, modes: null, wantReply: boolean): void;
  };
}
type SessionAnswer = ((error: Error | undefined, channel: ClientChannel | undefined) => void) & { type?: string };

interface ChannelInside {
  readonly outgoing: { readonly id: number; readonly state: string };
  readonly incoming: { readonly state: string };
  readonly _callbacks: ((failed: boolean | Error) => void)[];
  subtype: string | undefined;
}

const windowBytes = 2 * 1024 * 1024;
const packetBytes = 32 * 1024;

/** Opens a session: a place for one command. Rejects with ssh2's error. */
export function openSession(client: Client): Promise<ClientChannel> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>();
  const inside = client as unknown as ClientInside;
  const answer: SessionAnswer = (error, channel) => (channel === undefined ? reject(error ?? new Error("Not connected")) : resolve(channel));
  answer.type = "session";
  const { _chanMgr: channels, _protocol: protocol } = inside;
  const id = channels.add(answer);
  if (id === -1) reject(new Error("No free channels available"));
  else protocol.session(id, windowBytes, packetBytes);
  return promise;
}

/** How many sessions are opened at once with a connection: a run takes the lock, looks at the host and has it pull in one round trip. */
const atFirst = 3;

/** The first sessions of a connection. Whoever uses one sees whether the host gave it. */
export function openSessions(client: Client): readonly Promise<ClientChannel>[] {
  return Array.from({ length: atFirst }, () => {
    const opening = openSession(client);
    opening.catch(() => undefined);
    return opening;
  });
}

/** Lets programs on the host use the agent, in all sessions of the connection: sshd takes it for one and holds it for all. @param onAnswer called when the host has answered, whatever */
export function forwardAgent(client: Client, channel: ClientChannel, onAnswer: () => void): void {
  const { _callbacks: callbacks, outgoing, incoming } = channel as unknown as ChannelInside;
  const { _protocol: protocol } = client as unknown as ClientInside;
  // A host that forbids it serves its commands all the same, as with OpenSSH.
  callbacks.push((failed) => {
    if (failed === false || incoming.state !== "closed") onAnswer();
  });
  Object.assign(client, { _agentFwdEnabled: true });
  protocol.openssh_agentForward(outgoing.id, true);
}

/** True while a command can be started in the session. */
export const isOpen = (channel: ClientChannel): boolean => (channel as unknown as ChannelInside).outgoing.state === "open";

/** Starts a command. Its input may be written at once: the host takes things in order. @param onRefused called when the host will not run commands */
export function startCommand(client: Client, channel: ClientChannel, command: string, onRefused: () => void): void {
  const inside = channel as unknown as ChannelInside;
  const { _callbacks: callbacks } = inside;
  const { _protocol: protocol } = client as unknown as ClientInside;
  inside.subtype = "exec";
  callbacks.push((failed) => {
    // Callbacks that are open when the connection ends fail too: that is no refusal.
    if (failed !== false && inside.incoming.state !== "closed") onRefused();
  });
  protocol.exec(inside.outgoing.id, command, true);
}

/**
 * Asks for a terminal for the command that will run in the session. Rejects when the host gives none.
 * @param kind such as `xterm-256color`
 */
export function requestTerminal(client: Client, channel: ClientChannel, kind: string, { columns, rows }: TerminalSize): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { _callbacks: callbacks, outgoing } = channel as unknown as ChannelInside;
  const { _protocol: protocol } = client as unknown as ClientInside;
  callbacks.push((failed) => (failed === false ? resolve() : reject(new Error("It gives no terminal"))));
  protocol.pty(outgoing.id, rows, columns, 0, 0, kind, null, true);
  return promise;
}
