import { Command, sh } from "../ground/command.ts";
import { Secret } from "../ground/secret.ts";
import { sentBytes } from "../ground/sent.ts";

/** One command of a batch. */
export interface BatchItem {
  readonly command: Command;
  /** Go on with the next one even when it fails. */
  readonly optional: boolean;
  /** Asked before it, with the same input; status 0: it is left out, and counts as done. */
  readonly unless?: Command;
  /** Asked when it fails; status 0: it counts as done. */
  readonly passIf?: Command;
  /** Where what came before it took longer than {@link briefSeconds}, the batch ends instead: it is to be sent again. */
  readonly ifBrief?: boolean;
}

/** How long the beginning of a batch may take where what follows is only for a brief one. A fraction of the time after which a lock is another's. */
export const briefSeconds = 3;

/** The longest script that is sent at once: Linux allows 128 KiB in one argument. */
const maxScriptBytes = 90_000;

/** Cuts items into batches whose script fits into one argument. */
export function chunks<I extends BatchItem>(items: readonly I[]): I[][] {
  const cut: I[][] = [];
  let length = 0;
  for (const item of items) {
    const last = cut.at(-1);
    const bytes = [item.command, item.unless, item.passIf].reduce((sum, part) => sum + sentBytes(part?.text ?? ""), 0);
    if (last === undefined || length + bytes > maxScriptBytes) {
      cut.push([item]);
      length = 0;
    } else {
      last.push(item);
    }
    length += bytes + 250;
  }
  return cut;
}

const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");

/** Name of the variable that keeps the record of a batch, in the environment of a process that does nothing else. */
export const recordName = "CAPSTAN_DID";
/** How long that process waits to be asked. */
const lingerSeconds = 120;

/** Tells seconds without starting a program: Linux has them in a file. */
const clock = sh`look() { IFS=. read -r now _ < /proc/uptime || now=; }
look
begun=$now
`;

/**
 * Many commands as one script, so that a host does a whole lane in one round trip. Between commands it prints a mark
 * with the status, on both streams; it stops at the first failure, and at the next mark after a TERM. Inputs travel on
 * standard input, one base64 line each, in order: `read` and `printf` are built into every shell, so no process ever has
 * them as an argument. Nearly every command makes sure of a folder that is there, or of a file that is gone: the shell sees that by itself, without starting a program.
 *
 * At its end it says so and reads one more line: whoever sends it has seen how every command ended. Without that line,
 * or once nobody reads what it prints, or after a USR1, it begins no other command and leaves a process behind that has
 * the statuses in its environment, for two minutes: no file, nothing on a disk that may be full. `record.ts` asks for them.
 * It says so twice: who scrubs secrets from output holds back an end that may be the beginning of one.
 * @param mark hex digits that no output holds by accident
 * @param question asked once all is done: its answer stands between the mark `asked` and the end
 */
export function batchScript(items: readonly BatchItem[], mark: string, question?: Command): Command {
  const head = sh`stop= did=
trap 'stop=1' TERM
trap 'stop=away' PIPE USR1
m() { printf ${`\\036${mark} %s %s\\036`} "$1" "$2"; printf ${`\\036${mark} %s %s\\036`} "$1" "$2" >&2; }
over() {
  m over 0
  m over 0
  [ "$stop" = away ] || { IFS= read -r ack && exit 0; }
  trap '' PIPE USR1
  env ${recordName}=${mark}:"$did". sleep ${lingerSeconds} < /dev/null > /dev/null 2>&1 &
  exit 0
}
mkdir() { [ "$1" = -p ] && [ $# -eq 2 ] && [ -d "$2" ] || command mkdir "$@"; }
rm() {
  [ "$1" = -f ] || { command rm "$@"; return; }
  for capstan_path do [ ! -e "$capstan_path" ] && [ ! -L "$capstan_path" ] || { command rm "$@"; return; }; done
}
${items.some(({ ifBrief }) => ifBrief === true) ? clock : []}m pid $$
`;
  const body = items.map(({ command, optional, unless, passIf, ifBrief }, i) => {
    const take = command.input === undefined ? new Command("") : new Command("IFS= read -r input || over\n");
    const feed = command.input === undefined ? new Command("") : new Command(`printf %s "$input" | base64 -d | `);
    const quiet = command.input === undefined ? new Command(" </dev/null") : new Command("");
    const need = unless === undefined ? new Command("") : sh`${feed}(
${unless}
)${quiet} > /dev/null 2>&1 || `;
    const pass = passIf === undefined ? new Command("") : sh`[ $s -eq 0 ] || (
${passIf}
) </dev/null > /dev/null 2>&1 && s=0
`;
    const guard = optional ? new Command("") : new Command(`[ $s -eq 0 ] || over\n`);
    const brief = ifBrief === true ? sh`look
[ -n "$now" ] && [ $((now - begun)) -lt ${briefSeconds} ] || over
` : new Command("");
    return sh`[ -z "$stop" ] || over
${brief}${take}${need}${feed}(
${command}
)${quiet}
s=$?
${pass}did="$did$s "
m ${i} $s
${guard}`.text;
  });
  const inputs = items.flatMap(({ command: { input } }) => (input === undefined ? [] : [typeof input === "string" ? base64(input) : input.map(input.name, base64), "\n"]));
  const asked = question === undefined ? "" : sh`[ -z "$stop" ] || over
m asked 0
(
${question}
) </dev/null 2> /dev/null
`.text;
  return new Command([head.text, ...body, asked, "over\n"].join(""), inputs.length === 0 ? undefined : Secret.join("inputs of the batch", inputs));
}

/** What a mark says: the number of the shell; that a command has ended; that the answer to the question follows; that the script has come to its end. */
export type Mark = { readonly kind: "pid"; readonly pid: number } | { readonly kind: "end"; readonly index: number; readonly status: number } | { readonly kind: "asked" | "over" };

/** Splits one stream of a batch into output and marks, whatever way it was cut into pieces. */
export class MarkReader {
  readonly #mark: string;
  #pending = "";

  constructor(mark: string) {
    this.#mark = mark;
  }

  /** The pieces that are complete: text between marks, and marks, in order. */
  feed(text: string): readonly (string | Mark)[] {
    const found: (string | Mark)[] = [];
    const start = `\x1e${this.#mark} `;
    let rest = this.#pending + text;
    /** Where what has not been handed on begins, and where to look for the next mark: what only looks like one is output. */
    let [from, look] = [0, 0];
    for (;;) {
      const at = rest.indexOf(start, look);
      if (at < 0) break;
      const said = rest.slice(at + start.length, at + start.length + longestMark);
      const mark = markIn(said);
      if (mark === undefined && mayBecomeMark(said)) break;
      look = at + start.length;
      if (mark === undefined) continue;
      if (at > from) found.push(rest.slice(from, at));
      found.push(mark);
      from = look = look + said.indexOf("\x1e") + 1;
    }
    rest = rest.slice(from);
    look -= from;
    const cut = unfinished(rest, start, look);
    if (cut > 0) found.push(rest.slice(0, cut));
    this.#pending = rest.slice(cut);
    return found;
  }
}

/** Where a mark begins whose end has not come yet; the length of the text when there is none. @param look nothing before it is one */
function unfinished(text: string, start: string, look: number): number {
  const at = text.indexOf(start, look);
  if (at >= 0) return at;
  for (let from = Math.max(look, text.length - start.length); from < text.length; from++) if (start.startsWith(text.slice(from))) return from;
  return text.length;
}

/** What may stand between the sign of the mark and its end, with the end. */
const longestMark = 24;
const whole = /^(?:(asked|over) 0|pid ([1-9]\d{0,9})|(\d{1,6}) (\d{1,3}))\x1e/;
const begun = /^(?:a(?:s(?:k(?:e(?:d(?: 0?)?)?)?)?)?|o(?:v(?:e(?:r(?: 0?)?)?)?)?|p(?:i(?:d(?: (?:[1-9]\d{0,9})?)?)?)?|\d{1,6}(?: \d{0,3})?)?$/;

const mayBecomeMark = (text: string): boolean => text.length < longestMark && begun.test(text);

/** The mark at the beginning of a text. A host's own programs know the sign and may print what they like behind it: only what {@link batchScript} prints counts. */
function markIn(text: string): Mark | undefined {
  const [match, moment, pid, index, status] = whole.exec(text) ?? [];
  if (match === undefined) return undefined;
  if (moment === "asked" || moment === "over") return { kind: moment };
  if (pid === undefined) return { kind: "end", index: Number(index), status: Number(status) };
  return Number(pid) > 1 ? { kind: "pid", pid: Number(pid) } : undefined;
}
