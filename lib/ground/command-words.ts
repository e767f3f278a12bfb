/** The commands among `names` that a typed word means: itself, else those it is the beginning of. `_` is `-`. */
export function commandsMeant(typed: string, names: readonly string[]): readonly string[] {
  const word = typed.replaceAll("_", "-");
  if (names.includes(word)) return [word];
  return word === "" ? [] : names.filter((name) => name.startsWith(word));
}
