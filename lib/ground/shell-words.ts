/**
 * Splits a command line into words as a POSIX shell does: blanks separate, quotes and backslashes keep together. Nothing is
 * expanded, and marks of the shell such as `|` and `$` are ordinary letters. Written here since the packages for it also read
 * operators, comments and variables, which must stay text.
 * @returns undefined when a quote is not closed, or a backslash is the last letter
 */
export function shellWords(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  const part = /(?<blanks>\s+)|'(?<single>[^']*)'|"(?<double>(?:\\[\s\S]|[^"\\])*)"|\\(?<escaped>[\s\S])|(?<plain>[^\s'"\\]+)/y;
  while (part.lastIndex < text.length) {
    const groups = part.exec(text)?.groups;
    if (groups === undefined) return undefined;
    const { blanks, single, double, escaped, plain } = groups;
    if (blanks === undefined) word = (word ?? "") + (single ?? double?.replaceAll(/\\(["$`\\])/g, "$1").replaceAll("\\\n", "") ?? escaped?.replace("\n", "") ?? plain ?? "");
    else if (word !== undefined) words.push(word);
    if (blanks !== undefined) word = undefined;
  }
  return word === undefined ? words : [...words, word];
}
