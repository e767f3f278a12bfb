import { expect, test } from "bun:test";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { OperatorsMachine } from "../lab/campaign/strays.ts";

test("files, processes and tags that the tool left are told, and files and tags taken away", async () => {
  const folder = await mkdtemp(`${tmpdir()}/strays-`);
  const asked: string[] = [];
  const docker = async (...words: readonly string[]) => {
    asked.push(words.join(" "));
    return { status: 0, stdout: "acme/app:r1x2\n127.0.0.1:23456/capstan/acme-app:delivery\n", stderr: "" };
  };
  const machine = new OperatorsMachine(folder, { docker });
  await writeFile(`${folder}/capstan-ssh-x`, "");
  const child = Bun.spawn(["sleep", "60"], { env: { ...process.env, TMPDIR: folder } });
  try {
    // The program is another one until the new process has become it.
    while (!(await machine.strays(0)).includes("process sleep 60")) await Bun.sleep(1);
    await writeFile(`${folder}/capstan-ssh-x`, "");
    expect(await machine.strays(0)).toEqual(["file capstan-ssh-x", "process sleep 60", "tag 127.0.0.1:23456/capstan/acme-app:delivery"]);
    expect(await readdir(folder)).toEqual([]);
    expect(asked.at(-1)).toBe("rmi --no-prune 127.0.0.1:23456/capstan/acme-app:delivery");
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
  expect(await machine.strays(0)).toEqual(["tag 127.0.0.1:23456/capstan/acme-app:delivery"]);
  await rm(folder, { recursive: true });
});
