import { fewHosts } from "./crowd.ts";
import { listed } from "./names.ts";

/** Places whose answers are one: at least one. */
export interface Answered<T> {
  readonly first: T;
  /** How the place is named, or all of them: `web-1, web-2 and 196 more (198 hosts)`. */
  readonly places: string;
}

/**
 * Puts equal answers together where many were asked, those that most gave first, so that the odd ones stand at the end, by name. Up to ten are left one by
 * one, in their order.
 * @param whereOf how the place of an answer is named; @param whatOf the answer as far as it is to be the same
 */
export function together<T>(answers: readonly T[], whereOf: (answer: T) => string, whatOf: (answer: T) => string): readonly Answered<T>[] {
  if (answers.length <= fewHosts) return answers.map((first) => ({ first, places: whereOf(first) }));
  const groups = [...Map.groupBy(answers, whatOf).values()].toSorted((a, b) => b.length - a.length);
  return groups.flatMap((group): Answered<T>[] => {
    const [first] = group;
    if (first === undefined) return [];
    return [{ first, places: group.length === 1 ? whereOf(first) : `${listed(group.map(whereOf), 5)} (${group.length} with the same answer)` }];
  });
}
