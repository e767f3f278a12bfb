import { isAlias, isCollection, isScalar, type Node } from "yaml";
import type { Comments } from "./node.ts";

/**
 * The comments of a key or an item: those right above it that begin where it begins, and the one behind its value. What stands apart
 * from any key, such as keys that were commented out, belongs to none.
 * @param begin the key, or the item
 */
export function commentsOf(text: string, begin: Node, value: Node | null): Comments | undefined {
  const lines = text.slice(0, begin.range?.[0] ?? 0).split("\n");
  const indent = /^([ ]*)(?:- +)*(?:[&!][^ ]+ +)*$/.exec(lines.at(-1) ?? "")?.[1]?.length;
  if (indent === undefined) return undefined;
  const above: string[] = [];
  let at = lines.length - 2;
  for (; at >= 0; at--) {
    const [, blanks, comment] = /^([ ]*)#(.*?)\s*$/.exec(lines[at] ?? "") ?? [];
    if (comment === undefined || blanks?.length !== indent) break;
    above.unshift(comment);
  }
  const spaced = at >= 0 && /^\s*$/.test(lines[at] ?? "");
  const end = value !== null && endsOnItsLine(value) ? value.range?.[1] : undefined;
  const behind = end === undefined ? undefined : /^[^\S\n]*,?[^\S\n]+#[^\S\n]*([^\n]*?)\s*(?:\n|$)/.exec(text.slice(end))?.[1];
  return above.length === 0 && behind === undefined && !spaced ? undefined : { above, behind, spaced };
}

const endsOnItsLine = (value: Node): boolean => isAlias(value) || (isScalar(value) && value.type?.startsWith("BLOCK") !== true) || (isCollection(value) && value.flow === true);
