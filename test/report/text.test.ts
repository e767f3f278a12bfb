import { describe, expect, test } from "bun:test";
import { elapsed, ticking } from "../../lib/report/elapsed.ts";
import { hostOutput } from "../../lib/report/host-output.ts";
import { jsonLine } from "../../lib/report/json.ts";
import { listed } from "../../lib/report/names.ts";
import { printable, printableText } from "../../lib/report/printable.ts";
import { createStyle, plain, wantsColour } from "../../lib/report/style.ts";
import { fitted, padded, table } from "../../lib/report/table.ts";

describe("printable()", () => {
  test.each<[string, string, string]>([
    ["colours", "\x1b[1;31mred\x1b[0m", "red"],
    ["a cleared screen", "a\x1b[2J\x1b[Hb", "ab"],
    ["a window title", "\x1b]0;owned\x07a", "a"],
    ["a link", "\x1b]8;;x:y\x1b\\a\x1b]8;;\x1b\\", "a"],
    ["8-bit sequences", "a\x9b31mb", "ab"],
    ["an escape that begins nothing", "a\x1b", "a"],
    ["bell, backspace and delete", "a\x07\x08\x7f", "a\\x07\\x08\\x7f"],
    ["text that is reordered", "a\u202eb\u2066c", "a\\u202eb\\u2066c"],
    ["tabs", "a\tb", "a\tb"],
    ["the end of a DOS line", "a\r", "a"],
    ["a progress bar", "10%\r50%\r100%\r", "100%"],
    ["other scripts and emoji", "日本 ✓ 👩‍💻", "日本 ✓ 👩‍💻"],
  ])("makes harmless: %s", (_, line, expected) => expect(printable(line)).toBe(expected));
});

test("printableText() keeps lines apart", () => expect(printableText("a\r\n\x1b[1mb")).toBe("a\nb"));

describe("wantsColour()", () => {
  test.each<[Record<string, string>, boolean, boolean]>([
    [{}, true, true], [{}, false, false],
    [{ NO_COLOR: "1" }, true, false], [{ NO_COLOR: "" }, true, true],
    [{ FORCE_COLOR: "1" }, false, true], [{ FORCE_COLOR: "0" }, true, false], [{ FORCE_COLOR: "3", TERM: "dumb" }, false, true],
    [{ NO_COLOR: "1", FORCE_COLOR: "1" }, true, false],
    [{ TERM: "dumb" }, true, false],
  ])("for %j on a terminal (%p) is %p", (env, terminal, expected) => expect(wantsColour(env, terminal)).toBe(expected));
});

test("createStyle() colours also where the process itself would not", () => expect(createStyle(true).red("x")).toBe("\x1b[31mx\x1b[39m"));

test("table() aligns columns by what is seen, not by length", () => {
  expect(table([["host", "version"], ["\x1b[31mweb-1\x1b[39m", "77"], ["日本", "76", "stopped"]])).toEqual(["host   version", "\x1b[31mweb-1\x1b[39m  77", "日本   76       stopped"]);
  expect(table([["a", ""], ["bb", "c"]])).toEqual(["a", "bb  c"]);
  expect(table([])).toEqual([]);
});

test("padded() and fitted() count columns", () => {
  expect(padded("日", 4)).toBe("日  ");
  expect(fitted("Start shop", 7)).toBe("Start …");
  expect(fitted("\x1b[31mStart shop\x1b[39m", 7)).toBe("\x1b[31mStart …\x1b[39m");
  expect(fitted("short", 7)).toBe("short");
});

test.each([[0, "0.0 s"], [440, "0.4 s"], [12_340, "12.3 s"], [59_990, "1 min 00 s"], [125_400, "2 min 05 s"], [3_725_000, "62 min 05 s"]])("elapsed(%p) is %p", (ms, expected) => expect(elapsed(ms)).toBe(expected));
test.each([[-5, "0 s"], [7_900, "7 s"], [125_000, "2:05"]])("ticking(%p) is %p", (ms, expected) => expect(ticking(ms)).toBe(expected));

test("listed() names the first of many", () => {
  expect(listed(["a", "b"])).toBe("a, b");
  expect(listed(["a", "b", "c", "d"], 3)).toBe("a, b and 2 more");
});

test("jsonLine() puts the version first and escapes every control character", () => {
  expect(jsonLine({ type: "text", text: "a\x1b\x9b\x7f\u2028‹x›" })).toBe('{"v":1,"type":"text","text":"a\\u001b\\u009b\\u007f\\u2028‹x›"}');
});

test("hostOutput() puts a header over what a host answered", () => {
  expect(hostOutput("App", "web-1", "77\n", { style: plain, quiet: false })).toBe("App Host: web-1\n77\n");
  expect(hostOutput("App", "web-1", "77\n\x1b[31mx\n\n", { style: plain, quiet: true })).toBe("77\nx");
  expect(hostOutput("App", "web-1", "\x1b[31mx\n", { style: plain, quiet: false, raw: true })).toBe("\x1b[31mx\n");
});
