import { sections } from "../document.ts";
import { snakeCase } from "./node.ts";

let pattern: RegExp | undefined;

/** A sentence about the config with the names that keys have in YAML. */
export function yamlWords(text: string): string {
  const names = [...new Set(sections().flatMap(({ keys }) => keys.map(({ name }) => name)))].filter((name) => /[A-Z]/.test(name));
  pattern ??= new RegExp(`\\b(${names.join("|")})\\b`, "g");
  return text.replaceAll(`secret("NAME"), ["NAME"]`, "[NAME]").replaceAll(`secret("NAME") or ["NAME"]`, "[NAME]").replaceAll(`secret("NAME")`, "[NAME]").replaceAll(pattern, snakeCase);
}
