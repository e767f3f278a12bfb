import { define } from "../command.ts";

const sides = {
  skipLocal: { type: "boolean", alias: "L", description: "Not on this machine" },
  skipRemote: { type: "boolean", alias: "R", description: "Not on the hosts" },
} as const;

export const login = define({ meta: { purpose: "Log in to the registry, here and on every host", examples: [["capstan registry login --skip-local", "on the hosts only"]] }, args: { ...sides }, changes: true });
export const logout = define({ meta: { purpose: "Log out of the registry, here and on every host", examples: [["capstan registry logout", "when a password has changed hands"]] }, args: { ...sides }, changes: true });
export const setup = define({
  meta: {
    purpose: "Open the way to the registry: start it when it is on this machine, else log in",
    notes: ["Without a registry in the config there is nothing to do: hosts get images through SSH.", "A registry at localhost:PORT runs as a container on this machine. Hosts reach it through their SSH connection while they pull."],
    examples: [["capstan registry setup", "before the first `capstan build push` to a registry at localhost:5000"], ["capstan registry setup --skip-remote", "log in here only"]],
  },
  args: { ...sides },
  changes: true,
});
export const remove = define({
  meta: { purpose: "Remove the registry when it is on this machine, else log out", examples: [["capstan registry remove", "stop the registry of this machine; images that hosts have pulled stay there"]] },
  args: { ...sides },
  changes: true,
});
