import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../../package.json" with { type: "json" };
import { must } from "./shell.ts";

const entry = fileURLToPath(new URL(`../../${manifest.bin.capstan}`, import.meta.url));
const port = 22_122;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "capstan-many-"));
  await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", `${folder}/key`]);
  await writeFile(`${folder}/deploy.config.ts`, `import { defineConfig, secret } from "capstan";
export default defineConfig({
  service: "shop", image: "acme/shop", registry: { server: "registry.example", username: "u", password: secret("PW") }, builder: { arch: "amd64" },
  servers: async ({ env }) => Array.from({ length: Number(env["COUNT"]) }, (_, i) => "127.1.1." + (i + 1)),
  proxy: { host: "shop.example" }, ssh: { port: ${port}, keys: ["key"] },
});
`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A deploy to hosts that only answer, and what it took of this machine. */
async function deployTo(count: number): Promise<{ readonly wallMs: number; readonly cpuMs: number; readonly megabytes: number; readonly handshakes: number }> {
  const fleet = Bun.spawn([process.execPath, `${import.meta.dir}/fleet.ts`, String(count), String(port)], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const said = fleet.stdout.getReader();
  const next = async (): Promise<string> => new TextDecoder().decode((await said.read()).value).trim();
  try {
    expect(await next()).toBe("ready");
    const started = performance.now();
    const child = Bun.spawn([process.execPath, entry, "deploy", "--skip-push", "--version", `to-${count}`], { cwd: folder, env: { PATH: process.env["PATH"], HOME: folder, PW: "secret-pw", COUNT: String(count) }, stdout: "ignore", stderr: "pipe" });
    const told = await new Response(child.stderr).text();
    expect([await child.exited, told.split("\n").filter((line) => /✗|cannot/.test(line))]).toEqual([0, []]);
    const wallMs = performance.now() - started;
    const used = child.resourceUsage();
    void fleet.stdin.write("?");
    await fleet.stdin.flush();
    return { wallMs, cpuMs: Number(used?.cpuTime.total) / 1000, megabytes: Number(used?.maxRSS) / 1e6, handshakes: Number(await next()) };
  } finally {
    await fleet.stdin.end();
    await fleet.exited;
    await rm(`${folder}/.ssh`, { recursive: true, force: true });
  }
}

test("200 hosts from one process: within 512 MB, 30 handshakes at once, and no host costs more than 60 ms beyond the first ones", async () => {
  const few = await deployTo(20);
  const many = await deployTo(200);
  const slope = (many.wallMs - few.wallMs) / 180;
  console.log(`20 hosts ${few.wallMs.toFixed(0)} ms; 200 hosts ${many.wallMs.toFixed(0)} ms: ${slope.toFixed(0)} ms a host, with the hosts' own work on this machine; the client's CPU ${few.cpuMs.toFixed(0)} and ${many.cpuMs.toFixed(0)} ms, memory ${few.megabytes.toFixed(0)} and ${many.megabytes.toFixed(0)} MB`);
  expect(many.megabytes).toBeLessThan(512);
  expect(many.handshakes).toBeLessThanOrEqual(30);
  expect(slope).toBeLessThan(60);
}, 180_000);
