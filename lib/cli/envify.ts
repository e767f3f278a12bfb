import { join } from "node:path";
import { checkTemplate, renderTemplate } from "../config/template.ts";
import { DeployError } from "../ground/errors.ts";
import { createWorld } from "../world/create.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/secrets.ts";

/** The file is written once all of the template has been rendered. */
export async function envify({ io: { cwd, env, signal }, options: { destination, dryRun }, print, report, pause, scrubWith }: CommandContextOf<typeof definitions.envify>): Promise<void> {
  if (destination !== undefined && !/^[\w-]+$/.test(destination)) throw new DeployError("usage", `Cannot use "${destination}" as a destination: it has only letters, digits, "-" and "_"`);
  const path = destination === undefined ? ".env" : `.env.${destination}`;
  const file = join(cwd, `${path}.erb`);
  await using open = createWorld({ cwd, env, signal, report, pause });
  scrubWith(open.scrub);
  const { files, programs } = open.world;
  const text = await files.read(file);
  if (text === undefined) throw new DeployError("config", `Cannot find ${path}.erb in ${cwd}`, { hint: "Write it, with a line such as TOKEN=<%= `op read op://Work/Shop/token` %>" });
  if (dryRun) checkTemplate({ file, text }, cwd);
  else await files.write(join(cwd, path), await renderTemplate({ file, text }, { programs, env, cwd, signal, conceal: open.world.conceal }), 0o600);
  print(`${dryRun ? "would write" : "wrote"} ${path}`, { type: "file", path, written: !dryRun });
}
