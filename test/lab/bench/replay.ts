/** What a recorded deploy was about. */
export interface Recorded {
  readonly calls: readonly (readonly string[])[];
  /** Version and container id, 12 hex digits, before and after it. */
  readonly from: { readonly version: string; readonly id: string };
  readonly to: { readonly version: string; readonly id: string };
}

/** Reads a record: the number of words and the words of each call, each with a NUL behind it. */
export function readRecord(text: string): readonly (readonly string[])[] {
  const words = text.split("\0");
  const calls: string[][] = [];
  for (let at = 0; at < words.length - 1;) {
    const count = Number(words[at]);
    calls.push(words.slice(at + 1, at + 1 + count));
    at += 1 + count;
  }
  return calls;
}

const isDeploy = (call: readonly string[]): boolean => call[0] === "exec" && call[3] === "deploy";
const isPull = (call: readonly string[]): boolean => call[0] === "pull";
const isRun = (call: readonly string[]): boolean => call[0] === "run";
const isStop = (call: readonly string[]): boolean => call[0] === "stop";

/** The least that a switch of versions needs: pull, run, switch of the proxy, stop. */
export const leastOf = (calls: readonly (readonly string[])[]): readonly (readonly string[])[] =>
  [isPull, isRun, isDeploy, isStop].flatMap((isSo) => calls.find(isSo) === undefined ? [] : [calls.find(isSo) ?? []]);

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/**
 * The same docker commands as a shell script, for other versions: bare, one after the other, without capstan or SSH.
 * @param password file with the password of the registry
 * @param oldId id of the container that is replaced
 */
export function replayScript(calls: Recorded["calls"], { from, to }: Recorded, versions: { readonly from: string; readonly to: string }, oldId: string, password: string): string {
  const word = (text: string): string => text.split(to.id).map((part) => part.split(from.id)
    .map((piece) => (piece === "" ? "" : quoted(piece.replaceAll(to.version, "\u0000").replaceAll(from.version, versions.from).replaceAll("\u0000", versions.to))))
    .join(oldId)).join('"$new"') || "''";
  const line = (call: readonly string[]): string => {
    const text = `docker ${call.map(word).join(" ")}`;
    if (isRun(call)) return `new=$(${text}) || exit\nnew=\${new%"\${new#????????????}"}`;
    const must = isPull(call) || isDeploy(call) || isStop(call) ? " || exit" : "";
    return `${text} ${call[0] === "login" ? `< ${quoted(password)} ` : "< /dev/null "}> /dev/null 2>&1${must}`;
  };
  return `${calls.map(line).join("\n")}\nexit 0\n`;
}
