import { define } from "../command.ts";
import { interactiveArg, interactiveNote } from "./shared.ts";

export const bootstrap = define({ meta: { purpose: "Install Docker on the hosts where it is missing", examples: [["capstan server bootstrap", "all hosts"], ["capstan server bootstrap -h web-3", "a new host"]] }, args: {}, changes: true });

export const exec = define({
  meta: {
    purpose: "Run a command on the hosts themselves",
    notes: [
      "Options stand before COMMAND: what follows its first word belongs to it. A command in one quoted word may be followed by options.",
      interactiveNote,
    ],
    examples: [["capstan server exec -i -h web-1 bash", "a shell on one host"], ["capstan server exec df -h", "on all hosts; -h goes to df"], ["capstan server exec -h web-1 uptime", "on one host"]],
  },
  args: {
    ...interactiveArg,
    raw: { type: "boolean", description: "Pass its output through byte by byte, without headers" },
  },
  words: { name: "COMMAND", description: "The command and its arguments", required: true },
  conflicts: [["interactive", "raw"]],
  changes: true,
});
