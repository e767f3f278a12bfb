/** What was found at one place of a text. */
export interface Walk {
  /** Every value that begins here, the shortest first. */
  readonly found: readonly { readonly length: number; readonly name: string }[];
  /** The text ended while a longer value was still possible. */
  readonly pending: boolean;
}

interface Node {
  /** Name of the value that ends here. */
  name: string | undefined;
  readonly edges: Map<number, { text: string; node: Node }>;
}

/** Letters that are looked at together before anything is compared. */
export const gram = 4;
const gramBits = 20;
const gramMask = (1 << gramBits) - 1;

/**
 * Many values that are looked for at once. A text costs one pass however many they are: four letters at a time are looked up in a table,
 * and only where some value begins with them the tree of values is walked.
 */
export class Matcher {
  readonly #root: Node = { name: undefined, edges: new Map() };
  readonly #grams = new Uint8Array(1 << gramBits);
  /** Letters of the longest value. */
  #longest = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The name of the first one who brought a value stays. @param value at least {@link gram} letters */
  add(value: string, name: string): void {
    this.#grams[keyAt(value, 0)] = 1;
    this.#longest = Math.max(this.#longest, value.length);
    const node = this.#nodeFor(value);
    if (node.name === undefined) this.#size++;
    node.name ??= name;
  }

  #nodeFor(value: string): Node {
    let node = this.#root;
    let at = 0;
    while (at < value.length) {
      const edge = node.edges.get(value.charCodeAt(at));
      if (edge === undefined) {
        const leaf: Node = { name: undefined, edges: new Map() };
        node.edges.set(value.charCodeAt(at), { text: value.slice(at), node: leaf });
        return leaf;
      }
      const common = commonLength(edge.text, value, at);
      if (common < edge.text.length) {
        const rest = { text: edge.text.slice(common), node: edge.node };
        edge.node = { name: undefined, edges: new Map([[rest.text.charCodeAt(0), rest]]) };
        edge.text = edge.text.slice(0, common);
      }
      node = edge.node;
      at += common;
    }
    return node;
  }

  /** Every value that begins at `at`, and whether a longer one may. */
  walk(text: string, at: number): Walk {
    const found: { length: number; name: string }[] = [];
    let node = this.#root;
    let next = at;
    for (;;) {
      if (node.name !== undefined) found.push({ length: next - at, name: node.name });
      if (next >= text.length) return { found, pending: node.edges.size > 0 };
      const edge = node.edges.get(text.charCodeAt(next));
      if (edge === undefined) return { found, pending: false };
      if (!text.startsWith(edge.text, next)) return { found, pending: text.length - next < edge.text.length && edge.text.startsWith(text.slice(next)) };
      next += edge.text.length;
      node = edge.node;
    }
  }

  /** Every place, from the first, where a value begins that the text does not hold to its end. */
  *open(text: string): Generator<number, undefined> {
    const { length } = text;
    for (let at = Math.max(0, length - this.#longest + 1); at < length; at++) {
      if (length - at >= gram && this.#grams[keyAt(text, at)] !== 1) continue;
      if (this.walk(text, at).pending) yield at;
    }
  }

  /** Calls `visit` for every place where a value may begin. */
  scan(text: string, visit: (at: number) => void): void {
    const grams = this.#grams;
    let key = 0;
    for (let i = 0; i < text.length; i++) {
      key = ((key << 5) ^ text.charCodeAt(i)) & gramMask;
      if (grams[key] === 1 && i >= gram - 1) visit(i - gram + 1);
    }
  }
}

/** Where the table has the letters at a place. */
function keyAt(text: string, at: number): number {
  let key = 0;
  for (let i = at; i < at + gram; i++) key = ((key << 5) ^ text.charCodeAt(i)) & gramMask;
  return key;
}

function commonLength(edge: string, value: string, at: number): number {
  const most = Math.min(edge.length, value.length - at);
  let i = 0;
  while (i < most && edge.charCodeAt(i) === value.charCodeAt(at + i)) i++;
  return i;
}
