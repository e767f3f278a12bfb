import { extractValue, readValues, shellEscaped } from "../config/secret-sources/extract.ts";
import { byKey, passwordManagers } from "../config/secret-sources/managers.ts";
import { createWorld } from "../world/create.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/secrets.ts";
import { withDeployer } from "./session.ts";

export async function read(context: CommandContextOf<typeof definitions.read>): Promise<void> {
  const { args: { names, adapter, account, from, inline }, io: { cwd, env, signal }, report, pause } = context;
  await using open = createWorld({ cwd, env, signal, report, pause });
  const { world } = open;
  const values = byKey(await passwordManagers({ programs: world.programs, env, cwd, signal }).read({ adapter, account, from, names }));
  const json = JSON.stringify(values);
  context.print(inline ? shellEscaped(json) : json, { type: "secrets", values }, "exact");
}

export async function extract(context: CommandContextOf<typeof definitions.extract>): Promise<void> {
  const { args: { name, json } } = context;
  const value = extractValue(name, readValues(json));
  context.print(value, { type: "secret", name, value }, "exact");
}

/** Tells those that are missing after all that are there. */
export async function print(context: CommandContextOf<typeof definitions.print>): Promise<void> {
  await withDeployer(context, async ({ settings: { secrets } }) => {
    const values = await secrets.all();
    const lines = Object.entries(values).map(([name, value]) => `${name}=${value}`);
    if (lines.length > 0 || context.options.json) context.print(lines.join("\n"), { type: "secrets", values }, "exact");
    await secrets.load();
  });
}
