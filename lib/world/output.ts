import { onAbort } from "./cancel.ts";
import type { Redactor } from "./redact.ts";

const defaultKeepBytes = 8 * 1024 * 1024;

/** One output stream of a command: decodes UTF-8 across the borders of chunks, scrubs secrets, hands text on as it comes and keeps the tail. */
export class Output {
  readonly #keepBytes: number;
  readonly #decoder = new TextDecoder();
  readonly #scrubber: ReturnType<Redactor["stream"]> | undefined;
  readonly #onText: ((text: string) => void) | undefined;
  #pieces: string[] = [];
  #bytes = 0;

  /**
   * @param redactor undefined: the text is kept as it is
   * @param keepBytes how much of the end is kept; default 8 MiB
   * @param onText called with each piece
   */
  constructor(redactor: Redactor | undefined, keepBytes = defaultKeepBytes, onText?: (text: string) => void) {
    this.#scrubber = redactor?.stream();
    this.#keepBytes = keepBytes;
    this.#onText = onText;
  }

  push(chunk: Uint8Array): void {
    const text = this.#decoder.decode(chunk, { stream: true });
    this.#add(this.#scrubber?.push(text) ?? text);
  }

  /** Call once when the stream has ended. Returns the tail, without half a character in front. */
  end(): string {
    const rest = this.#decoder.decode();
    this.#add(this.#scrubber === undefined ? rest : this.#scrubber.push(rest) + this.#scrubber.end());
    return this.text;
  }

  /** The tail of what has come so far. */
  get text(): string {
    const text = this.#pieces.join("");
    if (this.#bytes <= this.#keepBytes) return text;
    const bytes = Buffer.from(text);
    let start = bytes.length - this.#keepBytes;
    while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
    return bytes.subarray(start).toString("utf8");
  }

  #add(text: string): void {
    if (text === "") return;
    this.#onText?.(text);
    this.#pieces.push(text);
    this.#bytes += Buffer.byteLength(text);
    // Cut down only at twice the size: cutting at every piece would copy the tail each time.
    if (this.#bytes <= 2 * this.#keepBytes) return;
    const tail = this.text;
    this.#pieces = [tail];
    this.#bytes = Buffer.byteLength(tail);
  }
}

/** Reads a stream to its end, or until `silenced`. */
export async function drain(stream: ReadableStream<Uint8Array> | number | undefined, output: Output, silenced: AbortSignal): Promise<void> {
  if (!(stream instanceof ReadableStream)) return;
  const reader = stream.getReader();
  using _ = onAbort(silenced, () => void reader.cancel().catch(() => undefined));
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    output.push(value);
  }
}
