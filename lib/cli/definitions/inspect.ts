import { define } from "../command.ts";

export const details = define({
  meta: { purpose: "List the proxy's and the service's containers on every host" },
  args: {},
  changes: false,
});

export const observe = define({
  meta: {
    purpose: "Show what is on the hosts: Docker, proxy, routes, containers, images",
    examples: [["capstan observe --json > facts.json", "facts for a later `capstan plan --facts facts.json`"]],
  },
  args: {},
  changes: false,
});

export const audit = define({
  meta: { purpose: "Show the last changes recorded on every host: when, who, what" },
  args: {},
  changes: false,
});

export const config = define({
  meta: { purpose: "Show the config as it is understood, with all defaults and without secrets" },
  args: {},
  changes: false,
});

export const docs = define({
  meta: { purpose: "Show the reference of the config", examples: [["capstan docs", "all sections"], ["capstan docs proxy", "one section"]] },
  args: { section: { type: "positional", required: false, valueHint: "SECTION", description: "A section of the config, such as proxy" } },
  changes: false,
});

export const init = define({
  meta: { purpose: "Write a commented deploy.config.ts, a secrets file and editor types into this folder", notes: ["Files that are there already are left alone."] },
  args: {},
  changes: true,
});

export const importProject = define({
  meta: {
    purpose: "Write deploy.config.ts from a project of Kamal or MRSK",
    notes: ["Each config/deploy.NAME.yml becomes deploy.NAME.config.ts. Hooks and secrets stay where they are, and nothing is evaluated: variables and commands of the YAML become code.", "A project can be run without it too: `capstan -c config/deploy.yml deploy`."],
    examples: [["capstan import", "then compare: `capstan config` and `capstan -c config/deploy.yml config`"], ["capstan import --from ops/deploy.yml --force", "another file, writing over what is there"]],
  },
  args: {
    from: { type: "string", valueHint: "FILE", default: "config/deploy.yml", description: "The config to read" },
    force: { type: "boolean", description: "Write over files that are there" },
  },
  changes: true,
});

export const version = define({
  meta: { purpose: "Show the version of capstan" },
  args: {},
  changes: false,
});
