import { expect, test } from "bun:test";
import { goQuoted } from "../../lib/ground/go-quoted.ts";

/** What `docker container inspect --format '{{printf "%+q" .}}'` prints (Docker 20.10 and 28). */
test.each([
  ["A=plain words", '"A=plain words"'],
  ['A=say "hi" \\ $HOME `id`', '"A=say \\"hi\\" \\\\ $HOME `id`"'],
  ["A=one\ntwo\r\tthree", '"A=one\\ntwo\\r\\tthree"'],
  ["A=\x07\b\f\v\x01\x1b\x7f", '"A=\\a\\b\\f\\v\\x01\\x1b\\x7f"'],
  ["A=größe €", '"A=gr\\u00f6\\u00dfe \\u20ac"'],
  ["A=😀\u0081", '"A=\\U0001f600\\u0081"'],
])("goQuoted(%j)", (text, quoted) => expect(goQuoted(text)).toBe(quoted));
