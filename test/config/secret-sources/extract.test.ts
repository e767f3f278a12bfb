import { expect, test } from "bun:test";
import { extractValue, readValues, shellEscaped } from "../../../lib/config/secret-sources/extract.ts";
import { shellWords } from "../../../lib/ground/shell-words.ts";
import { failure } from "../project.ts";
import { run } from "../../support/shell.ts";
import { odd } from "./vendor.ts";

const values = { "vault/item/PW": "s1", "other/PW": "s2", PW2: "s3", "a/EMPTY": "", constructor: "own" };

test.each([["vault/item/PW", "s1"], ["PW", "s1"], ["item/PW", "s1"], ["PW2", "s3"], ["EMPTY", ""], ["constructor", "own"]])("extractValue(%p) is %p", (name, value) => {
  expect(extractValue(name, values)).toBe(value);
});

test.each(["W2", "toString", "PW/"])("extractValue(%p) lists the keys there are, and no value", async (name) => {
  const error = await failure(() => extractValue(name, values));
  expect(error).toMatchObject({ failure: "config", message: `Cannot find ${name} among the 5 secrets that were fetched`, details: ["There are vault/item/PW, other/PW, PW2, a/EMPTY, constructor"] });
});

test("readValues() reads what fetch prints, also where a shell left backslashes in double quotes", () => {
  const json = JSON.stringify({ [`k"ey`]: odd });
  expect(readValues(json)).toEqual({ [`k"ey`]: odd });
  expect(readValues(shellWords(shellEscaped(json))?.[0] ?? "")).toEqual({ [`k"ey`]: odd });
  expect(readValues(shellWords(`"${shellEscaped(json)}"`)?.[0] ?? "")).toEqual({ [`k"ey`]: odd });
});

test("readValues() gives what is no text as JSON", () => {
  expect(readValues(`{"N":1,"O":{"a":[true]}}`)).toEqual({ N: "1", O: `{"a":[true]}` });
});

test.each(["", "[]", "3", "sesame", `{"A":`])("readValues(%p) is refused, and not shown", async (text) => {
  const error = await failure(() => readValues(text));
  expect(error).toMatchObject({ failure: "usage", message: "Cannot read the secrets to extract from: expected a JSON object of texts" });
  expect(error.hint).not.toContain("sesame");
});

test.each(["", "plain-1.0,a:b+c/d@e_f", odd, "$(id) `id` ; | & \\"])("shellEscaped(%p) is one word of a shell", async (text) => {
  expect((await run(`printf '%s|' ${shellEscaped(text)} x`)).stdout).toBe(`${text}|x|`);
  expect(shellWords(shellEscaped(text))).toEqual([text]);
});
