/** One line of ssh_config, taken apart. */
export interface ConfigLine {
  readonly line: number;
  /** Lower case. */
  readonly keyword: string;
  readonly words: readonly string[];
  /** What follows the keyword, as written: commands are taken so. */
  readonly rest: string;
}

/** Takes a file of ssh_config(5) apart: `keyword words`, `keyword=words`, quotes, comments. */
export function configLines(text: string): ConfigLine[] {
  return text.split("\n").flatMap((whole, i) => {
    const [, keyword, rest = ""] = /^\s*([^\s#=][^\s=]*)(?:\s*=\s*|\s+|$)(.*?)\s*$/s.exec(whole) ?? [];
    return keyword === undefined ? [] : [{ line: i + 1, keyword: keyword.toLowerCase(), words: words(rest), rest }];
  });
}

/** Words as OpenSSH splits them: quotes of both kinds, a backslash before a quote or a backslash, a `#` at the start of a word ends the line. */
function words(text: string): string[] {
  const found: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    const next = text.charAt(i + 1);
    if (char === "\\" && (next === '"' || next === "'" || next === "\\" || (quote === "" && next === " "))) {
      word = (word ?? "") + next;
      i++;
    } else if (quote !== "") {
      if (char === quote) quote = "";
      else word = (word ?? "") + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= "";
    } else if (char === " " || char === "\t") {
      if (word !== undefined) found.push(word);
      word = undefined;
    } else if (char === "#" && word === undefined) {
      return found;
    } else word = (word ?? "") + char;
  }
  return word === undefined ? found : [...found, word];
}

/** Whether a name fits a pattern with `*` and `?`. Never slow, whatever the pattern. */
export function fits(pattern: string, name: string): boolean {
  let [p, n, star, mark] = [0, 0, -1, 0];
  while (n < name.length) {
    const char = pattern.charAt(p);
    if (char === "*") [star, mark, p] = [p, n, p + 1];
    else if (p < pattern.length && (char === "?" || char === name.charAt(n))) [p, n] = [p + 1, n + 1];
    else if (star !== -1) [p, mark, n] = [star + 1, mark + 1, mark + 1];
    else return false;
  }
  while (pattern.charAt(p) === "*") p++;
  return p === pattern.length;
}

/** Whether a name fits one of several patterns, and none with a `!` before it. Source: ssh_config(5), PATTERNS. */
export function fitsAny(patterns: readonly string[], name: string): boolean {
  const [against, plain] = [patterns.filter((pattern) => pattern.startsWith("!")), patterns.filter((pattern) => !pattern.startsWith("!"))];
  return !against.some((pattern) => fits(pattern.slice(1), name)) && plain.some((pattern) => fits(pattern, name));
}
