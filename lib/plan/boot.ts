import { envOn } from "../config/host-env.ts";
import type { Role } from "../config/settings.ts";
import { sh } from "../ground/command.ts";
import { derivedHex } from "../ground/derive.ts";
import { containerName, envFilePath, madeWithPath, replacedName, rolePrefix } from "../ground/names.ts";
import type { HostStep, Readiness, RunStep, WaitStep } from "../ground/step.ts";
import { containerExists, containerLogs, containerState, findStarted, removeStarted, renameContainer, runContainer, wasStarted, type Started } from "../remote/container.ts";
import { envUploads } from "../remote/envfile.ts";
import type { Container, HostFacts, Route } from "../remote/facts.ts";
import { labelledPort } from "../config/traefik/route.ts";
import type { Before, Target } from "../remote/proxy/driver.ts";
import { driverFor } from "../remote/proxy/drivers.ts";
import { auditStep } from "./audit.ts";
import { assetSteps } from "./files.ts";
import { currentContainer, isLeft, isUp, routedPort, routeOf } from "./current.ts";
import { quickMs } from "./hosts.ts";
import { noteStep, startedHex } from "./made-with.ts";
import type { Order } from "./order.ts";

/** The proxy's own default: any 2xx of `/up`, each second, five seconds a try. */
const defaultHealth = { path: "/up", intervalSeconds: 1, timeoutSeconds: 5 };

/** A role on a host: what is there and what will be. */
export interface Place {
  readonly role: Role;
  readonly host: string;
  /** Name of the new container. */
  readonly name: string;
  /** The container that serves now, under the name it has once the new one is there. */
  readonly current: Container | undefined;
  /** The port that the proxy sends its traffic to: it may differ from the config's by now. */
  readonly currentPort: number | undefined;
  /** What the proxy says of the role. */
  readonly route: Route | undefined;
  /** All that run besides the new one, under the names they have then: they are stopped in the end. */
  readonly others: readonly Container[];
  /** A container that has the new one's name already and makes place for it. */
  readonly displaced: { readonly from: string; readonly to: string } | undefined;
  /** Names of what an interrupted run left: made place for another one, or never started. It is removed in the end. */
  readonly left: readonly string[];
}

/** Looks at one role on one host. */
export function placeOf(order: Order, role: Role, host: string, facts: HostFacts): Place {
  const name = containerName(order.settings, role.name, order.version);
  const own = facts.containers.filter((container) => container.role === role.name);
  const current = currentContainer(order.settings, role, facts.containers, facts.proxy);
  const displaced = own.some((container) => container.name === name) ? { from: name, to: replacedName(name, derivedHex(order.seed, `replaced ${host} ${name}`, 16)) } : undefined;
  const renamed = (container: Container): Container => (container.name === displaced?.from ? { ...container, name: displaced.to } : container);
  return { role, host, name, current: current === undefined ? undefined : renamed(current), currentPort: routedPort(order.settings, role, facts.proxy), route: routeOf(order.settings, role, facts.proxy), others: own.filter(isUp).map(renamed), displaced, left: own.filter((container) => container.name !== displaced?.from && isLeft(container)).map((container) => container.name) };
}

/** Starts the new container beside the old one and waits until it is ready. */
export function bootSteps(order: Order, place: Place): readonly HostStep[] {
  const { settings, version } = order;
  const { role, host, name, displaced } = place;
  const rename: RunStep[] = displaced === undefined ? [] : [
    auditStep(order, role.name, `Renaming container ${version} to ${version}${displaced.to.slice(name.length)}`),
    {
      kind: "run", role: role.name, title: `Rename ${displaced.from} to ${displaced.to}`,
      command: renameContainer(displaced.from, displaced.to), doneIf: containerExists(displaced.to), timeoutMs: quickMs,
      undo: sh`! docker container inspect ${displaced.to} > /dev/null 2>&1 || ${renameContainer(displaced.to, displaced.from)}`,
      undoTitle: `Rename ${displaced.to} back to ${displaced.from}`,
    },
  ];
  const { hostnameHex } = startedOf(order, place);
  return [
    ...envUploads({ role: role.name, name: role.name, env: envOn(role, host), path: envFilePath(settings, role.name), outdates: [madeWithPath(settings, role.name)] }),
    ...rename,
    ...assetSteps(order, place),
    {
      kind: "run", role: role.name, title: `Start ${name}`,
      command: runContainer({ settings, role, host, version, hostnameHex }),
      doneIf: wasStarted(name, hostnameHex),
      undo: removeStarted(startedOf(order, place)),
      undoTitle: `Remove ${name}`,
    },
    noteStep(order, role, host, name),
    auditStep(order, role.name, `Booted app version ${version}`),
    waitStep(order, role, name),
  ];
}

const startedOf = (order: Order, { role, host, name }: Place): Started => ({ settings: order.settings, role, name, hostnameHex: startedHex(order, role, host) });

/** The container that {@link bootSteps} starts. */
export const startedTarget = (order: Order, place: Place): Target => ({ container: place.name, version: order.version, own: findStarted(startedOf(order, place)) });

/** Waits until a container of the role is ready. */
export function waitStep(order: Order, role: Role, name: string): WaitStep {
  return {
    kind: "wait", role: role.name, title: `Wait for ${name}`, container: name,
    readiness: readinessOf(order, role),
    deadlineMs: deadlineSeconds(order, role) * 1000,
    state: containerState(name),
    logs: containerLogs(name, 50),
  };
}

function deadlineSeconds({ settings }: Order, { proxy }: Role): number {
  if (proxy === undefined) return settings.deployTimeoutSeconds + settings.readinessDelaySeconds;
  return (proxy.kind === "traefik" ? proxy.healthcheck.deadlineSeconds : undefined) ?? settings.deployTimeoutSeconds;
}

function readinessOf({ settings }: Order, role: Role): Readiness {
  const { proxy } = role;
  if (proxy === undefined) return { kind: "running", readinessDelayMs: settings.readinessDelaySeconds * 1000 };
  const { healthcheck } = proxy;
  const port = proxy.kind === "traefik" ? (proxy.healthcheck.port ?? labelledPort(proxy.route, rolePrefix(settings, role.name))) : proxy.appPort;
  return {
    kind: "http", port, path: healthcheck.path ?? defaultHealth.path,
    keys: proxy.kind === "traefik" ? { path: "healthcheck.path", port: "healthcheck.port" } : { path: "proxy.healthcheck.path", port: "proxy.appPort" },
    intervalMs: (healthcheck.intervalSeconds ?? defaultHealth.intervalSeconds) * 1000,
    timeoutMs: (healthcheck.timeoutSeconds ?? defaultHealth.timeoutSeconds) * 1000,
  };
}

/** Sends the role's traffic to the new container. @param to default: the one that {@link bootSteps} starts */
export function switchSteps(order: Order, place: Place, to: Target = startedTarget(order, place)): readonly HostStep[] {
  const { role, current, currentPort, route } = place;
  if (role.proxy === undefined) return [];
  const before: Before = { from: current === undefined ? undefined : { id: current.id, ...(currentPort === undefined ? {} : { port: currentPort }) }, route };
  return driverFor(role.proxy.kind).switch(order.settings, role, to, before);
}
