/** The benchmark: `bun run bench [--hosts 1,20] [--delays 0,25,75] [--runs N] [--only real|stand-in] [--source] [--write]`. */
import { writeFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { asRoot } from "../as-root.ts";
import { clearOwn } from "../lab.ts";
import { PrerequisiteError } from "../prerequisites.ts";
import { runBench } from "./bench.ts";
import { chart } from "./chart.ts";
import { benchOptions, isSlice, type BenchOptions } from "./options.ts";
import { rowsOf } from "./rows.ts";
import { failureLines, page, tableText } from "./table.ts";

const docs = fileURLToPath(new URL("../../../docs", import.meta.url));

try {
  const args = process.argv.slice(2);
  const options = benchOptions(args);
  const self = [process.execPath, ...process.argv.slice(1)];
  const again = asRoot(self);
  process.exit(again === self ? await main(options, args) : await Bun.spawn([...again], { stdin: "inherit", stdout: "inherit", stderr: "inherit" }).exited);
} catch (error) {
  console.error(error instanceof PrerequisiteError || !(error instanceof Error) ? String(error) : (error.stack ?? error.message));
  process.exit(2);
}

async function main(options: BenchOptions, args: readonly string[]): Promise<number> {
  const stop = (): void => {
    console.log("\nTaking the lab down");
    void clearOwn().then(() => process.exit(130));
  };
  process.once("SIGINT", stop).once("SIGTERM", stop).once("SIGHUP", stop);
  const started = performance.now();
  const [load = 0] = loadavg();
  const { measured, program, dockerCalls } = await runBench(options, (text) => console.log(`${stamp(started)} ${text}`));
  const tookMs = performance.now() - started;
  console.log(`\n${tableText(measured)}\n`);
  const failed = failureLines(measured);
  for (const line of failed) console.log(`failed: ${line}`);
  console.log(`${program === "binary" ? "The binary" : "The source"} was run, ${options.runs} times each; took ${Math.round(tookMs / 1000)} s`);
  if (options.write) {
    const machine = `${cpus().length} x ${cpus()[0]?.model.trim() || process.arch}, ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}, Bun ${Bun.version}`;
    const date = new Date().toISOString().slice(0, 10);
    await writeFile(`${docs}/speed.md`, page(measured, { command: ["bun run bench", ...args].join(" "), slice: isSlice(options), date, machine, tookMs, load, runs: options.runs, program, dockerCalls }));
    await writeFile(`${docs}/speed.svg`, chart(rowsOf(measured), date));
  }
  return failed.length === 0 ? 0 : 1;
}

function stamp(started: number): string {
  const all = Math.round((performance.now() - started) / 1000);
  return `${String(Math.floor(all / 60)).padStart(2, "0")}:${String(all % 60).padStart(2, "0")}`;
}
