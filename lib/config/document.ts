import { z } from "zod";
import { ConfigSchema } from "./schema.ts";

/** One key of the config, as the reference tells it. All texts are Markdown or TypeScript. */
export interface KeyDoc {
  readonly name: string;
  readonly optional: boolean;
  /** TypeScript. */
  readonly type: string;
  readonly description: string;
  /** The value in force when the key is left out, or in words where that comes from. */
  readonly fallback: string | undefined;
  /** TypeScript that may stand after `key: `. */
  readonly example: string | undefined;
}

/** A group of keys: an interface of the public types. */
export interface Section {
  readonly typeName: string;
  readonly description: string;
  /** Where it stands in the config: `proxy`, `servers.ROLE.proxy`. Empty for the root. */
  readonly paths: readonly string[];
  readonly keys: readonly KeyDoc[];
}

type Node = z.core.$ZodType;
const defOf = (node: Node): z.core.$ZodTypes["_zod"]["def"] => (node as z.core.$ZodTypes)["_zod"].def;
const metaOf = (node: Node): z.core.GlobalMeta => z.globalRegistry.get(node) ?? {};

let walked: readonly Section[] | undefined;

/** Every section of the config, root first, in the order of the schema. */
export function sections(): readonly Section[] {
  return (walked ??= walk());
}

function walk(): readonly Section[] {
  const found = new Map<string, { paths: string[]; section: Omit<Section, "paths"> }>();
  const visit = (node: Node, path: string): void => {
    const def = defOf(node);
    if (def.type === "object" && metaOf(node).typeText === undefined) {
      const { typeName, description } = metaOf(node);
      if (typeName === undefined || description === undefined) throw new TypeError(`Cannot document ${path}: its meta needs typeName and description`);
      const known = found.get(typeName);
      if (known !== undefined && !known.paths.includes(path)) known.paths.push(path);
      if (known === undefined) found.set(typeName, { paths: path === "" ? [] : [path], section: { typeName, description, keys: Object.entries(def.shape).map(([name, key]) => keyDoc(name, key, path)) } });
      for (const [name, key] of Object.entries(def.shape)) visit(key, path === "" ? name : `${path}.${name}`);
      return;
    }
    if (def.type === "record") return visit(def.valueType, `${path}.${path === "servers" ? "ROLE" : "NAME"}`);
    for (const child of children(node)) visit(child, path);
  };
  visit(ConfigSchema, "");
  return [...found.values()].map(({ paths, section }) => ({ ...section, paths }));
}

/** What is inside a node and stands at the same path. */
function children(node: Node): readonly Node[] {
  const def = defOf(node);
  switch (def.type) {
    case "optional":
    case "default":
    case "prefault":
    case "readonly":
      return [def.innerType];
    case "pipe":
      return [def.in, def.out];
    case "union":
      return def.options;
    case "array":
      return [def.element];
    default:
      return [];
  }
}

function keyDoc(name: string, node: Node, path: string): KeyDoc {
  const { description, fallback } = metaOf(node);
  if (description === undefined) throw new TypeError(`Cannot document ${path}.${name}: its meta needs a description`);
  const def = defOf(node);
  const filled = def.type === "default" ? JSON.stringify(def.defaultValue) : undefined;
  return { name, optional: ["optional", "default", "prefault"].includes(def.type), type: typeText(node), description, fallback: fallback ?? filled, example: exampleOf(node) };
}

/** The example of a node, or of what it wraps. */
function exampleOf(node: Node): string | undefined {
  const def = defOf(node);
  return metaOf(node).example ?? ("innerType" in def ? exampleOf(def.innerType) : undefined);
}

/** The TypeScript of what a user may write for a node. */
function typeText(node: Node): string {
  const given = metaOf(node).typeText ?? metaOf(node).typeName;
  if (given !== undefined) return given;
  const def = defOf(node);
  switch (def.type) {
    case "string":
    case "number":
    case "boolean":
      return def.type;
    case "enum":
      return Object.values(def.entries).map((entry) => JSON.stringify(entry)).join(" | ");
    case "array": {
      const item = typeText(def.element);
      return `${item.includes(" ") ? `(${item})` : item}[]`;
    }
    case "tuple":
      return `[${def.items.map(typeText).join(", ")}]`;
    case "readonly":
      return `readonly ${typeText(def.innerType)}`;
    case "record":
      return `Record<string, ${typeText(def.valueType)}>`;
    case "union":
      return [...new Set(def.options.map((option) => inUnion(typeText(option))))].join(" | ");
    case "optional":
    case "default":
    case "prefault":
      return typeText(def.innerType);
    case "pipe":
      return typeText(def.in);
    default:
      throw new TypeError(`Cannot document a schema of type "${def.type}": give it a typeText`);
  }
}

/** A function type must stand in parentheses beside others. */
const inUnion = (type: string): string => (type.includes("=>") ? `(${type})` : type);

/** The public types of the config: the text of types.ts. */
export function typesSource(): string {
  const imports = [
    `import type { Duration } from "../ground/duration.ts";`,
    `import type { FileContent } from "./file-content.ts";`,
    `import type { Hooks, HooksOutput } from "./hooks.ts";`,
    `import type { HostsFunction, ServersFunction } from "./host-functions.ts";`,
    `import type { SecretFunction } from "./secret-function.ts";`,
    `import type { SecretInput, SecretRef } from "./secret-ref.ts";`,
  ];
  const head = "// Generated from the schema by test/config/generate.ts: change lib/config/schema, then run it.";
  return [head, ...imports, "", ...sections().map(interfaceText)].join("\n");
}

function interfaceText({ typeName, description, keys }: Section): string {
  return [`/** ${description} */`, `export interface ${typeName} {`, ...keys.flatMap(memberText), "}\n"].join("\n");
}

function memberText({ name, optional, type, description, fallback, example }: KeyDoc): string[] {
  const lines = [description, ...(fallback === undefined ? [] : [`@default ${fallback}`]), ...(example === undefined ? [] : [`@example ${name}: ${example}`])];
  const doc = lines.length === 1 ? [`  /** ${description} */`] : ["  /**", ...lines.map((line) => `   * ${line}`), "   */"];
  return [...doc, `  ${name}${optional ? "?" : ""}: ${type}${optional ? " | undefined" : ""};`];
}
