import { primaryOf } from "../config/scope.ts";
import { DeployError, exitStatus } from "../ground/errors.ts";
import type { Plan } from "../ground/step.ts";
import { changes } from "../run/changes.ts";
import { appExec, planExec, planExecInServing, prepareExec, type ExecPlan } from "../run/exec.ts";
import { joinedTo } from "../run/interactive.ts";
import { appContainers, appDetails, appLogs, serving } from "../run/looks.ts";
import { timestamp } from "../run/stamp.ts";
import type { CommandContextOf } from "./command.ts";
import type * as definitions from "./definitions/app.ts";
import { refuseJson, runSession } from "./interactive.ts";
import { logOptions } from "./log-options.ts";
import { carryChange, lineWriter, logStatus, offlineOf, printOutputs, printPlanTo, withDeployer } from "./session.ts";

export const boot = (context: CommandContextOf<typeof definitions.boot>): Promise<void> => carryChange(context, changes.appBoot());
export const start = (context: CommandContextOf<typeof definitions.start>): Promise<void> => carryChange(context, changes.appStart());
export const stop = (context: CommandContextOf<typeof definitions.stop>): Promise<void> => carryChange(context, changes.appStop());
export const maintenance = (context: CommandContextOf<typeof definitions.maintenance>): Promise<void> => carryChange(context, changes.maintenance(context.args.message));
export const live = (context: CommandContextOf<typeof definitions.live>): Promise<void> => carryChange(context, changes.live());

export const details = (context: CommandContextOf<typeof definitions.details>): Promise<number> =>
  withDeployer(context, async (deployer) => printOutputs(context, "App", await appDetails(deployer.world, await deployer.task("app", "details"))));

export const containers = (context: CommandContextOf<typeof definitions.containers>): Promise<number> =>
  withDeployer(context, async (deployer) => printOutputs(context, "App", await appContainers(deployer.world, await deployer.task("app", "containers"))));

export async function version(context: CommandContextOf<typeof definitions.version>): Promise<number> {
  return withDeployer(context, async (deployer) => {
    const found = await serving(deployer.world, await deployer.task("app", "version"));
    for (const { host, role, version, container, problem } of found) {
      context.print(`${host}  ${role}  ${problem?.message ?? version ?? "nothing is running"}`, { type: "version", host, role, version: version ?? null, container: container?.name ?? null, problem: problem?.message ?? null });
    }
    return found.some(({ problem }) => problem !== undefined) ? exitStatus.connect : 0;
  });
}

export async function logs(context: CommandContextOf<typeof definitions.logs>): Promise<number> {
  return withDeployer(context, async (deployer) => {
    const outputs = await appLogs(deployer.world, await deployer.task("app", "logs"), logOptions(context.args), context.args.containerId, lineWriter(context));
    return logStatus(context, outputs);
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
    const plan = options.reuse ? await planExecInServing(world, task, rest, options, offline) : planExec(task, rest, options, world.randomHex(16), timestamp(world));
    if (dryRun) {
      printPlanTo(context, asPlan(plan));
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

function asPlan({ prepare, errands }: ExecPlan): Plan {
  const phase = (title: string, those: ExecPlan["errands"]) => ({
    title,
    lanes: [...new Set(those.map(({ host }) => host))].map((host) => ({ host, steps: those.filter((errand) => errand.host === host).map(({ role, command }) => ({ kind: "run" as const, title, command, ...(role === undefined ? {} : { role }) })) })),
  });
  return { notes: [], phases: [...(prepare.length === 0 ? [] : [phase("Prepare hosts", prepare)]), phase("Run the command", errands)] };
}
