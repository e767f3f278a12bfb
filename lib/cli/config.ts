import { stringify } from "yaml";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/inspect.ts";
import { withDeployer } from "./session.ts";

/** Secrets turn into their placeholders on the way through JSON, hooks into their names. */
export async function config(context: CommandContextOf<typeof definitions.config>): Promise<void> {
  await withDeployer(context, async ({ settings }) => {
    const { hooks, secrets: _secrets, ...rest } = settings;
    const data: unknown = JSON.parse(JSON.stringify({ ...rest, hooks: Object.keys(hooks) }));
    context.print(stringify(data).trimEnd(), { type: "config", config: data });
  });
}
