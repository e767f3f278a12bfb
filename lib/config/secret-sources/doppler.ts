import { DeployError } from "../../ground/errors.ts";
import { type Adapter, type Found, isRecord, qualified, textOf } from "./adapter.ts";
import type { Unread } from "./cli.ts";

/** Doppler, by `doppler`. Names are `PROJECT/CONFIG/NAME`; only `NAME` with a service token, which knows its project. */
export const doppler: Adapter = {
  name: "doppler",
  title: "Doppler",
  program: "doppler",
  async login(cli) {
    if ((await cli.run(["me", "--json"])).status !== 0) await cli.login(["login", "-y"]);
    return undefined;
  },
  async read(cli, request) {
    const token = cli.env["DOPPLER_TOKEN"]?.startsWith("dp.st") === true;
    const wanted = qualified(request).map((name) => ({ name, key: name.split("/").at(-1) ?? name, flags: token ? [] : flagsOf(name) }));
    const found: Found[] = [];
    const missing: Unread[] = [];
    for (const group of Object.values(Object.groupBy(wanted, ({ flags }) => flags.join("\n")))) {
      const [{ flags } = { flags: [] }] = group ?? [];
      const keys = group?.map(({ key }) => key) ?? [];
      const read = await cli.tryJson(["secrets", "get", ...keys, "--json", ...flags]);
      const values = read.why === undefined && isRecord(read.data) ? read.data : {};
      for (const { name, key } of group ?? []) {
        const one = values[key];
        const value = isRecord(one) ? textOf(one["computed"]) : undefined;
        if (value === undefined) missing.push({ name, why: read.why ?? ["there is no such secret"] });
        else found.push({ key, value, name });
      }
    }
    if (missing.length > 0) throw cli.unread(missing);
    return found;
  },
};

function flagsOf(name: string): readonly string[] {
  const [project = "", config = "", ...rest] = name.split("/");
  if (project === "" || config === "" || rest.length !== 1) throw new DeployError("usage", `Cannot read "${name}" from Doppler: expected PROJECT/CONFIG/NAME`, { hint: "Add --from PROJECT/CONFIG, or set DOPPLER_TOKEN to a service token" });
  return ["-p", project, "-c", config];
}
