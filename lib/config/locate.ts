/**
 * Finds keys in the source of a config without evaluating it: object literals are followed key by key, anything else is skipped.
 * An answer is a help for the reader and may be missing, when a value comes from elsewhere.
 */

/** Keys and list positions from the root of a config. */
export type Path = readonly (string | number)[];

interface Token {
  readonly kind: "name" | "string" | "mark";
  /** The name, the content of the string, or the mark. */
  readonly text: string;
  readonly at: number;
}

/** In longer files no places are found: that would take longer than to find them by hand. */
const mostChars = 100_000;
const mostTokens = 20_000;

/** Where the longest beginning of `path` stands in `source`, and how many of its parts were found; undefined when not even the first one was. */
export function locate(source: string, path: Path): { readonly offset: number; readonly depth: number } | undefined {
  const tokens = source.length > mostChars ? [] : tokensOf(source);
  if (tokens.length > mostTokens) return undefined;
  const exported = tokens.findIndex(({ text }, i) => text === "export" && tokens[i + 1]?.text === "default");
  const opens = tokens.flatMap(({ kind, text }, i) => (kind === "mark" && text === "{" ? [i] : []));
  const ordered = [...opens.filter((i) => i > exported), ...opens.filter((i) => i < exported)];
  let best: { offset: number; depth: number } | undefined;
  for (const open of ordered) {
    const found = follow(tokens, open, path);
    if (found !== undefined && found.depth > (best?.depth ?? 0)) best = found;
  }
  return best;
}

function follow(tokens: readonly Token[], open: number, path: Path): { offset: number; depth: number } | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return undefined;
  const entry = typeof first === "number" ? items(tokens, open)[first] : entries(tokens, open).find(({ key }) => key === first);
  const token = entry === undefined ? undefined : tokens[entry.at];
  if (entry === undefined || token === undefined) return undefined;
  const deeper = entry.value === undefined ? undefined : follow(tokens, entry.value, rest);
  return deeper === undefined ? { offset: token.at, depth: 1 } : { offset: deeper.offset, depth: deeper.depth + 1 };
}

/** `value` is the index of the first token of the value. */
interface Entry { readonly key?: string; readonly at: number; readonly value: number | undefined }

const isMark = (token: Token | undefined, ...marks: readonly string[]): boolean => token?.kind === "mark" && marks.includes(token.text);

function entries(tokens: readonly Token[], open: number): Entry[] {
  if (!isMark(tokens[open], "{")) return [];
  return parts(tokens, open).flatMap((at): Entry[] => {
    const key = tokens[at];
    if (key === undefined || key.kind === "mark") return [];
    const next = tokens[at + 1];
    if (isMark(next, ":")) return [{ key: key.text, at, value: at + 2 }];
    if (isMark(next, "(", ",", "}")) return [{ key: key.text, at, value: undefined }];
    // `async postDeploy() {}`
    return next?.kind === "name" ? [{ key: next.text, at: at + 1, value: undefined }] : [];
  });
}

function items(tokens: readonly Token[], open: number): Entry[] {
  return isMark(tokens[open], "[") ? parts(tokens, open).map((at) => ({ at, value: at })) : [];
}

/** Where the parts between commas begin. */
function parts(tokens: readonly Token[], open: number): number[] {
  const begins: number[] = [];
  let depth = 0;
  let fresh = true;
  for (let i = open + 1; i < tokens.length; i++) {
    if (depth === 0 && isMark(tokens[i], "}", "]", ")")) break;
    if (fresh) begins.push(i);
    fresh = depth === 0 && isMark(tokens[i], ",");
    if (isMark(tokens[i], "{", "[", "(")) depth++;
    if (isMark(tokens[i], "}", "]", ")")) depth--;
  }
  return begins;
}

const patterns = /\s+|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|(?<string>"(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?)|(?<name>[\p{ID_Start}$_][\p{ID_Continue}$]*|\d[\w.]*)|(?<mark>[\s\S])/uy;

function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < source.length; ) {
    const literal = literalEnd(source, at, tokens.at(-1));
    patterns.lastIndex = at;
    const match = literal === undefined ? patterns.exec(source) : null;
    const { string, name, mark } = match?.groups ?? {};
    if (literal !== undefined) tokens.push({ kind: "string", text: source.slice(at + 1, literal - 1), at });
    else if (string !== undefined) tokens.push({ kind: "string", text: string.slice(1, -1), at });
    else if (name !== undefined) tokens.push({ kind: "name", text: name, at });
    else if (mark !== undefined) tokens.push({ kind: "mark", text: mark, at });
    at = literal ?? (match === null ? source.length : patterns.lastIndex);
  }
  return tokens;
}

/** Behind the template text or the regular expression that begins at `at`; undefined when there is none. */
function literalEnd(source: string, at: number, last: Token | undefined): number | undefined {
  if (source[at] === "`") return templateEnd(source, at);
  const isSlash = source[at] === "/" && source[at + 1] !== "/" && source[at + 1] !== "*";
  return isSlash && mayBeginValue(last) ? patternEnd(source, at) : undefined;
}

const mayBeginValue = (last: Token | undefined): boolean => last === undefined || (last.kind === "mark" && !/[)\]}]/.test(last.text)) || (last.kind === "name" && last.text === "return");

/** Behind a regular expression, or undefined when the line ends first. */
function patternEnd(source: string, at: number): number | undefined {
  const match = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/\w*/.exec(source.slice(at, at + 500));
  return match === null ? undefined : at + match[0].length;
}

/** Behind a template text that begins at `at`. */
function templateEnd(source: string, at: number): number {
  for (let i = at + 1; i < source.length; i++) {
    if (source[i] === "\\") i++;
    else if (source[i] === "`") return i + 1;
    else if (source[i] === "$" && source[i + 1] === "{") i = codeEnd(source, i + 2);
  }
  return source.length;
}

/** The `}` that ends the code of a template text. */
function codeEnd(source: string, at: number): number {
  let depth = 0;
  for (let i = at; i < source.length; i++) {
    if (source[i] === "`") i = templateEnd(source, i) - 1;
    else if (source[i] === "{") depth++;
    else if (source[i] === "}" && depth-- === 0) return i;
  }
  return source.length;
}
