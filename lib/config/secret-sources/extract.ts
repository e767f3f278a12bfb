import { DeployError } from "../../ground/errors.ts";
import { isRecord } from "./adapter.ts";

/**
 * One of several values: the one of that key, else the first whose key ends with `/NAME`.
 * @throws DeployError (config) that lists the keys there are
 */
export function extractValue(name: string, values: Readonly<Record<string, string>>): string {
  const key = Object.hasOwn(values, name) ? name : Object.keys(values).find((one) => one.endsWith(`/${name}`));
  const value = key === undefined ? undefined : values[key];
  if (value !== undefined) return value;
  const keys = Object.keys(values);
  throw new DeployError("config", `Cannot find ${name} among ${keys.length === 1 ? "the one secret" : `the ${keys.length} secrets`} that ${keys.length === 1 ? "was" : "were"} fetched`, {
    details: keys.length === 0 ? [] : [`There ${keys.length === 1 ? "is" : "are"} ${keys.join(", ")}`], hint: "Correct the name, or fetch it too",
  });
}

/**
 * The values of a JSON object as `secrets fetch` prints it, also with the backslashes that a shell left in it. What is no text comes out as JSON.
 * @throws DeployError (usage) for anything else; the text is not shown
 */
export function readValues(json: string): Readonly<Record<string, string>> {
  const data = parsed(json) ?? parsed(json.replaceAll(/\\([\s\S])/g, (pair, letter: string) => (/["\\/bfnrtu]/.test(letter) ? pair : letter)));
  if (data === undefined) throw new DeployError("usage", "Cannot read the secrets to extract from: expected a JSON object of texts", { hint: "Give what `secrets fetch` printed, as one word" });
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]));
}

function parsed(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const data: unknown = JSON.parse(json);
    return isRecord(data) ? data : undefined;
  } catch {
    return undefined;
  }
}

/** A text as one word of a shell, with backslashes and without quotes: it may also be put between other texts. */
export function shellEscaped(text: string): string {
  return text === "" ? "''" : text.replaceAll(/[^\w\-.,:+/@\n]/gu, String.raw`\$&`).replaceAll("\n", "'\n'");
}
