/** One entry of a tar archive. */
export interface TarEntry {
  readonly name: string;
  readonly kind: "file" | "link" | "other";
  /** Of a link: where it leads, relative to its own folder. */
  readonly target: string;
  readonly size: number;
  /** Its content. What is not read is passed over. */
  readonly content: AsyncIterable<Uint8Array>;
}

const block = 512;
/** Longest name or header record that is believed: Linux has no longer path. */
const longestText = 64 * 1024;

/**
 * Reads a tar archive as it comes, entry by entry: POSIX ustar, its pax records for long names and sizes, and GNU's long names. Source: POSIX.1-2017,
 * "pax Interchange Format".
 * @throws Error for what is no tar archive, or one that ends too early
 */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const bytes = new ByteReader(source);
  let next: { name?: string; target?: string; size?: number } = {};
  for (;;) {
    const header = await bytes.exactly(block);
    if (header === undefined || header.every((byte) => byte === 0)) break;
    const read = parseHeader(header);
    if (read.type === "x" || read.type === "L" || read.type === "K" || read.type === "g") {
      const text = await textOf(bytes, read.size);
      if (read.type === "x") next = { ...next, ...paxRecords(text) };
      if (read.type === "L") next = { ...next, name: text.replace(/\0.*$/s, "") };
      if (read.type === "K") next = { ...next, target: text.replace(/\0.*$/s, "") };
      continue;
    }
    const size = next.size ?? read.size;
    const content = new EntryContent(bytes, size);
    const kind = read.type === "0" || read.type === "\0" ? "file" : read.type === "1" || read.type === "2" ? "link" : "other";
    yield { name: next.name ?? read.name, kind, target: next.target ?? read.target, size, content };
    await content.skip();
    await bytes.skip((block - (size % block)) % block);
    next = {};
  }
  await bytes.drain();
}

interface Header {
  readonly name: string;
  readonly size: number;
  readonly type: string;
  readonly target: string;
}

function parseHeader(header: Uint8Array): Header {
  const text = (from: number, length: number): string => new TextDecoder().decode(header.subarray(from, from + length)).replace(/\0.*$/s, "");
  const wanted = Number.parseInt(text(148, 8).trim(), 8);
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (sum !== wanted) throw new Error("it is no tar archive");
  const prefix = text(257, 5) === "ustar" && header[262] === 0 ? text(345, 155) : "";
  return { name: prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`, size: numberOf(header.subarray(124, 136)), type: String.fromCharCode(header[156] ?? 0), target: text(157, 100) };
}

/** Octal digits, or GNU's binary numbers for what is larger than 8 GiB. */
function numberOf(field: Uint8Array): number {
  const first = field[0] ?? 0;
  if ((first & 0x80) !== 0) {
    const value = field.reduce((total, byte, i) => total * 256 + (i === 0 ? byte & 0x7f : byte), 0);
    if (!Number.isSafeInteger(value)) throw new Error("it has an entry of no believable size");
    return value;
  }
  const digits = new TextDecoder().decode(field).replace(/\0.*$/s, "").trim();
  if (!/^[0-7]*$/.test(digits)) throw new Error("it has an entry of no believable size");
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

async function textOf(bytes: ByteReader, size: number): Promise<string> {
  if (size > longestText) throw new Error("it has a name of no believable length");
  const text = await bytes.exactly(size);
  await bytes.skip((block - (size % block)) % block);
  return new TextDecoder().decode(text ?? new Uint8Array());
}

/** `LENGTH KEY=VALUE\n`, where the length counts bytes, its own digits among them. */
function paxRecords(text: string): { name?: string; target?: string; size?: number } {
  const found: { name?: string; target?: string; size?: number } = {};
  for (const [, key, value = ""] of text.matchAll(/\d+ ([^=\n]+)=([^\n]*)\n/g)) {
    if (key === "path") found.name = value;
    if (key === "linkpath") found.target = value;
    if (key === "size" && /^\d{1,15}$/.test(value)) found.size = Number(value);
  }
  return found;
}

/** The content of one entry; passing over it is up to the reader of the archive. */
class EntryContent implements AsyncIterable<Uint8Array> {
  readonly #bytes: ByteReader;
  #left: number;

  constructor(bytes: ByteReader, size: number) {
    this.#bytes = bytes;
    this.#left = size;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (this.#left > 0) {
      const piece = await this.#bytes.some(this.#left);
      this.#left -= piece.length;
      yield piece;
    }
  }

  async skip(): Promise<void> {
    await this.#bytes.skip(this.#left);
    this.#left = 0;
  }
}

/** Pieces of any length as bytes in a row. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** At least one byte, at most so many. */
  async some(most: number): Promise<Uint8Array> {
    while (this.#held.length === 0) if (!(await this.#pull())) throw new Error("it ends in the middle of an entry");
    const piece = this.#held.subarray(0, most);
    this.#held = this.#held.subarray(piece.length);
    return piece;
  }

  /** Undefined when nothing is left at all. */
  async exactly(count: number): Promise<Uint8Array | undefined> {
    const whole = new Uint8Array(count);
    let have = 0;
    while (have < count) {
      if (this.#held.length === 0 && !(await this.#pull())) {
        if (have === 0) return undefined;
        throw new Error("it ends in the middle of an entry");
      }
      const piece = this.#held.subarray(0, count - have);
      whole.set(piece, have);
      have += piece.length;
      this.#held = this.#held.subarray(piece.length);
    }
    return whole;
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) left -= (await this.some(left)).length;
  }

  /** Reads what comes after the end of the archive, which its writer would else wait to get rid of. */
  async drain(): Promise<void> {
    while (await this.#pull());
  }

  async #pull(): Promise<boolean> {
    const { done, value } = await this.#source.next();
    if (done === true) return false;
    this.#held = value;
    return true;
  }
}

/** The header of a file in a tar archive. Equal arguments, equal bytes. @param name at most 100 characters of ASCII */
export function tarHeader(name: string, size: number): Uint8Array {
  const header = Buffer.alloc(block);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  header.write(name, 0, 100, "latin1");
  header.write(octal(0o644, 7), 100, "latin1");
  header.write(octal(0, 7), 108, "latin1");
  header.write(octal(0, 7), 116, "latin1");
  if (size < 8 ** 11) header.write(octal(size, 11), 124, "latin1");
  else {
    header.writeBigUInt64BE(BigInt(size), 128);
    header[124] = 0x80;
  }
  header.write(octal(0, 11), 136, "latin1");
  header.write("        0", 148, "latin1");
  header.write("ustar\x0000", 257, "latin1");
  header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

/** Bytes that fill the last block of a file, and the two empty ones at an archive's end. */
export const tarPadding = (size: number): Uint8Array => new Uint8Array((block - (size % block)) % block);
export const tarEnd: Uint8Array = new Uint8Array(2 * block);
