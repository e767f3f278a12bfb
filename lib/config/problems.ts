import type { z } from "zod";
import { sections } from "./document.ts";
import { hookNames } from "./hooks.ts";
import type { Path } from "./locate.ts";
import { suggest } from "./suggest.ts";

/** Something that is wrong in a config. */
export interface Problem {
  readonly path: Path;
  /** Follows the path and a colon: `expected an integer, found "two"`. */
  readonly text: string;
}

/** `servers.web.hosts[0]`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[A-Za-z_$][\w$]*$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

/** Words as a sentence lists them: `a, b or c`. */
export const orList = (words: readonly string[]): string => (words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`);

/** Every problem the schema found in `config`, one a place. The schema must have been asked with {@link silent}. */
export function schemaProblems(config: unknown, issues: readonly z.core.$ZodIssue[]): Problem[] {
  const problems = issues.flatMap((issue) => issueProblems(config, issue, []));
  return problems.filter(({ path }, i) => problems.findIndex((other) => pathText(other.path) === pathText(path)) === i);
}

/** Leaves messages empty unless the schema gives its own, which complete "expected …". */
export const silent = { error: () => "" } as const;

type Issue = z.core.$ZodIssue;

function issueProblems(config: unknown, issue: Issue, base: Path): Problem[] {
  const path: Path = [...base, ...issue.path.map((part) => (typeof part === "number" ? part : String(part)))];
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => ({ path: [...path, key], text: unknownText(key, path) }));
  if (issue.code === "invalid_key") return issue.issues.flatMap(({ message }) => [{ path, text: `expected ${message} as a key` }]);
  if (issue.message === "" && issue.code === "invalid_union") {
    const branch = likelyBranch(valueAt(config, path), issue.errors);
    if (branch !== undefined) return branch.flatMap((inner) => issueProblems(config, inner, path));
  }
  const value = valueAt(config, path);
  const expected = orList(expectedWords(issue));
  if (value === undefined) return [{ path, text: `is missing: expected ${expected}` }];
  const meant = issue.code === "invalid_value" && typeof value === "string" ? suggest(value, issue.values.map(String)) : undefined;
  const question = meant === undefined ? "" : `: did you mean ${JSON.stringify(meant)}?`;
  return [{ path, text: `expected ${expected}, found ${foundText(value, path)}${question}` }];
}

/** The branch of a union the user had in mind: of the right kind, knowing some of the keys, and right for the longest way. Undefined when none is of the right kind. */
function likelyBranch(value: unknown, branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const right = branches.filter((branch) => branch.every((issue) => isRightKind(issue, value)));
  const keys = typeof value === "object" && value !== null ? Object.keys(value).length : 0;
  const knowsNone = (branch: readonly Issue[]): boolean => branch.some((issue) => issue.code === "unrecognized_keys" && issue.path.length === 0 && issue.keys.length === keys);
  const knowing = right.filter((branch) => !knowsNone(branch));
  return (knowing.length > 0 ? knowing : right).toSorted((a, b) => wayTo(b) - wayTo(a))[0];
}

/** False when the whole value is of another kind than asked for. */
function isRightKind(issue: Issue, value: unknown): boolean {
  if (issue.path.length > 0) return true;
  if (issue.code === "invalid_union") return likelyBranch(value, issue.errors) !== undefined;
  return issue.code === "unrecognized_keys" || issue.code === "too_big" || (issue.code === "custom" && Array.isArray(value));
}

/** How far down the first problem of a branch is. An unknown key is one further than the map it is in, but a wrong value there is worse. */
const wayTo = (branch: readonly Issue[]): number => Math.min(...branch.map(({ code, path }) => (code === "unrecognized_keys" ? path.length + 1.5 : path.length)));

const kinds: Readonly<Record<string, readonly string[]>> = { string: ["a text"], number: ["a number"], int: ["an integer"], boolean: ["true", "false"], array: ["a list"], tuple: ["a list"], object: ["a map"], record: ["a map"] };

/** What may stand there, one word or phrase for each kind. */
function expectedWords(issue: Issue): readonly string[] {
  if (issue.message !== "") return [issue.message];
  switch (issue.code) {
    case "invalid_type":
      return kinds[issue.expected] ?? [issue.expected];
    case "invalid_value":
      return issue.values.map((value) => JSON.stringify(value));
    case "invalid_union":
      return [...new Set(issue.errors.flat().flatMap(expectedWords))];
    case "too_big":
      return [`a list of at most ${issue.maximum}`];
    default:
      return ["something else"];
  }
}

const isSecretPlace = (path: Path): boolean => path.some((part) => /^(env|secrets|password|username|certificatePem|privateKeyPem)$/.test(String(part)));

/** An address with a login name in it may hold the password too. */
const namesUser = (text: string): boolean => /:\/\/[^/]*@/.test(text);

/** What stands there, without giving away what may be secret. */
export function foundText(value: unknown, path: Path): string {
  if (typeof value === "string") return isSecretPlace(path) || namesUser(value) ? "a text" : value.length > 60 ? `${JSON.stringify(value.slice(0, 60))} …` : JSON.stringify(value);
  if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (value === undefined) return "nothing";
  return typeof value === "object" ? "a map" : `a ${typeof value}`;
}

/** What stands at a path of a value; undefined when there is nothing. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, part) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, part) : undefined), value);
}

/** Names the key that was meant: beside it, or where a key of that name belongs. */
function unknownText(key: string, path: Path): string {
  const all = sections();
  const keys = path.filter((part) => typeof part === "string");
  const here = all.find(({ paths }) => (path.length === 0 ? paths.length === 0 : paths.some((known) => matches(known, keys))));
  const names = path[0] === "hooks" || path[0] === "hooksOutput" ? hookNames : (here?.keys.map(({ name }) => name) ?? []);
  const near = suggest(key, names);
  if (near !== undefined) return `unknown key, did you mean ${near}?`;
  const elsewhere = all
    .filter(({ keys }) => keys.some(({ name }) => name === key))
    .map(({ paths }) => [...paths.toSorted((a, b) => a.length - b.length).slice(0, 1), key].join("."));
  return elsewhere.length === 0 ? "unknown key" : `unknown key here: ${orList(elsewhere)} is one`;
}

const matches = (known: string, path: Path): boolean => {
  const parts = known.split(".");
  return parts.length === path.length && parts.every((part, i) => part === path[i] || part === "ROLE" || part === "NAME");
};
