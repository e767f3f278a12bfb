import { cp, mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { must } from "./shell.ts";

/** Folder of the sample app: what it serves, and its Dockerfile. */
export const appSource = fileURLToPath(new URL("./app", import.meta.url));

/** Makes the sample app's build context: nothing can be pulled, so its one program is copied in. */
export async function makeApp(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await cp(appSource, folder, { recursive: true });
  await cp("/bin/busybox", `${folder}/busybox`);
}

/** Makes a folder a git repository and commits all that is in it. @returns the commit */
export async function commitAll(folder: string, message: string): Promise<string> {
  const git = (...words: readonly string[]): Promise<string> => must(["git", "-C", folder, ...words]);
  await must(["git", "init", "--quiet", folder]);
  await git("config", "user.name", "Ann Lee");
  await git("config", "user.email", "ann@example.com");
  await git("add", "--all");
  await git("commit", "--quiet", "--allow-empty", "--message", message);
  return (await git("rev-parse", "HEAD")).trim();
}

/** Writes a file of the app, such as a Dockerfile that never gets healthy. */
export const writeApp = (folder: string, path: string, text: string): Promise<void> => writeFile(`${folder}/${path}`, text);
