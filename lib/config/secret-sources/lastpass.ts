import { type Adapter, qualified, recordsOf, textOf } from "./adapter.ts";

/** LastPass, by `lpass`. Names are full names, groups included, or ids; the value is the password. */
export const lastpass: Adapter = {
  name: "lastpass",
  aliases: ["last_pass"],
  title: "LastPass",
  program: "lpass",
  account: "required",
  async login(cli, account) {
    const { stdout } = await cli.run(["status", "--color", "never"]);
    if (stdout.trim() !== `Logged in as ${account}.`) await cli.login(["login", account]);
    return undefined;
  },
  async read(cli, request) {
    const names = qualified(request);
    const items = recordsOf(await cli.json(["show", ...names, "--json"], names));
    const results = names.map((name) => ({ name, item: items.find(({ id, fullname }) => fullname === name || id === name) }));
    const missing = results.flatMap(({ name, item }) => (textOf(item?.["password"]) === undefined ? [{ name, why: ["there is no such item"] }] : []));
    if (missing.length > 0) throw cli.unread(missing);
    return results.map(({ name, item }) => ({ key: textOf(item?.["fullname"]) ?? name, value: textOf(item?.["password"]) ?? "", name }));
  },
};
