import { suggest } from "../suggest.ts";
import type { Block, Field, Leaf, TraefikMajor } from "./fields.ts";
import { fieldsOf } from "./fields.ts";

/** A value of a dynamic configuration file. */
export type Value = string | number | boolean | readonly Value[] | Values;
export interface Values {
  readonly [name: string]: Value;
}

/** A label that Traefik would not take. */
export interface LabelProblem {
  readonly label: string;
  /** `expected …`, or what is unknown. */
  readonly text: string;
}

/** What the `traefik.*` labels of a role say. */
export interface Labels {
  /** False: `traefik.enable` is false. */
  readonly enabled: boolean;
  /** The sections `http`, `tcp`, `udp` and `tls` as in a file, servers excepted: what labels say of them stands under `server`. */
  readonly sections: Values;
  readonly problems: readonly LabelProblem[];
}

/** True for the labels that are Traefik's. */
export const isTraefikLabel = (label: string): boolean => /^traefik\./i.test(label);

type Tree = { [name: string]: Value | Tree | Tree[] };

/**
 * Reads labels as Traefik's docker provider does: names of fields in any case, lists with commas or as `name[0]`.
 * `traefik.docker.*` is for that provider alone and left out.
 * @param major which fields there are
 */
export function readLabels(labels: Readonly<Record<string, string>>, major: TraefikMajor): Labels {
  const problems: LabelProblem[] = [];
  const sections: Tree = {};
  let enabled = true;
  for (const [label, value] of Object.entries(labels).filter(([name]) => isTraefikLabel(name))) {
    const [, ...path] = label.split(".");
    const first = path[0]?.toLowerCase();
    if (first === "docker") continue;
    try {
      if (first === "enable" && path.length === 1) enabled = leafValue("boolean", value) === true;
      else put(sections, fieldsOf(major), path, value, major);
    } catch (error) {
      if (!(error instanceof BadLabel)) throw error;
      problems.push({ label, text: error.message });
    }
  }
  return { enabled, sections: sections as Values, problems };
}

class BadLabel extends Error {}

/** Writes one label's value at its place in the tree. */
function put(tree: Tree, block: Block, path: readonly string[], value: string, major: TraefikMajor): void {
  const [segment = "", ...rest] = path;
  if (segment.length > 200) throw new BadLabel("expected names of at most 200 letters between the dots");
  const [, written = segment, index] = /^(.*?)(?:\[(\d+)\])?$/.exec(segment) ?? [];
  const { name, field } = fieldNamed(block, written, major);
  if (typeof field === "string" && field !== "any") {
    if (rest.length > 0) throw new BadLabel(`expected nothing below ${name}: it is ${kindText(field)}`);
    if (index === undefined) tree[name] = leafValue(field, value);
    else if (field === "texts") listAt(tree, name)[position(index)] = value;
    else throw new BadLabel(`expected ${name} without an index: it is ${kindText(field)}`);
    return;
  }
  if (field === "any") return void putAny(tree, name, rest, value);
  const inner: Block = isList(field) ? field[0] : (field as Block);
  if (rest.length === 0) {
    if ("?" in inner && /^(true|false)$/i.test(value)) {
      if (value.toLowerCase() === "true") tree[name] = childOf(tree, name);
      return;
    }
    throw new BadLabel(`expected a field of ${name}: ${namesIn(inner).join(", ")}`);
  }
  if (!isList(field)) return put(childOf(tree, name), inner, rest, value, major);
  if (index === undefined) throw new BadLabel(`expected ${name}[0], ${name}[1], …: it is a list`);
  const items = itemsAt(tree, name) as Tree[];
  put((items[position(index)] ??= {}), inner, rest, value, major);
}

const isList = (field: Field): field is readonly [Block] => Array.isArray(field);

function fieldNamed(block: Block, written: string, major: TraefikMajor): { readonly name: string; readonly field: Field } {
  const free = block["*"];
  if (free !== undefined) {
    if (written === "") throw new BadLabel("expected a name between the dots");
    if (written === "__proto__") throw new BadLabel("expected another name than __proto__");
    return { name: written, field: free };
  }
  const name = namesIn(block).find((one) => one.toLowerCase() === written.toLowerCase());
  const field = name === undefined ? undefined : block[name];
  if (name !== undefined && field !== undefined) return { name, field };
  const meant = suggest(written, namesIn(block));
  throw new BadLabel(`unknown field ${JSON.stringify(written)} of Traefik ${major}${meant === undefined ? `, expected one of ${namesIn(block).join(", ")}` : `, did you mean ${meant}?`}`);
}

const namesIn = (block: Block): string[] => Object.keys(block).filter((name) => name !== "?" && name !== "*");

function childOf(tree: Tree, name: string): Tree {
  if (!Object.hasOwn(tree, name)) tree[name] = {};
  return tree[name] as Tree;
}

const listAt = (tree: Tree, name: string): string[] => itemsAt(tree, name) as string[];
function itemsAt(tree: Tree, name: string): unknown[] {
  if (!Object.hasOwn(tree, name)) tree[name] = [];
  return tree[name] as unknown[];
}

/** A list is as long as its highest index says. */
function position(index: string): number {
  if (index.length > 3) throw new BadLabel(`expected an index below 1000, found ${index.slice(0, 20)}`);
  return Number(index);
}

/** What a plugin takes is its own business: every level is a map, or with an index a list, every value a text. */
function putAny(tree: Tree, segment: string, rest: readonly string[], value: string): void {
  if (segment.length > 200 || segment.startsWith("__proto__")) throw new BadLabel("expected a name of at most 200 letters between the dots");
  const [, name = segment, index] = /^(.+?)(?:\[(\d+)\])?$/.exec(segment) ?? [];
  const [next, ...further] = rest;
  if (index !== undefined) {
    const items = itemsAt(tree, name) as (Tree | string)[];
    if (next === undefined) items[position(index)] = value;
    else putAny((items[position(index)] ??= {}) as Tree, next, further, value);
    return;
  }
  if (next === undefined) tree[name] = value;
  else putAny(childOf(tree, name), next, further, value);
}

const kindText = (kind: Leaf): string => ({ text: "a text", texts: "a list with commas", number: "a number", boolean: "true or false", duration: "a duration", any: "anything" })[kind];

/** Source: Traefik reads durations as Go does, and bare numbers as seconds. */
const durationForm = /^(\d+|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+)$/;

function leafValue(kind: Leaf, value: string): Value {
  switch (kind) {
    case "boolean":
      if (/^(true|false)$/i.test(value)) return value.toLowerCase() === "true";
      throw new BadLabel(`expected true or false, found ${JSON.stringify(value)}`);
    case "number":
      if (/^-?\d+$/.test(value)) return Number(value);
      throw new BadLabel(`expected a whole number, found ${JSON.stringify(value)}`);
    case "duration":
      if (durationForm.test(value)) return value;
      throw new BadLabel(`expected a duration such as "500ms" or "10s", found ${JSON.stringify(value)}`);
    case "texts":
      return value.split(",").map((one) => one.trim()).filter((one) => one !== "");
    default:
      return value;
  }
}
