import { define } from "../command.ts";

export const details = define({
  meta: {
    purpose: "Show whether all is well, what is not, and the containers of proxy, app and accessories on every host",
    notes: ["The first line says whether one version serves everywhere. Else it follows what gets the requests where, what an interrupted run left, who holds the lock, and what to type next. Hosts that cannot be reached are listed; the exit status is then 4."],
    examples: [["capstan details", "of all hosts"], ["capstan details -d staging -r web", "of one role of a destination"], ["capstan details --json", "for programs: the line of type fleet"]],
  },
  args: {},
  changes: false,
  asks: true,
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
  meta: { purpose: "Show the last changes recorded on every host: when, who, what", examples: [["capstan audit", "of all hosts"], ["capstan audit -p", "of the primary host"]] },
  args: {},
  changes: false,
  asks: true,
});

export const config = define({
  meta: { purpose: "Show the config as it is understood, with all defaults and without secrets", examples: [["capstan config -d staging", "that of a destination, merged"], ["capstan config --json", "for programs"]] },
  args: {},
  changes: false,
});

export const docs = define({
  meta: { purpose: "Show the reference of the config: every key with type, default and example", examples: [["capstan docs", "all sections"], ["capstan docs proxy", "one section"], ["capstan docs proxy.healthcheck.path", "one key"]] },
  args: { section: { type: "positional", required: false, valueHint: "SECTION", description: "A section or key of the config, such as proxy or servers.ROLE.cmd" } },
  changes: false,
});

export const init = define({
  meta: { purpose: "Write a commented deploy.config.ts, a secrets file and editor types into this folder", notes: ["Files that are there already are left alone."], examples: [["capstan init", "in the folder of your project"], ["capstan init --dry-run", "only say what would be written"]] },
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
  meta: { purpose: "Show the version of capstan", examples: [["capstan version", "the same as `capstan --version`"]] },
  args: {},
  changes: false,
});

export const completion = define({
  meta: {
    purpose: "Print a script that lets a shell complete commands, options, destinations and files",
    notes: ["The script knows this version's commands by heart: nothing is loaded or asked while you type. Print it anew after an upgrade, or let your shell do so when it starts."],
    examples: [
      ["source <(capstan completion bash)", "in ~/.bashrc"],
      ["source <(capstan completion zsh)", "in ~/.zshrc, after compinit"],
      ["capstan completion fish | source", "in ~/.config/fish/config.fish"],
    ],
  },
  args: { shell: { type: "positional", valueHint: "SHELL", values: ["bash", "zsh", "fish"], description: "Your shell: bash, zsh or fish" } },
  changes: false,
});
