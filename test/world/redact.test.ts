import { describe, expect, test } from "bun:test";
import { Secret } from "../../lib/ground/secret.ts";
import { Output } from "../../lib/world/output.ts";
import { createRedactor } from "../../lib/world/redact.ts";

describe("createRedactor()", () => {
  test("scrubs what was opened, and nothing before", () => {
    const redactor = createRedactor();
    const token = new Secret("TOKEN", "s3cr3t-value");
    expect(redactor.scrub("s3cr3t-value")).toBe("s3cr3t-value");
    expect(redactor.open(token)).toBe("s3cr3t-value");
    expect(redactor.scrub("a s3cr3t-value b s3cr3t-value")).toBe("a ‹secret TOKEN› b ‹secret TOKEN›");
  });

  test("scrubs the parts of a joined secret, and leaves its clear parts", () => {
    const redactor = createRedactor();
    const file = Secret.join("env file", ["RAILS_ENV=production\nDB=", new Secret("DB", "pa$$word").map("escaped", (value) => `"${value}"`), "\n"]);
    redactor.open(file);
    expect(redactor.scrub("production pa$$word")).toBe("production ‹secret DB›");
  });

  test("scrubs the lines of a long secret and its JSON form", () => {
    const redactor = createRedactor();
    redactor.conceal("-----BEGIN KEY-----\nMIIBOgIBAAJBAKj34GkxFhD\nshort\n-----END KEY-----\n", "KEY");
    redactor.conceal('quo"ted', "Q");
    expect(redactor.scrub("-----BEGIN KEY----- MIIBOgIBAAJBAKj34GkxFhD short")).toBe("-----BEGIN KEY----- ‹secret KEY› short");
    expect(redactor.scrub('{"a":"quo\\"ted"}')).toBe('{"a":"‹secret Q›"}');
  });

  test("leaves values under four characters", () => {
    const redactor = createRedactor();
    redactor.conceal("abc");
    redactor.conceal("");
    expect(redactor.scrub("abc")).toBe("abc");
  });

  test("scrubs every string in data", () => {
    const redactor = createRedactor();
    const data = { type: "output", lines: ["x hunter2"], count: 3, none: undefined };
    expect(redactor.scrubData(data)).toBe(data);
    redactor.conceal("hunter2", "P");
    expect(redactor.scrubData(data)).toEqual({ type: "output", lines: ["x ‹secret P›"], count: 3, none: undefined });
  });

  test("finds a secret however a stream is cut", () => {
    const redactor = createRedactor();
    for (const [value, name] of [["hunter2", "A"], ["hunter2-longer", "B"], ["er2-x", "C"], ["nnnn", "N"]] as const) redactor.conceal(value, name);
    const text = "say hunter2-longer, hunter2, hunt, nnnnnnn and hunter2-x";
    const whole = redactor.scrub(text);
    expect(whole).toBe("say ‹secret B›, ‹secret A›, hunt, ‹secret N› and ‹secret A›");
    for (let size = 1; size < text.length; size++) {
      const stream = redactor.stream();
      let seen = "";
      for (let at = 0; at < text.length; at += size) seen += stream.push(text.slice(at, at + size));
      expect(seen + stream.end()).toBe(whole);
    }
  });

  test("holds back nothing but what could be the beginning of a secret", () => {
    const redactor = createRedactor();
    redactor.conceal("hunter2");
    const stream = redactor.stream();
    expect(stream.push("line\n")).toBe("line\n");
    expect(stream.push("a hun")).toBe("a ");
    expect(stream.push("dred eggs")).toBe("hundred eggs");
  });
});

describe("Output", () => {
  test("puts characters together that were cut", () => {
    const seen: string[] = [];
    const output = new Output(createRedactor(), undefined, (text) => void seen.push(text));
    for (const byte of Buffer.from("é✓")) output.push(Uint8Array.of(byte));
    expect(output.end()).toBe("é✓");
    expect(seen).toEqual(["é", "✓"]);
  });

  test("keeps whole characters at the end", () => {
    const output = new Output(createRedactor(), 4);
    for (const text of ["aaaa", "bbbb", "cc✓✓"]) output.push(Buffer.from(text));
    expect(output.end()).toBe("✓");
  });

  test("does not let half a secret through by cutting it", () => {
    const redactor = createRedactor();
    redactor.conceal("hunter2-hunter2", "P");
    const output = new Output(redactor, 8);
    output.push(Buffer.from("x".repeat(40)));
    output.push(Buffer.from("hunter2-hunter2"));
    expect(output.end()).toBe("ret P›");
  });
});

test("a value that is part of a name everybody may read is left: names must be found in what hosts answer", () => {
  const redactor = createRedactor();
  redactor.allow(["registry.example:5000/acme/shop", "192.0.2.7"]);
  redactor.conceal("shop", "POSTGRES_USER");
  redactor.conceal("192.0.2.7\n", "DB_HOST");
  redactor.conceal("shop-keeper", "POSTGRES_PASSWORD");
  expect(redactor.scrub("shop-web-1 192.0.2.7 shop-keeper")).toBe("shop-web-1 192.0.2.7 ‹secret POSTGRES_PASSWORD›");
});
