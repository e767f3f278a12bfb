import type { Role } from "../config/settings.ts";
import { derivedHex } from "../ground/derive.ts";
import { isSecret } from "../ground/secret.ts";
import type { RunStep } from "../ground/step.ts";
import { forgetMadeWith, noteMadeWith, settingsDigest } from "../remote/made-with.ts";
import { quickMs } from "./hosts.ts";
import type { Order } from "./order.ts";

/** What the host name of the container that a run starts ends with: no other container's does. */
export const startedHex = ({ seed }: Order, role: Role, host: string): string => derivedHex(seed, `hostname ${host} ${role.name}`, 12);

/** All that a switch would put in place, but the image and the values of secrets, in 32 hex digits. */
export const digestOf = ({ settings, content }: Order, role: Role, host: string): string =>
  settingsDigest(settings, role, host, [...content.errorPages].map(([name, page]) => [name, isSecret(page.content) ? page.content.name : derivedHex(page.content, name, 32)]));

/** Notes what a container was made with, once it has started. Until it serves the note is of one that does not, and says nothing. */
export function noteStep(order: Order, role: Role, host: string, name: string): RunStep {
  const identity = "hostname" in role.options ? undefined : startedHex(order, role, host);
  return { kind: "run", role: role.name, title: `Note what ${name} was made with`, command: noteMadeWith(order.settings, role.name, name, identity, digestOf(order, role, host)), repeatable: true, timeoutMs: quickMs };
}

/** Before a container that was made earlier is switched to: what the proxy is told then is not in its note. */
export const forgetStep = ({ settings }: Order, role: Role): RunStep => ({ kind: "run", role: role.name, title: `Forget what ${role.name} was made with`, command: forgetMadeWith(settings, role.name), repeatable: true, timeoutMs: quickMs });
