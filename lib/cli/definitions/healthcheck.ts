import { define } from "../command.ts";

export const perform = define({
  meta: {
    purpose: "Start the version on the primary host without traffic, see whether it gets healthy, and remove it",
    notes: ["A deploy checks the containers themselves before they get traffic, so it needs no such trial. No port of the host is used."],
    examples: [["capstan healthcheck perform --version 4f2c1a9", "an image that was built before"]],
  },
  args: {},
  changes: true,
});
