import type { ConnectedHookContext, HookContext, HookContexts, HookName } from "../config/hooks.ts";
import { Command } from "../ground/command.ts";
import { CancelledError, CommandError, DeployError, isDeployError, ProgramError } from "../ground/errors.ts";
import { LineSplitter } from "../ground/line-splitter.ts";
import { abbreviated } from "../ground/names.ts";
import type { Exit, Limits, World } from "../ground/world.ts";
import { execInContainer } from "../remote/container.ts";
import { currentContainer } from "../plan/current.ts";
import type { Task } from "./task.ts";
import { keepVigil } from "./vigil.ts";
import { observe } from "./observe.ts";
import { tell } from "./stamp.ts";

/** A hook that hangs must not hold the lock for ever. */
const hookTimeoutMs = 900_000;

/** What the contexts of one run have in common. */
export interface HookBase {
  readonly world: World;
  readonly task: Task;
  readonly version: string;
  readonly recordedAt: string;
  readonly locked: boolean;
}

/** One call of a hook. */
export interface HookCall {
  /** Aborted by Ctrl-C and by the hook's own deadline. */
  readonly signal: AbortSignal;
  /** What `hooksOutput` says of it: verbose is true, quiet is false. */
  readonly loud: boolean | undefined;
}

/** The context before there are connections. @param hosts all of the run's, or those of a group */
export function hookContext(base: HookBase, hosts: readonly string[], call: HookCall): HookContext {
  const { world, task } = base;
  const { settings } = task;
  const { signal, loud } = call;
  return {
    service: settings.service,
    serviceVersion: `${settings.service}@${abbreviated(base.version)}`,
    destination: settings.destination,
    version: base.version,
    performer: task.performer,
    hosts,
    roles: task.scope.roles.map((role) => role.name),
    rolesNamed: task.scope.rolesNamed,
    command: task.command,
    subcommand: task.subcommand,
    recordedAt: base.recordedAt,
    locked: base.locked,
    signal,
    log: (text) => tell(world, { type: "notice", level: "info", text, ...(loud === false ? { loud } : {}) }),
    async local(argv, options = {}) {
      const program = { argv, cwd: options.cwd ?? settings.root, ...(options.env === undefined ? {} : { env: options.env }), ...(options.input === undefined ? {} : { input: options.input }) };
      const exit = await world.programs.run(program, outputLimits(world, call, "hook"));
      if (exit.status !== 0) throw new ProgramError(program, exit);
      return exit;
    },
    async secret(name) {
      const value = await settings.secrets.value(name);
      world.conceal(value, name);
      return value;
    },
    async secrets() {
      const values = await settings.secrets.all();
      for (const [name, value] of Object.entries(values)) world.conceal(value, name);
      return values;
    },
  };
}

/** The context once hosts can be reached. */
export function connectedContext(base: HookBase, hosts: readonly string[], call: HookCall): ConnectedHookContext {
  const { world, task } = base;
  const run = async (host: string, command: Command | string): Promise<Exit> => {
    const value = typeof command === "string" ? new Command(command) : command;
    const exit = await world.transport.run(host, value, outputLimits(world, call, "hook", host));
    if (exit.status !== 0) throw new CommandError(host, value, exit);
    return exit;
  };
  return {
    ...hookContext(base, hosts, call),
    run,
    async exec(command, options = {}) {
      const role = task.settings.roles.find((one) => one.name === (options.role ?? task.settings.primaryRole));
      const host = options.host ?? role?.hosts[0];
      if (role === undefined || host === undefined) throw new DeployError("hook", `Cannot exec in role ${options.role}: there is no such role`);
      const facts = await observe(world, task.settings, [host]);
      const container = currentContainer(task.settings, role, facts.get(host)?.containers ?? [], facts.get(host)?.proxy);
      if (container === undefined) throw new DeployError("hook", `Cannot exec in role ${role.name} on ${host}: nothing of it is running`, { host });
      return run(host, execInContainer(container.name, typeof command === "string" ? new Command(command) : command, {}));
    },
  };
}

/**
 * Calls one hook of the config, if it is there.
 * @throws DeployError (hook) that names the hook and keeps the error of the user's own code as its cause
 */
export async function callHook<Name extends HookName>(world: World, task: Task, name: Name, context: (call: HookCall) => HookContexts[Name]): Promise<void> {
  const hook = task.settings.hooks[name];
  if (hook === undefined) return;
  const amount = task.settings.hooksOutput[name];
  const loud = amount === undefined ? undefined : amount === "verbose";
  const say = (state: "start" | "end" | "failed" | "skipped", durationMs: number): void => tell(world, { type: "hook", name, state, durationMs, ...(loud === undefined ? {} : { loud }) });
  if (!task.hooks) {
    say("skipped", 0);
    return;
  }
  const started = world.clock.now();
  say("start", 0);
  const deadline = AbortSignal.timeout(hookTimeoutMs);
  const signal = AbortSignal.any([world.signal, deadline]);
  using _ = keepVigil(world, { host: undefined, title: `Hook ${name}`, deadlineMs: hookTimeoutMs });
  const ended = (state: "end" | "failed"): void => say(state, world.clock.now() - started);
  try {
    await Promise.race([hook(context({ signal, loud })), rejectOn(signal)]);
    ended("end");
  } catch (cause) {
    ended("failed");
    if (isDeployError(cause) && cause.failure === "cancelled") throw cause;
    if (world.signal.aborted) throw new CancelledError(undefined, { cause });
    if (deadline.aborted) throw new DeployError("hook", `Hook ${name} did not end within ${hookTimeoutMs / 60_000} minutes`, { cause });
    throw new DeployError("hook", `Hook ${name} failed: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
      hint: (isDeployError(cause) && cause.failure === "hook" ? cause.hint : undefined) ?? `Mend the hook in the config, or run the command with -H to leave hooks out.`,
    });
  }
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(signal.reason instanceof Error ? signal.reason : new DeployError("cancelled", "Cancelled"));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

/** A program or command of a hook: its output is shown line by line. What came after its last line break is in its Exit only. */
function outputLimits(world: World, { signal, loud = true }: HookCall, title: string, host?: string): Limits {
  const splitter = (stream: "stdout" | "stderr"): LineSplitter => new LineSplitter((line) => tell(world, { type: "output", host, title, stream, line, loud }));
  const lines = { stdout: splitter("stdout"), stderr: splitter("stderr") };
  return { timeoutMs: hookTimeoutMs, signal, onOutput: (stream, text) => lines[stream].feed(text) };
}
