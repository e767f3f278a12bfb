import { isLocalRegistry } from "../config/roles.ts";
import type { HostStep, Phase } from "../ground/step.ts";
import { checkServiceLabel, pullImage } from "../remote/image.ts";
import { login } from "../remote/registry.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { auditStep } from "./audit.ts";
import { factsOf, lanes, loginMs, quickMs } from "./hosts.ts";
import type { Order } from "./order.ts";
import { registryTunnels } from "./tunnels.ts";

/** How an image gets to hosts. */
export interface Pulling {
  /** `missing`: not where it is already. */
  readonly when: "always" | "missing";
  /** What to do when it cannot be pulled; default: build and push it. */
  readonly hint?: string;
  /** Default: `Pull image`. */
  readonly title?: string;
}

/** Brings the image of the version to hosts. A registry on this machine can be reached from where something is pulled. */
export function pullPhase(order: Order, facts: FleetFacts, hosts: readonly string[], { when, hint, title = "Pull image" }: Pulling): Phase {
  const image = `${order.settings.repository}:${order.version}`;
  const isThere = (host: string): boolean => when === "missing" && factsOf(facts, host).images.includes(image);
  return { title, lanes: lanes(hosts, (host) => (isThere(host) ? [] : pullSteps(order, image, hint))), ...registryTunnels(order.settings, hosts.filter((host) => !isThere(host))) };
}

/** Pulls the image and checks that it is one of this service. */
function pullSteps(order: Order, image: string, hint = pullHint(order)): readonly HostStep[] {
  const { settings, version } = order;
  const command = login(settings.registry);
  return [
    ...(command === undefined ? [] : [{ kind: "run" as const, title: "Log in to the registry", command, repeatable: true as const, timeoutMs: loginMs, onCancel: "abandon" as const, hint: "Check registry.username and registry.password, and that the host reaches the registry." }]),
    { kind: "run", title: `Pull ${image}`, command: pullImage(image), repeatable: true, onCancel: "abandon", timeoutMs: 1_800_000, hint },
    { kind: "run", title: `Check that ${image} belongs to ${settings.service}`, command: checkServiceLabel(image, settings.service), repeatable: true, timeoutMs: quickMs, hint: `Build it with capstan, or add LABEL service="${settings.service}" to the Dockerfile.` },
    auditStep(order, undefined, `Pulled image with version ${version}`),
  ];
}

const pullHint = ({ settings }: Order): string =>
  isLocalRegistry(settings.registry.server)
    ? "Check that the image was pushed: `capstan build push`, and that the registry of this machine runs: `capstan registry setup`."
    : "Check that the image was pushed: `capstan build push`, and the registry's credentials.";
