import { define, type Definition } from "../command.ts";
import { confirmedArg, logArgs } from "./shared.ts";

const name = { type: "positional", valueHint: "NAME", description: "The accessory, or `all`" } as const;
const one = { type: "positional", valueHint: "NAME", description: "The accessory" } as const;
const rolling = { type: "boolean", description: "Host after host instead of all at once" } as const;

export const boot = define({
  meta: {
    purpose: "Start an accessory on its hosts: folders, files, environment, container",
    notes: ["Where its container is already, running or not, it is left as it is; its files and folders are brought up to date."],
    examples: [["capstan accessory boot all", "all that are missing"], ["capstan accessory boot mysql -h 10.0.0.9", "on one of its hosts"]],
  },
  args: { name },
  changes: true,
});

export const reboot = define({
  meta: {
    purpose: "Replace an accessory's container by a new one, with image, files and options as the config says now",
    notes: ["The image is pulled before the old container stops. Between stop and start it does not answer: with --rolling on one host at a time. What stands in volumes and folders stays."],
    examples: [["capstan accessory reboot redis", "after a change of its image in the config"], ["capstan accessory reboot all --rolling", "host after host"]],
  },
  args: { name, rolling },
  changes: true,
});

export const start = define({ meta: { purpose: "Start the stopped container of an accessory", examples: [["capstan accessory start mysql", "on all its hosts"]] }, args: { name }, changes: true });
export const stop = define({ meta: { purpose: "Stop an accessory", examples: [["capstan accessory stop mysql", "on all its hosts"]] }, args: { name }, changes: true });
export const restart = define({ meta: { purpose: "Stop an accessory and start it again", examples: [["capstan accessory restart mysql", "on all its hosts"]] }, args: { name }, changes: true });

export const details = define({ meta: { purpose: "Show the running container of an accessory", examples: [["capstan accessory details all", "of all accessories"]] }, args: { name }, changes: false, asks: true });

export const exec = define({
  meta: {
    purpose: "Run a command in a new container of an accessory, with its environment and volumes, or in the running one",
    notes: ["Options stand before NAME: what follows it belongs to the command. A command in one quoted word may be followed by options."],
    examples: [["capstan accessory exec --reuse mysql -- mysqladmin status", "in the running container"], ["capstan accessory exec -i --reuse mysql mysql -u root -p", "interactive, on its first host"]],
  },
  args: {
    name: one,
    interactive: { type: "boolean", alias: "i", description: "Join it to this terminal, on the first host" },
    reuse: { type: "boolean", description: "Run it in the running container" },
    raw: { type: "boolean", description: "Pass its output through byte by byte, without headers" },
  },
  words: { name: "COMMAND", description: "The command and its arguments", required: true },
  conflicts: [["raw", "interactive"]],
  changes: true,
});

export const logs = define({
  meta: { purpose: "Show the log of an accessory", examples: [["capstan accessory logs mysql -f", "of all its hosts at once, as it is written"], ["capstan accessory logs mysql -n 20 -g ERROR", "lines with a pattern"]] },
  args: { name: one, ...logArgs, grepOptions: { type: "string", dashes: true, valueHint: "OPTIONS", description: "More options for grep, such as --grep-options \"-i -A 2\"" } },
  changes: false,
  asks: true,
});

export const remove = define({
  meta: {
    purpose: "Remove an accessory: its container, image, environment and folder on the hosts",
    notes: ["What stands in its folder is gone with it. Folders with an absolute path and named volumes stay."],
    examples: [["capstan accessory remove redis -y", "without the question"]],
  },
  args: { name, ...confirmedArg },
  changes: true,
});

export const upgrade = define({
  meta: { purpose: "Bring an accessory of Kamal 1 or MRSK into the network of proxy and app: a reboot", examples: [["capstan accessory upgrade all --rolling -y", "host after host, without the question"]] },
  args: { name, rolling, ...confirmedArg },
  changes: true,
});

const part = (purpose: string, example: string): Definition<{ readonly name: typeof name }> => define({ meta: { hidden: true, purpose, examples: [[example, "one step of a command"]] }, args: { name }, changes: true });
export const upload = part("Bring the files of an accessory to its hosts", "capstan accessory upload mysql");
export const directories = part("Make the folders of an accessory on its hosts", "capstan accessory directories mysql");
export const pullImage = part("Pull the image of an accessory on its hosts", "capstan accessory pull-image mysql");
export const removeContainer = part("Remove the stopped container of an accessory", "capstan accessory remove-container mysql");
export const removeImage = part("Remove the image of an accessory", "capstan accessory remove-image mysql");
export const removeServiceDirectory = part("Remove the folder of an accessory on its hosts", "capstan accessory remove-service-directory mysql");
