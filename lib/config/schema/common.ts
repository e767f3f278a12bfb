import { z } from "zod";
import { type Duration, parseDuration } from "../../ground/duration.ts";
import type { HostsFunction, ServersFunction } from "../host-functions.ts";
import { secretName, type SecretRef } from "../secret-ref.ts";

/**
 * Conventions of the schema: an `error` text completes the sentence "expected …"; what stands in `meta` is the documentation of the key.
 * Defaults of sections that a role may override are filled in after merging, so they stand in `meta` and in a constant beside the key.
 */
declare module "zod" {
  interface GlobalMeta {
    /** Name of the interface in the public types. */
    typeName?: string;
    /** Type text in the public types, where it cannot be told from the schema. */
    typeText?: string;
    /** The value in force when the key is left out, as text, where the schema does not fill it in. */
    fallback?: string;
    /** TypeScript text that may stand after `key: `. */
    example?: string;
  }
}

/** A list that is only read. */
export const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();

/** Text with something in it. */
export const text = (expected = "a text") => z.string({ error: expected }).min(1, { error: expected });

export const host = text("a host: [user@]host[:port]").regex(/^[\w[][\w.:@[\]%-]*$/, { error: "a host: [user@]host[:port]" });

/** Word that marks hosts: env tags, places of accessories. */
export const tagName = z.string().regex(/^[\w.-]+$/, { error: `a tag: letters, digits, "-", "_" and "."` });

const hostExpected = `a host: [user@]host[:port], or { "host": ["tag"] }`;
const taggedHost = z
  .record(host, z.union([tagName, list(tagName)], { error: "a tag or a list of tags" }))
  .refine((value) => Object.keys(value).length === 1, { error: "one host with its tags" })
  .meta({ typeText: "Readonly<Record<string, string | readonly string[]>>" });
/** A host, or a host with its tags. */
export const hostOrTagged = z.union([host, taggedHost], { error: hostExpected });

const isFunction = (value: unknown): boolean => typeof value === "function";
// In the words of the list that stands beside it: YAML has no functions.
const givesHosts = { error: "a list" };
/** A function in the place of hosts. It is called before the config is checked (host-functions.ts), so that what it gives is in its place then. */
export const hostsFunction = z.custom<HostsFunction>(isFunction, givesHosts).meta({ typeText: "HostsFunction" }).transform((): never[] => []);
/** A function in the place of all roles. */
export const serversFunction = z.custom<ServersFunction>(isFunction, givesHosts).meta({ typeText: "ServersFunction" }).transform((): never[] => []);

const durationText = z.templateLiteral([z.int(), z.enum(["s", "m", "h"])]).meta({ typeText: "Duration" });
const durationError = "whole seconds, or a text such as \"30s\" or \"2m\"";
/** Whole seconds, written as a number or as a {@link Duration}; seconds come out. */
export const seconds = z
  .union([z.int().min(0, { error: durationError }), durationText], { error: durationError })
  .transform((value, context): number => {
    const parsed = typeof value === "number" ? value : parseDuration(value);
    if (parsed === undefined) context.issues.push({ code: "custom", message: durationError, input: value });
    return parsed ?? 0;
  });
/** The same type as zod derives for {@link seconds}: does not compile when they part. */
export const durationMatches = (value: Duration): z.input<typeof durationText> => value;

/** What an environment variable, a build argument or an option can be set to. */
export const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** The same map with every value as text. */
export const texts = (values: Readonly<Record<string, z.output<typeof scalar>>>): Record<string, string> => Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));

const wordKey = z.string().regex(/^[^\s=]+$/, { error: "a name without blanks and \"=\"" });
/** A map whose keys can stand before a `=`. */
export const map = <T extends z.ZodType>(value: T) => z.record(wordKey, value);

export const labels = map(z.union([z.string(), z.number(), z.boolean()])).meta({ example: `{ team: "core" }` });

/** Options of `docker run`: `true` is a bare flag, a list repeats the flag. */
export const options = map(z.union([z.string(), z.number(), z.boolean(), list(z.union([z.string(), z.number()]))]));

export const secretRef = z
  .custom<SecretRef>((value) => typeof value === "object" && value !== null && "kind" in value && value.kind === "secret" && "name" in value && typeof value.name === "string", { error: `secret("NAME")` })
  .meta({ typeText: "SecretRef" });

const secretNameText = z.string().regex(secretName, { error: "the name of a secret: letters, digits, \"_\" and \".\"" });
/** A reference to a secret: `secret("NAME")`, or the name in a list of one. */
export const secretInput = z.union([secretRef, z.tuple([secretNameText]).readonly()], { error: `secret("NAME") or ["NAME"]` }).meta({ typeText: "SecretInput" });

const variableAndName = z.string().regex(/^(?!#)[^\s=:]+(:[\w.]+)?$/, { error: `the name of a variable, or "VARIABLE:SECRET"` });
/** Secrets by the name of a variable: a list of names (`"VAR"`, `"VAR:NAME"`), or a map from variable to secret. */
export const secretMap = z.union([list(z.union([variableAndName, secretRef], { error: `a name such as "API_KEY", "VARIABLE:SECRET" or secret("API_KEY")` })), map(secretInput)]);

/** A folder of the image, with mount options. */
export const assetPath = text("a path in the container").regex(/^\/[^:]*(:[^:]+)?$/, { error: `a path in the container such as "/app/public/assets", with mount options behind a ":"` });

/** Where container output goes. */
export const Logging = z
  .strictObject({
    driver: text("the name of a logging driver").optional().meta({ description: "Docker's logging driver.", example: `"journald"`, fallback: "docker's own" }),
    options: map(scalar).optional().meta({ description: "Options of the driver.", example: `{ "max-size": "50m" }`, fallback: `{ "max-size": "10m" } when neither driver nor options are given` }),
  })
  .meta({ typeName: "LoggingConfig", description: "Where the output of containers goes." });
