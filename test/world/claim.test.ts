import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimFile } from "../../lib/world/claim.ts";

const folder = mkdtempSync(join(tmpdir(), "claim-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const module = new URL("../../lib/world/claim.ts", import.meta.url).pathname;

test("a file is claimed by one at a time, and can be had again", async () => {
  const path = join(folder, "not there yet", "shop.claim");
  const first = await claimFile(path);
  expect(await claimFile(path)).toBeUndefined();
  first?.[Symbol.dispose]();
  const second = await claimFile(path);
  expect(second).toBeDefined();
  second?.[Symbol.dispose]();
});

test("a claim is kept from other processes, and ends with one that is killed", async () => {
  const path = join(folder, "killed.claim");
  const holder = Bun.spawn([process.execPath, "-e", `const { claimFile } = await import(${JSON.stringify(module)}); globalThis.claim = await claimFile(${JSON.stringify(path)}); console.log("claimed"); setInterval(() => globalThis.claim, 1000);`], { stdout: "pipe", stderr: "ignore" });
  try {
    const said = await holder.stdout.getReader().read();
    expect(new TextDecoder().decode(said.value)).toBe("claimed\n");
    expect(await claimFile(path)).toBeUndefined();
  } finally {
    holder.kill("SIGKILL");
    await holder.exited;
  }
  const next = await claimFile(path);
  expect(next).toBeDefined();
  next?.[Symbol.dispose]();
});

test("a place that cannot be used is named", async () => {
  writeFileSync(join(folder, "file"), "");
  await expect(claimFile(join(folder, "file", "shop.claim"))).rejects.toMatchObject({ failure: "config", message: expect.stringContaining(`Cannot claim ${folder}/file/shop.claim`) });
});
