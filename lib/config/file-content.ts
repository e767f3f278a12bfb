/** What a function that gives the content of an accessory's file gets. */
export interface FileContext {
  /** The host that the file is for. */
  readonly host: string;
  /** Clear variables of the accessory. */
  readonly env: Readonly<Record<string, string>>;
  /** Reads a secret. */
  readonly secret: (name: string) => Promise<string>;
}

/** Gives the content of a file, as a template would. */
export type FileContent = (context: FileContext) => string | Promise<string>;
