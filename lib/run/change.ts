import type { HookContexts, HookName } from "../config/hooks.ts";
import type { Settings } from "../config/settings.ts";
import { CancelledError, DeployError, isDeployError } from "../ground/errors.ts";
import type { HookStep, HostStep, Plan } from "../ground/step.ts";
import type { World } from "../ground/world.ts";
import { versionsInPlace } from "../plan/current.ts";
import { appHosts, someHosts } from "../plan/hosts.ts";
import { joinPlans } from "../plan/join.ts";
import { noContent, type Kept, type LocalContent, type Order } from "../plan/order.ts";
import { unbuiltNotes } from "../plan/pull.ts";
import { auditLine } from "../remote/audit.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { apply, type Conductor } from "./apply.ts";
import { builtImage, makingOf, type Making } from "./built.ts";
import { readContent, type Brings } from "./content.ts";
import { HeadStart } from "./head-start.ts";
import { callHook, connectedContext, hookContext, type HookBase, type HookCall } from "./hooks.ts";
import { builtVersion, localFacts, offlineFacts } from "./local.ts";
import { takeLock, type Lock } from "./lock.ts";
import { connectAll, observe } from "./observe.ts";
import type { Outcome } from "./outcome.ts";
import type { Stage } from "./stage.ts";
import { tell, timestamp } from "./stamp.ts";
import type { Task } from "./task.ts";
import { findUnchanged } from "./unchanged.ts";

/** A command that changes something, as data: what `--dry-run` prints is what a run carries out. */
export interface Change {
  readonly stages: readonly Stage[];
  /** The hosts it connects to and looks at; default: those of the app. */
  readonly hosts?: (task: Task) => readonly string[];
  /** Files of this machine that it brings to hosts; default: none. */
  readonly brings?: (task: Task) => Brings;
  /** Taken from the first stage to the last. */
  readonly lock: boolean;
  /** Where the version comes from: `--version` or git; the hosts; what `--version` names, and git only where nothing is known of the hosts; or it has none. */
  readonly version: "built" | "none" | "running" | ((task: Task, facts: FleetFacts) => string);
  /** Needs the values of the config's secrets: always, never, or for some settings. */
  readonly secrets: boolean | ((settings: Settings) => boolean);
  /** A release: the summary names versions. */
  readonly release: boolean;
  /** Calls postDeploy once it is done. */
  readonly postDeploy: boolean;
  /** False: it is about this machine alone, and calls no hook. */
  readonly hooks?: boolean;
}

/** Facts to plan from instead of asking the hosts. */
export interface Offline {
  readonly facts: FleetFacts;
}

/** The hosts a change works on. @throws DeployError (usage) when the filters leave none */
const hostsOf = (task: Task, change: Change): readonly string[] => change.hosts?.(task) ?? someHosts(appHosts(task), "the app");

/** The hosts of a run and the host of its lock. */
const connectedHosts = (task: Task, change: Change): readonly string[] => [...new Set([...(change.lock ? [task.settings.primaryHost] : []), ...hostsOf(task, change)])];

/** True for what cannot do without the hosts: a build alone can, and a registry on this machine. */
const needsHosts = ({ lock, stages, version }: Change): boolean => lock || typeof version === "function" || stages.some(({ sees }) => sees === "hosts");

/**
 * Plans all stages without changing anything: nothing is locked, no hook is called.
 * @param offline facts to plan from; undefined: the hosts are asked
 */
export async function planChange(world: World, task: Task, change: Change, offline: Offline | undefined): Promise<Plan> {
  const hosts = hostsOf(task, change);
  const content = await contentOf(world, task, change, false);
  const asks = offline === undefined && needsHosts(change);
  if (asks) await connectAll(world, task.settings, hosts);
  let facts: FleetFacts = offline?.facts ?? (asks ? await observe(world, task.settings, hosts) : new Map());
  const built = change.version === "built" || (change.version === "running" && offline?.facts.size === 0) ? await builtVersion(world, task) : "";
  const order = orderOf(world, task, versionOf(task, change, built, facts), content);
  const here = offline === undefined ? localFacts : offlineFacts;
  const buildsFirst = change.stages.some(({ sees }, i) => sees === "here" && change.stages.slice(i).some((later) => later.sees === "hosts"));
  const plans: Plan[] = [{ notes: buildsFirst ? unbuiltNotes(task.settings, facts) : [], phases: [] }];
  for (const stage of change.stages) {
    // No image is built for a plan: what is unchanged is found out in the run.
    if (stage.sees === "hosts" && stage.skip !== undefined) continue;
    if (stage.sees === "hosts" && stage.compares === true) plans.push({ notes: ["A plan builds nothing, so it cannot tell what is unchanged: this is what is done where anything has changed."], phases: [] });
    if (stage.sees === "here") plans.push(stage.plan(order, await here(world, task, stage.dev)));
    else plans.push(stage.plan(order, facts));
    if (stage.sees === "hosts") facts = stage.after?.(facts) ?? facts;
  }
  return joinPlans(plans);
}

/**
 * Carries a change out: connects, locks, then observes, plans and applies stage by stage.
 * @throws DeployError that says what failed, where, and what is true now
 */
export async function runChange(world: World, task: Task, change: Change): Promise<Outcome> {
  const run = new Run(world, task, change);
  try {
    await run.carryOut();
    return run.summarise(true);
  } catch (error) {
    await run.fail(error);
    run.summarise(false);
    throw error;
  } finally {
    await run.endBroadcasts();
  }
}

function versionOf(task: Task, change: Change, built: string, facts: FleetFacts): string {
  if (change.version === "none") return task.version ?? "";
  if (change.version === "running") return task.version ?? built;
  return change.version === "built" ? built : change.version(task, facts);
}

const contentOf = async (world: World, task: Task, change: Change, calling: boolean): Promise<LocalContent> => (change.brings === undefined ? noContent : readContent(world, task.settings, change.brings(task), calling));

function orderOf(world: World, task: Task, version: string, content: LocalContent): Order {
  return { settings: task.settings, scope: task.scope, version, seed: world.randomHex(16), recordedAt: timestamp(world), performer: task.performer, hooks: task.hooks, content };
}

/** Waits for all; the first failure stops the others, and is thrown once they have ended. */
async function allOrNone(stop: AbortController, works: readonly Promise<void>[]): Promise<void> {
  const failures: unknown[] = [];
  await Promise.all(works.map((work) => work.catch((error: unknown) => {
    failures.push(error);
    stop.abort(new CancelledError());
  })));
  if (failures.length > 0) throw failures[0];
}

/** The same failure where hosts were pulling: who finds the lock held is told so. */
const afterPulling = (error: unknown): unknown =>
  (isDeployError(error) && error.failure === "lock" ? Object.assign(error, { state: [...error.state, "Hosts may have begun to pull the image: that was ended."] }) : error);

/** The same failure where a build was under way. */
const onThisMachineOnly = (error: unknown): unknown => (isDeployError(error) && error.state.includes("Nothing was changed.") ? Object.assign(error, { state: ["Nothing was changed on any host."] }) : error);

/** How long broadcasts that are still on their way are waited for once all else is done. */
const broadcastGraceMs = 3_000;

class Run {
  readonly #world: World;
  readonly #task: Task;
  readonly #change: Change;
  readonly #startedMs: number;
  readonly #recordedAt: string;
  readonly #phases: { phase: string; durationMs: number }[] = [];
  #version = "";
  #from: readonly string[] = [];
  #delivered: Outcome["delivered"];
  /** Undefined: this run has built no image. */
  #making: Making | undefined;
  #kept: readonly Kept[] = [];
  #content: LocalContent = noContent;
  /** onFailure is called: hosts were reached, or it was the build that failed. */
  #hears = false;
  #lock: Lock | undefined;
  #headStart: HeadStart | undefined;
  /** The phase of a plan that is under way. */
  #doing: string | undefined;
  /** How far it came: no plan was begun, one for this machine only, or one for hosts. */
  #reached: "nothing" | "here" | "hosts" = "nothing";
  readonly #broadcasts = new Set<Promise<void>>();

  constructor(world: World, task: Task, change: Change) {
    this.#world = world;
    this.#task = task;
    this.#change = change;
    this.#startedMs = world.clock.now();
    this.#recordedAt = timestamp(world);
    this.#version = task.version ?? "";
  }

  /** @throws DeployError that says what failed, and what is true now */
  async carryOut(): Promise<void> {
    try {
      await this.#carryOut();
    } catch (error) {
      if (!isDeployError(error) || error.failure !== "cancelled" || error.state.length > 0) throw error;
      throw Object.assign(error, { state: [this.#stoppedState()] });
    }
  }

  async #carryOut(): Promise<void> {
    const { settings, scope } = this.#task;
    if (this.#change.version === "built") this.#version = await builtVersion(this.#world, this.#task);
    const hosts = hostsOf(this.#task, this.#change);
    tell(this.#world, { type: "start", command: this.#title(), service: settings.service, destination: settings.destination, version: this.#version === "" ? undefined : this.#version, hosts });
    const { secrets } = this.#change;
    if (typeof secrets === "function" ? secrets(settings) : secrets) await this.#phase("Read secrets", [], () => settings.secrets.load());
    this.#content = await contentOf(this.#world, this.#task, this.#change, true);
    if (this.#change.hooks !== false) await this.#hook("preConnect", (call) => hookContext(this.#base(), scope.hosts, call));
    // Without the lock another run may begin: this one stops as after Ctrl-C, and says why.
    const stop = new AbortController();
    const guarded = { ...this.#world, signal: AbortSignal.any([this.#world.signal, stop.signal]) };
    const { stages } = this.#change;
    const meanwhile = this.#buildsMeanwhile() ? stages.slice(0, 1) : [];
    try {
      await allOrNone(stop, [this.#open(guarded, stop), ...meanwhile.map((stage) => this.#carryMeanwhile(guarded, stage, stop.signal))]).catch((error: unknown) => { throw this.#reached === "here" ? onThisMachineOnly(error) : error; });
      for (const stage of stages.slice(meanwhile.length)) await this.#carryStage(guarded, stage);
    } catch (error) {
      const { lost } = this.#lock ?? {};
      if (lost?.aborted !== true || !isDeployError(error) || error.failure !== "cancelled" || !isDeployError(lost.reason)) throw error;
      throw Object.assign(lost.reason, { state: error.state.length > 0 ? error.state : [this.#stoppedState()] });
    } finally {
      this.#headStart?.[Symbol.dispose]();
      await this.#lock?.release();
      this.#lock = undefined;
    }
    if (this.#change.postDeploy && !this.#leftAll()) {
      const runtimeSeconds = Math.round((this.#world.clock.now() - this.#startedMs) / 1000);
      await this.#hook("postDeploy", (call) => ({ ...connectedContext(this.#base(), scope.hosts, call), runtimeSeconds }))
        .catch((error: unknown) => { throw isDeployError(error) ? Object.assign(error, { state: [`Version ${this.#version} serves on every host.`] }) : error; });
    }
  }

  /** A build needs no host, so it does not wait for them. A hook before it may: there the lock is held. */
  #buildsMeanwhile(): boolean {
    return this.#change.stages[0]?.sees === "here" && needsHosts(this.#change) && (!this.#task.hooks || this.#task.settings.hooks.preBuild === undefined);
  }

  /** A build beside the connecting. Its failure is heard of however far that is; one that is only stopped, since hosts cannot be reached, has not failed. */
  async #carryMeanwhile(world: World, stage: Stage, stopped: AbortSignal): Promise<void> {
    try {
      await this.#carryStage(world, stage);
    } catch (error) {
      if (!stopped.aborted || this.#world.signal.aborted) this.#hears = this.#change.hooks !== false;
      throw error;
    }
  }

  /** Connects and takes the lock. @param stop aborted when the lock is lost */
  async #open(world: World, stop: AbortController): Promise<void> {
    const { settings } = this.#task;
    const connected = connectedHosts(this.#task, this.#change);
    if (needsHosts(this.#change)) await this.#phase("Connect", connected, () => connectAll(world, settings, connected));
    this.#hears = this.#change.hooks !== false;
    if (!this.#change.lock || this.#inherited()) return;
    const ahead = this.#stepsAhead();
    const lock = await this.#phase("Take the lock", [settings.primaryHost], () => {
      const taking = takeLock(world, this.#task, this.#version, () => this.#headStart?.[Symbol.dispose]());
      if (this.#change.stages[0]?.sees === "hosts") this.#headStart = new HeadStart(this.#world, world, settings, hostsOf(this.#task, this.#change), ahead);
      return taking;
    }).catch((error: unknown) => { throw ahead.size === 0 ? error : afterPulling(error); });
    this.#lock = lock;
    if (this.#doing !== undefined) lock.step(this.#doing);
    // What is stopped by it has not failed itself.
    const abort = (): void => stop.abort(new CancelledError("Stopped, since the deploy lock was lost"));
    if (lock.lost.aborted) abort();
    else lock.lost.addEventListener("abort", abort, { once: true });
  }

  /** What hosts can begin with before anything is known of them. Where they are so many that they wait for their turn to be looked at, none is held up by what may be in vain. */
  #stepsAhead(): ReadonlyMap<string, readonly HostStep[]> {
    const [first] = this.#change.stages;
    const steps = first?.sees === "hosts" ? first.ahead?.(orderOf(this.#world, this.#task, this.#version, this.#content)) : undefined;
    return steps === undefined || steps.size > this.#task.settings.ssh.maxConcurrentStarts ? new Map() : steps;
  }

  /** Tells the onFailure hook; what it throws is a notice, since the run has failed already. */
  async fail(error: unknown): Promise<void> {
    if (!this.#hears || !isDeployError(error)) return;
    const failure: DeployError = error;
    const world = { ...this.#world, signal: AbortSignal.timeout(60_000) };
    const runtimeSeconds = Math.round((this.#world.clock.now() - this.#startedMs) / 1000);
    await callHook(world, this.#task, "onFailure", (call) => ({ ...connectedContext(this.#base(world), this.#task.scope.hosts, call), error: failure, runtimeSeconds }))
      .catch((hookError: unknown) => tell(this.#world, { type: "notice", level: "warn", text: hookError instanceof Error ? hookError.message : String(hookError) }));
  }

  summarise(ok: boolean): Outcome {
    const { settings } = this.#task;
    const outcome: Outcome = {
      command: this.#title(), service: settings.service, destination: settings.destination, from: this.#from,
      to: this.#change.release && this.#version !== "" && !this.#leftAll() ? this.#version : undefined,
      hosts: this.#change.hosts?.(this.#task) ?? appHosts(this.#task), durationMs: this.#world.clock.now() - this.#startedMs, phases: this.#phases,
      ...(this.#delivered === undefined ? {} : { delivered: this.#delivered }), ...(this.#kept.length === 0 ? {} : { unchanged: this.#kept }),
    };
    tell(this.#world, { type: "summary", ok, ...outcome });
    return outcome;
  }

  /** Gives broadcasts in flight a moment to arrive: the process may end after this. The lock is free by now. */
  async endBroadcasts(): Promise<void> {
    if (this.#broadcasts.size === 0) return;
    const over = new AbortController();
    await Promise.race([Promise.all(this.#broadcasts), this.#world.clock.sleep(broadcastGraceMs, over.signal).catch(() => undefined)]);
    over.abort();
  }

  /** A switch would have changed nothing anywhere, and nothing was switched. */
  #leftAll(): boolean {
    return this.#kept.length > 0 && this.#kept.length === this.#task.scope.roles.reduce((sum, { hosts }) => sum + hosts.filter((host) => this.#task.scope.hosts.includes(host)).length, 0);
  }

  /** What is true when it was stopped outside of a plan, which tells its own state. */
  #stoppedState(): string {
    if (this.#reached === "hosts") return "What the parts of the command before it did stays: the same command goes on from there.";
    return this.#reached === "here" ? "Nothing was changed on the hosts." : "Nothing was changed.";
  }

  async #carryStage(world: World, stage: Stage): Promise<void> {
    if (world.signal.aborted) throw new CancelledError(stage === this.#change.stages[0] ? "Cancelled before anything was changed" : "Cancelled between two parts of the command");
    const order = orderOf(this.#world, this.#task, this.#version, this.#content);
    const planned = stage.sees === "hosts" ? await this.#planOnHosts(world, stage, order) : { order, plan: await this.#planHere(world, stage, order) };
    if (planned === undefined) return;
    const { plan } = planned;
    for (const note of plan.notes) tell(this.#world, { type: "notice", level: "info", text: note });
    if (plan.phases.length > 0 && this.#reached !== "hosts") this.#reached = stage.sees === "here" ? "here" : "hosts";
    this.#phases.push(...(await apply(world, plan, this.#conductor(planned.order))));
  }

  async #planHere(world: World, stage: Exclude<Stage, { sees: "hosts" }>, order: Order): Promise<Plan> {
    if (stage.sees === "nothing") return stage.plan(order);
    const here = await localFacts(world, this.#task, stage.dev);
    this.#making = makingOf(this.#task.settings, here);
    return stage.plan(order, here);
  }

  /** @returns undefined when there is nothing to do, and the hosts need not be looked at */
  async #planOnHosts(world: World, stage: Extract<Stage, { sees: "hosts" }>, before: Order): Promise<{ readonly order: Order; readonly plan: Plan } | undefined> {
    const { settings, scope } = this.#task;
    const hosts = hostsOf(this.#task, this.#change);
    const making = this.#making === undefined ? undefined : builtImage(world, settings, `${settings.repository}:${this.#version}`, this.#making);
    making?.catch(() => undefined);
    if (stage.skip !== undefined && stage.skip({ ...before, built: await making })) return undefined;
    const facts = await this.#phase("Look at hosts", hosts, async () => (await this.#headStart?.facts(this.#lock)) ?? (await observe(world, settings, hosts)));
    if (this.#from.length === 0) this.#from = versionsInPlace(settings, scope.roles, facts);
    this.#version = versionOf(this.#task, this.#change, this.#version, facts);
    const order = { ...before, version: this.#version, built: await making };
    if (stage.compares !== true) return { order, plan: stage.plan(order, facts) };
    this.#kept = await this.#phase("Compare with what serves", hosts, () => findUnchanged(world, order, facts));
    const narrowed = { ...order, kept: this.#kept };
    return { order: narrowed, plan: stage.plan(narrowed, facts) };
  }

  #conductor(order: Order): Conductor {
    return {
      lock: this.#lock,
      early: this.#headStart?.early,
      callHook: (step: HookStep) => this.#hook(step.hook as Exclude<HookName, "auditBroadcast" | "onFailure" | "postDeploy">, (call) => connectedContext(this.#base(), step.hosts, call)),
      onPhase: (title) => {
        this.#doing = title;
        this.#lock?.step(title);
      },
      onPushed: (pushed) => { this.#making = { isHere: false, ...this.#making, pushed }; },
      onDelivered: (sentBytes, thereBytes) => { this.#delivered = { sentBytes: (this.#delivered?.sentBytes ?? 0) + sentBytes, thereBytes: (this.#delivered?.thereBytes ?? 0) + thereBytes }; },
      onAudit: (host, role, { text }) => {
        const { settings, performer } = this.#task;
        const line = auditLine({ recordedAt: order.recordedAt, performer, destination: settings.destination, role, text });
        tell(this.#world, { type: "audit", host, line });
        const event = { recordedAt: order.recordedAt, performer, destination: settings.destination, role, host, text, line };
        if (!this.#task.hooks) return;
        const broadcast = this.#hook("auditBroadcast", (call) => ({ ...hookContext(this.#base(), this.#task.scope.hosts, call), event }))
          .catch((error: unknown) => tell(this.#world, { type: "notice", level: "warn", text: error instanceof Error ? error.message : String(error) }))
          .finally(() => this.#broadcasts.delete(broadcast));
        this.#broadcasts.add(broadcast);
      },
    };
  }

  #hook<Name extends HookName>(name: Name, context: (call: HookCall) => HookContexts[Name]): Promise<void> {
    return callHook(this.#world, this.#task, name, context);
  }

  #base(world: World = this.#world): HookBase {
    return { world, task: this.#task, version: this.#version, recordedAt: this.#recordedAt, locked: this.#lock !== undefined || this.#inherited() };
  }

  /** A hook's file that calls the tool again works under the lock of the run that called it. Source: Kamal's KAMAL_LOCK. */
  #inherited(): boolean {
    return this.#world.env["KAMAL_LOCK"] === "true";
  }

  #title(): string {
    const { command, subcommand } = this.#task;
    return subcommand === undefined ? command : `${command} ${subcommand}`;
  }

  async #phase<T>(phase: string, hosts: readonly string[], work: () => Promise<T>): Promise<T> {
    const startedMs = this.#world.clock.now();
    this.#lock?.step(phase);
    tell(this.#world, { type: "phase-start", phase, hosts });
    let ok = false;
    try {
      const value = await work();
      ok = true;
      return value;
    } finally {
      const durationMs = this.#world.clock.now() - startedMs;
      this.#phases.push({ phase, durationMs });
      tell(this.#world, { type: "phase-end", phase, ok, durationMs });
    }
  }
}
