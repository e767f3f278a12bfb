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
   * @param refused answers to the same question that were given before
   * @returns the answer; the empty text where the user gives none
   */
  async answer(question: string, refused: readonly string[]): Promise<string> {
    const [, key] = /^Enter passphrase for (?:key )?'?(.+?)'?: *$/.exec(question) ?? [];
    if (key === undefined) return await this.#ask(question.replace(/:?\s*$/, ""));
    const known = await this.#passphrases.get(key)?.catch(() => undefined);
    if (known !== undefined && !refused.includes(known)) return known;
    const asking = this.#ask(`${refused.length === 0 ? "" : "Wrong. "}Passphrase of ${key}`);
    this.#passphrases.set(key, asking);
    return await asking;
  }

  async #ask(question: string): Promise<string> {
    const turn = this.#turn.then(() => this.#prompt(question));
    this.#turn = turn.catch(() => undefined);
    const answer = await turn;
    this.#redactor.conceal(answer, "answer");
    return answer;
  }
}

/** The way of one master's questions. */
export class Questions implements AsyncDisposable {
  readonly #folder: string;
  readonly #mark: string;
  readonly #asker: Asker;
  readonly #given = new Map<string, string[]>();
  readonly #on: { asking(work: Promise<void>): void; told(text: string): void };
  #pipe: FileHandle | undefined;

  /**
   * @param folder the master's own
   * @param mark what no host can know
   * @param on `asking`: somebody is being asked until the promise settles; `told`: OpenSSH says something, such as that a security key is to be touched
   */
  constructor(folder: string, mark: string, asker: Asker, on: { asking(work: Promise<void>): void; told(text: string): void }) {
    this.#folder = folder;
    this.#mark = mark;
    this.#asker = asker;
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
    if (!line.startsWith(`${this.#mark} `)) return false;
    const [, kind = "", asked = ""] = /^\S+ (\S+) (.*)$/.exec(line) ?? [];
    // OpenSSH passes on what a host wants to have asked.
    const question = asked.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, " ").trim();
    if (kind === "none") this.#on.told(question);
    else this.#on.asking(this.#answer(`${question}${question.endsWith(":") ? " " : ""}`));
    return true;
  }

  async #answer(question: string): Promise<void> {
    const refused = this.#given.get(question) ?? [];
    const answer = await this.#asker.answer(question, refused).catch(() => "");
    this.#given.set(question, [...refused, answer]);
    // Opened for both directions it neither waits for a reader nor fails without one.
    this.#pipe ??= await open(join(this.#folder, "answer"), constants.O_RDWR);
    await this.#pipe.write(`${answer}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pipe?.close();
  }
}
