import { configReference, sections } from "../config/document.ts";
import { DeployError } from "../ground/errors.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/inspect.ts";
import { nearest } from "./suggest.ts";

export async function docs(context: CommandContextOf<typeof definitions.docs>): Promise<void> {
  const { section } = context.args;
  const text = configReference();
  if (section === undefined) return context.print(text.trimEnd(), { type: "docs", markdown: text });
  const names = sections().flatMap(({ paths }) => paths);
  const part = text.split(/^(?=## )/m).find((one) => one.split("\n")[0]?.includes(`\`${section}\``));
  if (part !== undefined) return context.print(part.trimEnd(), { type: "docs", markdown: part });
  const near = nearest(section, names);
  throw new DeployError("usage", `There is no section "${section}" in the config`, { hint: near === undefined ? `The sections: ${names.join(", ")}.` : `Did you mean \`capstan docs ${near}\`?` });
}
