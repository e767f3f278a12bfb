import { define } from "../command.ts";

const inline = { inline: { type: "boolean", hidden: true, description: "As one word of a shell: Kamal passes it where a secrets file calls the command" } } as const;

export const read = define({
  meta: {
    purpose: "Fetch secrets from a password manager and print them as one JSON object",
    notes: [
      "Adapters: 1password, lastpass, bitwarden, bitwarden-sm, aws_secrets_manager, gcp, doppler, enpass, passbolt, and test, which turns names round. Each calls the program of its manager, which must be on PATH, and logs you in if need be. No config is needed.",
      "In a secrets file write SECRETS=$(capstan secrets fetch …): capstan carries it out itself.",
    ],
    examples: [
      ["capstan secrets fetch --adapter 1password --account acme --from Work/Shop DB_PASSWORD API_KEY", "two fields of an item"],
      ["capstan secrets fetch -a aws_secrets_manager --account staging shop/prod", "all keys of a secret that is a JSON object"],
      ["capstan secrets fetch -a doppler --from shop/prd DB_PASSWORD", "of a project and config"],
    ],
  },
  args: {
    names: { type: "positional", multiple: true, required: false, valueHint: "NAMES", description: "The secrets, as the manager calls them; none: all fields of the 1Password item that --from names" },
    adapter: { type: "string", alias: "a", valueHint: "NAME", required: true, description: "The password manager" },
    account: { type: "string", valueHint: "ID", description: "The account; with aws_secrets_manager a profile" },
    from: { type: "string", valueHint: "PLACE", description: "What stands before each name: a vault, an item, a folder, a project" },
    ...inline,
  },
  changes: false,
});

export const extract = define({
  meta: {
    purpose: "Print one of the secrets that `secrets fetch` printed",
    notes: ["That of this key, else the first whose key ends with /NAME. No config is needed."],
    examples: [[`capstan secrets extract DB_PASSWORD "$SECRETS"`, "after SECRETS=$(capstan secrets fetch …)"]],
  },
  args: {
    name: { type: "positional", valueHint: "NAME", description: "The key, or what stands behind its last /" },
    json: { type: "positional", valueHint: "JSON", description: "What `secrets fetch` printed" },
    ...inline,
  },
  changes: false,
});

export const print = define({
  meta: {
    purpose: "Print the secrets of the config as NAME=VALUE lines",
    notes: ["All of the secrets files and of `secrets` in the config, and those that the config takes from the environment. With --json values are exact, line ends included."],
    examples: [["capstan secrets print", "those of the config"], ["capstan secrets print -d staging", "those of a destination"]],
  },
  args: {},
  changes: false,
});

export const envify = define({
  meta: {
    purpose: "Render .env.erb to .env, with -d NAME .env.NAME.erb to .env.NAME",
    notes: [
      "For templates of MRSK. They are evaluated without Ruby, as far as ENV, texts, commands in backticks, variables, if, else and raise go; a template with more is refused. The file is for you alone (mode 0600), and one that is there is replaced.",
      "A config reads it with secretsPath: \".env\".",
    ],
    examples: [["capstan envify", "writes .env"], ["capstan envify -d staging", "writes .env.staging"]],
  },
  args: {},
  changes: true,
});
