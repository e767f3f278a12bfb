import { spyOn } from "bun:test";
import { systemClock } from "../../lib/world/clock.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { selectScope } from "../../lib/config/scope.ts";
import { connectedContext } from "../../lib/run/hooks.ts";
import { createPrograms } from "../../lib/world/programs.ts";
import { createRedactor } from "../../lib/world/redact.ts";
import { realFiles, realPrograms } from "../config/project.ts";
import { taskOf } from "../support/task.ts";
import { fakeWorld } from "../support/world.ts";

/**
 * What the config of a folder broadcasts of one line of the audit log: what its programs print, or the address and body of a request.
 * @param env what its programs are started with
 * @returns undefined when it has no such hook
 */
export async function broadcastOf(folder: string, env: Readonly<Record<string, string>>): Promise<string | undefined> {
  const settings = await loadConfig({ files: realFiles, programs: realPrograms(), clock: systemClock, cwd: folder, env, command: "deploy" });
  const { auditBroadcast } = settings.hooks;
  if (auditBroadcast === undefined) return undefined;
  const recordedAt = "2030-01-02T03:04:05Z";
  const fake = fakeWorld({ answers: {} });
  const world = { ...fake.world, programs: createPrograms({ env, cwd: folder, redactor: createRedactor(), clock: fake.world.clock }) };
  const task = taskOf(settings, { scope: selectScope(settings, {}), command: "deploy", subcommand: undefined, performer: "dhh" });
  const text = "Rolled back to version 6";
  const event = { recordedAt, performer: "dhh", destination: undefined, role: undefined, host: "192.0.2.1", text, line: `[${recordedAt}] [dhh] ${text}` };
  const posted: string[] = [];
  const answer = Object.assign(async (address: string | URL | Request, init?: RequestInit) => {
    posted.push(`${init?.method} ${String(address)}: ${String(init?.body)}`);
    return new Response();
  }, { preconnect: fetch.preconnect });
  const fetched = spyOn(globalThis, "fetch").mockImplementation(answer);
  try {
    await auditBroadcast({ ...connectedContext({ world, task, version: "6", recordedAt, locked: true }, ["192.0.2.1"], { signal: new AbortController().signal, loud: undefined }), event });
  } finally {
    fetched.mockRestore();
  }
  return [...posted, ...fake.events.flatMap((one) => (one.type === "output" ? [one.line] : []))].join("\n");
}
