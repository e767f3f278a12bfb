import { define } from "../command.ts";
import { buildArgs } from "./shared.ts";

export const push = define({
  meta: { purpose: "Build the image and push it to the registry", examples: [["capstan build push", "the commit that is checked out"], ["capstan build push --no-cache", "every layer anew"]] },
  args: { cache: buildArgs.cache },
  changes: true,
});
export const pull = define({ meta: { purpose: "Pull the image on every host", examples: [["capstan build pull --version 4f2c1a9", "ahead of `capstan deploy --skip-push --version 4f2c1a9`"]] }, args: {}, changes: true });
export const deliver = define({ meta: { purpose: "Build and push the image, then pull it on every host", examples: [["capstan build deliver", "everything of a deploy that takes long and changes no service"]] }, args: { cache: buildArgs.cache }, changes: true });
