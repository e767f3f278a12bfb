import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeUnstarted, startedByOther } from "../../lib/remote/proxy/shared-start.ts";
import type { Command } from "../../lib/ground/command.ts";

const folder = mkdtempSync(join(tmpdir(), "capstan-shared-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const removed = join(folder, "removed");
/** A docker that says one line of the states after the other, the last one for ever. */
writeFileSync(join(folder, "docker"), `#!/bin/sh
if [ "$2" = rm ]; then echo "$3" > ${removed}; exit; fi
head -n 1 ${folder}/states
[ "$(wc -l < ${folder}/states)" -le 1 ] || sed -i 1d ${folder}/states
`);
writeFileSync(join(folder, "sleep"), "#!/bin/sh\n");
for (const name of ["docker", "sleep"]) chmodSync(join(folder, name), 0o755);

function run(command: Command, ...states: readonly string[]): number {
  writeFileSync(join(folder, "states"), states.map((state) => `${state}\n`).join(""));
  return Bun.spawnSync(["sh", "-c", command.text], { env: { PATH: `${folder}:${process.env["PATH"] ?? ""}` } }).exitCode;
}

test.each<[states: string[], status: number]>([
  [["running "], 0],
  [["created ", "created ", "running "], 0],
  [["created "], 1],
  [["created port is already allocated"], 1],
  [["exited "], 1],
  [[], 1],
])("startedByOther() with a container that is %j gives %i", (states, status) => {
  expect(run(startedByOther("traefik"), ...states)).toBe(status);
});

test.each<[state: string, isRemoved: boolean]>([["created port is already allocated", true], ["created ", false], ["running ", false], ["", false]])("removeUnstarted() of one that is %j: %p", async (state, isRemoved) => {
  rmSync(removed, { force: true });
  expect(run(removeUnstarted("traefik"), state)).toBe(0);
  expect(await Bun.file(removed).exists()).toBe(isRemoved);
});
