import type { Path } from "../locate.ts";
import type { Problem } from "../problems.ts";
import { suggest } from "../suggest.ts";
import { isTraefikLabel } from "../traefik/labels.ts";
import { type Flavour, flavourOf, type ProjectFiles } from "./flavour.ts";
import { envGroups, type Key, rootShape, type Shape } from "./keys.ts";
import { at, type Entry, isTemplate, type MapNode, type Node, type Template, type TemplateKind } from "./node.ts";
import { rewrite } from "./rewrite.ts";

/** What is converted, and in which light. */
export interface Conversion {
  readonly flavour: Flavour;
  /** The config itself; false: what differs for a destination. */
  readonly base: boolean;
  /** Where the secrets are that the file says nothing of. */
  readonly secretsPath: string;
  /** Names of the roles behind Traefik. */
  readonly traefikRoles: ReadonlySet<string>;
  /** The builders of the config itself, as MRSK has them. */
  readonly builders: { readonly local: boolean; readonly remote: boolean };
  readonly leftovers: Leftovers;
}

/** Labels of Traefik in a project of Kamal 2: what puts a role behind Traefik here, and does nothing there. */
export interface Leftovers {
  readonly primary: string;
  /** The primary role is concerned, whatever it says itself. */
  readonly atRoot: boolean;
  /** Roles with such labels of their own. */
  readonly roles: ReadonlySet<string>;
  /** `servers` of the config itself. */
  readonly servers: Node | undefined;
}

/** Something of the file that is not in the config. */
export interface Omission {
  /** Where in the file. */
  readonly at: number;
  /** As the file names it. */
  readonly name: string;
  readonly why: string;
}

/** A file of Kamal or MRSK under our names. */
export interface Converted {
  readonly root: MapNode;
  readonly problems: readonly Problem[];
  readonly omissions: readonly Omission[];
  readonly hooksPath: string | undefined;
  readonly auditBroadcast: string | undefined;
}

/** Converts a file and the files that go over it, in the light of each other. */
export function convertProject(nodes: readonly Node[], project: ProjectFiles): { readonly flavour: Flavour; readonly converted: readonly Converted[] } {
  const flavour = flavourOf(nodes, project);
  const chosen = nodes.flatMap((node) => mapEntries(at(node, "servers")).filter((role) => isTrue(at(role.node, "traefik"))).map(({ key }) => key));
  const primary = nodes.map((node) => at(node, "primary_role")).findLast((role) => role?.kind === "scalar");
  const primaryName = primary?.kind === "scalar" ? String(primary.value) : "web";
  const traefikRoles = new Set([...chosen, primaryName]);
  const leftovers: Leftovers = {
    primary: primaryName, atRoot: nodes.some(isLabelled), servers: at(nodes[0], "servers"),
    roles: new Set(nodes.flatMap((node) => mapEntries(at(node, "servers")).filter((role) => isLabelled(role.node)).map(({ key }) => key))),
  };
  const secretsPath = flavour === "mrsk" && !project.kamalSecrets ? ".env" : ".kamal/secrets";
  const [local, remote] = ["local", "remote"].map((side) => at(nodes[0], "builder", side)?.kind === "map");
  const builders = { local: local === true, remote: remote === true };
  return { flavour, converted: nodes.map((node, i) => convert(node, { flavour, base: i === 0, secretsPath, traefikRoles, builders, leftovers })) };
}

const mapEntries = (node: Node | undefined): readonly Entry[] => (node?.kind === "map" ? node.entries : []);
const isLabelled = (node: Node): boolean => mapEntries(at(node, "labels")).some(({ key }) => isTraefikLabel(key));
const isTrue = (node: Node | undefined): boolean => node?.kind === "scalar" && node.value === true;

/** Gives everything our names. Keys that nobody knows stay, marked, and are told as problems. */
export function convert(root: Node, conversion: Conversion): Converted {
  const problems: Problem[] = [];
  const omissions: Omission[] = [];
  const visit = (node: Node, shape: Shape, path: Path): Node => {
    if (node.kind === "list") return shape.list === undefined ? node : { ...node, items: node.items.map((item, i) => severally(visit(item, shape.list ?? {}, [...path, i]), node.flow === true && shape.single !== true)) };
    if (node.kind === "scalar") return scalar(node, shape);
    if (shape.keys !== undefined) return { ...node, entries: known(node, shape.keys, path) };
    if (shape.each === undefined) return node;
    if (isGrouped(node, path)) return { ...node, entries: groups(node, shape, path) };
    return { ...node, entries: node.entries.map((entry) => {
      const key = shape.rename?.(entry.key) ?? entry.key;
      return { ...entry, key, node: visit(entry.node, shape.each ?? {}, [...path, key]) };
    }) };
  };
  const known = (node: MapNode, keys: Readonly<Record<string, Key>>, path: Path): Entry[] =>
    node.entries.flatMap((entry): Entry[] => {
      const key = Object.hasOwn(keys, entry.key) ? keys[entry.key] : undefined;
      if (key === undefined) {
        // Anchors are kept under such names.
        if (path.length === 0 && entry.key.startsWith("x-")) return [];
        const near = suggest(entry.key, Object.keys(keys));
        // MRSK passes over what it does not know, and projects keep anchors under such keys; a slip of the pen is told all the same.
        if (conversion.flavour === "mrsk" && near === undefined) {
          omissions.push({ at: entry.at, name: [...path, entry.key].join("."), why: "MRSK passes over it too" });
          return [];
        }
        problems.push({ path: [...path, entry.key], text: near === undefined ? "unknown key" : `unknown key, did you mean ${near}?` });
        return [{ ...entry, unknown: true }];
      }
      if (key.without !== undefined) {
        omissions.push({ at: entry.at, name: [...path, entry.key].join("."), why: key.without });
        return [];
      }
      // MRSK takes a key without a value for one that is not there.
      if (conversion.flavour === "mrsk" && entry.node.kind === "scalar" && entry.node.value === null) return [];
      return [{ ...entry, key: key.name, node: visit(entry.node, key.shape, [...path, key.name]) }];
    });
  const groups = (node: MapNode, shape: Shape, path: Path): Entry[] =>
    node.entries.map((entry) => {
      const inner: Shape = entry.key === "tags" ? { each: shape } : entry.key === "secret" ? { scalar: "text", list: { scalar: "text" } } : shape;
      if ((envGroups as readonly string[]).includes(entry.key)) return { ...entry, node: visit(entry.node, inner, [...path, entry.key]) };
      problems.push({ path: [...path, entry.key], text: `unknown key beside ${envGroups.filter((group) => node.entries.some(({ key }) => key === group)).join(" and ")}: a variable belongs below clear` });
      return { ...entry, unknown: true };
    });
  const named: MapNode = root.kind === "map" ? { ...root, entries: known(root, rootShape.keys ?? {}, []) } : { kind: "map", at: root.at, entries: [] };
  return rewrite(named, conversion, problems, omissions);
}

/** True for an environment that is divided. A variable may be called so too: what stands behind it decides. */
const isGrouped = (node: MapNode, path: Path): boolean =>
  (path.at(-1) === "env" || path.at(-2) === "tags") && node.entries.some(({ key, node: value }) => (envGroups as readonly string[]).includes(key) && value.kind !== "scalar");

function scalar(node: Extract<Node, { kind: "scalar" }>, shape: Shape): Node {
  const { value } = node;
  if (isTemplate(value)) return { ...node, value: { ...value, as: templateKind(node, value, shape) } };
  if (shape.scalar === "written" && typeof value === "number" && node.written !== undefined) return { ...node, value: node.written };
  // Where Kamal asks for a string it takes numbers and booleans too.
  return (shape.scalar === "text" || shape.scalar === "list") && (typeof value === "number" || typeof value === "boolean") ? { ...node, value: String(value) } : node;
}

function templateKind({ quoted }: Extract<Node, { kind: "scalar" }>, { parts }: Template, { scalar: wanted }: Shape): TemplateKind {
  if (wanted === "number" || wanted === "boolean") return wanted;
  if (wanted === "list") return quoted === true ? "text" : "list";
  if (wanted === "any") return "scalar";
  // Letters make it a text whatever else is there.
  return wanted === "value" && quoted !== true && !parts.some((part) => typeof part === "string" && /[a-z/:\s]/i.test(part)) ? "scalar" : "text";
}

/** A template alone between brackets or commas stands for as many items as come out of it. */
function severally(item: Node, isFlow: boolean): Node {
  if (!isFlow || item.kind !== "scalar" || item.quoted === true || !isTemplate(item.value)) return item;
  const { parts } = item.value;
  return parts.length === 1 && typeof parts[0] === "object" ? { ...item, value: { ...item.value, as: "items" } } : item;
}
