import { DeployError } from "../ground/errors.ts";
import { abbreviated } from "../ground/names.ts";
import { acquireLock, lockStatus, lockStatusCode, readHeld, releaseLock } from "../remote/lock.ts";
import { connectAll } from "../run/observe.ts";
import { builtVersion } from "../run/local.ts";
import { describeLock, heldError, readLock } from "../run/lock.ts";
import { timestamp } from "../run/stamp.ts";
import type { Command } from "../ground/command.ts";
import type { CommandContextOf } from "./command.ts";
import type { Deployer } from "./deployer.ts";
import type * as definitions from "./definitions/lock.ts";
import { printErrands, printPlanTo, withDeployer, type AnyContext } from "./session.ts";

export async function status(context: CommandContextOf<typeof definitions.status>): Promise<void> {
  await withDeployer(context, async (deployer) => {
    const task = await deployer.task("lock", "status");
    if (context.options.dryRun) return void printErrands(context, [{ host: deployer.settings.primaryHost, command: lockStatus(deployer.settings).command }]);
    await connectAll(deployer.world, deployer.settings, [deployer.settings.primaryHost]);
    const lock = await readLock(deployer.world, task);
    context.print(lock === undefined ? "There is no deploy lock." : `Held by ${describeLock(lock)}`, { type: "lock-status", held: lock !== undefined, ...(lock === undefined ? {} : { lock }) });
  });
}

export async function acquire(context: CommandContextOf<typeof definitions.acquire>): Promise<void> {
  await withDeployer(context, async (deployer) => {
    const { world, settings } = deployer;
    const task = await deployer.task("lock", "acquire");
    const version = await builtVersion(world, task).catch(() => "none");
    const command = acquireLock(settings, { lockedBy: task.performerName, at: timestamp(world), version, message: context.args.message });
    if (context.options.dryRun) return planned(context, deployer, "Take the deploy lock", command);
    const exit = await onLockHost(deployer, command);
    if (exit.status === lockStatusCode.held) throw heldError(settings, settings.primaryHost, readHeld(exit.stdout));
    if (exit.status !== 0) throw new DeployError("lock", `Cannot take the deploy lock on ${settings.primaryHost}: ${exit.stderr.trim()}`, { host: settings.primaryHost });
    context.print(`The deploy lock is yours (${abbreviated(version)}). Release it with \`capstan lock release\`.`, { type: "lock-status", held: true });
  });
}

export async function release(context: CommandContextOf<typeof definitions.release>): Promise<void> {
  await withDeployer(context, async (deployer) => {
    const command = releaseLock(deployer.settings);
    if (context.options.dryRun) return planned(context, deployer, "Release the deploy lock", command);
    await connectAll(deployer.world, deployer.settings, [deployer.settings.primaryHost]);
    const before = await readLock(deployer.world, await deployer.task("lock", "release"));
    const exit = await onLockHost(deployer, command);
    if (exit.status !== 0) throw new DeployError("lock", `Cannot release the deploy lock on ${deployer.settings.primaryHost}: ${exit.stderr.trim()}`, { host: deployer.settings.primaryHost });
    context.print(before === undefined ? "There is no deploy lock." : `Released. It was held by ${describeLock(before)}`, { type: "lock-status", held: false });
  });
}

function onLockHost(deployer: Deployer, command: Command) {
  const { world, settings } = deployer;
  return world.transport.run(settings.primaryHost, command, { timeoutMs: 30_000, signal: world.signal });
}

function planned(context: AnyContext, deployer: Deployer, title: string, command: Command): void {
  printPlanTo(context, { notes: [], phases: [{ title, lanes: [{ host: deployer.settings.primaryHost, steps: [{ kind: "run", title, command }] }] }] });
}
