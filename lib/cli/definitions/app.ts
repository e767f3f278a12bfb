import { define } from "../command.ts";
import { interactiveArg, interactiveNote, logArgs } from "./shared.ts";

export const boot = define({
  meta: { purpose: "Start a version that is on the hosts already and switch to it", examples: [["capstan app boot --version 4f2c1a9", "a certain version; default: the one deployed last"]] },
  args: {},
  changes: true,
});

export const start = define({
  meta: { purpose: "Start the service's stopped containers and give them traffic", examples: [["capstan app start", "after `capstan app stop`"]] },
  args: {},
  changes: true,
});

export const stop = define({
  meta: { purpose: "Take traffic from the service's containers and stop them", examples: [["capstan app stop -r jobs", "the containers of one role"]] },
  args: {},
  changes: true,
});

export const details = define({
  meta: { purpose: "List the service's running containers by role", examples: [["capstan app details", "on all hosts"], ["capstan app details -h web-1", "on one host"]] },
  args: {},
  changes: false,
  asks: true,
});

export const images = define({
  meta: { purpose: "List the service's images", examples: [["capstan app images", "on every host of the app"]] },
  args: {},
  changes: false,
  asks: true,
});

export const staleContainers = define({
  meta: {
    purpose: "List running containers of versions that no longer serve",
    notes: ["They are left over from deploys that were cut off. A deploy stops them too."],
    examples: [["capstan app stale-containers", "list them"], ["capstan app stale-containers --stop", "stop them"]],
  },
  args: { stop: { type: "boolean", alias: "s", description: "Stop them" } },
  changes: true,
});

export const remove = define({
  meta: {
    purpose: "Take the app off the hosts: its routes, containers, images and files",
    notes: ["Proxy and accessories stay. Images and files are shared by the roles: they go where all roles of a host are chosen."],
    examples: [["capstan app remove", "everywhere"], ["capstan app remove -r jobs", "the containers of one role"]],
  },
  args: {},
  changes: true,
});

export const removeContainer = define({
  meta: { hidden: true, purpose: "Remove the containers of one version", examples: [["capstan app remove-container 4f2c1a9", "stopped ones: one that runs is refused"]] },
  args: { version: { type: "positional", valueHint: "VERSION", description: "The version" } },
  changes: true,
});
export const removeContainers = define({ meta: { hidden: true, purpose: "Remove all stopped containers of the app", examples: [["capstan app remove-containers -r jobs", "of one role"]] }, args: {}, changes: true });
export const removeImages = define({ meta: { hidden: true, purpose: "Remove all images of the app that no container uses", examples: [["capstan app remove-images", "on every host of the app"]] }, args: {}, changes: true });
export const removeAppDirectories = define({ meta: { hidden: true, purpose: "Remove the app's folders on the hosts", examples: [["capstan app remove-app-directories", "on every host of the app"]] }, args: {}, changes: true });

export const exec = define({
  meta: {
    purpose: "Run a command in the application's image, in a new container unless told otherwise",
    notes: [
      "Options stand before COMMAND: what follows its first word belongs to it. A command in one quoted word may be followed by options.",
      interactiveNote,
    ],
    examples: [
      ["capstan app exec -i --reuse bin/console", "a session in the running container, on the primary host"],
      ["capstan app exec -p bin/migrate --pretend", "on the primary host only; --pretend goes to bin/migrate"],
      ["capstan app exec -p --reuse bin/console --version", "in the running container"],
      ["capstan app exec -e LEVEL:debug -r jobs -- env", "with a variable, on the hosts of a role"],
    ],
  },
  args: {
    ...interactiveArg,
    reuse: { type: "boolean", description: "Run it in the running container" },
    env: { type: "string", alias: "e", multiple: true, more: /^[A-Za-z_][A-Za-z0-9_]*:/, valueHint: "NAME:VALUE", description: "Set a variable; may be repeated" },
    detach: { type: "boolean", description: "Leave it running and come back at once" },
    raw: { type: "boolean", description: "Pass its output through byte by byte, without headers" },
  },
  words: { name: "COMMAND", description: "The command and its arguments", required: true },
  conflicts: [["detach", "reuse"], ["raw", "detach"], ["interactive", "detach"], ["interactive", "raw"]],
  changes: true,
});

export const containers = define({
  meta: { purpose: "List all of the service's containers, stopped ones too", examples: [["capstan app containers", "also shows what there is to roll back to"]] },
  args: {},
  changes: false,
  asks: true,
});

export const logs = define({
  meta: {
    purpose: "Show the application's log",
    examples: [["capstan app logs -f", "of all hosts at once, as it is written"], ["capstan app logs -r jobs -n 20 -g ERROR", "of one role, lines with a pattern"]],
  },
  args: {
    ...logArgs,
    grepOptions: { type: "string", dashes: true, valueHint: "OPTIONS", description: "More options for grep, such as --grep-options \"-i -A 2\"" },
    containerId: { type: "string", valueHint: "ID", description: "The log of this container" },
  },
  changes: false,
  asks: true,
});

export const version = define({
  meta: { purpose: "Show which version serves on each host", examples: [["capstan app version", "on all hosts"], ["capstan app version -d staging --json", "for programs"]] },
  args: {},
  changes: false,
  asks: true,
});

export const maintenance = define({
  meta: {
    purpose: "Answer every request with 503 and a page, while the containers go on running",
    notes: ["Requests in flight may end first. A deploy during maintenance puts the new version in place and leaves the page up."],
    examples: [[`capstan app maintenance --message "Back at 10:30 UTC"`, "say for how long"], ["capstan app live", "end it"]],
  },
  args: {
    message: { type: "string", valueHint: "TEXT", default: "We are down for maintenance and back soon.", description: "What the page says" },
    drainTimeout: { type: "number", valueHint: "SECONDS", description: "How long requests in flight may take; default: drainTimeout of the config" },
  },
  changes: true,
});

export const live = define({ meta: { purpose: "End the maintenance: requests go to the application again", examples: [["capstan app live", "after `capstan app maintenance`"]] }, args: {}, changes: true });
