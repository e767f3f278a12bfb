/** The fault campaign: `bun run faults [--seed N] [--points N] [--lanes N] [--operation X] [--way X] [--fault X] [--point ID] [--minutes N] [--write] [--record FOLDER]`. */
import { writeFile } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import { asRoot } from "../as-root.ts";
import { clearOwn } from "../lab.ts";
import { PrerequisiteError } from "../prerequisites.ts";
import { runCampaign } from "./campaign.ts";
import { ownTree, runFromCopy } from "./copy.ts";
import { campaignOptions, usualCount, type CampaignOptions } from "./options.ts";
import { pickPoints, pointOf, type AllBoundaries, type Point } from "./points.ts";
import { failureLines, page, tableText } from "./table.ts";

try {
  const options = campaignOptions(process.argv.slice(2));
  const self = [process.execPath, ...process.argv.slice(1)];
  const again = asRoot(self);
  if (again !== self) process.exit(await Bun.spawn([...again], { stdin: "inherit", stdout: "inherit", stderr: "inherit" }).exited);
  // The tree may change while this runs: what was there at the start is what is tried.
  process.exit(ownTree === undefined ? await runFromCopy(process.argv.slice(2)) : await main(options, ownTree));
} catch (error) {
  console.error(error instanceof PrerequisiteError || !(error instanceof Error) ? String(error) : (error.stack ?? error.message));
  process.exit(2);
}

/** @param tree that the campaign was started in */
async function main(options: CampaignOptions, tree: string): Promise<number> {
  const stop = (): void => {
    console.log("\nTaking the labs down");
    void clearOwn().then(() => process.exit(130));
  };
  process.once("SIGINT", stop).once("SIGTERM", stop).once("SIGHUP", stop);
  const started = performance.now();
  const { tried, boundaries, picked } = await runCampaign({
    lanes: options.lanes, operations: options.operations, ways: options.ways, pick: (found) => pointsOf(options, found), say: (text) => console.log(`${stamp(started)} ${text}`),
    ...(options.minutes === undefined ? {} : { endsAfterMs: options.minutes * 60_000 }), ...(options.record === undefined ? {} : { record: options.record }),
  });
  const tookMs = performance.now() - started;
  const failed = failureLines(tried);
  console.log(`\n${tableText(tried)}\n`);
  for (const line of failed) console.log(`failed: ${line}`);
  console.log(`${tried.length - failed.length} of ${tried.length} survived, seed ${options.seed}, ${Math.round(tookMs / 1000)} s`);
  if (options.write) {
    const words = process.argv.slice(2);
    const command = ["bun run faults", ...words.filter((word, i) => !word.startsWith("--record") && words[i - 1] !== "--record")].join(" ");
    const machine = `${cpus().length} x ${cpus()[0]?.model.trim() || process.arch}, ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}, Bun ${Bun.version}`;
    await writeFile(`${tree}/docs/faults.md`, page(tried, {
      command, seed: options.seed, date: new Date().toISOString().slice(0, 10), machine, tookMs, picked,
      boundaries: Object.fromEntries(options.operations.map((operation) => [operation, new Set([...boundaries.values()].flatMap((those) => those.get(operation) ?? []).map(({ key }) => key)).size])),
    }));
  }
  return failed.length === 0 ? 0 : 1;
}

function stamp(started: number): string {
  const all = Math.round((performance.now() - started) / 1000);
  return `${String(Math.floor(all / 60)).padStart(2, "0")}:${String(all % 60).padStart(2, "0")}`;
}

/** @throws Error for a point whose boundary the operation does not tell */
function pointsOf({ point, seed, points, faults }: CampaignOptions, boundaries: AllBoundaries): readonly Point[] {
  if (point === undefined) return points === undefined ? pickPoints(boundaries, seed, usualCount, faults) : pickPoints(boundaries, seed, points, faults).slice(0, points);
  const all = boundaries.get(point.way)?.get(point.operation) ?? [];
  const boundary = all.find(({ key }) => key === point.key);
  if (boundary === undefined) throw new Error(`${point.operation} does not tell ${point.key}. It tells:\n${all.map(({ key }) => `  ${key}`).join("\n")}`);
  return [pointOf(point.way, point.operation, point.fault, boundary)];
}
