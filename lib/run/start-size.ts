import { envOn } from "../config/host-env.ts";
import type { Accessory, Role, Settings } from "../config/settings.ts";
import type { Command } from "../ground/command.ts";
import { DeployError } from "../ground/errors.ts";
import { mostSentBytes, sentBytes } from "../ground/sent.ts";
import { runAccessory } from "../remote/accessory.ts";
import { runContainer } from "../remote/container.ts";
import { batchScript } from "./batch.ts";

/** Room for what a run adds: a long version, the question that travels with a start. */
const roomBytes = 2048;
const mostBytes = mostSentBytes - roomBytes;
/** In bytes: what is shorter is not to blame. */
const worthNaming = 1000;

/**
 * Makes sure that every container can be started: all that the config says of one goes to its host in one command, which has a limit.
 * @throws DeployError (config) that names each role and accessory that is too long, and what makes it so
 */
export function checkStarts(settings: Settings): void {
  const problems = [
    ...settings.roles.flatMap((role) => hostsOf(role).flatMap((host) => problemOf(`role ${role.name}`, host, runContainer({ settings, role, host, version: "0".repeat(40), hostnameHex: "0".repeat(12) }), textsOf({ ...role, env: envOn(role, host) })))),
    ...settings.accessories.flatMap((accessory) => accessory.hosts.slice(0, 1).flatMap((host) => problemOf(`accessory ${accessory.name}`, host, runAccessory(settings, accessory, host), textsOf(accessory)))),
  ];
  if (problems.length === 0) return;
  throw new DeployError("config", "Cannot start containers with this config: what it says of one is too long for a command line", {
    details: problems, state: ["Nothing was changed."], hint: "Move large variables to env.secret: those reach a container by way of a file. Or mount a file with volumes.",
  });
}

/** One host for each environment that the role has. */
const hostsOf = ({ hosts, hostEnv }: Role): readonly string[] => [...new Set([...hosts.slice(0, 1), ...Object.keys(hostEnv)])];

function problemOf(name: string, host: string, command: Command, texts: Readonly<Record<string, unknown>>): readonly string[] {
  const bytes = sentBytes(batchScript([{ command, optional: false }], "0".repeat(16)).text);
  if (bytes <= mostBytes) return [];
  const sizes = Object.entries(texts).map(([key, value]) => ({ key, bytes: sentBytes(String(value)) })).filter((one) => one.bytes >= worthNaming).toSorted((a, b) => b.bytes - a.bytes);
  return [`${name} on ${host}: ${bytes} bytes, and ${mostBytes} at most; the largest: ${sizes.slice(0, 3).map((one) => `${one.key} ${one.bytes}`).join(", ")}`];
}

/** All that makes a start long, by where it stands in the config. */
function textsOf({ env, labels, options, volumes, logging, cmd }: Pick<Role | Accessory, "env" | "labels" | "options" | "volumes" | "logging" | "cmd">): Readonly<Record<string, unknown>> {
  const below = (key: string, values: object): [string, unknown][] => Object.entries(values).map(([name, value]) => [`${key}.${name}`, value]);
  return Object.fromEntries([...below("env", env.clear), ...below("labels", labels), ...below("options", options), ...below("volumes", volumes), ...below("logging.options", logging.options), ["cmd", cmd ?? ""]]);
}
