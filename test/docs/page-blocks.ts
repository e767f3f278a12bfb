/** A block of code on a page. */
export interface Block {
  /** The word behind the fence. */
  readonly language: string;
  /** What stands behind that word: the name of a file. */
  readonly file: string;
  readonly text: string;
  /** Of its first line, from 1. */
  readonly line: number;
}

/** What stands below one heading. */
export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** The sections of a page that have blocks of code, in order. @throws Error for a block that is not closed */
export function sectionsOf(page: string): readonly Section[] {
  const sections: { title: string; blocks: Block[] }[] = [{ title: "", blocks: [] }];
  let open: { head: string; line: number; lines: string[] } | undefined;
  for (const [i, line] of page.split("\n").entries()) {
    if (open === undefined && line.startsWith("```")) open = { head: line.slice(3).trim(), line: i + 2, lines: [] };
    else if (open === undefined && /^#+ /.test(line)) sections.push({ title: line.replace(/^#+ /, ""), blocks: [] });
    else if (open !== undefined && line === "```") {
      const [language = "", file = ""] = open.head.split(" ");
      sections.at(-1)?.blocks.push({ language, file, text: `${open.lines.join("\n")}\n`, line: open.line });
      open = undefined;
    } else open?.lines.push(line);
  }
  if (open !== undefined) throw new Error(`The block at line ${open.line} is not closed`);
  return sections.filter(({ blocks }) => blocks.length > 0);
}

/** True when a line of `output` has the pieces of `line` between its `…`, in that order; without one the line is the same but for blanks around it. */
export function isShown(line: string, output: string): boolean {
  const pieces = line.trim().split("…").map((piece) => piece.trim());
  const pattern = new RegExp(`^${pieces.map((piece) => RegExp.escape(piece)).join(".*")}$`);
  return output.split("\n").some((one) => pattern.test(one.trim().replace(/^[$%>?] /, "")));
}
