import type { Style } from "../report/style.ts";

/** How text for people is laid out. */
export interface Page {
  /** Of the terminal; text is never wider than 100 columns. */
  readonly columns: number;
  readonly style: Style;
}

/** Columns that text may take. */
export const widthOf = (page: Page): number => Math.max(30, Math.min(100, page.columns));

/** Text broken between words, each line behind `indent`. */
export function wrapped(text: string, indent: string, page: Page): string {
  return Bun.wrapAnsi(text, widthOf(page) - indent.length).split("\n").map((line) => indent + line.trimEnd()).join("\n");
}
