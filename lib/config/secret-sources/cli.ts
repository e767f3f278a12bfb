import { type Program, programText } from "../../ground/command.ts";
import { DeployError, isDeployError } from "../../ground/errors.ts";
import { Secret } from "../../ground/secret.ts";
import type { Exit, Programs } from "../../ground/world.ts";

/** What programs of password managers are run with. */
export interface CliPort {
  readonly programs: Programs;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  readonly signal?: AbortSignal | undefined;
}

/** Why a name could not be read. */
export interface Unread {
  readonly name: string;
  readonly why: readonly string[];
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string | Secret>>;
  /** See {@link Program.terminal}. */
  readonly terminal?: Program["terminal"];
}

/** A program may wait for a password, or for a login in the browser. */
const timeoutMs = 5 * 60_000;

/** The program of one password manager. What it prints to standard output is never shown: it may hold secrets. */
export class Cli {
  readonly #program: string;
  readonly #title: string;
  readonly #port: CliPort;

  /** @param title how people call the manager */
  constructor(program: string, title: string, port: CliPort) {
    this.#program = program;
    this.#title = title;
    this.#port = port;
  }

  /** The environment the user started us in. */
  get env(): CliPort["env"] {
    return this.#port.env;
  }

  /** Runs the program. Resolves for every exit. */
  async run(args: readonly string[], { env, terminal }: RunOptions = {}): Promise<Exit> {
    const { programs, cwd, signal } = this.#port;
    const program: Program = { argv: [this.#program, ...args], cwd, givesSecrets: true, ...(env === undefined ? {} : { env }), ...(terminal === undefined ? {} : { terminal }) };
    return programs.run(program, { timeoutMs, signal: signal ?? new AbortController().signal });
  }

  /** @throws DeployError (config) when the program is not there */
  async checkInstalled(args: readonly string[]): Promise<void> {
    const problem = await this.tryRun(args).catch((error: unknown) => {
      if (!isDeployError(error) || error.failure === "cancelled") throw error;
      return [error.message];
    });
    if (problem === undefined) return;
    throw new DeployError("config", `Cannot read secrets from ${this.#title}: its program ${this.#program} does not run here`, { details: problem, hint: `Install ${this.#program} so that it is on PATH, and try \`${this.text(args)}\`` });
  }

  /** Runs the program. @returns why it failed; undefined: it did not */
  async tryRun(args: readonly string[], options: RunOptions = {}): Promise<readonly string[] | undefined> {
    const exit = await this.run(args, options);
    return exit.status === 0 ? undefined : [`"${this.text(args)}" ended with ${ending(exit)}`, ...lines(exit)];
  }

  /** Lets the user log in. @param byHand what the user can run instead @throws DeployError (config) when that fails */
  async login(args: readonly string[], byHand: string = this.text(args), terminal: Program["terminal"] = "talk"): Promise<string> {
    const exit = await this.run(args, { terminal });
    if (exit.status !== 0) throw this.notLoggedIn(byHand, [`"${this.text(args)}" ended with ${ending(exit)}`]);
    return exit.stdout.trim();
  }

  /** @param byHand what the user can run to log in */
  notLoggedIn(byHand: string, details: readonly string[] = []): DeployError {
    return new DeployError("config", `Cannot log in to ${this.#title}`, { details, hint: `Run \`${byHand}\` in a terminal, then try again` });
  }

  /** Standard output as JSON. @param names what the error says could not be read */
  async json(args: readonly string[], names: readonly string[], options: RunOptions = {}): Promise<unknown> {
    const read = await this.tryJson(args, options);
    if (read.why === undefined) return read.data;
    throw this.unread(names.map((name, i) => ({ name, why: i === 0 ? read.why : [] })));
  }

  /** Standard output as JSON, or why there is none. */
  async tryJson(args: readonly string[], options: RunOptions = {}): Promise<{ readonly data: unknown; readonly why?: undefined } | { readonly why: readonly string[] }> {
    const exit = await this.run(args, options);
    const told = lines(exit);
    if (exit.status !== 0) return { why: told.length > 0 ? told : [`${this.#program} ended with ${ending(exit)} and said nothing`] };
    try {
      return { data: JSON.parse(exit.stdout) as unknown };
    } catch {
      return { why: [`${this.#program} printed no JSON`, ...told] };
    }
  }

  /** The error for names that cannot be read, all at once. */
  unread(all: readonly Unread[]): DeployError {
    const names = all.map(({ name }) => name);
    const details = all.length === 1 ? (all[0]?.why ?? []) : all.flatMap(({ name, why: [first, ...rest] }) => (first === undefined ? [] : [`${name}: ${first}`, ...rest.map((line) => `  ${line}`)]));
    return new DeployError("config", `Cannot read ${names.length === 1 ? names[0] : `${names.length} secrets`} from ${this.#title}${names.length === 1 ? "" : `: ${names.join(", ")}`}`, {
      details, hint: `Look whether ${names.length === 1 ? "it is" : "they are"} there under ${names.length === 1 ? "that name" : "those names"}, and whether your account may read ${names.length === 1 ? "it" : "them"}`,
    });
  }

  /** The command line as a user would type it. */
  text(args: readonly string[]): string {
    return programText({ argv: [this.#program, ...args] });
  }
}

const ending = (exit: Exit): string => (exit.status === undefined ? `signal ${exit.signal ?? "unknown"}` : `status ${exit.status}`);
const lines = (exit: Exit): string[] => exit.stderr.trim().split("\n").filter(Boolean).slice(-10);
