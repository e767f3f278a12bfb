/** The demo of the README: `bun run demo [--stay]`. Three hosts, three deploys under load, and what happened. */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { makeApp } from "./app.ts";
import { asRoot } from "./as-root.ts";
import { clearOwn, startLab, type Lab } from "./lab.ts";
import { lost, startLoad } from "./load.ts";
import { PrerequisiteError } from "./prerequisites.ts";
import { served } from "./project.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const stay = process.argv.includes("--stay") || (process.stdin.isTTY === true && process.env["CI"] === undefined);

try {
  const self = [process.execPath, ...process.argv.slice(1)];
  const again = asRoot(self);
  if (again !== self) process.exit(await Bun.spawn([...again], { stdin: "inherit", stdout: "inherit", stderr: "inherit" }).exited);
  await demo();
} catch (error) {
  console.error(error instanceof PrerequisiteError ? error.message : error);
  process.exit(1);
}
process.exit(0);

async function demo(): Promise<void> {
  const stop = (): void => {
    console.log("\nTaking the lab down");
    void clearOwn().then(() => process.exit(130));
  };
  process.once("SIGINT", stop).once("SIGTERM", stop).once("SIGHUP", stop);
  title("Bringing up three hosts and a registry");
  const started = performance.now();
  await using lab = await startLab({ hosts: 3, say: (text) => console.log(`   ${text}`) });
  console.log(`   ${lab.hosts.map((host) => host.address).join(", ")} are up after ${seconds(started)} s, each with its own sshd and Docker`);
  const env = await environment(lab);
  const runs: { what: string; seconds: string; serves: string }[] = [];
  const run = async (what: string, args: readonly string[], version: string): Promise<void> => {
    title(`${what}: capstan ${args.join(" ")}`);
    const begun = performance.now();
    const child = Bun.spawn([process.execPath, "mod.ts", ...args], { cwd: root, env: { ...env, VERSION: version }, stdin: "ignore", stdout: "inherit", stderr: "inherit" });
    if ((await child.exited) !== 0) throw new Error(`capstan ${args.join(" ")} ended with status ${child.exitCode}`);
    runs.push({ what, seconds: seconds(begun), serves: (await served(lab.hosts)).join(", ") });
  };
  await run("The first deploy", ["setup"], "v1");
  title("Starting a load generator: 100 requests a second, slow ones in flight, streams open");
  await using load = startLoad(lab.urls, { rate: 100, slow: { count: 2, seconds: 2 }, streamTicks: 30 });
  await Bun.sleep(1_000);
  await run("A second version, under load", ["deploy"], "v2");
  await Bun.sleep(1_000);
  await run("Back to the first, under load", ["rollback"], "");
  await Bun.sleep(1_000);
  const report = await load.stop();
  title("What happened");
  for (const { what, seconds: took, serves } of runs) console.log(`   ${what.padEnd(32)} ${took.padStart(5)} s   the hosts serve ${serves}`);
  console.log(`   requests sent    ${report.sent} + ${report.slowSent} slow + ${report.streams} streams`);
  console.log(`   requests failed  ${lost(report)}`);
  console.log(`   latency          p50 ${report.p50} ms, p99 ${report.p99} ms, max ${report.max} ms`);
  console.log(`   answers          ${Object.entries(report.bodies).map(([body, count]) => `${body}: ${count}`).join(", ")}`);
  if (lost(report) > 0) throw new Error(`Requests were lost: ${JSON.stringify(report.errors)}`);
  title(stay ? "Look around, in another terminal" : "To look around: bun run demo --stay, then in another terminal");
  console.log(`   cd ${root}`);
  console.log(`   . ${lab.folder}/env   # the hosts and credentials of this lab`);
  const capstan = `${process.execPath.includes("_npx") ? "npx --yes bun" : "bun"} mod.ts`;
  for (const [line, what] of [[`${capstan} details`, "what runs where"], [`${capstan} app logs -f`, "logs of all hosts at once"], [`${capstan} plan`, "what a deploy would do"], [`VERSION=v3 ${capstan} deploy`, "one more"]]) console.log(`   ${line?.padEnd(36)} # ${what}`);
  console.log(`   curl ${lab.urls[0]}`);
  if (!stay) return;
  console.log("\n   Ctrl-C here takes everything down.");
  await new Promise(() => undefined);
}

/** What the repository's deploy.config.ts reads, as environment and as a file to source. */
async function environment(lab: Lab): Promise<Record<string, string | undefined>> {
  const app = `${lab.folder}/app`;
  await mkdir(app, { recursive: true });
  await makeApp(app);
  const own = {
    ...lab.env, LAB_HOSTS: lab.hosts.map((host) => host.address).join(","), LAB_REGISTRY: lab.registry.address, LAB_APP: app,
    REGISTRY_PASSWORD: lab.registry.password, APP_SECRET: "sesame",
  };
  await writeFile(`${lab.folder}/env`, Object.entries(own).map(([name, value]) => `export ${name}='${value}'\n`).join(""), { mode: 0o600 });
  return { ...process.env, ...own };
}

function title(text: string): void {
  console.log(`\n== ${text}`);
}

function seconds(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(1);
}
