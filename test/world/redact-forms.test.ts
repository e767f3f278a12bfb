import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Secret } from "../../lib/ground/secret.ts";
import { envFile, valuesFile } from "../../lib/remote/envfile.ts";
import { createRedactor } from "../../lib/world/redact.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const wrapped = (text: string, columns: number, indent = ""): string => text.match(new RegExp(`.{1,${columns}}`, "g"))?.join(`\n${indent}`) ?? "";

/** Every way in which a program may print a value. */
const printings: Readonly<Record<string, (value: string, before: string, behind: string) => string>> = {
  "as it is": (value) => value,
  "base64": base64,
  "base64 behind something": (value, before, behind) => base64(`${before}${value}${behind}`),
  "base64url": (value, before, behind) => Buffer.from(`${before}${value}${behind}`).toString("base64url"),
  "base64, wrapped by openssl": (value, before, behind) => wrapped(base64(`${before}${value}${behind}`), 64),
  "base64, wrapped by coreutils and indented": (value, before, behind) => wrapped(base64(`${before}${value}${behind}`), 76, "    "),
  "base64 with \\r\\n": (value) => wrapped(base64(value), 76).replaceAll("\n", "\r\n"),
  "base64 in a URL": (value) => encodeURIComponent(base64(value)),
  "base64 in JSON that escapes slashes": (value) => JSON.stringify(base64(value)).replaceAll("/", "\\/"),
  "percent-encoded": encodeURIComponent,
  "percent-encoded in lower case": (value) => encodeURIComponent(value).replaceAll(/%../g, (code) => code.toLowerCase()),
  "percent-encoded as a form": (value) => new URLSearchParams({ value }).toString().slice("value=".length),
  "every byte percent-encoded": (value) => [...Buffer.from(value)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  "in JSON": (value) => JSON.stringify(value),
  "in JSON in JSON": (value) => JSON.stringify(JSON.stringify(value)),
  "in JSON in ASCII": (value) => JSON.stringify(value).replaceAll(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`),
  "in JSON as Go writes it": (value) => JSON.stringify(value).replaceAll(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`),
  "between single quotes": (value) => `'${value.replaceAll("'", "'\\''")}'`,
  "between double quotes": (value) => `"${value.replaceAll(/["$`\\]/g, "\\$&")}"`,
  "with backslashes, as %q prints it": (value) => value.replaceAll(/[^A-Za-z0-9\n]/g, "\\$&"),
  "in an env file": (value) => value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\t", "\\t"),
  "in hex": (value) => Buffer.from(value).toString("hex"),
  "in hex, wrapped": (value, before) => wrapped(Buffer.from(`${before}${value}`).toString("hex"), 32),
  "in HTML": Bun.escapeHTML,
  "in colours": (value) => value.replaceAll(/[ -~]{3}(?=.)/g, "$&\x1b[0m\x1b[38;5;1m"),
  "as a link of a terminal": (value) => value.replaceAll(/[ -~]{4}(?=.)/g, "$&\x1b]8;;http://x/\x07"),
};

/** Values as people have them: at least eight letters, and more than one kind. */
const values = fc.oneof(
  fc.string({ minLength: 8, maxLength: 60 }),
  fc.stringMatching(/^[A-Za-z0-9+/]{8,200}={0,2}$/),
  fc.string({ unit: fc.constantFrom(..."abcXYZ019$'\"\\%&+ /=!~äß✓😀"), minLength: 8, maxLength: 40 }),
).filter((value) => new Set(value.trim()).size > 5 && value.trim().length >= 8 && value.isWellFormed());

/** What must not be readable any more: the value itself, however it is written, in parts of so many letters. */
function remains(text: string, printed: string): boolean {
  const bare = printed.replaceAll(/\s/g, "");
  for (let at = 0; at + 8 <= bare.length; at++) if (text.replaceAll(/\s/g, "").includes(bare.slice(at, at + 8))) return true;
  return false;
}

function inPieces(redactor: ReturnType<typeof createRedactor>, text: string, cuts: readonly number[]): string {
  const stream = redactor.stream();
  const borders = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  let seen = "";
  for (const [i, border] of borders.entries()) seen += stream.push(text.slice(borders[i - 1] ?? 0, border));
  return seen + stream.end();
}

describe("any value", () => {
  test.each(Object.entries(printings))("%s is not shown, however it is cut", (name, print) => {
    fc.assert(fc.property(values, fc.stringMatching(/^[a-z:]{0,9}$/), fc.stringMatching(/^[a-z:]{0,9}$/), fc.array(fc.nat(), { maxLength: 12 }), (value, before, behind, cuts) => {
      const redactor = createRedactor();
      redactor.conceal(value, "X");
      const text = `\x01 ${print(value, before, behind)} \x02 end`;
      const whole = redactor.scrub(text);
      expect(whole).toContain("‹secret X›");
      expect(whole.startsWith("\x01 ")).toBe(true);
      expect(whole.endsWith(" \x02 end")).toBe(true);
      if (name === "in hex, wrapped") expect(whole.replaceAll(/\s/g, "")).not.toContain(Buffer.from(value.trim()).toString("hex").slice(2, -2));
      else if (!name.includes("base64")) expect(remains(whole.replaceAll("‹secret X›", "\x03\x03\x03"), print(value.trim(), before, behind))).toBe(false);
      else expect(Math.max(...whole.replaceAll(/‹secret X›/g, " ").replaceAll(base64(before), "").split(/\s/).map((word) => word.length))).toBeLessThan(16);
      expect(inPieces(redactor, text, cuts)).toBe(whole);
    }), { numRuns: 300 });
  });

  test("a stream says the same as the whole, whatever is in it", () => {
    const word = fc.oneof(values, fc.constantFrom("\n", "\\", "\\n", "%", "%4", "%41", "abc", "\r\n  ", "\\u00", " ", "‹secret"));
    fc.assert(fc.property(fc.array(values, { minLength: 1, maxLength: 4 }), fc.array(word, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 20 }), fc.nat(), (secrets, words, cuts, seed) => {
      const redactor = createRedactor();
      for (const [i, value] of secrets.entries()) redactor.conceal(value, `S${i}`);
      const names = Object.values(printings);
      const text = [...words, ...secrets, ...words].map((one, i) => (names[(seed + i) % names.length] ?? String)(one, "a", "b")).join("").repeat(2);
      // A blank behind a line break is the indentation, or the first letter of the value: where a piece begins with it nobody can tell.
      const unindented = (said: string): string => said.replaceAll(/(?<=[\r\n]) +(?=‹secret)/g, "");
      expect(unindented(inPieces(redactor, text, cuts))).toBe(unindented(redactor.scrub(text)));
    }), { numRuns: 1000 });
  });
});

describe("what is left", () => {
  test.each(["a", "abc", "true", "False", "null", "production", "5432", "65535", ""])("%p is no secret worth tearing words apart for", (value) => {
    const redactor = createRedactor();
    redactor.conceal(value, "X");
    const text = `true False null production abc 5432 65535 ${Buffer.from(value).toString("hex")}`;
    expect(redactor.scrub(text)).toBe(text);
  });

  test("a value of four letters goes, its other notations begin at six", () => {
    const redactor = createRedactor();
    redactor.conceal("p4ss", "X");
    expect(redactor.scrub(`p4ss ${base64("p4ss")}`)).toBe(`‹secret X› ${base64("p4ss")}`);
    redactor.conceal("p4sswd", "Y");
    expect(redactor.scrub(base64("p4sswd"))).toBe("‹secret Y›");
  });

  test("words of two lines are not put together to a short value", () => {
    const redactor = createRedactor();
    redactor.conceal("overlook", "X");
    redactor.conceal("correct horse battery staple", "Y");
    expect(redactor.scrub("over\nlook, correct hor\nse battery staple")).toBe("over\nlook, ‹secret Y›");
    expect(redactor.scrub("over\\nlook")).toBe("over\\nlook");
  });
});

describe("a value of several lines", () => {
  const key = `-----BEGIN PRIVATE KEY-----\n${wrapped(base64("some bytes of a key that nobody may see, and more of them, and more, and even more"), 64)}\n-----END PRIVATE KEY-----\n`;
  const redactor = createRedactor();
  redactor.conceal(key, "KEY");
  const [, first = "", second = ""] = key.split("\n");

  test.each([
    ["the whole", key, "‹secret KEY›\n"],
    ["with the line ends of a terminal", key.replaceAll("\n", "\r\n"), "‹secret KEY›\r\n"],
    ["indented", key.trim().replaceAll("\n", "\n  "), "‹secret KEY›"],
    ["one line of it", `x ${second} y`, "x ‹secret KEY› y"],
    ["line by line behind a prefix", `#1 ${first}\n#1 ${second}\n`, "#1 ‹secret KEY›\n#1 ‹secret KEY›\n"],
    ["as one line of JSON", JSON.stringify({ key }), `{"key":"‹secret KEY›\\n"}`],
    ["as shell code", `export KEY='${key}'`, "export KEY='‹secret KEY›\n'"],
    ["its frame only", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----"],
  ])("%s", (_, text, expected) => expect(redactor.scrub(text)).toBe(expected));

  test("base64 of it, wrapped behind a prefix", () => {
    for (const columns of [64, 76]) {
      const scrubbed = redactor.scrub(wrapped(base64(key), columns, "#12 0.3 "));
      expect(scrubbed.replaceAll(/‹secret KEY›|#12 0.3 /g, "").trim().length).toBeLessThan(16);
    }
  });
});

describe("a file of settings", () => {
  const yaml = "default: &default\n  adapter: postgresql\n  encoding: unicode\n  pool: 10240\n\nproduction:\n  <<: *default\n  host: localhost\n  username: swordfish\n  password: hunter2x\n  url: postgresql://u:pass@db/x\n  token=\n";
  const redactor = createRedactor();
  redactor.conceal(yaml, "YML");

  test.each(["production:", "adapter: postgresql", "encoding: unicode", "pool: 10240", "host: localhost", "default: &default", "test: ok, production: ok"])("%s is left as it is", (line) => {
    expect(redactor.scrub(`  ${line}\n`)).toBe(`  ${line}\n`);
  });

  test.each(["password: hunter2x", "username: swordfish", "url: postgresql://u:pass@db/x"])("%s is not", (line) => {
    expect(redactor.scrub(`  ${line}\n`)).toBe("  ‹secret YML›\n");
  });

  test("the whole is not", () => {
    expect(redactor.scrub(yaml)).toBe("‹secret YML›\n");
  });

  test.each(['"secretKey": "production-key-1",', "alice:wonderland", "alice = harryssecret", "[a-secret-in-brackets]", "adapter: pass word"])("%s of another one is not", (line) => {
    const other = createRedactor();
    other.conceal(`{\n${line}\n"type": "service_account",\n}`, "X");
    expect(other.scrub(`x ${line} y`)).toBe("x ‹secret X› y");
    expect(other.scrub('"type": "service_account",')).toBe('"type": "service_account",');
  });
});

test("a value with colours in it is found, and what stands around it stays", () => {
  const redactor = createRedactor();
  redactor.conceal("s3cr3t-value-9", "X");
  const rows = [["s3cr3t\x1b[0m-value-9", ""], ["\x1b[32ms3cr3t-\x1b[1mvalue-9", "\x1b[32m"], ["s\x1b]8;;http://a\x1b\\3cr3t-value\x9b0m-9", ""], ["s3cr3\x1b(Bt-value-9", ""]] as const;
  for (const [text, before] of rows) expect(redactor.scrub(`a ${text}\x1b[0m b`)).toBe(`a ${before}‹secret X›\x1b[0m b`);
  expect(redactor.scrub("s3cr3t-\x1b[0m\nvalue-9")).toBe("s3cr3t-\x1b[0m\nvalue-9");
});

test.each(["it's\na 'quoted' pass\nword", "ab'cd\x1bef\x07gh\x01ij", "c:\\tmp\\it's", `${"'".repeat(7)}secret'\t`])("%j on its way to a container: as shell code and in an env file", (value) => {
  const redactor = createRedactor();
  redactor.conceal(value, "X");
  const env = { secret: { X: new Secret("X", value) } };
  expect(redactor.scrub(valuesFile("web", env, ["X"]).reveal()).trimEnd()).toMatch(/^export X='‹secret X›\t?'$/);
  expect(redactor.scrub(envFile({ name: "web", env }).reveal()).trimEnd()).toMatch(/^X=‹secret X›(\\t)?$/);
});

test("user and password in the base64 of a Docker config or of basic auth", () => {
  const redactor = createRedactor();
  redactor.conceal("pa$$word-of-mine", "PW");
  for (const user of ["u", "us", "use", "user"]) {
    const auth = base64(`${user}:pa$$word-of-mine`);
    expect(redactor.scrub(`{"auth":"${auth}"}`)).toMatch(/^\{"auth":"[A-Za-z0-9+/]{2,7}‹secret PW›[A-Za-z0-9+/]?=?=?"\}$/);
  }
});

test("100 secrets and 50 MB of output: a pass over the text, not a pass for each secret", () => {
  const redactor = createRedactor();
  const random = (length: number): string => Buffer.from(crypto.getRandomValues(new Uint8Array(length))).toString("base64");
  for (let i = 0; i < 100; i++) redactor.conceal(`sk-live-${random(30)}`, `S${i}`);
  const megabyte = 1024 * 1024;
  const kinds: Readonly<Record<string, readonly [line: string, megabytes: number]>> = {
    "a log": [`2026-01-02T03:04:05Z web-1 GET /path/to?x=%20y 200 {"level":"info","msg":"said \\"hi\\""} ${"x".repeat(30)}\n`, 50],
    "beginnings of secrets": ["sk-live-", 10],
    "escapes": ["%41\\u0041\\n", 10],
    "colours": ["\x1b[32mINFO\x1b[0m said \x1b[1mhi\x1b[0m\n", 10],
    "beginnings of orders": ["\x1b]\x1bP\x9d\x90\x1b[1", 3],
  };
  for (const [kind, [line, megabytes]] of Object.entries(kinds)) {
    const piece = line.repeat(Math.ceil(65_536 / line.length));
    const stream = redactor.stream();
    // Time of this process's own: the machine may be busy with other things.
    const before = process.cpuUsage();
    let length = 0;
    for (let sent = 0; sent < megabytes * megabyte; sent += piece.length) length += stream.push(piece).length;
    length += stream.end().length;
    const { user, system } = process.cpuUsage(before);
    expect([kind, (user + system) / 1e6 < 20]).toEqual([kind, true]);
    expect(length).toBeGreaterThanOrEqual(megabytes * megabyte);
  }
}, 300_000);
