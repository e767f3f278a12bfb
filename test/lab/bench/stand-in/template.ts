/** What a template is filled with: what `docker inspect` or a row of `docker ps` has. */
export type Value = string | number | boolean | undefined | readonly Value[] | { readonly [key: string]: Value } | ((word: string) => Value);

type Node = string | { readonly action: string; readonly body?: readonly Node[]; readonly otherwise?: readonly Node[] };
type Scope = { readonly dot: Value; readonly variables: Readonly<Record<string, Value>> };

const blocks = /^(if|with|range)\b/;

/** Fills a template of Go as `docker --format` takes it, as far as capstan uses them. @throws Error for what it does not know */
export function fill(template: string, data: Value): string {
  const pieces = template.replaceAll("\\t", "\t").split(/(\{\{.*?\}\})/s).filter((piece) => piece !== "");
  const { nodes } = read(pieces, 0);
  return printAll(nodes, { dot: data, variables: {} });
}

function read(pieces: readonly string[], from: number): { readonly nodes: readonly Node[]; readonly at: number; readonly end: string } {
  const nodes: Node[] = [];
  for (let at = from; at < pieces.length; at++) {
    const piece = pieces[at] ?? "";
    if (!piece.startsWith("{{")) {
      nodes.push(piece);
      continue;
    }
    const action = piece.slice(2, -2).trim();
    if (action === "end" || action === "else") return { nodes, at, end: action };
    if (!blocks.test(action)) {
      nodes.push({ action });
      continue;
    }
    const body = read(pieces, at + 1);
    const otherwise = body.end === "else" ? read(pieces, body.at + 1) : { nodes: [], at: body.at };
    nodes.push({ action, body: body.nodes, otherwise: otherwise.nodes });
    ({ at } = otherwise);
  }
  return { nodes, at: pieces.length, end: "" };
}

const printAll = (nodes: readonly Node[], scope: Scope): string => nodes.map((node) => (typeof node === "string" ? node : print(node, scope))).join("");

function print({ action, body = [], otherwise = [] }: Exclude<Node, string>, scope: Scope): string {
  const word = blocks.exec(action)?.[0];
  if (word === undefined) return text(evaluate(action, scope));
  const rest = action.slice(word.length).trim();
  if (word !== "range") {
    const value = evaluate(rest, scope);
    return isTrue(value) ? printAll(body, word === "with" ? { ...scope, dot: value } : scope) : printAll(otherwise, scope);
  }
  const [, key = "", name = "", from = rest] = /^\$(\w+), \$(\w+) := (.*)$/.exec(rest) ?? [];
  const items = evaluate(from, scope);
  const entries: readonly (readonly [string, Value])[] = typeof items === "object" ? Object.entries(items) : [];
  return entries.map(([at, dot]) => printAll(body, { dot, variables: { ...scope.variables, [key]: at, [name]: dot } })).join("");
}

function evaluate(expression: string, scope: Scope): Value {
  const words = expression.match(/"(?:[^"\\]|\\.)*"|\([^()]*\)|\S+/g) ?? [];
  const [first = "", ...rest] = words;
  const called = first.startsWith(".") ? one(first, scope) : undefined;
  if (typeof called === "function") return called(text(one(rest[0] ?? "", scope)));
  const values = rest.map((word) => one(word, scope));
  switch (first) {
    case "index": return values.slice(1).reduce<Value>((value, key) => property(value, text(key)), values[0]);
    case "not": return !isTrue(values[0]);
    case "eq": return values.slice(1).some((value) => value === values[0]);
    case "json": return JSON.stringify(values[0]);
    case "println": return `${values.map(text).join(" ")}\n`;
    default: return one(first, scope);
  }
}

function one(word: string, scope: Scope): Value {
  if (word.startsWith('"')) return JSON.parse(word) as string;
  if (word.startsWith("(")) return evaluate(word.slice(1, -1), scope);
  if (/^\d+$/.test(word)) return Number(word);
  const [head = "", ...path] = word.split(".");
  if (head !== "" && !head.startsWith("$")) throw new Error(`template: function ${JSON.stringify(head)} not defined`);
  return path.filter((key) => key !== "").reduce<Value>(property, head === "" ? scope.dot : scope.variables[head.slice(1)]);
}

const property = (value: Value, key: string): Value => (typeof value === "object" && key in value ? (value as Readonly<Record<string, Value>>)[key] : undefined);
const isTrue = (value: Value): boolean => (typeof value === "object" ? Object.keys(value).length > 0 : Boolean(value));
const text = (value: Value): string => (value === undefined ? "<no value>" : typeof value === "object" ? JSON.stringify(value) : String(value));
