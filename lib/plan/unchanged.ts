import type { Role } from "../config/settings.ts";
import type { Command } from "../ground/command.ts";
import { network } from "../ground/names.ts";
import { isSecret } from "../ground/secret.ts";
import type { HostStep } from "../ground/step.ts";
import type { Container, FleetFacts, HostFacts } from "../remote/facts.ts";
import { compareServing, parseServing, type ServingAnswer } from "../remote/made-with.ts";
import { driverFor } from "../remote/proxy/drivers.ts";
import { placeOf } from "./boot.ts";
import { containersOfRole, currentContainer, isLeft, isOutside, isUp, plainVersion, routeOf, routedContainer } from "./current.ts";
import { appHosts, factsOf, rolesOn } from "./hosts.ts";
import { digestOf } from "./made-with.ts";
import type { Kept, Order } from "./order.ts";

/** A question to a host, whether what serves there is what a switch would put in its place. */
export interface Comparison {
  readonly kept: Kept;
  /** Changes nothing. Ends with another status than 0 where there is nothing to compare. */
  readonly command: Command;
  isSame(stdout: string): boolean;
}

/** The questions of a run that leaves alone what is unchanged. None where it can be seen already that a switch is needed. */
export function comparisons(order: Order, facts: FleetFacts): readonly Comparison[] {
  return appHosts(order).flatMap((host) => rolesOn(order, host).flatMap((role): Comparison[] => {
    const container = settledContainer(order, role, factsOf(facts, host));
    if (container === undefined) return [];
    const command = compareServing({ settings: order.settings, role, host, container: container.id, image: `${order.settings.repository}:${order.version}`, files: secretFiles(order, role, host, factsOf(facts, host)) });
    const isSame = (stdout: string): boolean => {
      const answer = parseServing(stdout);
      return answer !== undefined && isServing(answer) && answer.secretsSame && isOf(answer, digestOf(order, role, host)) && hasImage(answer, order);
    };
    return [{ kept: { host, role: role.name, container: container.name, version: plainVersion(container.version) }, command, isSame }];
  }));
}

/** The container of a role that serves, alone and undisturbed. Undefined where a switch would also mend or end something. */
function settledContainer({ settings }: Order, role: Role, { containers, proxy }: HostFacts): Container | undefined {
  const own = containersOfRole(role, containers);
  const current = currentContainer(settings, role, containers, proxy);
  if (current === undefined || current.state !== "running" || isOutside(current, network) || current.version !== plainVersion(current.version)) return undefined;
  if (own.some((one) => one.id !== current.id && (isUp(one) || isLeft(one)))) return undefined;
  if (role.proxy === undefined) return current;
  const route = routeOf(settings, role, proxy);
  const isRouted = proxy?.running === true && route?.targets.length === 1 && route.canary === undefined && routedContainer(settings, role, own, proxy)?.id === current.id;
  return isRouted ? current : undefined;
}

function secretFiles(order: Order, role: Role, host: string, facts: HostFacts): readonly HostStep[] {
  if (role.proxy === undefined) return [];
  const { name } = placeOf(order, role, host, facts);
  return driverFor(role.proxy.kind).switch(order.settings, role, { container: name, version: order.version }, { from: undefined, route: undefined }).filter((step) => step.kind === "upload" && isSecret(step.content));
}

const isServing = ({ state }: ServingAnswer): boolean => state === "running" || state === "running/healthy" || state === "running/starting";
const isOf = ({ note, id, hostname }: ServingAnswer, digest: string): boolean => note !== undefined && note[1] === digest && (hostname.endsWith(`-${note[0]}`) || id.startsWith(note[0]));

/** What was built counts; where that is not known, what the host has under the name of the version. */
const hasImage = ({ image, named }: ServingAnswer, { built }: Order): boolean => (built?.ids ?? named).some((id) => image.includes(id));

/** What a reader should know of what is left alone. */
export function keptNotes({ kept = [], version }: Order): readonly string[] {
  const about = new Map<string, string[]>();
  for (const one of kept) about.set(`${one.role} ${one.version}`, [...(about.get(`${one.role} ${one.version}`) ?? []), one.host]);
  return [...about].map(([key, hosts]) => {
    const [role = "", before = ""] = key.split(" ");
    return `Unchanged, and not switched: ${role} on ${hosts.join(", ")}. ${before === version ? "It runs this image" : `Version ${before} is the image of ${version}`}, with the same settings.`;
  });
}
