/**
 * The known word nearest to what was typed, or undefined when none is near: at most a third of its letters are wrong.
 * Two letters that changed places count as one mistake. `_` and `-` are the same.
 */
export function nearest(typed: string, known: Iterable<string>): string | undefined {
  // Nobody meant a name by that, and to compare letters takes long.
  if (typed.length > 100) return undefined;
  const word = plainWord(typed);
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of known) {
    const distance = distanceOf(word, plainWord(name));
    if (distance <= Math.max(1, Math.floor(Math.max(word.length, name.length) / 3)) && distance < (best?.distance ?? Infinity)) best = { name, distance };
  }
  return best?.name;
}

const plainWord = (word: string): string => word.toLowerCase().replaceAll("_", "-");

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
function distanceOf(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? 0;
}
