import { constants } from "node:fs";
import { chmod, open, writeFile, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Redactor } from "../redact.ts";

/**
 * What `ssh` calls to ask the user: the question goes out on standard error, between marks that no host knows, the answer comes back by a named pipe.
 * Standard input would not do: behind a jump host it is the connection.
 */
const program = `#!/bin/sh
printf '\\n%s %s %s\\n' "$CAPSTAN_ASK" "\${SSH_ASKPASS_PROMPT:-secret}" "$(printf %s "$1" | tr '\\n' ' ')" >&2
[ "$SSH_ASKPASS_PROMPT" = none ] && exit 0
IFS= read -r answer <"\${0%/*}/answer" && printf '%s\\n' "$answer"
`;

type Prompt = (question: string) => Promise<string>;

/** Answers the questions of all masters, one at a time: through the same prompt as everything else, so that the display makes room. */
export class Asker {
  readonly #prompt: Prompt;
  readonly #redactor: Redactor;
  /** By the path of the key: one answer serves all hosts. */
  readonly #passphrases = new Map<string, Promise<string>>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(prompt: Prompt, redactor: Redactor) {
    this.#prompt = prompt;
    this.#redactor = redactor;
  }

  /**
   * The passphrase of a key: asked for once, whatever the number of hosts.
   * @param key path of the key
   * @param refused answers for the same key that were given before
   * @returns the answer; the empty text where the user gives none
   */
  async passphrase(key: string, refused: readonly string[]): Promise<string> {
    const known = await this.#passphrases.get(key)?.catch(() => undefined);
    if (known !== undefined && !refused.includes(known)) return known;
    const asking = this.ask(`${refused.length === 0 ? "" : "Wrong. "}Passphrase of ${key}`);
    this.#passphrases.set(key, asking);
    return await asking;
  }

  /** Asks the user, whoever wants to know. What was answered before is not given again. */
  async ask(question: string): Promise<string> {
    const turn = this.#turn.then(() => this.#prompt(question));
    this.#turn = turn.catch(() => undefined);
    const answer = await turn;
    this.#redactor.conceal(answer, "answer");
    return answer;
  }
}

/** Who asks: a host has a say in what OpenSSH asks for it. */
export interface Asking {
  /** Stands before questions that do not name the host themselves. */
  readonly host: string;
  /** What OpenSSH's own questions begin with where they are a host's, such as `(me@web)` and `me@web's`. */
  readonly names: readonly string[];
  /** Paths of the keys to log in with: no other's passphrase is a matter for the host. */
  readonly keys: readonly string[];
  /** Others that OpenSSH starts may ask in the same way, and mark no question as a host's. */
  readonly isMixed: boolean;
}

/** OpenSSH cuts the path of a key there, in its question. */
const mostOfPath = 100;

/** The way of one master's questions. */
export class Questions implements AsyncDisposable {
  readonly #folder: string;
  readonly #mark: string;
  readonly #asker: Asker;
  readonly #asking: Asking;
  #hostAsks = false;
  readonly #given = new Map<string, string[]>();
  readonly #on: { asking(work: Promise<void>): void; told(text: string): void };
  #pipe: FileHandle | undefined;

  /**
   * @param folder the master's own
   * @param mark what no host can know
   * @param on `asking`: somebody is being asked until the promise settles; `told`: OpenSSH says something, such as that a security key is to be touched
   */
  constructor(folder: string, mark: string, asker: Asker, asking: Asking, on: { asking(work: Promise<void>): void; told(text: string): void }) {
    this.#folder = folder;
    this.#mark = mark;
    this.#asker = asker;
    this.#asking = asking;
    this.#on = on;
  }

  /** Lays out what the program needs. @returns the environment for `ssh` */
  async prepare(): Promise<Readonly<Record<string, string>>> {
    const path = join(this.#folder, "ask");
    await writeFile(path, program, { mode: 0o700 });
    await chmod(path, 0o700);
    const made = Bun.spawnSync(["mkfifo", "-m", "600", join(this.#folder, "answer")]);
    if (made.exitCode !== 0) throw new Error(made.stderr.toString());
    return { SSH_ASKPASS: path, SSH_ASKPASS_REQUIRE: "force", CAPSTAN_ASK: this.#mark };
  }

  /** @returns true when the line is a question */
  take(line: string): boolean {
    if (!line.startsWith(`${this.#mark} `)) {
      // For good: from here on the host may put words there that look like those of OpenSSH.
      this.#hostAsks ||= line.startsWith("debug1: Next authentication method: keyboard-interactive");
      return false;
    }
    const [, kind = "", asked = ""] = /^\S+ (\S+) (.*)$/.exec(line) ?? [];
    // OpenSSH passes on what a host wants to have asked.
    const question = asked.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, " ").trim();
    if (kind === "none") this.#on.told(question);
    else this.#on.asking(this.#answer(`${question}${question.endsWith(":") ? " " : ""}`));
    return true;
  }

  async #answer(question: string): Promise<void> {
    const refused = this.#given.get(question) ?? [];
    const key = this.#keyIn(question);
    const answer = await (key === undefined ? this.#asker.ask(this.#named(question)) : this.#asker.passphrase(key, refused)).catch(() => "");
    this.#given.set(question, [...refused, answer]);
    // Opened for both directions it neither waits for a reader nor fails without one.
    this.#pipe ??= await open(join(this.#folder, "answer"), constants.O_RDWR);
    await this.#pipe.write(`${answer}\n`);
  }

  /** The key whose passphrase is asked for, if it is OpenSSH that asks. Before OpenSSH 8.5 a host's own question could read the same. */
  #keyIn(question: string): string | undefined {
    const { keys, isMixed } = this.#asking;
    const [, path] = /^Enter passphrase for key '(.+)': $/.exec(question) ?? [];
    return path === undefined || this.#hostAsks || isMixed ? undefined : keys.find((key) => key.slice(0, mostOfPath) === path);
  }

  #named(question: string): string {
    const { host, names } = this.#asking;
    const text = question.replace(/:?\s*$/, "");
    return names.some((name) => text.startsWith(name)) ? text : `${host}: ${text}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pipe?.close();
  }
}
