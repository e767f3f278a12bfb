import { expect, test } from "bun:test";
import { parseDuration } from "../../lib/ground/duration.ts";

test.each([["0s", 0], ["90s", 90], ["2m", 120], ["1h", 3600]])("parseDuration(%p) is %p seconds", (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each(["", "30", "s", "1.5m", "-3s", "2 m", "10ms", "1d", "1m30s"])("parseDuration(%p) is undefined", (text) => {
  expect(parseDuration(text)).toBeUndefined();
});
