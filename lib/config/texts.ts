import { quote } from "../ground/command.ts";
import { sentBytes } from "../ground/sent.ts";
import type { Path } from "./locate.ts";
import { isMap } from "./merge.ts";
import type { Problem } from "./problems.ts";

/** The longest text that has room in a command line on a host, as it stands there: Linux takes 128 KiB as one argument, and other words stand beside it. */
const mostBytes = 80_000;

/** Texts that go to the host as a file. */
const isContent = (path: Path): boolean => path.at(-1) === "content" && path[0] === "accessories";

/** Texts and names in a config that no program could be given, wherever they stand. */
export function textProblems(value: unknown, path: Path = [], above: readonly unknown[] = []): Problem[] {
  if (typeof value === "string") return problemOf(value, path).map((text) => ({ path, text: `expected ${text}` }));
  const isList = Array.isArray(value);
  if ((!isList && !isMap(value)) || above.includes(value)) return [];
  if (above.length > 40) return [{ path: path.slice(0, 3), text: "expected lists and maps that are not nested so deeply" }];
  return Object.entries(value).flatMap(([key, item]): Problem[] => {
    const wrong = isList ? [] : problemOf(key, []);
    if (wrong.length > 0) return wrong.map((text) => ({ path, text: `expected ${text} as a key, found ${JSON.stringify(key.slice(0, 40))}` }));
    return textProblems(item, [...path, isList ? Number(key) : key], [...above, value]);
  });
}

function problemOf(text: string, path: Path): readonly string[] {
  if (text.includes("\0")) return ["a text without NUL characters: no program can be given one"];
  if (!text.isWellFormed()) return ["a text of whole characters, found half of one"];
  if (isContent(path) || text.length < mostBytes / 20) return [];
  const bytes = sentBytes(quote(text));
  return bytes <= mostBytes ? [] : [`a text of at most ${mostBytes} bytes, found ${bytes} as it stands on a command line: longer ones do not reach a container`];
}
