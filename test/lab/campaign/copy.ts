import { cp, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
const variable = "CAPSTAN_FAULTS_TREE";

/** The tree that the campaign was started in, when this is its copy. */
export const ownTree: string | undefined = process.env[variable];

/** All that the campaign runs: the tool, itself, and what they are configured by. */
const parts = ["lib", "test", "mod.ts", "package.json", "tsconfig.json", "bunfig.toml", "bun.lock"] as const;

/**
 * Copies a tree to a folder of its own, its packages by a link.
 * @returns the folder
 */
export async function copyTree(tree: string): Promise<string> {
  const folder = await mkdtemp(`${tmpdir()}/capstan-faults-`);
  for (const part of parts) await cp(`${tree}/${part}`, `${folder}/${part}`, { recursive: true });
  await symlink(await realpath(`${tree}/node_modules`), `${folder}/node_modules`);
  return folder;
}

/** Runs the campaign from a copy of this tree, and takes the copy away. @returns its exit status */
export async function runFromCopy(args: readonly string[]): Promise<number> {
  const folder = await copyTree(here);
  try {
    const child = Bun.spawn([process.execPath, `${folder}/test/lab/campaign/main.ts`, ...args], { env: { ...process.env, [variable]: here }, stdin: "inherit", stdout: "inherit", stderr: "inherit" });
    // Ctrl-C goes to both; what is sent to this one alone is passed on. The other takes the labs down first.
    process.on("SIGINT", () => undefined);
    for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
    return await child.exited;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
