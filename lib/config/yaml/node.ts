import type { Path } from "../locate.ts";
import type { SecretRef } from "../secret-ref.ts";
import type { Expression } from "./ruby.ts";

/** A text with Ruby in it that is to become TypeScript. */
export interface Template {
  readonly kind: "template";
  readonly parts: readonly (string | TemplatePart)[];
  /** What must come out of it. */
  readonly as: TemplateKind;
}
/** `scalar` is what YAML makes of an unquoted text, `list` a list, and `items` several items of one. */
export type TemplateKind = "text" | "number" | "boolean" | "scalar" | "list" | "items";
export interface TemplatePart {
  /** Undefined: it has no counterpart. */
  readonly expression: Expression | undefined;
  /** The tag as it was written. */
  readonly source: string;
}
export const isTemplate = (value: unknown): value is Template => typeof value === "object" && value !== null && "kind" in value && value.kind === "template";

/** A value of a YAML file that knows where it stands; also what it becomes under our names. */
export type Node = MapNode | ListNode | ScalarNode;
interface Placed {
  /** In the file, before Ruby was rendered. */
  readonly at: number;
  /** The anchor it has, or was referred to by. */
  readonly anchor?: string | undefined;
  readonly comments?: Comments | undefined;
}
/** Comments of a key, or of an item of a list. */
export interface Comments {
  /** Lines above it, without `#`. */
  readonly above: readonly string[];
  /** On the same line. */
  readonly behind: string | undefined;
  /** An empty line stands before it. */
  readonly spaced?: boolean;
}
export interface MapNode extends Placed {
  readonly kind: "map";
  readonly entries: readonly Entry[];
}
export interface ListNode extends Placed {
  readonly kind: "list";
  readonly items: readonly Node[];
  /** Written in brackets. */
  readonly flow?: boolean;
}
export interface ScalarNode extends Placed {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null | Template | SecretRef;
  /** As it stands in the file, without quotes. */
  readonly written?: string;
  /** In quotes, or a block: a text whatever it says. */
  readonly quoted?: boolean;
}
export interface Entry {
  readonly key: string;
  /** The key as the YAML file has it. */
  readonly written: string;
  /** Of the key. */
  readonly at: number;
  readonly node: Node;
  readonly comments?: Comments | undefined;
  /** A key that does not exist: told as a problem, and no part of the config. */
  readonly unknown?: boolean;
}

/** The entry of a map. */
export const entryOf = (node: Node | undefined, key: string): Entry | undefined => (node?.kind === "map" ? node.entries.findLast((entry) => entry.key === key && entry.unknown !== true) : undefined);
/** What stands under a key of a map. */
export const at = (node: Node | undefined, ...keys: readonly string[]): Node | undefined => keys.reduce<Node | undefined>((inner, key) => entryOf(inner, key)?.node, node);

/** The value without places. */
export function plain(node: Node): unknown {
  switch (node.kind) {
    case "map":
      return Object.fromEntries(node.entries.filter(({ unknown }) => unknown !== true).map(({ key, node: value }) => [key, plain(value)]));
    case "list":
      return node.items.map(plain);
    case "scalar":
      return node.value;
  }
}

/** Where the longest beginning of a path stands, and how many of its parts were found; undefined when not even the first was. */
export function locateNode(root: Node, path: Path): { readonly offset: number; readonly depth: number } | undefined {
  let node: Node | undefined = root;
  let found: { offset: number; depth: number } | undefined;
  for (const [i, part] of path.entries()) {
    const next = step(node, part);
    if (next === undefined) return found;
    found = { offset: next.at, depth: i + 1 };
    node = next.node;
  }
  return found;
}

/** The path as the YAML file names it. */
export function writtenPath(roots: readonly Node[], path: Path): Path {
  let nodes: readonly (Node | undefined)[] = roots;
  return path.map((part) => {
    const steps = nodes.map((node) => step(node, part));
    nodes = steps.map((next) => next?.node);
    return typeof part === "number" ? part : (steps.find((next) => next?.written !== undefined)?.written ?? snakeCase(part));
  });
}

function step(node: Node | undefined, part: string | number): { readonly node: Node; readonly at: number; readonly written?: string } | undefined {
  if (node?.kind === "list" && typeof part === "number") {
    const item = node.items[part];
    return item === undefined ? undefined : { node: item, at: item.at };
  }
  return node?.kind === "map" ? node.entries.findLast(({ key }) => key === part) : undefined;
}

export const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
