import { isLocalRegistry } from "../config/roles.ts";
import type { Settings } from "../config/settings.ts";
import type { Plan } from "../ground/step.ts";
import { chosenAccessories, hostsOfAccessories, planAccessoryAction, planAccessoryBoot, planAccessoryFiles, planAccessoryReboot, planAccessoryRemove, type AccessoryAction, type AccessoryPart } from "../plan/accessory.ts";
import { planAppStart, planAppStop } from "../plan/app.ts";
import { afterBootstrap, planBootstrap } from "../plan/bootstrap.ts";
import { planBuildCreate, planBuildDev, planBuildPull, planBuildPush, planBuildRemove, type BuildOptions } from "../plan/build.ts";
import { canaryVersion, planCanaryAbort, planCanaryPromote, planCanarySet, planCanaryStart } from "../plan/canary.ts";
import { planBring, planDeploy, type DeployParts } from "../plan/deploy.ts";
import { planHealthcheck } from "../plan/healthcheck.ts";
import { allHosts, proxyHosts, someHosts } from "../plan/hosts.ts";
import { planLive, planMaintenance } from "../plan/maintenance.ts";
import type { Order } from "../plan/order.ts";
import { planPrune, type PruneWhat } from "../plan/prune.ts";
import { planBootConfig, planProxy, planProxyBoot, planProxyPart, planProxyReboot, type ProxyAction, type ProxyPart } from "../plan/proxy.ts";
import { planLocalRegistry, planNoRegistry, planRegistryLogin, planRegistryLogout, type Sides } from "../plan/registry.ts";
import { planAppPart, planAppRemove, planRemoveVersion, planRemove, type AppPart } from "../plan/remove.ts";
import { planStopStale } from "../plan/stale.ts";
import { planUpgrade } from "../plan/upgrade.ts";
import type { BootConfig } from "../remote/proxy/boot-config.ts";
import { planRollback, rollbackVersion, versionToBoot } from "../plan/rollback.ts";
import { pullAhead, type Pulling } from "../plan/pull.ts";
import type { Change } from "./change.ts";
import type { Brings } from "./content.ts";
import type { Stage } from "./stage.ts";
import type { Task } from "./task.ts";

/** What a deploy leaves out. */
export interface DeployOptions {
  /** Use an image that was built and pushed elsewhere. */
  readonly skipPush?: boolean;
  readonly noCache?: boolean;
  /** Leave alone what runs the image of the version with the settings of now. */
  readonly ifChanged?: boolean;
}

const build = (options: BuildOptions): Stage => ({ sees: "here", plan: (order, local) => planBuildPush(order, local, options) });
const push = ({ skipPush, ifChanged: _ifChanged, ...options }: DeployOptions): readonly Stage[] => (skipPush === true ? [] : [build(options)]);
/** What was not built in this run may be where it is to go, and nowhere else. */
const pull = ({ skipPush }: DeployOptions): Pulling["when"] => (skipPush === true ? "ifHere" : "always");
/** Puts the version in place. Where that is to happen only if it changes anything, and nobody knows the image yet, hosts get it first: then they know it. */
function release(options: DeployOptions, parts: Pick<DeployParts, "proxy" | "prune">): readonly Stage[] {
  if (options.ifChanged !== true) return [{ sees: "hosts", ahead: pullAhead, plan: (order, facts) => planDeploy(order, facts, { ...parts, pull: pull(options) }) }];
  return [
    { sees: "hosts", ahead: pullAhead, skip: ({ built }) => built !== undefined, plan: (order, facts) => planBring(order, facts, pull(options)) },
    { sees: "hosts", compares: true, plan: (order, facts) => planDeploy(order, facts, { ...parts, pull: order.built === undefined ? "missing" : pull(options) }) },
  ];
}
const bootstrap: Stage = { sees: "hosts", plan: planBootstrap, after: afterBootstrap };
const bringsPages = (): Brings => ({ accessories: [], errorPages: true });
const releasing = { brings: bringsPages, lock: true, version: "built", secrets: true, release: true, postDeploy: true } as const;
/** What is about the user's own machine alone. */
const here = { lock: false, version: "none", secrets: false, release: false, postDeploy: false, hooks: false, hosts: () => [] } as const;
const housekeeping = { lock: true, version: "none", secrets: false, release: false, postDeploy: false } as const;

/** What concerns the registry: no host is asked when only this machine is meant, or the registry is on it. */
function access({ registry, withoutRegistry }: Settings, sides: Sides, plan: (order: Order, sides: Sides) => Plan): Change {
  if (withoutRegistry === true) return { ...here, stages: [{ sees: "nothing", plan: planNoRegistry }] };
  const sees = sides.remote && !isLocalRegistry(registry.server) ? "hosts" : "nothing";
  const common = isLocalRegistry(registry.server) ? here : { ...housekeeping, lock: false, ...(sides.remote ? {} : { hosts: () => [] }) };
  return { ...common, stages: [{ sees, plan: (order: Order) => plan(order, sides) }] };
}

/** kamal-proxy may come from the app's registry; Traefik's container gets secrets only where its environment names some. */
const proxySecrets = ({ traefik, registry }: Settings): boolean => (traefik === undefined ? registry.password !== undefined : Object.keys(traefik.env.secret).length > 0);

/** A start brings the certificate of one's own that the route needs. */
const certificateSecrets = ({ roles, accessories }: Settings): boolean => [...roles, ...accessories].some(({ proxy }) => proxy?.kind === "kamal-proxy" && typeof proxy.tls === "object");

/** The hosts of the proxy. @throws DeployError (usage) when the filters leave none */
const proxyOnly = (task: Task): readonly string[] => someHosts(proxyHosts(task), "the proxy");

const noFiles = (): Brings => ({ accessories: [], errorPages: false });

/** What all changes of accessories have in common. */
const ofAccessories = (name: string) => ({
  ...housekeeping,
  secrets: true,
  hosts: (task: Task) => hostsOfAccessories(task, name),
  brings: (task: Task): Brings => ({ accessories: chosenAccessories(task, name), errorPages: false }),
});

/** Every command that changes something, as data. */
export const changes = {
  deploy: (options: DeployOptions): Change => ({ ...releasing, stages: [...push(options), ...release(options, { proxy: true, prune: true })] }),
  redeploy: (options: DeployOptions): Change => ({ ...releasing, stages: [...push(options), ...release(options, { proxy: false, prune: false })] }),
  setup: (options: DeployOptions): Change => ({ ...releasing, hosts: allHosts, brings: (task) => ({ accessories: task.scope.accessories, errorPages: true }), stages: [bootstrap, ...push(options), { sees: "hosts", plan: (order, facts) => planDeploy(order, facts, { proxy: true, prune: true, pull: pull(options), accessories: true }) }] }),
  rollback: (named: string | undefined): Change => ({
    ...releasing,
    version: (task, facts) => rollbackVersion(task.settings, task.scope, facts, named),
    stages: [{ sees: "hosts", plan: (order, facts) => planRollback(order, facts, named) }],
  }),
  buildPush: (options: BuildOptions): Change => ({ ...housekeeping, lock: false, hosts: () => [], version: "built", secrets: true, stages: [build(options)] }),
  buildPull: (): Change => ({ ...housekeeping, version: "built", secrets: true, stages: [{ sees: "hosts", plan: planBuildPull }] }),
  buildDeliver: (options: BuildOptions): Change => ({ ...housekeeping, version: "built", secrets: true, stages: [build(options), { sees: "hosts", plan: planBuildPull }] }),
  buildDev: (options: BuildOptions): Change => ({ ...here, version: "built", secrets: ({ builder }) => Object.keys(builder.secrets).length > 0, stages: [{ sees: "here", dev: true, plan: (order, local) => planBuildDev(order, local, options) }] }),
  buildCreate: (): Change => ({ ...here, stages: [{ sees: "here", plan: planBuildCreate }] }),
  buildRemove: (): Change => ({ ...here, stages: [{ sees: "here", plan: planBuildRemove }] }),
  appBoot: (): Change => ({
    ...releasing,
    postDeploy: false,
    version: (task, facts) => task.version ?? versionToBoot(task.settings, task.scope, facts),
    stages: [{ sees: "hosts", plan: (order, facts) => planDeploy(order, facts, { proxy: true, prune: false, pull: "missing", preDeploy: false }) }],
  }),
  appRemove: (): Change => ({ ...housekeeping, stages: [{ sees: "hosts", plan: planAppRemove }] }),
  appPart: (part: AppPart): Change => ({ ...housekeeping, stages: [{ sees: "hosts", plan: (order, facts) => planAppPart(order, facts, part) }] }),
  appRemoveVersion: (version: string): Change => ({ ...housekeeping, version: () => version, stages: [{ sees: "hosts", plan: planRemoveVersion }] }),
  stopStale: (): Change => ({ ...housekeeping, stages: [{ sees: "hosts", plan: planStopStale }] }),
  prune: (what: PruneWhat, retain: number | undefined): Change => ({ ...housekeeping, stages: [{ sees: "hosts", plan: (order, facts) => planPrune(order, facts, what, retain) }] }),
  healthcheck: (): Change => ({ ...housekeeping, version: "built", secrets: true, stages: [{ sees: "hosts", plan: planHealthcheck }] }),
  remove: (): Change => ({ ...housekeeping, hosts: allHosts, stages: [{ sees: "hosts", plan: planRemove }] }),
  upgrade: (rolling: boolean, accessories: boolean, force: boolean): Change => ({
    ...releasing,
    postDeploy: false,
    hosts: allHosts,
    brings: (task) => ({ accessories: accessories ? task.scope.accessories : [], errorPages: true }),
    version: (task, facts) => task.version ?? versionToBoot(task.settings, task.scope, facts),
    stages: [{ sees: "hosts", plan: (order, facts) => planUpgrade(order, facts, rolling, accessories, force) }],
  }),
  accessoryBoot: (name: string): Change => ({ ...ofAccessories(name), stages: [{ sees: "hosts", plan: (order, facts) => planAccessoryBoot(order, facts, name) }] }),
  accessoryReboot: (name: string, rolling: boolean): Change => ({ ...ofAccessories(name), stages: [{ sees: "hosts", plan: (order, facts) => planAccessoryReboot(order, facts, name, rolling) }] }),
  accessoryAction: (name: string, action: AccessoryAction): Change => ({ ...ofAccessories(name), brings: noFiles, secrets: action === "stop" ? false : certificateSecrets, stages: [{ sees: "hosts", plan: (order, facts) => planAccessoryAction(order, facts, name, action) }] }),
  accessoryRemove: (name: string, parts: readonly AccessoryPart[]): Change => ({ ...ofAccessories(name), brings: noFiles, secrets: false, stages: [{ sees: "hosts", plan: (order, facts) => planAccessoryRemove(order, facts, name, parts) }] }),
  accessoryFiles: (name: string, what: "files" | "directories" | "image"): Change => ({ ...ofAccessories(name), stages: [{ sees: "hosts", plan: (order, facts) => planAccessoryFiles(order, facts, name, what) }] }),
  appStart: (): Change => ({ ...housekeeping, version: "running", brings: bringsPages, secrets: certificateSecrets, stages: [{ sees: "hosts", plan: (order, facts) => planAppStart(order, facts, order.version === "" ? undefined : order.version) }] }),
  appStop: (): Change => ({ ...housekeeping, stages: [{ sees: "hosts", plan: (order, facts) => planAppStop(order, facts, order.version === "" ? undefined : order.version) }] }),
  maintenance: (message: string, drainSeconds?: number): Change => ({ ...housekeeping, stages: [{ sees: "hosts", plan: (order, facts) => planMaintenance(order, facts, message, drainSeconds) }] }),
  live: (): Change => ({ ...housekeeping, stages: [{ sees: "hosts", plan: planLive }] }),
  canaryStart: (version: string, percent: number): Change => ({ ...housekeeping, version: () => version, secrets: true, stages: [{ sees: "hosts", plan: (order, facts) => planCanaryStart(order, facts, percent) }] }),
  canarySet: (percent: number): Change => ({ ...housekeeping, stages: [{ sees: "hosts", plan: (order, facts) => planCanarySet(order, facts, percent) }] }),
  canaryPromote: (): Change => ({ ...releasing, postDeploy: false, version: (task, facts) => canaryVersion(task.settings, task.scope, facts), stages: [{ sees: "hosts", plan: planCanaryPromote }] }),
  canaryAbort: (): Change => ({ ...housekeeping, stages: [{ sees: "hosts", plan: planCanaryAbort }] }),
  proxyBoot: (): Change => ({ ...housekeeping, hosts: proxyOnly, secrets: proxySecrets, stages: [{ sees: "hosts", plan: planProxyBoot }] }),
  proxyReboot: (): Change => ({ ...housekeeping, hosts: proxyOnly, secrets: proxySecrets, stages: [{ sees: "hosts", plan: planProxyReboot }] }),
  proxy: (action: ProxyAction): Change => ({ ...housekeeping, hosts: proxyOnly, stages: [{ sees: "hosts", plan: (order, facts) => planProxy(order, facts, action) }] }),
  proxyPart: (part: ProxyPart): Change => ({ ...housekeeping, hosts: proxyOnly, stages: [{ sees: "hosts", plan: (order, facts) => planProxyPart(order, facts, part) }] }),
  bootConfig: (config: BootConfig | undefined): Change => ({ ...housekeeping, lock: false, hosts: proxyOnly, stages: [{ sees: "hosts", plan: (order, facts) => planBootConfig(order, facts, config) }] }),
  registrySetup: (settings: Settings, sides: Sides): Change =>
    isLocalRegistry(settings.registry.server) ? access(settings, sides, () => planLocalRegistry("setup", settings.registry, sides)) : changes.registryLogin(settings, sides),
  registryRemove: (settings: Settings, sides: Sides): Change =>
    isLocalRegistry(settings.registry.server) ? access(settings, sides, () => planLocalRegistry("remove", settings.registry, sides)) : changes.registryLogout(settings, sides),
  registryLogin: (settings: Settings, sides: Sides): Change => ({ ...access(settings, sides, planRegistryLogin), secrets: !isLocalRegistry(settings.registry.server) && settings.withoutRegistry !== true }),
  registryLogout: (settings: Settings, sides: Sides): Change => access(settings, sides, planRegistryLogout),
  bootstrap: (): Change => ({ ...housekeeping, hosts: allHosts, stages: [bootstrap] }),
} as const;
