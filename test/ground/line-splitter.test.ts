import { expect, test } from "bun:test";
import { LineSplitter } from "../../lib/ground/line-splitter.ts";

test.each([
  [["a\nb\n"], ["a", "b"]],
  [["a", "b\nc", "\n\nd"], ["ab", "c", "", "d"]],
  [[""], []],
  [["no break"], ["no break"]],
])("LineSplitter makes lines of %j", (pieces, lines) => {
  const told: string[] = [];
  const splitter = new LineSplitter((line) => told.push(line));
  for (const piece of pieces) splitter.feed(piece);
  splitter.end();
  expect(told).toEqual(lines);
});
