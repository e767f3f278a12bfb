import { mkdir, writeFile } from "node:fs/promises";
import { boundariesOf } from "./boundary.ts";
import type { Observation, Verdict } from "./judge.ts";
import type { Operation, Way } from "./kinds.ts";
import { Lane } from "./lane.ts";
import type { AllBoundaries, Boundaries, Point } from "./points.ts";
import type { Tried } from "./table.ts";

/** How a campaign is run. */
export interface Campaign {
  readonly lanes: number;
  readonly operations: readonly Operation[];
  /** Ways that images come. */
  readonly ways: readonly Way[];
  /** The points to try, once the boundaries are known. */
  pick(boundaries: AllBoundaries): readonly Point[];
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
  readonly boundaries: AllBoundaries;
  /** How many points were picked. */
  readonly picked: number;
}

/** Runs a campaign: boundaries from a clean run of each operation, then point after point, several labs side by side. */
export async function runCampaign(campaign: Campaign): Promise<Outcome> {
  const { say, ways } = campaign;
  const until = performance.now() + (campaign.endsAfterMs ?? Infinity);
  const lanes = Array.from({ length: campaign.lanes }, (_, i) => startLane(i + 1, ways[i % ways.length] ?? "registry", say));
  for (const lane of lanes) lane.catch(() => undefined);
  try {
    // Each way on a lane that has it already, side by side; one after the other where there are too few.
    const boundaries = new Map<Way, Boundaries>();
    await Promise.all(lanes.slice(0, ways.length).map(async (starting, i) => {
      const lane = await starting;
      for (const way of ways.filter((_, n) => n % lanes.length === i)) {
        if (lane.way !== way) await lane.become(way);
        boundaries.set(way, await boundariesAt(lane, campaign));
      }
    }));
    const points = campaign.pick(new Map(ways.flatMap((way) => (boundaries.has(way) ? [[way, boundaries.get(way) ?? new Map()] as const] : []))));
    say(`${points.length} points`);
    const work = new Work(campaign, points, until);
    await Promise.all(lanes.map((starting, i) => work.on(i + 1, starting)));
    return { tried: points.flatMap((point) => work.tried.find((one) => one.point.id === point.id) ?? []), boundaries, picked: points.length };
  } finally {
    for (const ended of await Promise.allSettled(lanes)) if (ended.status === "fulfilled") await ended.value[Symbol.asyncDispose]();
  }
}

async function boundariesAt(lane: Lane, { operations, say }: Campaign): Promise<Boundaries> {
  const found = new Map<Operation, ReturnType<typeof boundariesOf>>();
  for (const operation of operations) {
    found.set(operation, boundariesOf(await lane.clean(operation), lane.addresses));
    say(`${operation} (${lane.way}) tells ${found.get(operation)?.length} boundaries`);
  }
  return found;
}

/** A lab on a busy machine may not come up at the first try. */
async function startLane(number: number, way: Way, say: (text: string) => void): Promise<Lane> {
  try {
    return await Lane.start(number, way, say);
  } catch (error) {
    say(`lane ${number} does not come up, once more: ${String(error)}`);
    return await Lane.start(number, way, say);
  }
}

/** The points that are left, and the lanes that take them. */
class Work {
  readonly tried: Tried[] = [];
  readonly #campaign: Campaign;
  readonly #points: readonly Point[];
  readonly #queue: Point[];
  readonly #until: number;
  /** What each lane that works deals with. */
  readonly #busy = new Map<number, Way>();

  constructor(campaign: Campaign, points: readonly Point[], until: number) {
    this.#campaign = campaign;
    this.#points = points;
    this.#queue = [...points];
    this.#until = until;
  }

  /** Tries points on a lane until none is left for it. */
  async on(number: number, starting: Promise<Lane>): Promise<void> {
    let lane = await starting;
    let isNew = false;
    this.#busy.set(number, lane.way);
    try {
      for (let point = this.#next(number); point !== undefined && performance.now() < this.#until; point = this.#next(number)) {
        if (lane.way !== point.way) await lane.become(point.way);
        const isSound = await this.#try(number, lane, point);
        if (isSound) continue;
        try {
          await lane.repair();
        } catch (error) {
          this.#campaign.say(`lane ${number} is beyond repair, a new lab: ${error instanceof Error ? error.message : String(error)}`);
          await lane[Symbol.asyncDispose]();
          lane = await startLane(number, point.way, this.#campaign.say);
          isNew = true;
        }
      }
    } finally {
      this.#busy.delete(number);
      if (isNew) await lane[Symbol.asyncDispose]();
    }
  }

  /** The next point of the lane's way; of another one when that is worth the change, or nobody else is there to do it. */
  #next(number: number): Point | undefined {
    const own = this.#queue.findIndex(({ way }) => way === this.#busy.get(number));
    if (own >= 0) return this.#queue.splice(own, 1)[0];
    const [first] = this.#queue;
    if (first === undefined) return undefined;
    if (this.#queue.length <= worthChange && [...this.#busy].some(([other, way]) => other !== number && way === first.way)) return undefined;
    this.#busy.set(number, first.way);
    return this.#queue.shift();
  }

  /** @returns whether the lane is fit for another point as it is */
  async #try(number: number, lane: Lane, point: Point): Promise<boolean> {
    const { say, record: folder } = this.#campaign;
    const started = performance.now();
    let one: Tried;
    let isSound = false;
    let times = "";
    try {
      const { verdict, seen } = await attempt(lane, point);
      one = { point, ...verdict };
      isSound = verdict.isSound;
      times = seen.times.join(", ");
      if (folder !== undefined && verdict.problems.length > 0) await record(folder, seen);
    } catch (error) {
      one = { point, problems: [`the campaign itself failed: ${error instanceof Error ? error.message : String(error)}`], sent: 0, lost: 0, excused: 0, endMs: 0 };
    }
    this.tried.push(one);
    const took = ((performance.now() - started) / 1000).toFixed(1);
    say(`[${this.tried.length}/${this.#points.length}] lane ${number} ${point.id}: ${one.problems.length === 0 ? "survived" : `FAILED: ${one.problems.join("; ")}`} (end ${(one.endMs / 1000).toFixed(1)} s, ${took} s: ${times})`);
    return isSound;
  }
}

/** So many points take as long as it takes a lane to begin another way. */
const worthChange = 4;

/** Tries a point; one whose boundary was not told, which chance decides in a race of two hosts, a second time. */
async function attempt(lane: Lane, point: Point): Promise<{ verdict: Verdict; seen: Observation }> {
  for (let again = true; ; again = false) {
    const { verdict, seen } = await lane.try(point);
    if (seen.run.struckAt === undefined && again && verdict.problems.length === 1) continue;
    return { verdict, seen };
  }
}

async function record(folder: string, seen: Observation): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/${seen.point.id.replaceAll("/", "__").slice(0, 200)}.json`, JSON.stringify(seen, null, 1));
}
