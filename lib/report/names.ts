/** Names for a sentence: all of them up to `most`, else the first ones and how many more: `web-1, web-2 and 38 more`. */
export function listed(names: readonly string[], most = 6): string {
  return names.length <= most ? names.join(", ") : `${names.slice(0, most - 1).join(", ")} and ${names.length - most + 1} more`;
}

/** How many hosts, for a sentence: `1 host`, `3 hosts`. */
export function hostCount(count: number): string {
  return count === 1 ? "1 host" : `${count} hosts`;
}
