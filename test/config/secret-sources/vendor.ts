import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { byKey, type Managers, passwordManagers } from "../../../lib/config/secret-sources/managers.ts";
import { quote } from "../../../lib/ground/command.ts";
import { systemClock } from "../../../lib/world/clock.ts";
import { createPrograms } from "../../../lib/world/programs.ts";
import { createRedactor } from "../../../lib/world/redact.ts";

/** What a stand-in answers: standard output, data to print as JSON, or an exit status with a line of standard error. */
export type Answer = string | readonly unknown[] | Readonly<Record<string, unknown>> | { readonly status: number; readonly stderr?: string };
/** Answers by arguments joined with blanks: the first call gets the first answer, the last answer counts for all further calls. */
export type Rules = Readonly<Record<string, Answer | { readonly each: readonly Answer[] }>>;

const folders: string[] = [];
/** Takes all stand-ins away. */
export function removeVendors(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Answers one after another. */
export const each = (...answers: readonly Answer[]): { readonly each: readonly Answer[] } => ({ each: answers });
/** A call that fails. */
export const fails = (stderr = "no", status = 1): Answer => ({ status, stderr });

/** A program on PATH that records how it is called and answers from a table; without one it ends with status 64. */
export class Vendor {
  readonly folder: string;
  readonly env: Record<string, string>;

  /** @param variables environment to record with each call */
  constructor(program: string, rules: Rules, variables: readonly string[] = []) {
    this.folder = mkdtempSync(join(tmpdir(), "capstan-vendor-"));
    folders.push(this.folder);
    mkdirSync(join(this.folder, "bin"));
    this.env = { PATH: `${join(this.folder, "bin")}:/usr/bin:/bin` };
    const cases = Object.entries(rules).map(([args, given], rule) => {
      const answers = (isEach(given) ? given.each : [given]);
      answers.forEach((answer, i) => this.#write(`${rule}.${i}`, answer));
      return `${quote(args) || "''"}) answer ${rule} ${answers.length - 1};;`;
    });
    const record = [...variables.map((name) => `printf '%s\\037' "${name}=$${name}"`), `for a in "$@"; do printf '%s\\037' "$a"; done`, `printf '\\036'`].join("\n");
    const script = `#!/bin/sh
cd ${quote(this.folder)} || exit 70
{ ${record}
} >> calls
answer() {
  n=0; [ -f "$1.count" ] && read -r n < "$1.count"
  echo $((n + 1)) > "$1.count"
  [ "$n" -gt "$2" ] && n=$2
  cat "$1.$n.out"; cat "$1.$n.err" >&2; read -r status < "$1.$n.status"; exit "$status"
}
case "$*" in
${cases.join("\n")}
esac
echo "unexpected: $*" >&2
exit 64
`;
    writeFileSync(join(this.folder, "bin", program), script);
    chmodSync(join(this.folder, "bin", program), 0o755);
  }

  #write(name: string, answer: Answer): void {
    const failed = typeof answer === "object" && "status" in answer && "stderr" in answer ? answer : undefined;
    writeFileSync(join(this.folder, `${name}.out`), failed !== undefined ? "" : typeof answer === "string" ? answer : JSON.stringify(answer));
    writeFileSync(join(this.folder, `${name}.err`), String(failed?.stderr ?? ""));
    writeFileSync(join(this.folder, `${name}.status`), `${String(failed?.status ?? 0)}\n`);
  }

  /** The argument vectors so far, without the program; recorded variables that were set stand in front. */
  get calls(): readonly (readonly string[])[] {
    const path = join(this.folder, "calls");
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    return text.split("\x1e").slice(0, -1).map((call) => call.split("\x1f").slice(0, -1).filter((word) => !/^[A-Z_]+=$/.test(word)));
  }

  managers(env: Readonly<Record<string, string>> = {}): Managers {
    const all = { ...this.env, ...env };
    return passwordManagers({ programs: createPrograms({ env: all, cwd: this.folder, redactor: createRedactor(), clock: systemClock }), env: all, cwd: this.folder });
  }

  /** The values by key. */
  async read(request: Parameters<Managers["read"]>[0], env?: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
    return byKey(await this.managers(env).read(request));
  }
}

const isEach = (given: Rules[string]): given is { readonly each: readonly Answer[] } => typeof given === "object" && "each" in given && Array.isArray(given.each);

/** Values that a shell, JSON or a careless parser would break. */
export const odd = `it's "quoted" $HOME \`id\` \\n \\ é 日本 {"a":"b \\"c\\""}\nsecond line\t‹secret X›\n`;
