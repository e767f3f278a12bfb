import { DeployError, TimeoutError } from "../ground/errors.ts";
import { probedPort, type ContainerState, type Readiness, type WaitStep } from "../ground/step.ts";
import type { HttpAnswer, World } from "../ground/world.ts";
import { likelyCause } from "./diagnose.ts";
import { tell } from "./stamp.ts";
import { keepVigil } from "./vigil.ts";

/** One try, as it is shown when a container never becomes ready. */
export interface Try {
  readonly afterMs: number;
  readonly state: ContainerState;
  readonly answer: HttpAnswer | undefined;
}

/** How soon to look again while a container is starting: an application that is up in 300 ms should not wait a second. */
const eagerMs = 100;
const eagerForMs = 3_000;
/** A restart policy hides a crash: after so many restarts it is a crash loop. */
const crashLoopRestarts = 3;

/**
 * Waits until a container is ready to serve.
 * @param said what the host has just said of its state; undefined: it is asked
 * @throws DeployError (health) with the tries, the container's end and its log, when it is not ready in time
 */
export async function awaitReady(world: World, host: string, step: WaitStep, said?: string): Promise<void> {
  const started = world.clock.now();
  const tries: Try[] = [];
  using _ = keepVigil(world, { host, role: step.role, title: step.title, deadlineMs: step.deadlineMs, heard: () => lastTry(tries) });
  let runningSince: number | undefined;
  let state = (said === undefined ? undefined : readable(step, said)) ?? (await stateOf(world, host, step));
  for (;;) {
    const left = step.deadlineMs - (world.clock.now() - started);
    const asked = step.readiness.kind === "http" && state.status === "running" ? await askWhileUp(world, host, step, state, step.readiness, left) : { state, answer: undefined };
    const { answer } = asked;
    ({ state } = asked);
    const now = world.clock.now();
    tries.push({ afterMs: now - started, state, answer });
    runningSince = state.status === "running" ? (runningSince ?? now) : undefined;
    const ready = step.readiness.kind === "http" ? isHealthy(answer) : isSettled(state, step.readiness, runningSince, now);
    tell(world, {
      type: "probe", host, role: step.role, container: step.container, attempt: tries.length, ok: ready,
      answer: answer === undefined ? describeState(state) : describeAnswer(answer), durationMs: answer?.durationMs ?? 0,
    });
    if (ready) return;
    if (isLost(state) || now - started >= step.deadlineMs) throw await failure(world, host, step, tries);
    await world.clock.sleep(pauseMs(step.readiness, answer, now - started), world.signal);
    state = await stateOf(world, host, step);
  }
}

function lastTry(tries: readonly Try[]): string | undefined {
  const last = tries.at(-1);
  return last === undefined ? undefined : `last answer: ${last.answer === undefined ? describeState(last.state) : describeAnswer(last.answer)}`;
}

/** Undefined for an answer that is none. */
function readable(step: WaitStep, answer: string): ContainerState | undefined {
  try {
    return step.state.parse(answer);
  } catch {
    return undefined;
  }
}

async function stateOf(world: World, host: string, step: WaitStep): Promise<ContainerState> {
  const exit = await world.transport.run(host, step.state.command, { timeoutMs: 30_000, signal: world.signal });
  try {
    return step.state.parse(exit.stdout);
  } catch (cause) {
    throw new DeployError("command", `Cannot look at ${step.container} on ${host}: Docker does not answer as expected`, {
      host, cause, details: `${exit.stderr}\n${exit.stdout}`.split("\n").filter((line) => line.trim() !== "").slice(-10), hint: "Is Docker running there? `capstan server exec docker info` tells.",
    });
  }
}

/** How often a container is looked at while it owes an answer. Not sooner: with 200 hosts at once, an answer takes a second. */
const lookMs = 2_000;

/**
 * One probe. A container that ends or restarts takes its address with it, and would leave the question open until its
 * timeout: so it is looked at meanwhile, and the question given up when it is no longer the same.
 * @param leftMs until the deadline of the wait
 */
async function askWhileUp(world: World, host: string, step: WaitStep, before: ContainerState, readiness: Extract<Readiness, { kind: "http" }>, leftMs: number): Promise<{ readonly state: ContainerState; readonly answer: HttpAnswer | undefined }> {
  const { path, timeoutMs } = readiness;
  const { address } = before;
  const port = probedPort(readiness, before);
  const over = new AbortController();
  const signal = AbortSignal.any([world.signal, over.signal]);
  const probe = { address, port, path, headers: { host: `${address}:${port}`, "user-agent": "capstan" }, timeoutMs: Math.max(1_000, Math.min(timeoutMs, leftMs)) };
  const asking = world.transport.probe(host, probe, signal).then((answer) => ({ state: before, answer }));
  const watching = async (): Promise<{ state: ContainerState; answer: undefined }> => {
    for (;;) {
      await world.clock.sleep(lookMs, signal);
      // To its end even if the answer comes meanwhile: to cut it off takes a command more.
      const state = await stateOf(world, host, step);
      if (state.status !== "running" || state.restartCount !== before.restartCount) return { state, answer: undefined };
    }
  };
  try {
    const watched = watching();
    watched.catch(() => undefined);
    asking.catch(() => undefined);
    return await Promise.race([asking, watched]);
  } finally {
    over.abort();
  }
}

/** Any 2xx, as the proxy sees it. A host that forbids forwarding leaves the question to the proxy, which asks again before it switches. */
function isHealthy(answer: HttpAnswer | undefined): boolean {
  if (answer === undefined) return false;
  return answer.ok ? answer.status >= 200 && answer.status < 300 : answer.reason === "forbidden";
}

function isSettled(state: ContainerState, readiness: Extract<Readiness, { kind: "running" }>, runningSince: number | undefined, now: number): boolean {
  if (state.health !== undefined) return state.health === "healthy";
  return runningSince !== undefined && state.restartCount === 0 && now - runningSince >= readiness.readinessDelayMs;
}

const isLost = (state: ContainerState): boolean => ["exited", "dead", "missing", "removing"].includes(state.status) || state.restartCount >= crashLoopRestarts;

function pauseMs(readiness: Readiness, answer: HttpAnswer | undefined, waitedMs: number): number {
  if (readiness.kind === "running") return Math.min(1_000, Math.max(eagerMs, readiness.readinessDelayMs / 4));
  const startingUp = answer === undefined || !answer.ok;
  return startingUp && waitedMs < eagerForMs ? eagerMs : readiness.intervalMs;
}

export function describeAnswer(answer: HttpAnswer): string {
  if (!answer.ok) return `${answer.reason}: ${answer.detail}`;
  const body = answer.body.trim().replaceAll(/\s+/g, " ").slice(0, 120);
  return `${answer.status}${answer.headers["location"] === undefined ? "" : ` to ${answer.headers["location"]}`}${body === "" ? "" : `, body "${body}"`}`;
}

export function describeState(state: ContainerState): string {
  const parts = [state.status];
  if (state.health !== undefined) parts.push(state.health);
  if (state.status !== "running" && state.status !== "created" && state.status !== "missing") parts.push(`exit code ${state.exitCode}`);
  if (state.oomKilled) parts.push("killed for using too much memory");
  if (state.restartCount > 0) parts.push(`restarted ${state.restartCount} times`);
  return parts.join(", ");
}

async function failure(world: World, host: string, step: WaitStep, tries: readonly Try[]): Promise<DeployError> {
  const last = tries.at(-1);
  const state = last?.state;
  const logs = await world.transport.run(host, step.logs, { timeoutMs: 30_000, signal: AbortSignal.timeout(30_000) }).catch(() => undefined);
  const logLines = logs === undefined ? [] : `${logs.stdout}\n${logs.stderr}`.split("\n").filter((line) => line.trim() !== "").slice(-20);
  const question = step.readiness.kind === "http" ? ` (GET ${step.readiness.path} on port ${state === undefined ? step.readiness.port : probedPort(step.readiness, state)})` : "";
  const seconds = ((last?.afterMs ?? 0) / 1000).toFixed(1);
  const cause = last === undefined ? undefined : likelyCause(step.readiness, tries, logLines);
  return new DeployError("health", `${step.container} did not become ready on ${host} in ${seconds} s${question}`, {
    host,
    details: [
      ...(state === undefined ? [] : [`container: ${describeState(state)}`]),
      ...foldTries(tries),
      ...(logLines.length === 0 ? ["log: empty"] : ["log:", ...logLines.map((line) => `  ${line}`)]),
      ...(cause === undefined ? [] : [`likely cause: ${cause.text}`]),
    ],
    hint: cause?.hint ?? "Look at the log above, run the image by hand, then deploy again.",
    cause: last !== undefined && last.afterMs >= step.deadlineMs ? new TimeoutError("health", `deadline of ${step.deadlineMs / 1000} s passed`) : undefined,
  });
}

/** Equal neighbours become one line: `probe 1-12, 0.1-2.4 s: refused`. */
function foldTries(tries: readonly Try[]): string[] {
  const lines: { from: number; to: number; first: Try; last: Try; text: string }[] = [];
  tries.forEach((one, i) => {
    const text = one.answer === undefined ? `container ${describeState(one.state)}` : describeAnswer(one.answer);
    const last = lines.at(-1);
    if (last?.text === text) Object.assign(last, { to: i + 1, last: one });
    else lines.push({ from: i + 1, to: i + 1, first: one, last: one, text });
  });
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  return lines.map(({ from, to, first, last, text }) => {
    const latency = last.answer === undefined ? "" : ` (${Math.round(last.answer.durationMs)} ms)`;
    return from === to ? `probe ${from}, at ${seconds(first.afterMs)} s: ${text}${latency}` : `probes ${from}-${to}, at ${seconds(first.afterMs)}-${seconds(last.afterMs)} s: ${text}${latency}`;
  });
}
