import { DeployError } from "../../ground/errors.ts";
import { type Adapter, type Found, recordsOf, textOf } from "./adapter.ts";

/** Enpass, by `enpass-cli`. `from` is the folder of the vault; names are `TITLE` for all passwords of an item, or `TITLE/LABEL`. */
export const enpass: Adapter = {
  name: "enpass",
  title: "Enpass",
  program: "enpass-cli",
  version: ["version"],
  async read(cli, { names, from }) {
    if (from === undefined) throw new DeployError("usage", "Cannot read secrets from Enpass: it needs the folder of the vault", { hint: "Add --from FOLDER" });
    const titles = [...new Set(names.map((name) => (name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : name)))];
    const items = recordsOf(await cli.json(["-json", "-vault", from, "show", ...titles], names, { terminal: "ask" }));
    const found = items.flatMap((item): Found[] => {
      const [title, label, value] = [textOf(item["title"]) ?? "", textOf(item["label"]) ?? "", textOf(item["password"]) ?? ""];
      const key = label === "" ? title : `${title}/${label}`;
      return title === "" || value === "" || !(names.includes(title) || names.includes(key)) ? [] : [{ key, value, ...(names.includes(key) ? { name: key } : {}) }];
    });
    const twice = [...new Set(found.map(({ key }) => key).filter((key, i, keys) => keys.indexOf(key) !== i))];
    const missing = names.filter((name) => !found.some(({ key }) => key === name || key.startsWith(`${name}/`)));
    if (twice.length + missing.length > 0) throw cli.unread([...missing.map((name) => ({ name, why: ["there is no such item"] })), ...twice.map((name) => ({ name, why: ["it is there more than once"] }))]);
    return found;
  },
};
