import { isMap } from "../merge.ts";
import { type Comments, isTemplate, type ListNode, type MapNode, type Node, plain, type Template, type TemplatePart } from "./node.ts";
import type { Expression } from "./ruby.ts";

/** What the code of a config makes use of. */
export type Need = "secret" | "env" | "dotenv" | "destination" | "await" | "scalar" | "list" | "output" | "unset" | "unconverted";

/** Writes nodes as TypeScript. What the code needs besides is collected in {@link needs}. */
export class Printer {
  readonly needs = new Set<Need>();
  readonly #consts = new Map<string, string>();
  readonly #tags: ReadonlyMap<string, TemplatePart>;

  readonly #dotenv: boolean;

  /**
   * @param tags what stands for a piece of Ruby in keys and comments
   * @param dotenv variables that are not set come from `.env`
   */
  constructor(tags: ReadonlyMap<string, TemplatePart>, dotenv: boolean) {
    this.#tags = tags;
    this.#dotenv = dotenv;
  }

  /** Lists and maps that stand in several places by one anchor, as constants. Must be called before they are printed. */
  constants(root: Node): readonly string[] {
    const found = new Map<string, { readonly node: Node; readonly name: string; count: number }>();
    const visit = (node: Node): void => {
      if (node.anchor !== undefined && node.kind !== "scalar" && !hasTemplate(node)) {
        const known = found.get(keyOf(node));
        if (known === undefined) found.set(keyOf(node), { node, name: constName(node.anchor), count: 1 });
        else known.count++;
      }
      if (node.kind === "map") node.entries.filter(({ unknown }) => unknown !== true).forEach((entry) => visit(entry.node));
      if (node.kind === "list") node.items.forEach(visit);
    };
    visit(root);
    const repeated = [...found].filter(([text, { count }]) => count > 1 && text.length > 20);
    const taken = new Set<string>();
    const named = repeated.map(([text, { node, name }]) => {
      const free = [name, ...Array.from({ length: 99 }, (_, i) => `${name}${i + 2}`)].find((candidate) => !taken.has(candidate)) ?? name;
      taken.add(free);
      return { text, code: `const ${free} = ${this.value(node, "")} as const;`, free };
    });
    for (const { text, free } of named) this.#consts.set(text, free);
    return named.map(({ code }) => code);
  }

  /** @param indent of the line it stands on */
  value(node: Node, indent: string): string {
    const constant = node.kind === "scalar" ? undefined : this.#consts.get(keyOf(node));
    if (constant !== undefined) return constant;
    if (node.kind === "list") return this.#list(node, indent);
    if (node.kind === "map") return this.#map(node, indent);
    const { value } = node;
    if (isTemplate(value)) return this.#template(value, node.quoted);
    if (typeof value !== "object" || value === null) return JSON.stringify(value);
    this.needs.add("secret");
    return `secret(${JSON.stringify(value.name)})`;
  }

  /** The members of a map, a line or more each, indented. */
  members(node: MapNode, indent: string): string[] {
    return node.entries.filter(({ unknown }) => unknown !== true).map(({ key, node: value, comments }, i) =>
      `${comments?.spaced === true && i > 0 && isRoot(indent) ? "\n" : ""}${this.#commented(`${this.#key(key)}: ${this.value(value, indent)},`, comments, indent)}`);
  }

  /** Text with Ruby's tags as they were written. */
  original(text: string): string {
    return [...this.#tags].reduce((result, [token, { source }]) => result.replaceAll(token, source), text);
  }

  #list(node: ListNode, indent: string): string {
    const lines = node.items.map((item) => this.#commented(`${this.value(item, `${indent}  `)},`, item.comments, `${indent}  `));
    return this.#fitted("[", lines, "]", indent, node.items.some(({ comments }) => hasComment(comments)));
  }

  #map(node: MapNode, indent: string): string {
    const lines = this.members(node, `${indent}  `);
    return this.#fitted("{", lines, "}", indent, node.entries.some(({ comments }) => hasComment(comments)));
  }

  #fitted(open: string, lines: readonly string[], close: string, indent: string, commented: boolean): string {
    if (lines.length === 0) return `${open}${close}`;
    const inner = lines.map((line) => line.trim()).join(" ").replace(/,$/, "");
    const blank = open === "{" ? " " : "";
    const one = `${open}${blank}${inner}${blank}${close}`;
    return !commented && !one.includes("\n") && !one.includes("//") && indent.length + one.length <= 90 ? one : [open, ...lines, `${indent}${close}`].join("\n");
  }

  #commented(line: string, comments: Comments | undefined, indent: string): string {
    const above = (comments?.above ?? []).map((text) => `${indent}//${this.original(text).replace(/^(?=\S)/, " ")}\n`).join("");
    return `${above}${indent}${line}${comments?.behind === undefined ? "" : ` // ${this.original(comments.behind)}`}`;
  }

  #key(key: string): string {
    const token = [...this.#tags.keys()].find((tag) => key.includes(tag));
    if (token !== undefined) return `[${this.#template({ kind: "template", as: "text", parts: splitTags(key, this.#tags) })}]`;
    return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
  }

  #template({ parts, as }: Template, quoted = false): string {
    const [only] = parts;
    const code = parts.length === 1 && typeof only === "object" ? this.#text(quoted || as === "number" ? only.expression : trimmed(only.expression), only.source) : this.#literal(parts.map((part) => (typeof part === "string" ? part : { code: this.#text(part.expression, part.source) })));
    if (as === "number") return `Number(${code})`;
    if (as === "boolean") return `/^(true|yes|on)$/i.test(${code})`;
    if (as === "text") return code;
    this.needs.add(as === "scalar" ? "scalar" : "list");
    return as === "scalar" ? `scalar(${code})` : `${as === "items" ? "..." : ""}list(${code})`;
  }

  #literal(parts: readonly (string | { readonly code: string })[]): string {
    return `\`${parts.map((part) => (typeof part === "string" ? part.replaceAll(/[`\\]|\$(?=\{)/g, "\\$&") : `\${${part.code}}`)).join("")}\``;
  }

  /** Code of an expression that is a text. */
  #text(expression: Expression | undefined, source: string): string {
    if (expression !== undefined) return this.#definite(expression);
    this.needs.add("unconverted");
    return `unconverted(${JSON.stringify(source)})`;
  }

  #definite(expression: Expression): string {
    const { code, nullable } = this.#expression(expression);
    return nullable ? `${code} ?? ""` : code;
  }

  #expression(expression: Expression): { readonly code: string; readonly nullable: boolean; /** Needs parentheses before a dot. */ readonly loose?: boolean } {
    switch (expression.kind) {
      case "text":
        return { code: JSON.stringify(expression.text), nullable: false };
      case "join":
        return { code: this.#literal(expression.parts.map((part) => (part.kind === "text" ? part.text : { code: this.#definite(part) }))), nullable: false };
      case "env": {
        const isDestination = /^(KAMAL|MRSK)_DESTINATION$/.test(expression.name);
        const asks = !isDestination && this.#dotenv;
        this.needs.add(isDestination ? "destination" : asks ? "dotenv" : "env");
        if (asks) this.needs.add("await");
        const code = isDestination ? "destination" : asks ? `await dotenv(${JSON.stringify(expression.name)})` : `env[${JSON.stringify(expression.name)}]`;
        if (!expression.required) return { code, nullable: true };
        this.needs.add("unset");
        return { code: `${code} ?? unset(${JSON.stringify(expression.name)})`, nullable: false, loose: true };
      }
      case "local":
        return { code: expression.name, nullable: true };
      case "either": {
        const first = this.#expression(expression.first);
        if (!first.nullable) return first;
        const second = this.#expression(expression.second);
        return { code: `${first.code} ?? ${second.code}`, nullable: second.nullable, loose: true };
      }
      case "command":
        this.needs.add("await").add("output");
        return { code: `await output(${this.#definite(expression.command)})`, nullable: false, loose: true };
      case "trim": {
        const { code, nullable, loose = false } = this.#expression(expression.of);
        const whole = nullable ? `(${code} ?? "")` : loose ? `(${code})` : code;
        return { code: expression.both ? `${whole}.trim()` : `${whole}.replace(/\\r?\\n$/, "")`, nullable: false };
      }
    }
  }
}

/** YAML takes no line ends into an unquoted text: neither that behind what a command prints. */
const trimmed = (expression: Expression | undefined): Expression | undefined => (expression?.kind === "command" ? { kind: "trim", of: expression, both: true } : expression);

const isRoot = (indent: string): boolean => indent.length === 2;
const hasComment = (comments: Comments | undefined): boolean => comments !== undefined && (comments.above.length > 0 || comments.behind !== undefined);

/** A text cut at the tags in it. */
export function splitTags(text: string, tags: ReadonlyMap<string, TemplatePart>): Template["parts"] {
  return text.split(/(CAPSTANRUBY\d+X)/).filter((part) => part !== "").map((part) => tags.get(part) ?? part);
}

const keyOf = (node: Node): string => JSON.stringify(plain(node));
const hasTemplate = (node: Node): boolean => {
  const contains = (value: unknown): boolean => isTemplate(value) || (Array.isArray(value) ? value.some(contains) : isMap(value) && Object.entries(value).some(([key, inner]) => key.includes("CAPSTANRUBY") || contains(inner)));
  return contains(plain(node));
};

/** What no constant can be called: words of the language in strict mode and in modules, globals, and what the file has already. */
const reserved = new Set([
  "arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete", "do", "else", "enum", "eval", "export", "extends", "false", "finally",
  "for", "function", "if", "implements", "import", "in", "instanceof", "interface", "let", "new", "null", "package", "private", "protected", "public", "return", "static", "super",
  "switch", "this", "throw", "true", "try", "typeof", "var", "void", "while", "with", "yield", "undefined", "NaN", "Infinity", "globalThis", "Bun", "Error", "Number",
  "defineConfig", "defineDestination", "secret", "shellHooks", "env", "dotenv", "destination", "scalar", "list", "output", "unset", "unconverted",
]);
function constName(anchor: string): string {
  const name = anchor.replaceAll(/[^A-Za-z0-9]+(.)?/g, (_, letter: string | undefined) => letter?.toUpperCase() ?? "").replace(/^\d/, "_$&");
  return name === "" ? "shared" : reserved.has(name) ? `${name}s` : name;
}
