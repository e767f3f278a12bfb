import { hostname } from "node:os";
import type { Event } from "../ground/event.ts";
import type { Images, Transport, World } from "../ground/world.ts";
import { claimFile } from "./claim.ts";
import { systemClock } from "./clock.ts";
import { localFiles } from "./files.ts";
import { checkTransport } from "./openssh-program.ts";
import { createPrograms } from "./programs.ts";
import { randomHex } from "./random.ts";
import { createRedactor } from "./redact.ts";
import { defaultSshOptions, type SshOptions } from "../ground/ssh-options.ts";

export interface WorldOptions {
  /** Absolute; default: the process's own. */
  readonly cwd?: string;
  /** Default: the process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Aborted to end the run; default: never. */
  readonly signal?: AbortSignal;
  /** Told of everything that happens, secrets scrubbed. */
  readonly report: (event: Event) => void;
  /** Asks the user for the passphrase of a key. Left out: encrypted keys work through an agent only. */
  readonly prompt?: (question: string) => Promise<string>;
  /** Called before a program of this machine asks the user something, such as a password manager at login. @returns called behind it */
  readonly pause?: () => () => void;
  /** How hosts are reached, where it is known already. */
  readonly ssh?: SshOptions;
}

/** A world that is open. */
export interface OpenWorld extends AsyncDisposable {
  readonly world: World;
  /** How hosts are reached. Call it before the first connection: later it is too late. @throws DeployError (config) where a program it needs is missing */
  useSsh(options: SshOptions): void;
  /** The text without the secrets that left the process: for what is no event. */
  scrub(text: string): string;
  /** Words that stay in output: a value that is in one of them is no secret. Call it before anything is read from hosts. */
  allow(words: readonly string[]): void;
  /** Closes all connections. */
  close(): Promise<void>;
}

/** The real world: hosts by SSH, programs, files and clock of this machine. The SSH library is loaded at the first connection: most commands start faster without. */
export function createWorld(options: WorldOptions): OpenWorld {
  const redactor = createRedactor();
  const clock = systemClock;
  const cwd = options.cwd ?? process.cwd();
  const env = options.env ?? process.env;
  let ssh = options.ssh ?? defaultSshOptions;
  let loading: Promise<Transport & AsyncDisposable> | undefined;
  const report = (event: Event): void => options.report(redactor.scrubData(event));
  const load = async (): Promise<Transport & AsyncDisposable> => {
    const { createTransports } = await import("./transports.ts");
    return createTransports({ ssh, env, cwd, redactor, clock, prompt: options.prompt, report: (event) => report({ ...event, at: new Date(clock.now()).toISOString() }) });
  };
  const loaded = (): Promise<Transport & AsyncDisposable> => (loading ??= load());
  const transport: Transport = {
    connect: async (...given) => (await loaded()).connect(...given),
    run: async (...given) => (await loaded()).run(...given),
    open: async (...given) => (await loaded()).open(...given),
    interact: async (...given) => (await loaded()).interact(...given),
    renew: async (...given) => (await loaded()).renew(...given),
    probe: async (...given) => (await loaded()).probe(...given),
    tunnel: async (...given) => (await loaded()).tunnel(...given),
    introduce: async (...given) => (await loaded()).introduce(...given),
  };
  const programs = createPrograms({ env, cwd, redactor, clock, pause: options.pause });
  let loadingImages: Promise<Images & AsyncDisposable> | undefined;
  const loadedImages = (): Promise<Images & AsyncDisposable> => (loadingImages ??= import("./images/create.ts").then(({ createImages }) => createImages({ programs, env, cwd, clock })));
  const images: Images = {
    collect: async (...given) => (await loadedImages()).collect(...given),
    collected: async (...given) => (await loadedImages()).collected(...given),
    archive: async (...given) => (await loadedImages()).archive(...given),
    verify: async (...given) => (await loadedImages()).verify(...given),
  };
  const close = async (): Promise<void> => {
    await (await loadingImages)?.[Symbol.asyncDispose]();
    const opened = loading;
    loading = undefined;
    if (opened !== undefined) await (await opened)[Symbol.asyncDispose]();
  };
  return {
    world: {
      transport,
      programs,
      images,
      files: localFiles, claim: claimFile,
      clock,
      randomHex,
      env,
      cwd,
      hostname: hostname(),
      report,
      conceal: redactor.conceal,
      signal: options.signal ?? new AbortController().signal,
    },
    scrub: redactor.scrub,
    allow: redactor.allow,
    useSsh(given) {
      checkTransport(given, env);
      ssh = given;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
