import { writeFile } from "node:fs/promises";
import { run } from "./shell.ts";

/** Texts that must be found nowhere but where they belong, by name. */
export type Canaries = Readonly<Record<string, string>>;

/** Every notation of a value that a program may leave behind. Written apart from the redactor's own list, so that one forgets what the other knows. */
export function notations(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const inside = [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes, Buffer.alloc(2)]).toString("base64");
    // Without the letters that are shared with what stands before and behind.
    const own = text.slice(before === 0 ? 0 : 4, Math.floor(((before + bytes.length) * 8) / 6) - 1);
    return [own, own.replaceAll("+", "-").replaceAll("/", "_")];
  });
  const percent = encodeURIComponent(value);
  // An env file doubles backslashes, and Docker's JSON is Go's, with and without what is harmless in HTML.
  const doubled = value.replaceAll("\\", "\\\\");
  const json = (text: string): string => JSON.stringify(text).slice(1, -1);
  const go = (text: string): string => json(text).replaceAll(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
  return [...new Set([value, json(value), json(doubled), percent, percent.replaceAll(/%../g, (code) => code.toLowerCase()), percent.replaceAll("%20", "+"), bytes.toString("hex"), doubled, go(value), go(doubled), value.replaceAll("'", "'\\''"), ...inside])];
}

/** The names of the canaries that a text holds. */
export function leaksIn(text: string, canaries: Canaries): readonly string[] {
  // As it was printed and without what wraps lines.
  const texts = [text, text.replaceAll(/[\r\n]\s*/g, "")];
  return Object.entries(canaries).flatMap(([name, value]) => (notations(value).some((form) => texts.some((one) => one.includes(form))) ? [name] : []));
}

/** Writes a file of patterns for `grep -F -f`. It must lie where nobody looks. */
export async function writePatterns(path: string, canaries: Canaries): Promise<void> {
  await writeFile(path, `${Object.values(canaries).flatMap(notations).join("\n")}\n`, { mode: 0o600 });
}

/** The files below some folders of this machine that hold a canary. @param except a regular expression of `grep -E` */
export async function filesWith(patterns: string, folders: readonly string[], except: string): Promise<readonly string[]> {
  const { stdout } = await run(["sh", "-c", `grep -rlaF -D skip -f "$0" "$@" 2> /dev/null | grep -vE '${except}' | sort`, patterns, ...folders]);
  return stdout.split("\n").filter(Boolean);
}
