import { type Adapter, type Found, isRecord, qualified, recordsOf, textOf } from "./adapter.ts";
import type { Unread } from "./cli.ts";

/** The most secrets one call may ask for, as AWS documents BatchGetSecretValue. */
const batch = 20;

/** AWS Secrets Manager, by `aws`; the account is a profile. A secret whose text is a JSON object gives a value for each of its keys. */
export const awsSecretsManager: Adapter = {
  name: "aws_secrets_manager",
  aliases: ["aws"],
  title: "AWS Secrets Manager",
  program: "aws",
  account: "optional",
  async read(cli, request) {
    const names = qualified(request);
    const profile = request.account === undefined ? [] : ["--profile", request.account];
    const found: Found[] = [];
    const missing: Unread[] = [];
    for (let at = 0; at < names.length; at += batch) {
      const asked = names.slice(at, at + batch);
      const data = await cli.json(["secretsmanager", "batch-get-secret-value", "--secret-id-list", ...asked, ...profile, "--output", "json"], asked);
      const [values, errors] = isRecord(data) ? [recordsOf(data["SecretValues"]), recordsOf(data["Errors"])] : [[], []];
      missing.push(...errors.map(({ SecretId, ErrorCode, Message }) => ({ name: String(SecretId), why: [String(Message ?? ErrorCode ?? "it cannot be read")] })));
      const gone = asked.filter((name) => !errors.some(({ SecretId }) => SecretId === name) && !values.some(({ Name, ARN }) => Name === name || ARN === name || String(ARN).startsWith(`${name}-`)));
      missing.push(...gone.map((name) => ({ name, why: ["there is no such secret"] })));
      const binary = values.filter(({ SecretString }) => textOf(SecretString) === undefined);
      missing.push(...binary.map(({ Name }) => ({ name: String(Name), why: ["it is binary: only texts can be read"] })));
      for (const { Name, ARN, SecretString } of values) found.push(...valuesOf(String(Name), asked.find((name) => name === ARN) ?? String(Name), textOf(SecretString)));
    }
    if (missing.length > 0) throw cli.unread(missing);
    return found;
  },
};

function valuesOf(key: string, name: string, text = ""): readonly Found[] {
  const object = text.trimStart().startsWith("{") ? parsed(text) : undefined;
  return object === undefined ? [{ key, value: text, name }] : Object.entries(object).map(([field, value]) => ({ key: `${key}/${field}`, value, name: `${name}/${field}` }));
}

/** Texts as they are, everything else as JSON, numbers as they are written: a long one must not be rounded. */
function parsed(text: string): Readonly<Record<string, string>> | undefined {
  try {
    const object: unknown = JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => (typeof value === "number" ? new Written(context?.source ?? String(value)) : value));
    return isRecord(object) ? Object.fromEntries(Object.entries(object).map(([key, value]) => [key, typeof value === "string" ? value : jsonText(value)])) : undefined;
  } catch {
    return undefined;
  }
}

/** A number as it was written. */
class Written {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function jsonText(value: unknown): string {
  if (value instanceof Written) return value.text;
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (isRecord(value)) return `{${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${jsonText(item)}`).join(",")}}`;
  return JSON.stringify(value);
}
