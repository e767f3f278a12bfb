import { primaryOf } from "../config/scope.ts";
import { DeployError, exitStatus } from "../ground/errors.ts";
import { changes } from "../run/changes.ts";
import { errandPlan } from "../run/each-host.ts";
import { together } from "../report/host-answers.ts";
import { appExec, planExec, planExecInServing, prepareExec } from "../run/exec.ts";
import { joinedTo } from "../run/interactive.ts";
import { appContainers, appDetails, appImages, findStale, places, planLogs, serving, type Serving } from "../run/looks.ts";
import { timestamp } from "../run/stamp.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/app.ts";
import { refuseJson, runSession } from "./interactive.ts";
import { logOptions } from "./log-options.ts";
import { currentVersion, runningVersions } from "../remote/current.ts";
import { askHosts, carryChange, offlineOf, printErrands, printOutputs, printPlanTo, showLogs, withDeployer } from "./session.ts";

export const boot = (context: CommandContextOf<typeof definitions.boot>): Promise<void> => carryChange(context, changes.appBoot());
export const start = (context: CommandContextOf<typeof definitions.start>): Promise<void> => carryChange(context, changes.appStart());
export const stop = (context: CommandContextOf<typeof definitions.stop>): Promise<void> => carryChange(context, changes.appStop());
export const maintenance = (context: CommandContextOf<typeof definitions.maintenance>): Promise<void> => carryChange(context, changes.maintenance(context.args.message, context.args.drainTimeout));
export const live = (context: CommandContextOf<typeof definitions.live>): Promise<void> => carryChange(context, changes.live());

export const remove = (context: CommandContextOf<typeof definitions.remove>): Promise<void> => carryChange(context, changes.appRemove());
export const removeContainer = (context: CommandContextOf<typeof definitions.removeContainer>): Promise<void> => carryChange(context, changes.appRemoveVersion(context.args.version));
export const removeContainers = (context: CommandContextOf<typeof definitions.removeContainers>): Promise<void> => carryChange(context, changes.appPart("containers"));
export const removeImages = (context: CommandContextOf<typeof definitions.removeImages>): Promise<void> => carryChange(context, changes.appPart("images"));
export const removeAppDirectories = (context: CommandContextOf<typeof definitions.removeAppDirectories>): Promise<void> => carryChange(context, changes.appPart("directories"));

export async function staleContainers(context: CommandContextOf<typeof definitions.staleContainers>): Promise<number | void> {
  if (context.args.stop) return carryChange(context, changes.stopStale());
  return withDeployer(context, async (deployer) => {
    const task = await deployer.task("app", "stale-containers");
    if (context.options.dryRun) return printErrands(context, places(task).map(({ role, host }) => ({ host, role: role.name, command: runningVersions(task.settings, role.name) })));
    const stale = await findStale(deployer.world, task);
    for (const { host, role, container } of stale) context.print(`${host}  ${role}  ${container.version}  ${container.status}`, { type: "stale", host, role, version: container.version, container: container.name });
    if (stale.length === 0) context.print("There are no stale containers.", { type: "note", text: "There are no stale containers." });
    else if (!context.options.json) context.print("Stop them with `capstan app stale-containers --stop`.");
    return 0;
  });
}

export const details = (context: CommandContextOf<typeof definitions.details>): Promise<number> =>
  withDeployer(context, async (deployer) => askHosts(context, deployer, appDetails(await deployer.task("app", "details")), { subject: "App" }));

export const containers = (context: CommandContextOf<typeof definitions.containers>): Promise<number> =>
  withDeployer(context, async (deployer) => askHosts(context, deployer, appContainers(await deployer.task("app", "containers")), { subject: "App" }));

export const images = (context: CommandContextOf<typeof definitions.images>): Promise<number> =>
  withDeployer(context, async (deployer) => askHosts(context, deployer, appImages(await deployer.task("app", "images")), { subject: "App" }));

export async function version(context: CommandContextOf<typeof definitions.version>): Promise<number> {
  return withDeployer(context, async (deployer) => {
    const task = await deployer.task("app", "version");
    if (context.options.dryRun) return printErrands(context, places(task).map(({ role, host }) => ({ host, role: role.name, command: currentVersion(task.settings, role.name).command })));
    const found = await serving(deployer.world, task);
    const each = ({ host, role, version, problem }: Serving): readonly [string, string] => [host, `${role}  ${problem?.message ?? version ?? "nothing is running"}`];
    const { json, verbose, quiet } = context.options;
    const answers = json || verbose || quiet ? found.map((first) => ({ first, places: first.host })) : together(found, ({ host }) => host, (one) => each(one)[1]);
    for (const { first, places } of answers) {
      const { host, role, version, container, problem } = first;
      context.print(`${places}  ${each(first)[1]}`, { type: "version", host, role, version: version ?? null, container: container?.name ?? null, problem: problem?.message ?? null });
    }
    return found.some(({ problem }) => problem !== undefined) ? exitStatus.connect : 0;
  });
}

export async function logs(context: CommandContextOf<typeof definitions.logs>): Promise<number> {
  const { args, options } = context;
  return withDeployer(context, async (deployer) => {
    const task = await deployer.task("app", "logs");
    const found = options.offline || options.facts !== undefined || args.containerId !== undefined ? undefined : await serving(deployer.world, task);
    const { errands, unseen } = planLogs(task, logOptions(args), args.containerId, found);
    return showLogs(context, deployer, errands, unseen);
  });
}

export async function exec(context: CommandContextOf<typeof definitions.exec>): Promise<number> {
  const { args, rest, options: { dryRun }, io } = context;
  if (args.interactive) refuseJson(context);
  const options = { reuse: args.reuse, detach: args.detach, env: variables(args.env), interactive: args.interactive ? joinedTo(io.terminal) : "no" } as const;
  const offline = await offlineOf(context);
  return withDeployer(context, async (deployer) => {
    const { world } = deployer;
    const whole = await deployer.task("app", "exec");
    const task = args.interactive ? { ...whole, scope: primaryOf(whole.scope) } : whole;
    const plan = options.reuse ? await planExecInServing(world, task, rest, options, offline) : await planExec(task, rest, options, { seed: world.randomHex(16), recordedAt: timestamp(world), calling: !dryRun });
    if (dryRun) {
      printPlanTo(context, { notes: [], phases: [errandPlan("Prepare hosts", plan.prepare), errandPlan("Run the command", plan.errands)] });
      return 0;
    }
    const [errand] = plan.errands;
    if (!args.interactive || errand === undefined) return printOutputs(context, "App", await appExec(world, task, plan), args.raw);
    await prepareExec(world, task, plan);
    return await runSession(context, world, errand);
  });
}

function variables(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.map((word) => {
    const at = word.search(/[:=]/);
    if (at < 1) throw new DeployError("usage", `Cannot read -e ${word}: it is NAME:VALUE`);
    return [word.slice(0, at), word.slice(at + 1)];
  }));
}
