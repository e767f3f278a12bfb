import { type Alias, isAlias, isMap, isScalar, isSeq, LineCounter, type Node as YamlNode, type Pair, parseDocument, type Scalar } from "yaml";
import { DeployError } from "../../ground/errors.ts";
import { codeFrame, type Place, placeAt, placeText } from "../place.ts";
import { commentsOf } from "./comments.ts";
import type { Entry, Node, ScalarNode } from "./node.ts";
import { refuseLarge, type Rendered } from "./erb.ts";

/** A file being read. */
export interface Source {
  /** Absolute. */
  readonly file: string;
  /** Before Ruby was rendered. */
  readonly text: string;
  readonly cwd: string;
}

/**
 * Reads YAML as Ruby does: YAML 1.1, where `yes` is true and `0644` is octal, with symbols, anchors and merge keys.
 * @throws DeployError (config) with the place of every mistake
 */
export function parseYaml(rendered: Rendered, source: Source): Node {
  refuseLarge(source, source.cwd, rendered.text);
  try {
    return read(rendered, source);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new DeployError("config", `Cannot read ${placeText(placeAt(source.file, source.text, 0), source.cwd).replace(/:1:1$/, "")}: lists and maps in it are nested too deeply`, { cause: error, hint: "Take out what is no config" });
  }
}

/** Aliases multiply: a few lines can stand for more than fits into memory. */
const mostNodes = 50_000;

function read(rendered: Rendered, source: Source): Node {
  const document = parseDocument(rendered.text, { version: "1.1", schema: "failsafe", merge: false, strict: true, prettyErrors: false, lineCounter: new LineCounter(), uniqueKeys: (a, b) => isScalar(a) && isScalar(b) && a.value === b.value && a.value !== "<<" });
  const place = (offset: number): Place => placeAt(source.file, source.text, rendered.sourceOffset(offset));
  if (document.errors.length > 0) {
    throw new DeployError("config", `Cannot read ${placeText(place(document.errors[0]?.pos[0] ?? 0), source.cwd)}: it is not valid YAML`, {
      details: document.errors.slice(0, 5).flatMap(({ message, pos }) => [`${placeText(place(pos[0]), source.cwd)}: ${message}`, ...codeFrame(source.text, place(pos[0]))]),
      hint: "Correct the first place: the others may follow from it",
    });
  }
  let nodes = 0;
  const anchored = new Map<Alias, YamlNode | undefined>();
  const visit = (node: YamlNode | null | undefined, fallback: number, inside: readonly YamlNode[]): Node => {
    if (++nodes > mostNodes) throw refused(`it has more than ${mostNodes} values, those that aliases stand for included`, place(node?.range?.[0] ?? fallback), source);
    const offset = rendered.sourceOffset(node?.range?.[0] ?? fallback);
    if (isAlias(node)) {
      const target = anchored.get(node) ?? node.resolve(document);
      anchored.set(node, target);
      if (target === undefined || inside.includes(target)) throw refused(`the alias *${node.source} leads ${target === undefined ? "nowhere" : "to itself"}`, place(node.range?.[0] ?? 0), source);
      return { ...visit(target, fallback, [...inside, target]), anchor: node.source };
    }
    const anchor = node === null || node === undefined ? undefined : node.anchor;
    if (isMap(node)) return { kind: "map", at: offset, anchor, entries: entriesOf(node.items as Pair<YamlNode, YamlNode | null>[], inside) };
    if (isSeq(node)) return { kind: "list", at: offset, anchor, ...(node.flow === true ? { flow: true } : {}), items: (node.items as YamlNode[]).map((item): Node => ({ ...visit(item, fallback, inside), comments: commentsOf(rendered.text, item, item) })) };
    return { kind: "scalar", at: offset, anchor, value: isScalar(node) ? scalarValue(node) : null, written: isScalar(node) ? String(node.value) : "", ...(isScalar(node) && node.type !== "PLAIN" ? { quoted: true } : {}) };
  };
  const entriesOf = (pairs: readonly Pair<YamlNode, YamlNode | null>[], inside: readonly YamlNode[]): Entry[] => {
    const entries = new Map<string, Entry>();
    const put = (entry: Entry): void => void entries.set(entry.key, entry);
    for (const { key, value } of pairs) {
      const at = key.range?.[0] ?? 0;
      const name = isScalar(key) ? keyName(key) : undefined;
      if (name === undefined) throw refused("a key is a list or a map", place(at), source);
      const node = visit(value, at, inside);
      const merged = name === "<<" ? mergedEntries(node) : undefined;
      if (merged !== undefined) merged.forEach(put);
      else put({ key: name, written: name, at: rendered.sourceOffset(at), node, comments: commentsOf(rendered.text, key, value) });
    }
    return [...entries.values()];
  };
  return visit(document.contents, 0, []);
}

function refused(what: string, place: Place, { text, cwd }: Source): DeployError {
  return new DeployError("config", `Cannot read ${placeText(place, cwd)}: ${what}`, { details: codeFrame(text, place), hint: "Correct the YAML at this place" });
}

/** What `<<` adds: of a list the first map wins. Undefined when it is not about maps. */
function mergedEntries(node: Node): readonly Entry[] | undefined {
  if (node.kind === "map") return node.entries;
  if (node.kind === "list") return node.items.toReversed().flatMap((item) => (item.kind === "map" ? item.entries : []));
  return undefined;
}

/** The name of a key. One such as `OFF` or `077` is meant as it is written, though the value would be none. */
function keyName(key: Scalar): string {
  const value = scalarValue(key);
  return typeof value === "string" ? value : String(key.value ?? "");
}

/**
 * The value of a scalar as Ruby's Psych resolves it. A number that Ruby would print in another way than JavaScript stays a text, such as 3.0.
 * Source: Psych::ScalarScanner.
 */
export function scalarValue(scalar: Scalar): Exclude<ScalarNode["value"], object> {
  const text = String(scalar.value ?? "");
  if (scalar.type !== "PLAIN" || scalar.tag === "tag:yaml.org,2002:str" || scalar.tag === "!") return text;
  if (/^(~|null|Null|NULL)?$/.test(text)) return null;
  if (/^(yes|true|on)$/i.test(text)) return true;
  if (/^(no|false|off)$/i.test(text)) return false;
  // An IPv6 address is no symbol, though Ruby takes it for one.
  if (/^:[^:]/.test(text)) return text.replace(/^:(["']?)(.*)\1$/, "$2");
  const digits = text.replaceAll(/[_,]/g, "");
  if (/^[-+]?0[0-7_,]+$/.test(text)) return number(Number.parseInt(digits.replace(/^([-+]?)0/, "$1"), 8));
  if (/^[-+]?(0|[1-9][\d_,]*)$/.test(text)) return number(Number(digits), digits);
  if (/^[-+]?0x[\da-fA-F_,]+$/.test(text)) return number(Number(digits));
  if (/^[-+]?0b[01_,]+$/.test(text)) return number(Number(digits));
  if (/^[-+]?[1-9][\d_]*(:[0-5]?\d)+$/.test(text)) return number(text.replace(/^[-+]/, "").split(":").reduce((sum, part) => sum * 60 + Number(part.replaceAll("_", "")), 0) * (text.startsWith("-") ? -1 : 1));
  if (/^[-+]?([\d][\d_,]*)?\.\d[\d_]*([eE][-+]\d+)?$/.test(text)) return Number.isInteger(Number(digits)) ? (Math.abs(Number(digits)) < 1e16 ? Number(digits).toFixed(1) : text) : Number(digits);
  return text;
}

const number = (value: number, text = String(value)): number | string => (Number.isSafeInteger(value) ? value : text);
