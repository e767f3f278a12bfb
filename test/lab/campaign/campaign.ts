import { mkdir, writeFile } from "node:fs/promises";
import { boundariesOf } from "./boundary.ts";
import type { Observation } from "./judge.ts";
import type { Operation } from "./kinds.ts";
import { Lane } from "./lane.ts";
import type { Boundaries, Point } from "./points.ts";
import type { Tried } from "./table.ts";

/** How a campaign is run. */
export interface Campaign {
  readonly lanes: number;
  readonly operations: readonly Operation[];
  /** The points to try, once the boundaries are known. */
  pick(boundaries: Boundaries): readonly Point[];
  /** Told what happens. */
  readonly say: (text: string) => void;
  /** No point is begun after so many milliseconds. */
  readonly endsAfterMs?: number;
  /** Folder for all that was seen of points that failed. */
  readonly record?: string;
}

/** What a campaign came to. */
export interface Outcome {
  readonly tried: readonly Tried[];
  readonly boundaries: Boundaries;
  /** How many points were picked. */
  readonly picked: number;
}

/** Runs a campaign: boundaries from a clean run of each operation, then point after point, several labs side by side. */
export async function runCampaign(campaign: Campaign): Promise<Outcome> {
  const { say } = campaign;
  const until = performance.now() + (campaign.endsAfterMs ?? Infinity);
  const tried: Tried[] = [];
  const lanes = Array.from({ length: campaign.lanes }, (_, i) => startLane(i + 1, say));
  for (const lane of lanes) lane.catch(() => undefined);
  try {
    const [first] = lanes;
    if (first === undefined) throw new Error("There is no lane");
    const lane = await first;
    const boundaries = new Map<Operation, ReturnType<typeof boundariesOf>>();
    for (const operation of campaign.operations) {
      boundaries.set(operation, boundariesOf(await lane.clean(operation), lane.addresses));
      say(`${operation} tells ${boundaries.get(operation)?.length} boundaries`);
    }
    const points = campaign.pick(boundaries);
    say(`${points.length} points`);
    const queue = [...points];
    await Promise.all(lanes.map((starting, i) => work(campaign, i + 1, starting, queue, points.length, tried, until)));
    return { tried: points.flatMap((point) => tried.find((one) => one.point.id === point.id) ?? []), boundaries, picked: points.length };
  } finally {
    for (const ended of await Promise.allSettled(lanes)) if (ended.status === "fulfilled") await ended.value[Symbol.asyncDispose]();
  }
}

/** A lab on a busy machine may not come up at the first try. */
async function startLane(number: number, say: (text: string) => void): Promise<Lane> {
  try {
    return await Lane.start(number, say);
  } catch (error) {
    say(`lane ${number} does not come up, once more: ${String(error)}`);
    return await Lane.start(number, say);
  }
}

async function work(campaign: Campaign, number: number, starting: Promise<Lane>, queue: Point[], of: number, tried: Tried[], until: number): Promise<void> {
  let lane = await starting;
  let ownsLane = false;
  try {
    for (let point = queue.shift(); point !== undefined && performance.now() < until; point = queue.shift()) {
      const started = performance.now();
      let one: Tried;
      let seen: Observation | undefined;
      try {
        ({ one, seen } = await attempt(lane, point));
      } catch (error) {
        one = { point, problems: [`the campaign itself failed: ${error instanceof Error ? error.message : String(error)}`], sent: 0, lost: 0, excused: 0, endMs: 0 };
      }
      tried.push(one);
      const took = ((performance.now() - started) / 1000).toFixed(1);
      campaign.say(`[${tried.length}/${of}] lane ${number} ${point.id}: ${one.problems.length === 0 ? "survived" : `FAILED: ${one.problems.join("; ")}`} (end ${(one.endMs / 1000).toFixed(1)} s, ${took} s: ${seen?.times.join(", ") ?? ""})`);
      if (one.problems.length === 0) continue;
      if (campaign.record !== undefined && seen !== undefined) await record(campaign.record, seen);
      try {
        await lane.repair();
      } catch (error) {
        campaign.say(`lane ${number} is beyond repair, a new lab: ${error instanceof Error ? error.message : String(error)}`);
        await lane[Symbol.asyncDispose]();
        lane = await startLane(number, campaign.say);
        ownsLane = true;
      }
    }
  } finally {
    if (ownsLane) await lane[Symbol.asyncDispose]();
  }
}

/** Tries a point; one whose boundary was not told, which chance decides in a race of two hosts, a second time. */
async function attempt(lane: Lane, point: Point): Promise<{ one: Tried; seen: Observation }> {
  for (let again = true; ; again = false) {
    const { verdict, seen } = await lane.try(point);
    if (seen.run.struckAt === undefined && again && verdict.problems.length === 1) continue;
    return { one: { point, ...verdict }, seen };
  }
}

async function record(folder: string, seen: Observation): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/${seen.point.id.replaceAll("/", "__").slice(0, 200)}.json`, JSON.stringify(seen, null, 1));
}
