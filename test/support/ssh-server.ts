import { spawn } from "node:child_process";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Server, utils, type ServerChannel } from "ssh2";

/** What a test decides about the server. */
export interface SshServerOptions {
  /** Answers a command; default: a real `sh` runs it. */
  readonly exec?: (command: string, channel: ServerChannel) => void;
  /** Whether a key may log in; default: any. `signed` is false for the question whether the key would do. */
  readonly accepts?: (user: string, publicKey: Buffer, signed: boolean) => boolean;
  /** Login methods named to clients whose key is refused. */
  readonly methods?: readonly ("publickey" | "password")[];
  /** Asked for beside the key: a one-time code, by keyboard-interactive. */
  readonly code?: string;
  /** Host keys in PEM; default: an ed25519 key that all servers of the test process have. */
  readonly hostKeys?: readonly string[];
  /** Sessions at once on a connection; more are refused as sshd does. */
  readonly maxSessions?: number;
  /** Whether a command may have a terminal; default: yes. */
  readonly terminals?: boolean;
  /** Whether connections may be forwarded; default: yes. */
  readonly forwards?: boolean;
}

/** An SSH server inside the test process. */
export interface SshServer extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** Base64 of the first host key, as in known_hosts. */
  readonly hostKey: string;
  /** Type of the first host key. */
  readonly hostKeyType: string;
  readonly connections: number;
  readonly sessions: number;
  /** Sessions open now. */
  readonly openSessions: number;
  /** Commands as they came over the wire. */
  readonly commands: readonly string[];
  /** What was asked of terminals: `xterm 80x24`, then `100x30` for each new size. */
  readonly sizes: readonly string[];
  /** Ports that clients asked this host to open, with where each really listens: several hosts share this machine. Closed ones are gone. */
  readonly opened: ReadonlyMap<number, number>;
  /** Cuts all connections without a word. */
  cut(): void;
}

/** A new private key. ssh2 writes one in a few hundred that nobody can read: then another is made. */
export function newHostKey(type: "ed25519" | "ecdsa" = "ed25519"): string {
  const key = type === "ed25519" ? utils.generateKeyPairSync("ed25519").private : utils.generateKeyPairSync("ecdsa", { bits: 256 }).private;
  return utils.parseKey(key) instanceof Error ? newHostKey(type) : key;
}

/** One for all servers of a test process: a port may come again, and known_hosts may know it. */
let usual: string | undefined;
const usualHostKey = (): string => (usual ??= newHostKey());

/** Starts a server on a loopback port. */
export async function startSshServer(options: SshServerOptions = {}): Promise<SshServer> {
  const hostKeys = options.hostKeys ?? [usualHostKey()];
  const state = { connections: 0, sessions: 0, open: 0 };
  const commands: string[] = [];
  const sizes: string[] = [];
  const sockets = new Set<Socket>();
  const opened = new Map<number, number>();
  const server = new Server({ hostKeys: [...hostKeys] }, (client) => {
    state.connections++;
    let sessions = 0;
    client.on("error", () => undefined);
    client.on("authentication", (context) => {
      if (context.method === "keyboard-interactive" && options.code !== undefined) {
        return context.prompt([{ prompt: "Verification code: ", echo: false }], ([answer]) => (answer === options.code ? context.accept() : context.reject(["keyboard-interactive"], true)));
      }
      if (context.method !== "publickey") return context.reject([...(options.methods ?? ["publickey" as const])]);
      if (options.accepts?.(context.username, context.key.data, context.signature !== undefined) === false) return context.reject([...(options.methods ?? ["publickey" as const])]);
      if (options.code !== undefined && context.signature !== undefined) context.reject(["keyboard-interactive"], true);
      else context.accept();
    });
    client.on("ready", () => {
      client.on("session", (accept, reject) => {
        if (sessions >= (options.maxSessions ?? 10)) return void reject();
        sessions++;
        state.sessions++;
        state.open++;
        const session = accept();
        session.on("close", () => {
          sessions--;
          state.open--;
        });
        session.on("pty", (acceptTerminal, rejectTerminal, { term, cols, rows }) => {
          sizes.push(`${term} ${cols}x${rows}`);
          if (options.terminals === false) rejectTerminal();
          else acceptTerminal();
        });
        session.on("window-change", (_accept, _reject, { cols, rows }) => void sizes.push(`${cols}x${rows}`));
        session.on("exec", (acceptExec, _reject, { command }) => {
          commands.push(command);
          const channel = acceptExec();
          channel.on("error", () => undefined);
          (options.exec ?? runInShell)(command, channel);
        });
      });
      const listeners = new Map<number, ReturnType<typeof createServer>>();
      const shut = (bound: number): void => {
        listeners.get(bound)?.close();
        listeners.delete(bound);
        opened.delete(bound);
      };
      client.on("close", () => [...listeners.keys()].forEach(shut));
      client.on("request", (accept, reject, name, { bindAddr, bindPort }) => {
        if (name === "cancel-tcpip-forward") {
          shut(bindPort);
          return accept?.();
        }
        if (options.forwards === false || name !== "tcpip-forward") return reject?.();
        const listener = createServer((socket) => {
          client.forwardOut(bindAddr, bindPort, "127.0.0.1", socket.remotePort ?? 0, (error, channel) => {
            socket.on("error", () => channel?.destroy());
            if (error !== undefined) return socket.destroy();
            channel.on("error", () => undefined);
            channel.on("close", () => socket.destroy());
            socket.pipe(channel).pipe(socket);
          });
        });
        listeners.set(bindPort, listener);
        listener.listen(0, "127.0.0.1", () => {
          opened.set(bindPort, (listener.address() as AddressInfo).port);
          accept?.();
        });
      });
      client.on("tcpip", (accept, reject, { destIP, destPort }) => {
        if (options.forwards === false) return reject();
        const socket = connect(destPort, destIP);
        socket.on("error", () => reject());
        socket.on("connect", () => {
          const stream = accept();
          stream.on("error", () => undefined);
          socket.pipe(stream).pipe(socket);
        });
      });
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const gate = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    socket.setNoDelay(true);
    server.injectSocket(socket);
  });
  gate.listen(0, "127.0.0.1", resolve);
  await promise;
  const { port } = gate.address() as AddressInfo;
  const key = utils.parseKey(hostKeys[0] ?? "");
  if (key instanceof Error) throw key;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    host: `127.0.0.1:${port}`,
    hostKey: key.getPublicSSH().toString("base64"),
    hostKeyType: key.type,
    get connections() { return state.connections; },
    get sessions() { return state.sessions; },
    get openSessions() { return state.open; },
    commands,
    sizes,
    opened,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      const closed = Promise.withResolvers<void>();
      gate.close(() => closed.resolve());
      await closed.promise;
    },
  };
}

function runInShell(command: string, channel: ServerChannel): void {
  const child = spawn("sh", ["-c", command]);
  channel.pipe(child.stdin);
  child.stdin.on("error", () => undefined);
  child.stdout.on("data", (chunk: Buffer) => channel.write(chunk));
  child.stderr.on("data", (chunk: Buffer) => channel.stderr.write(chunk));
  child.on("close", (status, signal) => {
    if (signal === null) channel.exit(status ?? 0);
    else channel.exit(signal.replace("SIG", ""));
    channel.end();
  });
}
