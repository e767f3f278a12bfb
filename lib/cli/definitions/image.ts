import { define } from "../command.ts";
import { buildArgs } from "./shared.ts";

const output = { type: "string", valueHint: "TYPE" } as const;

export const push = define({
  meta: {
    purpose: "Build the image and push it to the registry",
    notes: ["Without a registry in the config its layers are kept on this machine, for hosts that get them through SSH."],
    examples: [
      ["capstan build push", "the commit that is checked out"],
      ["capstan build push --no-cache", "every layer anew"],
      ["capstan build push --output docker", "build, and keep the image in the local Docker"],
      ["capstan build push --output oci,dest=shop.tar", "write it to a file"],
    ],
  },
  args: { output: { ...output, default: "registry", description: "Where the image goes, as buildx's --output type=TYPE takes it" }, cache: buildArgs.cache },
  changes: true,
});
export const pull = define({ meta: { purpose: "Pull the image on every host", notes: ["Without a registry in the config every host is sent the layers it does not have, from the Docker of this machine or from what was kept of an earlier build."], examples: [["capstan build pull --version 4f2c1a9", "ahead of `capstan deploy --skip-push --version 4f2c1a9`"]] }, args: {}, changes: true });
export const deliver = define({ meta: { purpose: "Build and push the image, then pull it on every host", examples: [["capstan build deliver", "everything of a deploy that takes long and changes no service"]] }, args: { cache: buildArgs.cache }, changes: true });
export const dev = define({
  meta: {
    purpose: "Build the working tree for use on this machine",
    notes: ["Uncommitted files are in the image, and its tags end with -dirty. Nothing is pushed, no hook is called and no host is reached."],
    examples: [["capstan build dev", "try the image before you commit"], ["capstan build dev --output local,dest=out", "only the files of the image, in a folder"]],
  },
  args: { output: { ...output, default: "docker", description: "Where the image goes, as buildx's --output type=TYPE takes it" }, cache: buildArgs.cache },
  changes: true,
});
export const create = define({
  meta: { purpose: "Create the builder that the config asks for", notes: ["A build creates a builder that is missing: this shows beforehand whether that works."], examples: [["capstan build create", "after builder.remote or builder.driver has changed"]] },
  args: {},
  changes: true,
});
export const remove = define({ meta: { purpose: "Remove the builder and its cache", examples: [["capstan build remove", "free its disk space, or begin anew with `capstan build create`"]] }, args: {}, changes: true });
export const details = define({ meta: { purpose: "Show the builder of the config and those of this machine", examples: [["capstan build details", "which builder builds what, and where"]] }, args: {}, changes: false, asks: true });
