/**
 * Tells which files of a folder are in its build context.
 * @param text what `.dockerignore` says
 * @returns whether the file of a path, with slashes and relative to the folder, is sent to the builder
 * Source of the rules: "Build context", .dockerignore files, in Docker's documentation; the last pattern that matches the file or a folder above it decides.
 */
export function contextFilter(text: string): (path: string) => boolean {
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  // The last of equal ones counts.
  const patterns = [...new Set(lines.toReversed())].toReversed().map(patternOf);
  return (path) => {
    const letters = [...path];
    return patterns.findLast(({ tokens }) => tokens !== undefined && isFor(tokens, letters))?.sent ?? true;
  };
}

/** A piece of a pattern: one letter, `*`, `**` at the end, or `**` and a slash. */
type Token = ((letter: string) => boolean) | "star" | "rest" | "folders";

function patternOf(line: string): { readonly tokens: readonly Token[] | undefined; readonly sent: boolean } {
  const sent = line.startsWith("!");
  const parts = (sent ? line.slice(1).trim() : line).split("/").filter((part) => part !== "" && part !== ".");
  const clean = parts.reduce<string[]>((way, part) => {
    if (part === "..") way.pop();
    else way.push(part);
    return way;
  }, []).join("/");
  return { tokens: tokensOf(clean), sent };
}

const glob = /\*\*\/?|\*|\?|\\.|\[[^\]]{0,200}\]|[^*?\\[]/gsu;

/** The pieces of a pattern; undefined for one that nobody can read, which matches nothing here: the builder refuses it in its own words. */
function tokensOf(pattern: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  let end = 0;
  for (const { 0: piece, index } of pattern.matchAll(glob)) {
    if (index !== end) return undefined;
    end += piece.length;
    const token = tokenOf(piece, end === pattern.length);
    if (token === undefined) return undefined;
    if (typeof token !== "string" || token !== tokens.at(-1)) tokens.push(token);
  }
  return end === pattern.length ? tokens : undefined;
}

function tokenOf(piece: string, isLast: boolean): Token | undefined {
  if (piece.startsWith("**")) return isLast ? "rest" : "folders";
  if (piece === "*") return "star";
  if (piece === "?") return (letter) => letter !== "/";
  if (piece.length > 1 && piece.startsWith("[")) {
    const set = setOf(piece);
    return set === undefined ? undefined : (letter) => set.test(letter);
  }
  const wanted = piece.startsWith("\\") ? piece.slice(1) : piece;
  return (letter) => letter === wanted;
}

function setOf(piece: string): RegExp | undefined {
  try {
    return new RegExp(`^${piece}$`, "u");
  } catch {
    return undefined;
  }
}

/**
 * Whether a pattern is for a file or for a folder above it. Follows all ways through the pattern at once: trying them one after another, as a
 * regular expression does, can take for ever.
 */
function isFor(tokens: readonly Token[], letters: readonly string[]): boolean {
  // True where the tokens so far can end, before each letter and behind the last one.
  let ends = letters.map((_, i) => i === 0).concat(letters.length === 0);
  for (const token of tokens) {
    if (!ends.includes(true)) return false;
    let folder = false;
    const next: boolean[] = [];
    for (const [i, here] of ends.entries()) {
      const [before, cameTo] = [letters[i - 1] ?? "", i > 0 && next[i - 1] === true];
      if (token === "star") next.push(here || (cameTo && before !== "/"));
      else if (token === "rest") next.push(here || cameTo);
      else if (token === "folders") next.push(here || (folder && before === "/"));
      else next.push(i > 0 && ends[i - 1] === true && token(before));
      folder ||= here;
    }
    ends = next;
  }
  return ends.some((here, i) => here && (i === letters.length || letters[i] === "/"));
}
