import { define } from "../command.ts";

const sides = {
  skipLocal: { type: "boolean", alias: "L", description: "Not on this machine" },
  skipRemote: { type: "boolean", alias: "R", description: "Not on the hosts" },
} as const;

export const login = define({ meta: { purpose: "Log in to the registry, here and on every host", examples: [["capstan registry login --skip-local", "on the hosts only"]] }, args: { ...sides }, changes: true });
export const logout = define({ meta: { purpose: "Log out of the registry, here and on every host", examples: [["capstan registry logout", "when a password has changed hands"]] }, args: { ...sides }, changes: true });
