import { probedPort, type Readiness } from "../ground/step.ts";
import type { Try } from "./wait.ts";

/** The most likely reason why a container did not become ready, and what to do about it. */
export interface Cause {
  readonly text: string;
  readonly hint: string;
}

/**
 * Guesses from what was seen. Undefined when nothing speaks for any of the usual reasons.
 * @param logLines last lines of the container's log
 */
export function likelyCause(readiness: Readiness, tries: readonly Try[], logLines: readonly string[]): Cause | undefined {
  const last = tries.at(-1);
  if (last === undefined) return undefined;
  const { state } = last;
  const answers = tries.map((one) => one.answer).filter((answer) => answer !== undefined);
  const answer = answers.at(-1);
  if (state.oomKilled) return { text: "the container was killed for using too much memory", hint: "Raise the memory limit in the role's options, or make the application use less." };
  if (state.exitCode === 127 || state.exitCode === 126) return { text: `the command of the image or of the role's cmd cannot be run (exit code ${state.exitCode})`, hint: "Check `cmd` in the config and the image's ENTRYPOINT, and that the image was built for this host's architecture." };
  if (logLines.some((line) => /exec format error/i.test(line))) return { text: "the image was built for another architecture than this host's", hint: "Set builder.arch to the hosts' architecture and deploy again." };
  // A container that was started again has no exit code for the moment: the last one seen says why.
  const exitCode = tries.findLast((one) => one.state.exitCode !== 0)?.state.exitCode ?? state.exitCode;
  if (state.restartCount > 0) return { text: `the application starts and crashes again and again (exit code ${exitCode})`, hint: "Read the log above: the application ends by itself. Run the image by hand with the same env." };
  if (["exited", "dead"].includes(state.status)) return { text: `the application ended by itself (exit code ${state.exitCode})`, hint: "Read the log above: the application must stay in the foreground." };
  if (state.status === "missing") return { text: "the container was removed while it was starting", hint: "Somebody or something else removed it: look at `capstan audit` and at the host's docker events." };
  if (readiness.kind !== "http") return state.health === "unhealthy" ? { text: "Docker's own healthcheck of the image fails", hint: "Run the HEALTHCHECK command of the image in the container to see why." } : undefined;
  if (answer === undefined) return undefined;
  if (answer.ok) return httpCause(readiness, answer.status, answer.headers["location"]);
  if (answer.reason === "timeout") return { text: `the application took the connection and did not answer within ${readiness.timeoutMs / 1000} s`, hint: "It may be blocked on a database or another service at start: look at the log above." };
  if (answer.reason === "refused") return refusedCause(readiness, state.exposedPorts, probedPort(readiness, state));
  return undefined;
}

function httpCause(readiness: Extract<Readiness, { kind: "http" }>, status: number, location: string | undefined): Cause | undefined {
  if (status >= 300 && status < 400) return { text: `${readiness.path} redirects${location === undefined ? "" : ` to ${location}`}: a healthcheck counts only 2xx`, hint: `Leave the health path out of the redirect to HTTPS or to a login, or set ${readiness.keys.path} to one that answers 200.` };
  if (status === 404) return { text: `the application has no ${readiness.path}`, hint: `Set ${readiness.keys.path} to a path that answers 200.` };
  if (status === 401 || status === 403) return { text: `${readiness.path} asks for a login or refuses the Host header`, hint: "Let the health path through without a login, for any Host." };
  if (status >= 500) return { text: `the application answers ${readiness.path} with an error of its own`, hint: "Look at the application's log above: a missing env variable or an unreachable database is the usual reason." };
  return undefined;
}

function refusedCause(readiness: Extract<Readiness, { kind: "http" }>, exposed: readonly number[], asked: number): Cause {
  const elsewhere = exposed.filter((port) => port !== asked);
  if (elsewhere.length > 0 && !exposed.includes(asked)) return { text: `nothing listens on port ${asked}; the image exposes ${elsewhere.join(", ")}`, hint: `Set ${readiness.keys.port} to ${elsewhere[0]}.` };
  return { text: `nothing listens on port ${asked} of the container's address: a wrong port, or an application bound to 127.0.0.1`, hint: `Make the application listen on 0.0.0.0:${asked}, or set ${readiness.keys.port} to the port it uses.` };
}
