import { expect, test } from "bun:test";
import { contextFilter } from "../../lib/build/ignore.ts";

test.each<[string, string, readonly string[], readonly string[]]>([
  ["nothing", "", ["a", "b/c"], []],
  ["comments and blank lines", "# a\n\n  \n", ["a"], []],
  ["a file", "a", ["b", "b/a"], ["a"]],
  ["a folder, with all that is in it", "/log/\n", ["log2", "x/log"], ["log", "log/a", "log/b/c"]],
  ["a star, which stops at a slash", "*.md", ["a.txt", "doc/a.md"], ["a.md", ".md"]],
  ["a question mark", "a?", ["a", "abc"], ["ab", "a."]],
  ["two stars", "**/*.log", ["a.logs"], ["a.log", "x/a.log", "x/y/a.log"]],
  ["two stars at the end", "tmp/**", ["tmp2/a"], ["tmp/a", "tmp/b/c"]],
  ["two stars in the middle", "a/**/z", ["a/y", "b/z"], ["a/z", "a/b/z", "a/b/c/z"]],
  ["a set of letters", "[ab].txt", ["c.txt"], ["a.txt", "b.txt"]],
  ["a letter that would be a pattern", String.raw`a\*`, ["ab"], ["a*"]],
  ["letters that are patterns elsewhere", "a+(b).c", ["aab.c", "a+(b)xc"], ["a+(b).c"]],
  ["an exception, last one wins", "*\n!a\n!b/\nb/c", ["a", "b/d"], ["c", "b/c"]],
  ["ways with dots", "./a/../b", ["a"], ["b"]],
  ["lines of Windows", "a\r\nb\r\n", ["c"], ["a", "b"]],
  ["a pattern that is none", "[", ["a", "["], []],
])("contextFilter() understands %s", (_title, text, sent, left) => {
  const filter = contextFilter(text);
  expect([...sent, ...left].filter(filter)).toEqual([...sent]);
});
