import type { Settings } from "../config/settings.ts";
import { DeployError, exitStatus } from "../ground/errors.ts";
import type { Plan } from "../ground/step.ts";
import { planLines, printPlan } from "../plan/print.ts";
import { unreadNotes } from "../plan/unread.ts";
import type { Change, Offline } from "../run/change.ts";
import { eachHost, errandPlan, type Errand, type HostOutput } from "../run/each-host.ts";
import { printable } from "../report/printable.ts";
import { together } from "../report/host-answers.ts";
import { hostOutput } from "../report/host-output.ts";
import type { CommandContext } from "./command.ts";
import { createDeployer, type Deployer } from "./deployer.ts";
import { filterOf } from "./options.ts";
import { askSecret } from "./prompt.ts";
import { serveSelf } from "./self.ts";

/** What sessions need of a context: nothing that depends on the command's own options. */
export type AnyContext = Omit<CommandContext, "args">;

/** Loads the config and does some work with it; connections are closed at its end. */
export async function withDeployer<T>(context: AnyContext, work: (deployer: Deployer) => Promise<T>): Promise<T> {
  const { options, io, path, report } = context;
  await serveSelf();
  await using deployer = await createDeployer({
    ...filterOf(options), cwd: io.cwd, env: io.env, signal: io.signal, skipHooks: options.skipHooks, onEvent: report, pause: context.pause, command: path[0] ?? "",
    ...(options.configFile === undefined ? {} : { configFile: options.configFile }),
    ...(options.destination === undefined ? {} : { destination: options.destination }),
    ...(options.version === undefined ? {} : { version: options.version }),
    ...(options.lockWait ? { lockWait: { timeoutMs: options.lockWaitTimeout * 1000, intervalMs: options.lockWaitInterval * 1000 } } : {}),
    ...(io.interactive ? { prompt: (question: string) => askSecret(question, context.pause) } : {}),
  });
  context.scrubWith((text) => deployer.scrub(text));
  return await work(deployer);
}

/** Carries a change out, or with --dry-run prints its plan. @param given the change, or what makes it for the settings */
export async function carryChange(context: AnyContext, given: Change | ((settings: Settings) => Change)): Promise<void> {
  const [command = "", subcommand] = context.path;
  const offline = await offlineOf(context);
  await withDeployer(context, async (deployer) => {
    const change = typeof given === "function" ? given(deployer.settings) : given;
    if (context.options.dryRun) printPlanTo(context, await deployer.planFor(change, command, subcommand, offline));
    else await deployer.run(change, command, subcommand);
  });
}

/** Prints a plan to standard output: for people, or one step a line as JSON. */
export function printPlanTo(context: AnyContext, made: Plan): void {
  const plan = { ...made, notes: [...made.notes, ...unreadNotes(made)] };
  if (!context.options.json) return context.print(printPlan(plan));
  for (const note of plan.notes) context.print("", { type: "note", text: note });
  for (const line of planLines(plan)) context.print("", { ...line });
}

/**
 * The facts that --offline or --facts give instead of the hosts.
 * @throws DeployError (usage) without --dry-run, or for a file that is not what `observe --json` prints
 */
export async function offlineOf({ options, io }: AnyContext): Promise<Offline | undefined> {
  if (!options.offline && options.facts === undefined) return undefined;
  if (!options.dryRun) throw new DeployError("usage", "--offline and --facts go with --dry-run only", { hint: "Add --dry-run, or use `capstan plan`." });
  if (options.facts === undefined) return { facts: new Map() };
  const { resolve } = await import("node:path");
  const text = await Bun.file(resolve(io.cwd, options.facts)).text().catch(() => undefined);
  if (text === undefined) throw new DeployError("usage", `Cannot read ${options.facts}`, { hint: "Write it with `capstan observe --json > facts.json`." });
  const { readFacts } = await import("./facts-file.ts");
  return { facts: readFacts(options.facts, text) };
}

/** What a command that asks hosts is about. */
export interface Asking {
  /** Such as `App`. */
  readonly subject: string;
  /** Pass the bytes of standard output through, without headers. */
  readonly raw?: boolean;
}

/** Runs commands on hosts and prints what they answer, or with --dry-run the commands. @returns the exit status */
export async function askHosts(context: AnyContext, { world }: Deployer, errands: readonly Errand[], { subject, raw = false }: Asking): Promise<number> {
  if (context.options.dryRun) return printErrands(context, errands);
  return printOutputs(context, subject, await eachHost(world, `${subject} Host`, errands), raw);
}

/** Prints the commands of a question that is not asked. @returns the exit status */
export function printErrands(context: AnyContext, errands: readonly Errand[], title = "Ask"): number {
  printPlanTo(context, { notes: [], phases: [errandPlan(title, errands)] });
  return 0;
}

/** Shows logs as they come, or with --dry-run the commands. @returns the exit status */
export async function showLogs(context: AnyContext, { world, settings }: Deployer, errands: readonly Errand[], unseen: readonly HostOutput[] = []): Promise<number> {
  if (context.options.dryRun) return printErrands(context, errands, "Show logs");
  await settings.secrets.concealAtHand();
  return logStatus(context, [...(await eachHost(world, "Host", errands, lineWriter(context))), ...unseen]);
}

/** Prints what a command answered on each host. @returns the exit status: that of the first host that failed */
export function printOutputs(context: AnyContext, subject: string, outputs: readonly HostOutput[], raw = false): number {
  const { style, options } = context;
  // Every host of its own where something else reads it, or everything is wanted.
  const isWhole = raw || options.json || options.verbose || options.quiet;
  const whereOf = ({ host, role }: HostOutput): string => (role === undefined ? host : `${host} (${role})`);
  const answers = isWhole ? outputs.map((first) => ({ first, places: whereOf(first) })) : together(outputs, whereOf, ({ subject, stdout, stderr, status }) => JSON.stringify([subject, stdout, stderr, status]));
  for (const { first: { host, role, subject: name, stdout, stderr, status }, places } of answers) {
    const output = stdout + (raw || status === 0 ? "" : stderr);
    const about = name === undefined ? subject : `${subject} ${name}`;
    if (raw && !options.json) context.io.stdout.write(stdout);
    else context.print(hostOutput(about, places, output, { style, quiet: options.quiet }).replace(/\n$/, ""), { type: "output", host, role: role ?? null, ...(name === undefined ? {} : { name }), stdout, stderr, status: status ?? null });
    if ((raw || status === 0) && stderr !== "" && !options.json) context.io.stderr.write(raw ? stderr : `${stderr.trimEnd().split("\n").map(printable).join("\n")}\n`);
  }
  const bad = outputs.find(({ status }) => status !== 0);
  return bad === undefined ? 0 : (bad.status ?? exitStatus.connect);
}

/** Prints lines as they come, host in front. */
function lineWriter(context: AnyContext): (errand: Errand, stream: "stdout" | "stderr", line: string) => void {
  return ({ host, role, subject }, stream, line) => context.print(`${context.style.dim([host, role ?? subject].filter((word) => word !== undefined).join(" "))}  ${printable(line)}`, { type: "line", host, role: role ?? null, stream, line });
}

/** Tells the hosts whose logs could not be had. @returns the exit status */
function logStatus(context: AnyContext, outputs: readonly HostOutput[]): number {
  const unreachable = outputs.filter(({ status }) => status === undefined);
  for (const { host, stderr } of unreachable) context.report({ type: "notice", level: "warn", host, text: stderr, at: new Date(context.io.clock.now()).toISOString() });
  if (unreachable.length > 0) return exitStatus.connect;
  return outputs.every(({ status }) => status === 0) ? 0 : exitStatus.command;
}
