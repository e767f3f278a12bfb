import type { Command, Program } from "./command.ts";
import type { Event } from "./event.ts";
import type { CollectedImage, ImageArchive, ImageVariant } from "./image.ts";
import type { Terminal } from "./terminal.ts";

/** How a command ended. `status` is undefined when a signal ended it. */
export interface Exit {
  readonly status: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

export interface Limits {
  readonly timeoutMs: number;
  /** Aborting it ends the command and rejects. */
  readonly signal: AbortSignal;
  /** Called for each piece of output as it arrives, not cut at lines. */
  readonly onOutput?: (stream: "stdout" | "stderr", text: string) => void;
  /**
   * For a command that says itself that it is over, then reads one more line: aborting this sends it the line and resolves with status 0, without
   * waiting for the rest. Until then its input stays open. A command whose input ends without that line knows that nobody heard its end.
   */
  readonly over?: AbortSignal;
  /** Keep at most this many bytes of each stream in the Exit (the tail); default 8 MiB. */
  readonly keepBytes?: number;
}

/** A long-lived command on a host, such as the holder of the lock. */
export interface Channel {
  /** Sends text to the command's standard input. */
  write(text: string): void;
  /** Sends bytes. Resolves when there is room for more, or the command takes none any more. */
  send(bytes: Uint8Array): Promise<void>;
  /** Closes the command's standard input. */
  end(): void;
  /** Lines of its standard output. Ends when the channel closes. */
  readonly lines: AsyncIterable<string>;
  /** Settles when the command ends or the connection is lost. Never rejects. */
  readonly ended: Promise<{ readonly status: number | undefined; readonly stderr: string; readonly lost: boolean }>;
}

/** One HTTP GET. */
export interface HttpProbe {
  /** Address of the container as the host sees it. */
  readonly address: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** What one probe found: an answer, or why there was none. */
export type HttpAnswer =
  | { readonly ok: true; readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string; readonly durationMs: number }
  | { readonly ok: false; readonly reason: "refused" | "timeout" | "reset" | "forbidden" | "malformed"; readonly detail: string; readonly durationMs: number };

/** A host that another one may log in to, until this is disposed. */
export interface Introduction extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** The key that it shows, as known_hosts has it: `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
}

/** Reaches hosts. One connection a host for the whole run. */
export interface Transport {
  /** Opens the connection, or does nothing when it is open. Rejects with a ConnectError or a cancellation. */
  connect(host: string, signal: AbortSignal): Promise<void>;
  /** Resolves for every exit of the command; rejects only with a ConnectError (also when the connection is lost on the way), a TimeoutError or a cancellation. */
  run(host: string, command: Command, limits: Limits): Promise<Exit>;
  /** Starts a command that stays. */
  open(host: string, command: Command, signal: AbortSignal): Promise<Channel>;
  /**
   * Joins the user's terminal to a command: the command has a terminal of the same kind and size where standard input is one, else pipes. Bytes pass
   * as they are, in both directions. Resolves with its exit status, 128 and more for a signal; rejects with a ConnectError (also when the connection is
   * lost on the way) or a cancellation. The terminal is back as it was then.
   */
  interact(host: string, command: Command, terminal: Terminal, signal: AbortSignal): Promise<number>;
  /** From now on commands of a host go over a new connection: what its user may do has changed. What runs on the one before goes on. */
  renew(host: string): Promise<void>;
  /** An HTTP GET from the host's own network, through the connection. Rejects only with a ConnectError or a cancellation. */
  probe(host: string, probe: HttpProbe, signal: AbortSignal): Promise<HttpAnswer>;
  /**
   * Makes a port of this machine, at 127.0.0.1, the same port of the host, until it is disposed. Where a registry answers at that port of
   * the host already, that one is used. Rejects with a ConnectError or a cancellation.
   */
  tunnel(host: string, port: number, signal: AbortSignal): Promise<AsyncDisposable>;
  /**
   * Lets programs on a host log in to another host once, as the user and with the key that we logged in there with, by an agent at `SSH_AUTH_SOCK` of the commands that
   * are begun from now on. It signs for that very host, which shows the key that it showed us, and for nothing else. Rejects with a ConnectError or a cancellation.
   */
  introduce(host: string, to: string, signal: AbortSignal): Promise<Introduction>;
}

/** Starts programs on the user's own machine. */
export interface Programs {
  /** Resolves for every exit. Rejects with a DeployError when the program cannot be started, a TimeoutError or a cancellation. */
  run(program: Program, limits: Limits): Promise<Exit>;
}

/** How an image is collected. */
export interface CollectOptions {
  /** A file that holds it, such as buildx writes, which goes then; default: Docker has it. */
  readonly archive?: string | undefined;
  /** What to do when it is nowhere. */
  readonly hint?: string | undefined;
  readonly signal: AbortSignal;
  /** Called for each piece of what Docker says meanwhile. */
  readonly onOutput?: (stream: "stdout" | "stderr", text: string) => void;
}

/** Images of this machine, for hosts that get them without a registry. */
export interface Images {
  /** Brings the layers of an image into the cache of this machine. Rejects with a DeployError (missing, build) or a cancellation. */
  collect(image: string, options: CollectOptions): Promise<CollectedImage>;
  /** What was collected in this run, or is being collected. Rejects with a DeployError when nothing was: one of kind cancelled when it failed, which is told by whoever collects it. */
  collected(image: string): Promise<CollectedImage>;
  /** What `docker load` is given, without so many layers from the lowest one on. */
  archive(image: string, variant: ImageVariant, there: number): Promise<ImageArchive>;
  /** Reads all that was collected of an image once more, and removes from the cache what is damaged. @returns how much that was */
  verify(image: string): Promise<number>;
}

/** The user's own files. */
export interface Files {
  /** Undefined when there is no such file. */
  read(path: string): Promise<string | undefined>;
  /** The bytes of a file; undefined when there is none. */
  bytes(path: string): Promise<Uint8Array | undefined>;
  /** Names of what is in a folder, sorted; undefined when there is no such folder. */
  list(folder: string): Promise<readonly string[] | undefined>;
  exists(path: string): Promise<boolean>;
  /** Creates folders on the way. `mode` is octal, such as 0o600, in force from the first byte. */
  write(path: string, content: string, mode?: number): Promise<void>;
  append(path: string, content: string): Promise<void>;
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Everything outside this process. Built once by cli/ or by the library's user, passed down as the first argument, replaced whole in tests. */
export interface World {
  readonly transport: Transport;
  readonly programs: Programs;
  readonly images: Images;
  readonly files: Files;
  readonly clock: Clock;
  /**
   * Takes a file of this machine for this run alone, until it is disposed or the process ends, however it ends. Undefined while somebody else has it.
   * Creates folders on the way; the file stays. Rejects with a DeployError when it cannot be had at all.
   */
  readonly claim: (path: string) => Promise<Disposable | undefined>;
  /** Lowercase hex digits, two for each byte. */
  readonly randomHex: (bytes: number) => string;
  /** The environment the user started us in. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's working directory: absolute. */
  readonly cwd: string;
  /** Name of this machine. */
  readonly hostname: string;
  readonly report: (event: Event) => void;
  /** Scrubs a secret value that was handed out from all output from now on. */
  readonly conceal: (value: string, name?: string) => void;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}
