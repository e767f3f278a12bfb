import { afterAll, beforeAll, expect, test } from "bun:test";
import { startLab, type Lab } from "./lab.ts";
import { makeProject } from "./project.ts";
import { startRelay } from "./relay.ts";

let lab: Lab;

beforeAll(async () => {
  lab = await startLab({ hosts: 1 });
}, 180_000);
afterAll(() => lab?.stop());

/** One way, in milliseconds. */
const delays = [0, 50, 100] as const;
const deploysEach = 3;

test("a deploy to one set-up host needs at most 25 round trips", async () => {
  const seconds: number[] = [];
  const direct = await makeProject(lab);
  await direct.must(["setup", "--version", "v1"], { VERSION: "v1" });
  for (const delay of delays) {
    await using relay = await startRelay([lab.host(1).address], delay);
    const project = await makeProject(lab, { hosts: relay.addresses });
    const times: number[] = [];
    for (let i = 0; i < deploysEach; i++) {
      const started = performance.now();
      await project.must(["deploy", "--skip-push", "--version", "v1"]);
      times.push((performance.now() - started) / 1000);
    }
    seconds.push(times.toSorted((a, b) => a - b)[Math.floor(deploysEach / 2)] ?? 0);
  }
  const roundTrips = slope(delays.map((delay) => (2 * delay) / 1000), seconds);
  console.log(`deploy --skip-push, 1 host: ${delays.map((delay, i) => `${seconds[i]?.toFixed(2)} s at ${2 * delay} ms round trip`).join(", ")}; slope ${roundTrips.toFixed(1)} round trips`);
  expect(roundTrips).toBeLessThanOrEqual(25);
}, 180_000);

test("one connection and few channels carry the whole deploy", async () => {
  const project = await makeProject(lab);
  const before = await lab.host(1).sshdLog();
  await project.must(["deploy", "--skip-push", "--version", "v1"]);
  const log = (await lab.host(1).sshdLog()).slice(before.length);
  const connections = log.match(/Accepted publickey/g)?.length ?? 0;
  const commands = log.match(/Starting session: command/g)?.length ?? 0;
  console.log(`deploy --skip-push, 1 host: ${connections} connection, ${commands} commands`);
  expect(connections).toBe(1);
  expect(commands).toBeLessThanOrEqual(10);
}, 60_000);

/** Least squares. */
function slope(xs: readonly number[], ys: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(xs), mean(ys)];
  return xs.reduce((sum, x, i) => sum + (x - mx) * ((ys[i] ?? 0) - my), 0) / xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
}
