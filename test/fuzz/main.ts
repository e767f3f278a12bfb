/**
 * The long run of the property tests: `bun run fuzz [--seed N] [--inputs N] [--only WORD]`. Prints a table; ends with status 1 when a reader failed.
 * Each reader runs in a process of its own, so that one that never comes back is seen.
 */
import { parseArgs } from "node:util";
import { answers } from "./answers.ts";
import { configReaders } from "./configs.ts";
import { fuzz, type Outcome } from "./engine.ts";
import { readers } from "./readers.ts";

const { values } = parseArgs({ options: { seed: { type: "string" }, inputs: { type: "string", default: "100000" }, configs: { type: "string", default: "10000" }, only: { type: "string" }, workers: { type: "string", default: "2" }, "no-long": { type: "boolean", default: false }, one: { type: "string" } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const inputs = Number(values.inputs);
const all = [...configReaders.map((reader) => ({ reader, count: Number(values.configs) })), ...[...readers, ...answers].map((reader) => ({ reader, count: inputs }))];
/** A megabyte may take this long on a busy machine: what is quadratic takes minutes. */
const deadlineMs = 3000;
const hangMs = Number(process.env["FUZZ_HANG_MS"] ?? 20 * 60_000);

if (values.one !== undefined) {
  const found = all.find(({ reader }) => reader.name === values.one);
  if (found === undefined) throw new Error(`There is no reader ${values.one}`);
  const { share: _share, ...whole } = found.reader;
  console.log(JSON.stringify(await fuzz(whole, found.count, seed, values["no-long"] ? undefined : { deadlineMs })));
  process.exit(0);
}

console.log(`seed ${seed}, ${inputs} inputs each\n`);
const rows: Outcome[] = [];
/** What takes longest comes last, so that a defect elsewhere is seen early. */
const slow = ["typed config", "deploy.yml", "import of deploy.yml", "key files", "ssh_config"];
const todo = all.map(({ reader }) => reader.name).filter((name) => name.includes(values.only ?? "")).toSorted((a, b) => slow.indexOf(a) - slow.indexOf(b));
const worker = async (): Promise<void> => {
  for (let name = todo.shift(); name !== undefined; name = todo.shift()) {
    const argv = [process.execPath, import.meta.path, "--one", name, "--seed", String(seed), "--inputs", String(inputs), "--configs", String(values.configs), ...(values["no-long"] ? ["--no-long"] : [])];
    const child = Bun.spawn(argv, { stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: hangMs, killSignal: "SIGKILL" });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    const last = out.trim().split("\n").at(-1) ?? "";
    const row: Outcome = last.startsWith("{") ? (JSON.parse(last) as Outcome) : { name, inputs: 0, refusals: 0, slowestMs: 0, longestMs: 0, failure: child.signalCode === null ? err.slice(-1500) : "it did not come to an end" };
    rows.push(row);
    console.log(`${row.failure === undefined ? "ok  " : "FAIL"} ${name}${row.failure === undefined ? "" : `\n${row.failure}`}`);
  }
};
await Promise.all(Array.from({ length: Number(values.workers) }, worker));

const table = rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
console.log("\n| read | inputs | refused | slowest ms | slowest of 1 MB, ms | failed |\n|---|---:|---:|---:|---:|---:|");
for (const { name, inputs: count, refusals, slowestMs, longestMs, failure } of table) console.log(`| ${name} | ${count} | ${refusals} | ${slowestMs.toFixed(1)} | ${longestMs.toFixed(0)} | ${failure === undefined ? 0 : 1} |`);
const failed = rows.filter(({ failure }) => failure !== undefined).length;
console.log(`\n${rows.length} readers, ${rows.reduce((sum, row) => sum + row.inputs, 0)} inputs, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
