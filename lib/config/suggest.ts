/** The candidate that was probably meant, or undefined when none is near: same letters, or few of them wrong. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  // Nobody meant a key by that, and to compare letters takes long.
  if (word.length > 100) return undefined;
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[_-]/g, "");
  const same = candidates.find((candidate) => plain(candidate) === plain(word));
  if (same !== undefined) return same;
  const near = candidates.map((candidate) => ({ candidate, edits: edits(plain(word), plain(candidate)) })).sort((a, b) => a.edits - b.edits)[0];
  return near !== undefined && near.edits <= Math.max(1, Math.floor(word.length / 3)) ? near.candidate : undefined;
}

/** How many letters must be added, taken away, replaced or swapped with their neighbour. */
function edits(from: string, to: string): number {
  const rows = Array.from({ length: from.length + 1 }, (_, i) => [i, ...new Array<number>(to.length).fill(0)]);
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let j = 0; j <= to.length; j++) (rows[0] ?? [])[j] = j;
  for (let i = 1; i <= from.length; i++) {
    for (let j = 1; j <= to.length; j++) {
      const replaced = at(i - 1, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      (rows[i] ?? [])[j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced, swapped);
    }
  }
  return at(from.length, to.length);
}
