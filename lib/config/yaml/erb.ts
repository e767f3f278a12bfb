import { DeployError } from "../../ground/errors.ts";
import { fileText } from "../place.ts";
import { type Expression, parseRuby } from "./ruby.ts";

/**
 * ERB as Kamal renders it (trim mode `-`): `<%= expression %>`, `<%# comment %>`, `<%%`; `<%-` takes the blanks before it away and `-%>` the line end.
 * Lines that are comments of YAML are left alone: what they hold cannot matter.
 */
export type Piece =
  | { readonly kind: "text"; readonly text: string; /** Where it begins in the template. */ readonly at: number }
  /** An expression; undefined when it cannot be evaluated here. */
  | { readonly kind: "output"; readonly expression: Expression | undefined; readonly source: string; readonly at: number }
  /** Ruby code without a value: nothing of it can be evaluated here. */
  | { readonly kind: "code"; readonly source: string; readonly at: number };

/** True for the code that many configs begin with, by which Ruby takes variables from `.env`. */
export const loadsDotenv = (piece: Piece): boolean =>
  piece.kind === "code" && /^<%-?\s*(require\s*\(?["']dotenv["']\)?\s*[;\n]\s*)?Dotenv\.load!?(\s*\(?\s*["']\.env["']\s*\)?|\(\))?\s*;?\s*-?%>$/.test(piece.source);

/** The pieces of a template. */
export function parseErb(template: string): readonly Piece[] {
  const pieces: Piece[] = [];
  const add = (text: string, at: number): void => void (text !== "" && pieces.push({ kind: "text", text, at }));
  let from = 0;
  // Behind the last end of a tag there is none: looking for it again and again would take for ever.
  const tagged = template.slice(0, template.lastIndexOf("%>") + 4);
  for (const match of tagged.matchAll(/<%%|%%>|<%(-|=|#)?([\s\S]*?)(-?)%>(?=(\r?\n)?)/g)) {
    const [tag, kind, body = "", trims, newline = ""] = match;
    const at = match.index;
    if (tag === "<%%" || tag === "%%>") {
      add(template.slice(from, at) + tag.replace("%%", "%"), from);
      from = at + tag.length;
      continue;
    }
    if (/^[^\S\n]*#/.test(template.slice(template.lastIndexOf("\n", at) + 1, at))) continue;
    const before = template.slice(from, at);
    add(kind === "-" ? before.replace(/(^|\n)[^\S\n]+$/, "$1") : before, from);
    const source = body.trim();
    if (kind === "=") pieces.push({ kind: "output", expression: parseRuby(body), source: tag, at });
    else if (kind !== "#" && !/^(#[^\n]*|require\s*\(?["'][\w/]+["']\)?)?$/.test(source)) pieces.push({ kind: "code", source: tag, at });
    from = at + tag.length + (trims === "-" ? newline.length : 0);
  }
  add(template.slice(from), from);
  return pieces;
}

/** A config is gone over many times, and a file of megabytes is none. */
const mostChars = 250_000;

/** @throws DeployError (config) for a file that is too long to be a config @param text default: that of the file */
export function refuseLarge({ file, text: own }: { readonly file: string; readonly text: string }, cwd: string, text = own): void {
  if (text.length <= mostChars) return;
  throw new DeployError("config", `Cannot read ${fileText(file, cwd)}: it has ${text.length} characters, more than the ${mostChars} that a config can have`, { hint: "Take out what is no config" });
}

/** A rendered template. */
export interface Rendered {
  readonly text: string;
  /** Where a place of the text comes from in the template. */
  sourceOffset(offset: number): number;
}

/** Puts texts in place of the pieces that are code. */
export function renderPieces(pieces: readonly Piece[], outputs: readonly string[]): Rendered {
  let text = "";
  const runs = pieces.map((piece, i) => {
    const begins = text.length;
    text += piece.kind === "text" ? piece.text : (outputs[i] ?? "");
    return { begins, at: piece.at, moves: piece.kind === "text" };
  });
  const sourceOffset = (offset: number): number => {
    const run = runs.findLast(({ begins }) => begins <= offset);
    return run === undefined ? offset : run.moves ? run.at + offset - run.begins : run.at;
  };
  return { text, sourceOffset };
}
