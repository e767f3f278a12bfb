/**
 * Tells which files of a folder are in its build context.
 * @param text what `.dockerignore` says
 * @returns whether the file of a path, with slashes and relative to the folder, is sent to the builder
 * Source of the rules: "Build context", .dockerignore files, in Docker's documentation; the last pattern that matches the file or a folder above it decides.
 */
export function contextFilter(text: string): (path: string) => boolean {
  const patterns = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#")).map(patternOf);
  return (path) => {
    const folders = path.split("/");
    const ways = folders.map((_, i) => folders.slice(0, i + 1).join("/"));
    return patterns.findLast(({ regex }) => ways.some((way) => regex.test(way)))?.sent ?? true;
  };
}

function patternOf(line: string): { readonly regex: RegExp; readonly sent: boolean } {
  const sent = line.startsWith("!");
  const parts = (sent ? line.slice(1).trim() : line).split("/").filter((part) => part !== "" && part !== ".");
  const clean = parts.reduce<string[]>((way, part) => (part === ".." ? way.slice(0, -1) : [...way, part]), []).join("/");
  return { regex: compiled(`^${clean.replaceAll(glob, code)}$`), sent };
}

/** A pattern that nobody can read matches nothing here: the builder refuses it in its own words. */
function compiled(source: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch {
    return /^(?!)/;
  }
}

const glob = /\*\*\/?|\*|\?|\\.|\[[^\]]*\]|[^*?\\[]/gu;

/** One piece of a pattern as a regular expression. */
function code(piece: string, offset: number, whole: string): string {
  if (piece.startsWith("**")) return offset + piece.length === whole.length ? ".*" : "(?:.*/)?";
  if (piece === "*") return "[^/]*";
  if (piece === "?") return "[^/]";
  if (piece.length > 1 && piece.startsWith("[")) return piece;
  return (piece.startsWith("\\") ? piece.slice(1) : piece).replace(/[\\^$.*+?()[\]{}|/]/u, String.raw`\$&`);
}
