import { CancelledError, DeployError, isDeployError } from "../ground/errors.ts";
import type { Phase, Plan } from "../ground/step.ts";
import type { Journal, PlannedStep } from "./journal.ts";
import type { Taken } from "./undo.ts";

/** What a lane failed with. */
export interface Failed {
  readonly error: unknown;
  /** Where; undefined: in none. */
  readonly phase: Phase | undefined;
}

/**
 * The error of a plan that did not come to its end: what failed, and what is true now.
 * One failing host keeps its own error; several become one of kind `fleet` with all of them as cause, under the name of the phase where each failed.
 */
export function failureOf(plan: Plan, failures: readonly Failed[], journal: Journal, taken: readonly Taken[], lockLost: boolean): unknown {
  const errors = failures.map(({ error }) => error);
  const bug = errors.find((error) => !isDeployError(error));
  if (bug !== undefined) return bug;
  const known = errors.filter(isDeployError);
  const real = known.filter((error) => error.failure !== "cancelled");
  const state = lockLost ? [withoutLock] : stateLines(plan, journal, taken);
  const [first] = real;
  if (first === undefined) return new CancelledError(cancelled(journal), { state, cause: known[0]?.cause });
  const hint = first.hint ?? "Mend the cause and run the same command again: it starts from what is there.";
  if (real.length === 1) return Object.assign(first, { state, hint });
  const phases = plan.phases.filter((phase) => failures.some((one) => one.phase === phase && real.some((error) => error === one.error)));
  const places = phases.map(({ title, lanes }) => {
    const hosts = [...new Set(failures.flatMap(({ error, phase }) => (phase?.title === title ? real.find((one) => one === error)?.host ?? [] : [])))];
    return `"${title}" on ${hosts.length} of ${new Set(lanes.map(({ host }) => host)).size} hosts: ${hosts.join(", ")}`;
  });
  const failure = real.every((error) => error.failure === first.failure) ? first.failure : "fleet";
  return new DeployError(failure, `Cannot finish ${places.join("; ")}`, { state, hint, cause: new AggregateError(real) });
}

/** What the plan says of its state holds for a run that is alone. */
const withoutLock = "This run stopped where it was and took nothing back: without the lock another run may be at work by now. `capstan details` tells what is there, and what to type next.";

function cancelled(journal: Journal): string {
  const doing = [...new Set(journal.unfinished().map(({ step, host }) => (host === undefined ? step.title : `${step.title} on ${host}`)))];
  return doing.length === 0 ? "Cancelled between two steps" : `Cancelled while doing: ${doing.join("; ")}`;
}

function stateLines(plan: Plan, journal: Journal, taken: readonly Taken[]): string[] {
  const failed = taken.filter((one) => !one.ok);
  const lines = failed.map(({ planned, text }) => `Could not take back "${planned.step.title}" on ${planned.host}: ${text}`);
  const done = new Map<string, string[]>();
  for (const { planned, ok } of taken) {
    if (!ok || planned.step.kind !== "run" || planned.host === undefined) continue;
    const title = planned.step.undoTitle ?? `took back "${planned.step.title}"`;
    done.set(title, [...(done.get(title) ?? []), planned.host]);
  }
  for (const [title, hosts] of done) lines.push(`Taken back on ${hosts.join(", ")}: ${title}`);
  if (plan.afterFailure === undefined) lines.push(...standing(journal, taken.flatMap(({ planned, ok }) => (ok ? [planned] : []))));
  else if (failed.length === 0) lines.push(journal.committed ? plan.afterFailure.committed : plan.afterFailure.takenBack);
  return lines;
}

/** So many steps of a host are named: the last ones. */
const mostNamed = 6;

/** What was done stays: hosts with the same steps share a line. */
function standing(journal: Journal, taken: readonly PlannedStep[]): readonly string[] {
  const titles = new Map<string, string[]>();
  for (const { host, step } of journal.standing(taken)) if (host !== undefined && step.kind !== "wait") titles.set(host, [...(titles.get(host) ?? []), step.title]);
  const hosts = new Map<string, string[]>();
  for (const [host, all] of titles) {
    const more = all.length - mostNamed;
    const text = `${more > 0 ? `${more} more; ` : ""}${all.slice(-mostNamed).join("; ")}`;
    hosts.set(text, [...(hosts.get(text) ?? []), host]);
  }
  return hosts.size === 0 ? ["No step on a host was done before it."] : [...hosts].map(([text, where]) => `Done on ${where.join(", ")}, and left as it is: ${text}`);
}
