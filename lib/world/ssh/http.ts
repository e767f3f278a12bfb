/** Reads the answer to one HTTP/1.1 request from the pieces it comes in: status, headers and the first 4 KB of the body. Format: RFC 9112. */
export class HttpReader {
  #bytes = Buffer.alloc(0);
  #status = 0;
  #headers: Record<string, string> | undefined;
  #ended = false;
  malformed: string | undefined;

  push(chunk: Uint8Array): void {
    if (this.#ended || this.malformed !== undefined) return;
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#headers === undefined && this.malformed === undefined && this.#readHead());
    // A body of many tiny chunks is as long as one that never ends.
    if (this.#headers !== undefined && (this.#body().length >= mostBody || this.#bytes.length > mostHead)) this.#ended = true;
  }

  get hasHead(): boolean {
    return this.#headers !== undefined;
  }

  /** Nothing more is needed. */
  get isComplete(): boolean {
    if (this.#headers === undefined) return false;
    const length = this.#headers["content-length"];
    return this.#ended || this.#status === 204 || this.#status === 304 || (length !== undefined && this.#bytes.length >= Number(length));
  }

  /** What has come so far; undefined before the head is there. */
  answer(): { ok: true; status: number; headers: Readonly<Record<string, string>>; body: string } | undefined {
    if (this.#headers === undefined) return undefined;
    return { ok: true, status: this.#status, headers: this.#headers, body: new TextDecoder().decode(this.#body().subarray(0, mostBody)) };
  }

  /** Returns true when another head must follow: an interim answer. */
  #readHead(): boolean {
    const end = this.#bytes.indexOf("\r\n\r\n");
    const [first = "", ...lines] = this.#bytes.subarray(0, end === -1 ? undefined : end).toString("latin1").split("\r\n");
    const [, status] = /^HTTP\/1\.\d (\d{3})(?: |$)/.exec(first) ?? [];
    if (end === -1) {
      // Enough to see that it is something else: a TLS server, another protocol.
      if (!"HTTP/1.".startsWith(first.slice(0, 7))) this.malformed = `not HTTP: ${JSON.stringify(first.slice(0, 60))}`;
      else if (this.#bytes.length > mostHead) this.malformed = "the headers are longer than 64 KB";
      return false;
    }
    if (status === undefined) {
      this.malformed = `not HTTP: ${JSON.stringify(first.slice(0, 60))}`;
      return false;
    }
    this.#bytes = this.#bytes.subarray(end + 4);
    if (status.startsWith("1")) return true;
    this.#status = Number(status);
    this.#headers = Object.fromEntries(lines.map((line) => line.split(/:\s*(.*)/s)).map(([name = "", value = ""]) => [name.toLowerCase(), value.trim()]));
    return false;
  }

  #body(): Buffer {
    return /\bchunked\b/i.test(this.#headers?.["transfer-encoding"] ?? "") ? this.#dechunked() : this.#bytes;
  }

  #dechunked(): Buffer {
    const chunks: Buffer[] = [];
    for (let at = 0; ; ) {
      const end = this.#bytes.indexOf("\r\n", at);
      if (end === -1) return Buffer.concat(chunks);
      const size = chunkSize(this.#bytes.subarray(at, end).toString("latin1"));
      if (size === undefined || size === 0) {
        this.#ended = true;
        return Buffer.concat(chunks);
      }
      chunks.push(this.#bytes.subarray(end + 2, end + 2 + size));
      at = end + 2 + size + 2;
    }
  }
}

/** The bytes of the chunk that a line announces; undefined when it announces none. Extensions have no meaning here. */
function chunkSize(line: string): number | undefined {
  const [, digits] = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i.exec(line) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

const mostBody = 4096;
const mostHead = 64 * 1024;
