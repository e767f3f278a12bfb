import { expect, test } from "bun:test";
import type { HookOutput, Hooks } from "../../lib/config/hooks.ts";
import type { Exit } from "../../lib/ground/world.ts";
import { lineReporter } from "../../lib/report/lines.ts";
import type { Verbosity } from "../../lib/report/reporter.ts";
import { plain } from "../../lib/report/style.ts";
import { changes } from "../../lib/run/changes.ts";
import { runChange } from "../../lib/run/change.ts";
import { settingsOf } from "../support/settings.ts";
import { obliging, taskOf } from "../support/task.ts";
import { fakeWorld } from "../support/world.ts";

const exit: Exit = { status: 0, signal: undefined, stdout: "", stderr: "", durationMs: 1 };

/** The lines that are shown of a preConnect hook which logs, runs a program, and throws if told so. */
async function shown(amount: HookOutput | undefined, verbosity: Verbosity, options: { readonly throws?: boolean; readonly skip?: boolean } = {}): Promise<string[]> {
  const preConnect: Hooks["preConnect"] = async ({ log, local }) => {
    log("checking");
    await local(["bin/check"]);
    if (options.throws === true) throw new Error("no");
  };
  const fake = fakeWorld({ answers: { "10.0.0.1": obliging(), "10.0.0.2": obliging() } });
  const settings = settingsOf({ hooks: { preConnect }, hooksOutput: amount === undefined ? {} : { preConnect: amount } });
  const programs = { run: async (...[program, limits]: Parameters<typeof fake.world.programs.run>) => {
    if (program.argv[0] === "bin/check") limits.onOutput?.("stderr", "all is well\n");
    return exit;
  } };
  const lines: string[] = [];
  const { report } = lineReporter((line) => lines.push(line.replace(/^[\d:]+ {2}/, "")), { verbosity, style: plain });
  await runChange({ ...fake.world, programs, report }, taskOf(settings, { hooks: options.skip !== true }), changes.redeploy({ skipPush: true })).catch(() => undefined);
  return lines.filter((line) => /hook preConnect|checking|all is well/.test(line)).map((line) => line.replace(/ +/g, " "));
}

const starts = "hook preConnect starts";
const says = ["checking", "here | all is well"];
const ends = "✓ hook preConnect 0.0 s";

test.each<[HookOutput | undefined, Verbosity, readonly string[]]>([
  [undefined, "normal", [...says, ends]],
  ["quiet", "normal", []],
  ["verbose", "normal", [starts, ...says, ends]],
  [undefined, "verbose", [starts, ...says, ends]],
  ["quiet", "verbose", [starts, ...says, ends]],
  ["verbose", "verbose", [starts, ...says, ends]],
  [undefined, "quiet", []],
  ["quiet", "quiet", []],
  ["verbose", "quiet", []],
])("a hook with hooksOutput %p shows when %s: %j", async (amount, verbosity, lines) => expect(await shown(amount, verbosity)).toEqual([...lines]));

test("a quiet hook that fails is shown", async () => {
  expect(await shown("quiet", "normal", { throws: true })).toEqual(["✗ hook preConnect failed after 0.0 s"]);
});

test("a quiet hook that is skipped is not worth a line", async () => {
  expect(await shown(undefined, "normal", { skip: true })).toEqual(["hook preConnect skipped"]);
  expect(await shown("quiet", "normal", { skip: true })).toEqual([]);
});
