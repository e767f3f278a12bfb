import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { commands } from "../../lib/cli/commands.ts";
import { main } from "../../lib/cli/main.ts";
import { shellWords } from "../../lib/ground/shell-words.ts";
import { fakeIo } from "../cli/fake-io.ts";
import { textOf } from "../config/yaml/fixtures.ts";
import { loadable } from "../config/yaml/project.ts";
import { words } from "../support/words.ts";
import type { Run } from "./case.ts";

/** Beside the project of the fixtures: version 77, no destination. */
const baseFiles = { ".kamal/secrets": "API_KEY=k1\n", ".kamal/secrets.qa": "API_KEY=k1\n", "config/deploy.qa.yml": "", "Dockerfile": "FROM scratch\n" };

/** When every run is: what two of them say can be compared. */
const nowMs = Date.UTC(2030, 0, 2, 3, 4, 5);

/** What a run of the command line printed. */
export interface Outcome {
  readonly status: number;
  readonly records: readonly Readonly<Record<string, unknown>>[];
  readonly stdout: string;
  readonly stderr: string;
}

/** Writes the project into a new folder, which is the home directory too. */
export function folderFor({ yaml = "", whole = false, files = {} }: Pick<Run, "yaml" | "whole" | "files">): string {
  const folder = mkdtempSync(join(tmpdir(), "capstan-case-"));
  for (const [path, content] of Object.entries({ ...baseFiles, "config/deploy.yml": textOf({ name: "", yaml, whole }), ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    if (content !== undefined) writeFileSync(join(folder, path), content, { mode: path.includes("/hooks/") ? 0o755 : 0o644 });
  }
  writeFileSync(join(folder, ".gitconfig"), "[user]\n\tname = Ann Lee\n\temail = ann@example.com\n");
  return folder;
}

/** Runs the command line in a new project, as it stands, and once more with the config that `capstan import` makes of it, if that can be. */
export async function outcomesOf(run: Run): Promise<{ readonly asItStands: Outcome; readonly imported: Outcome | undefined }> {
  const folder = folderFor(run);
  try {
    if (run.facts !== undefined) writeFileSync(join(folder, "facts.json"), JSON.stringify({ type: "facts", hosts: run.facts }));
    const plan = run.plain === true ? [] : ["--dry-run", run.facts === undefined ? "--offline" : "--facts=facts.json", "--json"];
    const env = { PATH: process.env["PATH"] ?? "", HOME: folder, NO_COLOR: "1", ...run.env };
    const capstan = async (...argv: readonly string[]): Promise<Outcome> => {
      const { io, written } = fakeIo({ env });
      const status = await main(argv, { ...io, cwd: folder, clock: { ...io.clock, now: () => nowMs } }, commands);
      const records = written.stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Record<string, unknown>);
      return { status, records, stdout: written.stdout.replaceAll(folder, "FOLDER"), stderr: written.stderr.replaceAll(folder, "FOLDER") };
    };
    const line = shellWords(run.argv) ?? [];
    const asItStands = await capstan("-c", "config/deploy.yml", ...line, ...plan);
    if (asItStands.status !== 0 || run.plain === true) return { asItStands, imported: undefined };
    const { status, stderr } = await capstan("import");
    if (status !== 0) throw new Error(`capstan import ended with status ${status}: ${stderr}`);
    for (const path of new Bun.Glob("deploy*.config.ts").scanSync(folder)) writeFileSync(join(folder, path), loadable(readFileSync(join(folder, path), "utf8")));
    return { asItStands, imported: await capstan(...line, ...plan) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What runs on a host, `local` for this machine: each line of each command as shell words. */
export function linesOf({ records }: Outcome, host: string): readonly string[] {
  return records
    .filter(({ type, kind, host: on }) => type === "step" && kind !== "upload" && kind !== "wait" && (on ?? "local") === host)
    .flatMap(({ command }) => String(command).split(/\n/))
    .map(wordsOf);
}

/** Every step with its host, title and words. */
export const allLines = ({ records }: Outcome): readonly string[] =>
  records.filter(({ type }) => type === "step" || type === "note").map(({ host, title, command, text }) => [host, title, text, wordsOf(String(command))].map(String).join(" :: ").replaceAll(/_replaced_[0-9a-f]{16}/g, "_replaced_HEX16"));

/** Shell words, one blank between them, with what differs from run to run as in the cases. */
export const wordsOf = (line: string): string => words(line).join(" ").replaceAll(/(?<![0-9a-f])[0-9a-f]{12}(?![0-9a-f])/g, "HEX12").replaceAll(/_replaced_[0-9a-f]{16}/g, "_replaced_HEX16").replaceAll(/\b(exec-[\w.]+)-[0-9a-f]{6}\b/g, "$1-XXXXXX").replaceAll(/\d{4}-\d\d-\d\dT[\d:]+Z/g, "TIME");
