import { type Adapter, qualified, recordsOf, textOf } from "./adapter.ts";
import type { Cli } from "./cli.ts";

/** Passbolt, by `passbolt`. Names are `NAME` or `FOLDER/…/NAME`; keys are without folders. */
export const passbolt: Adapter = {
  name: "passbolt",
  title: "Passbolt",
  program: "passbolt",
  async login(cli) {
    const failed = await cli.tryRun(["verify"]);
    if (failed !== undefined) throw cli.notLoggedIn("passbolt configure", failed);
    return undefined;
  },
  async read(cli, request) {
    const wanted = qualified(request).map((name) => ({ name, folder: name.split("/").slice(0, -1), key: name.split("/").at(-1) ?? name }));
    const folders = await foldersOf(cli, wanted.map(({ folder }) => folder), wanted.map(({ name }) => name));
    const lost = wanted.filter(({ folder }) => folder.length > 0 && !folders.has(folder.join("/")));
    if (lost.length > 0) throw cli.unread(lost.map(({ name, folder }) => ({ name, why: [`there is no folder ${folder.join("/")}`] })));
    const conditions = wanted.map(({ key, folder }) => (folder.length === 0 ? `Name == ${literal(key)}` : `(Name == ${literal(key)} && FolderParentID == ${literal(folders.get(folder.join("/")) ?? "")})`));
    const args = ["list", "resources", "--filter", conditions.join(" || "), ...[...folders.values()].flatMap((id) => ["--folder", id]), "--column", "name", "--column", "password", "--json"];
    const items = recordsOf(await cli.json(args, wanted.map(({ name }) => name)));
    const unread = wanted.flatMap(({ name, key }) => {
      const count = items.filter((item) => item["name"] === key).length;
      if (count === 1) return [];
      return [{ name, why: [count === 0 ? "there is no such resource" : `${count} resources have that name`] }];
    });
    if (unread.length > 0) throw cli.unread(unread);
    return wanted.map(({ name, key }) => ({ key, name, value: textOf(items.find((item) => item["name"] === key)?.["password"]) ?? "" }));
  },
};

/** A text in a filter, which is an expression of CEL: it has the literals of JSON. */
const literal = (text: string): string => JSON.stringify(text);

/** Ids of folders by path: first those at the top, all in one call, then level by level. */
async function foldersOf(cli: Cli, paths: readonly (readonly string[])[], names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  const tops = [...new Set(paths.flatMap(([top]) => (top === undefined ? [] : [top])))];
  if (tops.length === 0) return ids;
  const list = async (filter: string) => recordsOf(await cli.json(["list", "folders", "--filter", filter, "--json"], names));
  const found = await list(tops.map((top) => `Name == ${literal(top)}`).join(" || "));
  for (const top of tops) {
    const called = found.filter(({ name }) => name === top);
    // The filter also finds folders of that name further below.
    const id = textOf((called.find((folder) => !textOf(folder["folder_parent_id"])) ?? called[0])?.["id"]);
    if (id !== undefined) ids.set(top, id);
  }
  for (const path of paths) {
    for (let depth = 2; depth <= path.length; depth++) {
      const [here, above] = [path.slice(0, depth).join("/"), ids.get(path.slice(0, depth - 1).join("/"))];
      if (ids.has(here) || above === undefined) continue;
      const id = textOf((await list(`Name == ${literal(path[depth - 1] ?? "")} && FolderParentID == ${literal(above)}`))[0]?.["id"]);
      if (id !== undefined) ids.set(here, id);
    }
  }
  return ids;
}
