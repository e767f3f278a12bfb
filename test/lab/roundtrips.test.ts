import { afterAll, beforeAll, expect, test } from "bun:test";
import { startLab, type Lab } from "./lab.ts";
import { layLine } from "./line.ts";
import { makeProject, type Project } from "./project.ts";

let lab: Lab;

beforeAll(async () => {
  lab = await startLab({ hosts: 1 });
}, 180_000);
afterAll(() => lab?.stop());

/** One way, in milliseconds: so long that the line outweighs what the machine does meanwhile. */
const delayMs = 120;
/** Deploys with and without the line, in turn; more of them where the machine is busy with other things. */
const pairs = { least: 3, most: 9 };
const mostRoundTrips = 15;

/**
 * Packets are held back, so the handshakes of TCP, its slow start and its delayed acknowledgements count as they do on a real line. What is
 * compared are medians of deploys by turns: whatever else runs on the machine adds to both.
 */
test("a deploy to one set-up host needs at most 15 round trips", async () => {
  const near = await makeProject(lab);
  await near.must(["setup", "--version", "v1"], { VERSION: "v1" });
  await using line = await layLine(lab, delayMs);
  const far = await makeProject(lab, { hosts: line.addresses });
  const timed = async (project: Project): Promise<number> => {
    const started = performance.now();
    await project.must(["deploy", "--skip-push", "--version", "v1"]);
    return performance.now() - started;
  };
  const [nearMs, farMs]: [number[], number[]] = [[], []];
  const middle = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
  const roundTrips = (): number => (middle(farMs) - middle(nearMs)) / (2 * delayMs);
  while (nearMs.length < pairs.least || (nearMs.length < pairs.most && roundTrips() > mostRoundTrips)) {
    nearMs.push(await timed(near));
    farMs.push(await timed(far));
  }
  console.log(`deploy --skip-push, 1 host: ${inSeconds(nearMs)} s without a line, ${inSeconds(farMs)} s at ${2 * delayMs} ms round trip; ${roundTrips().toFixed(1)} round trips`);
  expect(roundTrips()).toBeLessThanOrEqual(mostRoundTrips);
}, 240_000);

const inSeconds = (times: readonly number[]): string => times.map((ms) => (ms / 1000).toFixed(2)).join(" ");

test("one connection and few channels carry the whole deploy", async () => {
  const project = await makeProject(lab);
  const before = await lab.host(1).sshdLog();
  await project.must(["deploy", "--skip-push", "--version", "v1"]);
  const log = (await lab.host(1).sshdLog()).slice(before.length);
  const connections = log.match(/Accepted publickey/g)?.length ?? 0;
  const commands = log.match(/Starting session: command/g)?.length ?? 0;
  console.log(`deploy --skip-push, 1 host: ${connections} connection, ${commands} commands`);
  expect(connections).toBe(1);
  expect(commands).toBeLessThanOrEqual(6);
}, 60_000);
