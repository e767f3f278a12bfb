import { parseArgs, type ParseArgsConfig } from "node:util";
import { optionName, type Args } from "./command.ts";

/** Options as `node:util` reads them. */
export type Spec = NonNullable<ParseArgsConfig["options"]>;

/** The options among `args`, by their name on the command line. */
export function specOf(args: Args): Spec {
  return Object.fromEntries(Object.entries(args).flatMap(([key, arg]) => {
    if (arg.type === "positional") return [];
    const short = [arg.alias ?? []].flat().find((alias) => alias.length === 1);
    return [[optionName(key), { type: arg.type === "boolean" ? "boolean" : "string", ...(short === undefined ? {} : { short }) } as const]];
  }));
}

/**
 * The words of a command line: option, positional, or the end of options. Never throws: unknown options are among them,
 * to be refused by the caller in our words.
 */
export function tokensOf(args: readonly string[], spec: Spec) {
  return parseArgs({ args: [...args], options: spec, strict: false, allowPositionals: true, allowNegative: true, tokens: true }).tokens;
}

export type Token = ReturnType<typeof tokensOf>[number];
export type OptionToken = Extract<Token, { kind: "option" }>;

/** `--foo_bar` becomes `--foo-bar`, and `--skip-foo` becomes `--no-foo` unless there is an option of that name. One word stays one word. */
export function normalised(args: readonly string[], spec: Spec): string[] {
  const end = args.indexOf("--");
  return args.map((arg, i) => {
    if (!arg.startsWith("--") || (end !== -1 && i >= end)) return arg;
    const [name = "", ...value] = arg.slice(2).split("=");
    const dashed = name.replaceAll("_", "-");
    const skipped = dashed.startsWith("skip-") && !Object.hasOwn(spec, dashed) ? dashed.slice("skip-".length) : "";
    return [`--${spec[skipped]?.type === "boolean" ? `no-${skipped}` : dashed}`, ...value].join("=");
  });
}
