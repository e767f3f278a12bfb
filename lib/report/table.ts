/** Text filled with blanks up to a width in terminal columns. Escape sequences count nothing, wide characters two. */
export function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - Bun.stringWidth(text)));
}

/** Text cut to a width in terminal columns, with `…` where something was cut. Escape sequences are closed properly. */
export function fitted(text: string, width: number): string {
  return Bun.stringWidth(text) <= width ? text : Bun.sliceAnsi(text, 0, Math.max(0, width), { ellipsis: "…" });
}

/**
 * Lines of a table: columns as wide as their widest cell, two blanks between them, none at the ends of lines.
 * Colour the cells before, not the lines after.
 */
export function table(rows: readonly (readonly string[])[]): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) => Math.max(...rows.map((row) => Bun.stringWidth(row[i] ?? ""))));
  return rows.map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : padded(cell, widths[i] ?? 0))).join("  ").trimEnd());
}
