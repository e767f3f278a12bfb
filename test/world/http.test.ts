import { describe, expect, test } from "bun:test";
import { HttpReader } from "../../lib/world/ssh/http.ts";

describe("HttpReader", () => {
  test.each([
    ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b: c\r\n\r\nhello", { status: 200, body: "hello", headers: { "content-length": "5", "x-a": "b: c" } }],
    ["chunks", "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", { status: 503, body: "hello!", headers: { "transfer-encoding": "chunked" } }],
    ["no body", "HTTP/1.0 204\r\n\r\n", { status: 204, body: "", headers: {} }],
    ["an interim answer first", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 301 Moved\r\nLocation: https://x/\r\nContent-Length: 0\r\n\r\n", { status: 301, body: "", headers: { location: "https://x/", "content-length": "0" } }],
  ])("reads an answer with %s, however it is cut", (_, text, answer) => {
    for (let size = 1; size <= text.length; size++) {
      const reader = new HttpReader();
      for (let at = 0; at < text.length; at += size) reader.push(Buffer.from(text.slice(at, at + size)));
      expect(reader.malformed).toBeUndefined();
      expect(reader.isComplete).toBe(true);
      expect(reader.answer()).toEqual({ ok: true, ...answer });
    }
  });

  test("is done after 4 KB", () => {
    const reader = new HttpReader();
    reader.push(Buffer.from(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(5000)}`));
    expect(reader.isComplete).toBe(true);
    expect(reader.answer()?.body.length).toBe(4096);
  });

  test("is not done before an answer without a length has ended", () => {
    const reader = new HttpReader();
    reader.push(Buffer.from("HTTP/1.1 200 OK\r\n\r\nhel"));
    expect(reader.isComplete).toBe(false);
    expect(reader.answer()?.body).toBe("hel");
  });

  test.each(["SSH-2.0-x\r\n", "\u0015\u0003\u0003", "HTTP/2 200\r\n\r\n", "hello"])("refuses %j", (text) => {
    const reader = new HttpReader();
    reader.push(Buffer.from(text));
    expect(reader.malformed).toStartWith("not HTTP: ");
  });
});
