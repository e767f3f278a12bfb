import { define } from "../command.ts";
import { buildArgs } from "./shared.ts";

export const push = define({
  meta: { purpose: "Build the image and push it to the registry" },
  args: { cache: buildArgs.cache },
  changes: true,
});
export const pull = define({ meta: { purpose: "Pull the image on every host" }, args: {}, changes: true });
export const deliver = define({ meta: { purpose: "Build and push the image, then pull it on every host" }, args: { cache: buildArgs.cache }, changes: true });
