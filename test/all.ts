/** The test command: type check, lint, house rules and unit tests, then the lab. Ends with the counts on a line of their own. */
import { readdirSync } from "node:fs";
import { asRoot } from "./lab/as-root.ts";
import { clearAbandoned } from "./lab/lab.ts";

const quick = process.argv.includes("--quick");
const started = performance.now();
let interrupted = false;
const counts = { passed: 0, failed: 0, skipped: 0 };

async function run(title: string, argv: readonly string[]): Promise<string> {
  console.log(`\n== ${title}`);
  const child = Bun.spawn([...argv], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const stop = (): void => {
    interrupted = true;
    child.kill("SIGTERM");
  };
  process.once("SIGINT", stop).once("SIGTERM", stop).once("SIGHUP", stop);
  const [out, err] = await Promise.all([copy(child.stdout, process.stdout), copy(child.stderr, process.stderr)]);
  const status = await child.exited;
  process.off("SIGINT", stop).off("SIGTERM", stop).off("SIGHUP", stop);
  if (status !== 0) process.exitCode = 1;
  if (interrupted) {
    await clearAbandoned();
    process.exit(130);
  }
  return out + err + `\nstatus ${status}`;
}

async function copy(from: ReadableStream<Uint8Array>, to: NodeJS.WriteStream): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of from) {
    to.write(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

/** A check that has no count of its own is one test. */
async function check(title: string, argv: readonly string[]): Promise<void> {
  const text = await run(title, argv);
  if (text.endsWith("\nstatus 0")) counts.passed++;
  else counts.failed++;
}

/** Bun's closing lines: ` 12 pass`, ` 0 fail`, ` 1 skip`. A run that ended badly without counting a failure is one. */
async function suite(title: string, argv: readonly string[]): Promise<void> {
  const text = Bun.stripANSI(await run(title, argv));
  const count = (word: string): number => Number(text.match(new RegExp(`^ *(\\d+) ${word}$`, "m"))?.[1] ?? 0);
  counts.passed += count("pass");
  counts.skipped += count("skip") + count("todo");
  counts.failed += count("fail");
  if (!text.endsWith("\nstatus 0") && count("fail") === 0) counts.failed++;
  if (count("pass") + count("fail") === 0) {
    counts.failed++;
    console.error(`${title}: no test ran`);
    process.exitCode = 1;
  }
}

const quickSuites = readdirSync("test", { withFileTypes: true })
  .filter((entry) => (entry.isDirectory() ? !["lab", "support"].includes(entry.name) : entry.name.endsWith(".test.ts")))
  .map((entry) => `./test/${entry.name}`);

await check("Type check", [process.execPath, "node_modules/typescript/bin/tsc", "--noEmit"]);
await check("Lint", [process.execPath, "node_modules/oxlint/bin/oxlint"]);
await suite("House rules and unit tests", [process.execPath, "test", "--timeout", "60000", ...quickSuites]);
if (!quick) await suite("Lab", asRoot([process.execPath, "test", "--timeout", "900000", "./test/lab"]));

if (!quick) await clearAbandoned();
console.log(`\nTook ${Math.round((performance.now() - started) / 1000)} s.`);
if (quick) console.log("The lab was left out (--quick): this is not the whole test command.");
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
