import { inspect } from "node:util";

const brand = Symbol.for("capstan/secret");

/** A value that prints as its name. Only `lib/world` may {@link Secret.reveal} it, at the moment it is sent. */
export class Secret {
  /** The name under which the value is known: an environment variable, a key of a secrets file. */
  readonly name: string;
  /** The secrets it is made of: each is scrubbed from output once this one was opened. Empty for a plain value. */
  readonly parts: readonly Secret[];
  readonly [brand] = true;
  readonly #open: () => string | undefined;

  /**
   * @param name shown instead of the value
   * @param value the value, or a function that gives it when it is needed: undefined as long as it is not known
   * @param parts the secrets the value is made of
   */
  constructor(name: string, value: string | (() => string | undefined), parts: readonly Secret[] = []) {
    this.name = name;
    this.parts = parts;
    this.#open = typeof value === "string" ? () => value : value;
  }

  /** A secret made of texts and other secrets, such as an env file. Nothing is opened yet. */
  static join(name: string, parts: readonly (string | Secret)[]): Secret {
    const open = (): string => parts.map((part) => (typeof part === "string" ? part : part.reveal())).join("");
    return new Secret(name, open, parts.filter((part) => typeof part !== "string"));
  }

  /** The secret in another form, such as base64. Nothing is opened yet. */
  map(name: string, change: (value: string) => string): Secret {
    return new Secret(name, () => change(this.reveal()), [this]);
  }

  /** The value. Called only where it leaves the process. */
  reveal(): string {
    const value = this.#open();
    if (value === undefined) throw new Error(`Secret ${this.name} was opened before the secrets were loaded`);
    return value;
  }

  /** Whether something in the value matches a pattern: all that a plan may learn of it. Undefined as long as the value, or one it is made of, is not known. */
  holds(pattern: RegExp): boolean | undefined {
    if (this.parts.some((part) => part.holds(pattern) === undefined)) return undefined;
    const value = this.#open();
    return value === undefined ? undefined : pattern.test(value);
  }

  toString(): string {
    return placeholder(this.name);
  }

  toJSON(): string {
    return placeholder(this.name);
  }

  [inspect.custom](): string {
    return placeholder(this.name);
  }
}

const placeholder = (name: string): string => `‹secret ${name}›`;

/** True when a text holds the placeholder of a secret: a careless template. Transports refuse to send it. */
export function holdsPlaceholder(text: string): boolean {
  return text.includes("‹secret ");
}

/** True also for a Secret of another copy of this module. */
export function isSecret(value: unknown): value is Secret {
  return typeof value === "object" && value !== null && brand in value;
}
