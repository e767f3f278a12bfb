import type { Accessory } from "../config/settings.ts";
import { suggest } from "../config/suggest.ts";
import { DeployError } from "../ground/errors.ts";
import { accessoryEnvPath } from "../ground/names.ts";
import type { HostStep, Phase, Plan, RunStep } from "../ground/step.ts";
import { changeMode, changeOwner, emptyServiceDirectory, makeDirectory, makeFolderOf, noteVolumes, pullAccessoryImage, removeAccessoryContainer, removeAccessoryImage, removeAccessorySecrets, removeFailed, removeNotedVolumes, removeUnstarted, replaceAccessory, runAccessory, startAccessory, staysUp, stopAccessory } from "../remote/accessory.ts";
import { sh } from "../ground/command.ts";
import { isStarted } from "../remote/container.ts";
import { envUploads } from "../remote/envfile.ts";
import type { AccessoryFacts, FleetFacts } from "../remote/facts.ts";
import { createNetwork } from "../remote/network.ts";
import { accessoryCertificate, accessoryRoute, accessorySwitch, accessoryUnroute } from "../remote/proxy/accessory.ts";
import { driverOn, settingsOn } from "../remote/proxy/drivers.ts";
import { login } from "../remote/registry.ts";
import { removeServiceDirectories } from "../remote/remove.ts";
import { auditStep } from "./audit.ts";
import { factsOf, lanes, loginMs, quickMs, requireDocker } from "./hosts.ts";
import { fileKey, type Order } from "./order.ts";
import { allRegistryTunnels } from "./tunnels.ts";

/** What stands for every accessory. */
export const everyAccessory = "all";

/**
 * The accessories that a name chooses among those in scope.
 * @throws DeployError (usage) for a name that is none, or when the filters leave no host of it
 */
export function chosenAccessories({ scope, settings }: Pick<Order, "scope" | "settings">, name: string): readonly Accessory[] {
  const names = settings.accessories.map((accessory) => accessory.name);
  if (name !== everyAccessory && !names.includes(name)) {
    const meant = suggest(name, [...names, everyAccessory]);
    throw new DeployError("usage", `There is no accessory "${name}"`, { hint: names.length === 0 ? "The config has no accessories." : `${meant === undefined ? "" : `Did you mean ${meant}? `}The accessories are: ${names.join(", ")}.` });
  }
  const chosen = scope.accessories.filter((accessory) => name === everyAccessory || accessory.name === name);
  if (chosen.length > 0 || names.length === 0) return chosen;
  throw new DeployError("usage", `No host of ${name === everyAccessory ? "an accessory" : name} is among those you chose`, { hint: `Its hosts: ${settings.accessories.filter((one) => name === everyAccessory || one.name === name).map((one) => `${one.name} (${one.hosts.join(", ")})`).join(", ")}.` });
}

/** The hosts of the accessories that a name chooses. @throws as {@link chosenAccessories} */
export const hostsOfAccessories = (order: Pick<Order, "scope" | "settings">, name: string): readonly string[] => [...new Set(chosenAccessories(order, name).flatMap(({ hosts }) => hosts))];

/** Its container on a host; undefined also where nothing is known. */
const containerOn = (facts: FleetFacts, host: string, { service }: Accessory): AccessoryFacts | undefined => factsOf(facts, host).accessories.find((one) => one.service === service);
/** True where it is there, or where nobody looked. */
const mayBeOn = (facts: FleetFacts, host: string, accessory: Accessory): boolean => !facts.has(host) || containerOn(facts, host, accessory) !== undefined;

const loginSteps = ({ registry }: Accessory): readonly RunStep[] => {
  const command = login(registry);
  return command === undefined ? [] : [{ kind: "run", title: "Log in to the registry", command, repeatable: true, timeoutMs: loginMs, onCancel: "abandon", hint: "Check the registry's username and password, and that the host reaches it." }];
};
const networkStep: RunStep = { kind: "run", title: "Make sure that the network is there", command: createNetwork(), repeatable: true };

const ownerStep = (mounted: { readonly hostPath: string }, owner: string): RunStep => ({ kind: "run", title: `Give ${mounted.hostPath} to ${owner}`, command: changeOwner(mounted, owner), repeatable: true, hint: "Only root may give files to another user: log in as root, or leave `owner` out." });

/** The folders of an accessory. */
export const directorySteps = ({ directories }: Accessory): readonly HostStep[] => directories.flatMap((directory): RunStep[] => {
  const { hostPath, mode, owner } = directory;
  return [
    { kind: "run", title: `Make ${hostPath}`, command: makeDirectory(directory), repeatable: true },
    ...(mode === undefined ? [] : [{ kind: "run" as const, title: `Set the mode of ${hostPath} to ${mode}`, command: changeMode(directory, mode), repeatable: true as const }]),
    ...(owner === undefined ? [] : [ownerStep(directory, owner)]),
  ];
});

/** The files of an accessory. */
export const fileSteps = (order: Pick<Order, "content">, accessory: Accessory, host: string): readonly HostStep[] => accessory.files.flatMap((file): HostStep[] => {
  const { hostPath, remote, mode, owner } = file;
  const body = order.content.files.get(fileKey(accessory.name, host, remote));
  if (body === undefined) throw new TypeError(`The content of ${remote} for ${accessory.name} was not read`);
  return [
    { ...run(`Make the folder of ${hostPath}`, makeFolderOf(hostPath)), repeatable: true },
    { kind: "upload", title: `Write ${hostPath}`, path: hostPath, mode, ...body },
    ...(owner === undefined ? [] : [ownerStep(file, owner)]),
  ];
});

/** What its container needs to be there. It may fail for reasons of the config, so it comes before anything stops or starts. */
function bringSteps(order: Order, facts: FleetFacts, accessory: Accessory, host: string): readonly HostStep[] {
  const { settings } = order;
  const { name, proxy } = accessory;
  const needsProxy = proxy !== undefined && factsOf(facts, host).proxy?.running !== true;
  return [
    ...directorySteps(accessory),
    ...fileSteps(order, accessory, host),
    ...envUploads({ ...accessory, path: accessoryEnvPath(settings, name) }),
    ...accessoryCertificate(settings, accessory),
    ...(needsProxy ? driverOn(settings, host).boot(settingsOn(settings, host)) : []),
  ];
}

/** Container and route. What fails takes its own container away again; an accessory that is up stays, whatever fails after it. */
function bootSteps(order: Order, accessory: Accessory, host: string): readonly RunStep[] {
  const { settings } = order;
  const { name, service } = accessory;
  const tidied = { undo: removeFailed(service), undoTitle: `Remove ${service}`, undoIfFailed: true } as const;
  return [
    auditStep(order, undefined, `Booted ${name} accessory`),
    { kind: "run", title: `Start ${service}`, command: runAccessory(settings, accessory, host), doneIf: isStarted(service), undo: removeUnstarted(service), undoTitle: `Remove ${service} if it was made and could not start`, undoIfFailed: true, timeoutMs: 1_800_000, hint: "Check image, port and options of the accessory in the config." },
    { kind: "run", title: `Check that ${service} stays up`, command: staysUp(service), repeatable: true, timeoutMs: quickMs, ...tidied, hint: `Correct accessories.${name} in the config; its last log lines stand above.` },
    ...accessoryRoute(settings, accessory).map((step) => (step.undo === undefined ? step : { ...step, ...tidied, undo: sh`(
${step.undo}
) || exit
${tidied.undo}`, undoTitle: `${step.undoTitle}, and remove ${service}` })),
  ];
}

const run = (title: string, command: RunStep["command"]): RunStep => ({ kind: "run", title, command });
const audited = (order: Order, what: string, { name }: Accessory): RunStep => auditStep(order, undefined, `${what} ${name} accessory`);

/** Phases for the hosts of some accessories: all at once, or host after host. @param pulls whether a host may get the image there */
function phasesOf(order: Order, chosen: readonly Accessory[], title: string, rolling: boolean, steps: (accessory: Accessory, host: string) => readonly HostStep[], pulls: (accessory: Accessory, host: string) => boolean = () => false): readonly Phase[] {
  const hosts = order.scope.hosts.filter((host) => chosen.some((accessory) => accessory.hosts.includes(host)));
  const on = (host: string): readonly HostStep[] => chosen.filter((accessory) => accessory.hosts.includes(host)).flatMap((accessory) => steps(accessory, host));
  const tunnels = (group: readonly string[]): Pick<Phase, "tunnels"> => allRegistryTunnels(chosen.map((accessory) => ({ registry: accessory.registry, hosts: accessory.hosts.filter((host) => group.includes(host) && pulls(accessory, host)) })));
  if (!rolling || hosts.length < 2) return [{ title, lanes: lanes(hosts, on), ...tunnels(hosts) }];
  return hosts.map((host) => ({ title: `${title} on ${host}`, committed: true, lanes: lanes([host], on), ...tunnels([host]) }));
}

/** `accessory boot`, and that part of `setup`: a container that is there already, running or not, is left as it is; its files and folders are brought up to date. */
export function planAccessoryBoot(order: Order, facts: FleetFacts, name: string): Plan {
  const chosen = chosenAccessories(order, name);
  requireDocker(facts, hostsOfAccessories(order, name));
  return { notes: accessoryNotes(order, facts, chosen), phases: accessoryBootPhases(order, facts, chosen) };
}

/** The phases that boot accessories where they are missing, and bring their files everywhere. */
export function accessoryBootPhases(order: Order, facts: FleetFacts, chosen: readonly Accessory[]): readonly Phase[] {
  const seen = new Set<string>();
  return phasesOf(order, chosen, "Boot accessories", false, (accessory, host) => {
    if (containerOn(facts, host, accessory) !== undefined) return [...directorySteps(accessory), ...fileSteps(order, accessory, host)];
    const first = !seen.has(host);
    seen.add(host);
    return [...loginSteps(accessory), ...(first ? [networkStep] : []), ...bringSteps(order, facts, accessory, host), ...bootSteps(order, accessory, host)];
  }, (accessory, host) => containerOn(facts, host, accessory) === undefined);
}

/** Where accessories are already. */
export function accessoryNotes(order: Order, facts: FleetFacts, chosen: readonly Accessory[]): readonly string[] {
  return chosen.flatMap((accessory) => accessory.hosts.flatMap((host) => {
    const there = containerOn(facts, host, accessory);
    if (there === undefined) return [];
    const next = there.state === "running" ? `\`capstan accessory reboot ${accessory.name}\` replaces it` : `it is ${there.state}: \`capstan accessory start ${accessory.name}\` starts it`;
    const files = accessory.files.length + accessory.directories.length > 0 ? " Its files and folders are brought up to date." : "";
    return [`Left as it is: ${accessory.name} on ${host}, where a container ${accessory.service} is there already; ${next}.${files}`];
  }));
}

/** `accessory reboot` and `accessory upgrade`: another container from the image as it is now. Image, files and environment are there before the old container stops. */
export function planAccessoryReboot(order: Order, facts: FleetFacts, name: string, rolling: boolean): Plan {
  const chosen = chosenAccessories(order, name);
  requireDocker(facts, hostsOfAccessories(order, name));
  const steps = (accessory: Accessory, host: string): readonly HostStep[] => [
    ...loginSteps(accessory), networkStep,
    { kind: "run", title: `Pull ${accessory.image}`, command: pullAccessoryImage(accessory.image), repeatable: true, onCancel: "abandon", timeoutMs: 1_800_000, hint: "Check that the image is there, and the registry's credentials." },
    ...bringSteps(order, facts, accessory, host).map((step) => (step.kind === "run" && step.undoIfFailed !== true ? withoutUndo(step) : step)),
    // What was there before is gone then: nothing can be taken back.
    ...(mayBeOn(facts, host, accessory) ? replaceSteps(order, accessory, host) : bootSteps(order, accessory, host).map(withoutUndo)),
  ];
  const state = "Each accessory runs in its old container or in its new one, unless its replacement is what failed: `capstan accessory details` tells.";
  return { notes: [], phases: phasesOf(order, chosen, "Reboot accessories", rolling, steps, () => true), afterFailure: { takenBack: state, committed: state } };
}

function replaceSteps(order: Order, accessory: Accessory, host: string): readonly HostStep[] {
  const { name, service } = accessory;
  return [
    ...accessoryUnroute(accessory),
    {
      kind: "run", title: `Replace ${service}`, command: replaceAccessory(order.settings, accessory, host), timeoutMs: 1_800_000,
      hint: `Check image, port and options of accessories.${name} in the config; what Docker and its log said stands above.`,
    },
    audited(order, "Stopped", accessory),
    audited(order, "Booted", accessory),
    ...accessoryRoute(order.settings, accessory).map(withoutUndo),
  ];
}

const withoutUndo = ({ undo: _undo, undoTitle: _title, undoIfFailed: _when, ...step }: RunStep): RunStep => step;

function stopSteps(order: Order, accessory: Accessory): readonly HostStep[] {
  return [
    ...accessoryUnroute(accessory),
    { kind: "run", title: `Stop ${accessory.service}`, command: stopAccessory(accessory.service), repeatable: true },
    audited(order, "Stopped", accessory),
  ];
}

function startSteps(order: Order, accessory: Accessory): readonly HostStep[] {
  return [
    { kind: "run", title: `Start ${accessory.service}`, command: startAccessory(accessory.service), repeatable: true, hint: `Boot it first: \`capstan accessory boot ${accessory.name}\`.` },
    audited(order, "Started", accessory),
    ...accessorySwitch(order.settings, accessory).map((step) => (step.kind === "run" ? withoutUndo(step) : step)),
  ];
}

/** What `accessory start`, `stop` and `restart` do. */
export type AccessoryAction = "start" | "stop" | "restart";

/** @throws DeployError (missing) that names every host where it is not */
export function planAccessoryAction(order: Order, facts: FleetFacts, name: string, action: AccessoryAction): Plan {
  const chosen = chosenAccessories(order, name);
  requireDocker(facts, hostsOfAccessories(order, name));
  const gone = chosen.flatMap((accessory) => accessory.hosts.filter((host) => !mayBeOn(facts, host, accessory)).map((host) => `${accessory.name} on ${host}`));
  if (gone.length > 0 && action !== "stop") throw new DeployError("missing", `There is no container of ${gone.join(", ")}`, { state: ["Nothing was changed."], hint: `Boot it: \`capstan accessory boot ${name}\`.` });
  const steps = (accessory: Accessory, host: string): readonly HostStep[] => {
    if (!mayBeOn(facts, host, accessory)) return [];
    return { start: () => startSteps(order, accessory), stop: () => stopSteps(order, accessory), restart: () => [...stopSteps(order, accessory), ...startSteps(order, accessory)] }[action]();
  };
  const title = { start: "Start accessories", stop: "Stop accessories", restart: "Restart accessories" }[action];
  return { notes: gone.map((where) => `Nothing to stop: ${where}.`), phases: phasesOf(order, chosen, title, false, steps) };
}

/** The parts of `accessory remove`, each of which is a command of its own too. */
export type AccessoryPart = "container" | "image" | "directory";

/**
 * `accessory remove`: container, image, environment and folder. Folders with an absolute path and named volumes stay: they are the data.
 * @throws DeployError (usage) when the container alone is to go and is up
 */
export function planAccessoryRemove(order: Order, facts: FleetFacts, name: string, parts: readonly AccessoryPart[]): Plan {
  const chosen = chosenAccessories(order, name);
  requireDocker(facts, hostsOfAccessories(order, name));
  if (parts.length === 1 && parts.includes("container")) refuseRunning(facts, chosen, name);
  const phases = phasesOf(order, chosen, "Remove accessories", false, (accessory, host) => removeSteps(order, facts, accessory, host, parts));
  return { notes: [], phases: parts.length > 1 && parts.includes("directory") ? [...phases, folderPhase(order, chosen)] : phases };
}

/** Docker prunes stopped containers only, and says nothing of the others. */
function refuseRunning(facts: FleetFacts, chosen: readonly Accessory[], name: string): void {
  const up = chosen.flatMap((accessory) => accessory.hosts.filter((host) => ["running", "restarting", "paused"].includes(containerOn(facts, host, accessory)?.state ?? "")).map((host) => `${accessory.name} on ${host}`));
  if (up.length > 0) throw new DeployError("usage", `Cannot remove the container of ${up.join(", ")}: it is up`, { state: ["Nothing was changed."], hint: `Stop it first: \`capstan accessory stop ${name}\`.` });
}

/** Takes an accessory, or parts of it, away from a host. */
export function removeSteps(order: Order, facts: FleetFacts, accessory: Accessory, host: string, parts: readonly AccessoryPart[]): readonly HostStep[] {
  const { name, service, image } = accessory;
  const whole = parts.length > 1;
  const audit = auditStep(order, undefined, `Removed ${name} accessory${whole ? "" : ` ${parts.join()}`}`);
  return [
    ...(!whole ? [] : mayBeOn(facts, host, accessory) ? stopSteps(order, accessory) : accessoryUnroute(accessory)),
    ...(parts.includes("container") && mayBeOn(facts, host, accessory) ? [
      ...(whole ? [run(`Note the volumes of ${service}`, noteVolumes(service))] : []),
      run(`Remove the container ${service}`, removeAccessoryContainer(service)),
    ] : []),
    // Also where it never stayed up: what failed is gone, its volumes are not.
    ...(whole ? [run(`Remove the volumes of ${service} that have no name`, removeNotedVolumes(service))] : []),
    // While its image is there.
    ...(whole || parts.includes("directory") ? [run(`Remove what the user of ${service} made in its folder`, emptyServiceDirectory(accessory))] : []),
    ...(parts.includes("image") ? [{ kind: "run" as const, title: `Remove the image ${image}`, command: removeAccessoryImage(image) }] : []),
    ...(whole ? [{ kind: "run" as const, title: `Remove the secrets of ${name}`, command: removeAccessorySecrets(order.settings, accessory) }] : []),
    ...(!whole && parts.includes("directory") ? [folderStep([service])] : []),
    audit,
  ];
}

/** The folders of accessories go last, and together: what belongs to a container's own user may have to stay, and nothing else is to stay because of that. */
function folderPhase(order: Order, chosen: readonly Accessory[]): Phase {
  const servicesOn = (host: string): readonly string[] => chosen.filter(({ hosts }) => hosts.includes(host)).map(({ service }) => service);
  return { title: "Remove folders", lanes: lanes(order.scope.hosts.filter((host) => servicesOn(host).length > 0), (host) => [folderStep(servicesOn(host))]) };
}

/** Removes the folders of accessories: of each as much as may be removed. */
export const folderStep = (services: readonly string[]): RunStep => ({
  kind: "run", title: `Remove the folder${services.length === 1 ? "" : "s"} ${services.join(", ")}`, command: removeServiceDirectories(services),
  hint: "What belongs to a container's own user, and could not be removed in a container of its image, can only be removed by root. All else is gone.",
});

/** The single steps of a boot. */
export function planAccessoryFiles(order: Order, facts: FleetFacts, name: string, what: "files" | "directories" | "image"): Plan {
  const chosen = chosenAccessories(order, name);
  requireDocker(facts, hostsOfAccessories(order, name));
  const steps = (accessory: Accessory, host: string): readonly HostStep[] => ({
    files: () => fileSteps(order, accessory, host),
    directories: () => directorySteps(accessory),
    image: () => [...loginSteps(accessory), { kind: "run" as const, title: `Pull ${accessory.image}`, command: pullAccessoryImage(accessory.image), repeatable: true as const, onCancel: "abandon" as const, timeoutMs: 1_800_000 }],
  })[what]();
  return { notes: [], phases: phasesOf(order, chosen, { files: "Bring files", directories: "Make folders", image: "Pull images" }[what], false, steps, () => what === "image") };
}
