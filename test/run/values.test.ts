import { expect, test } from "bun:test";
import { Secret } from "../../lib/ground/secret.ts";
import type { Settings } from "../../lib/config/settings.ts";
import { unreadNotes } from "../../lib/plan/unread.ts";
import { planAccessoryExec } from "../../lib/run/accessory-exec.ts";
import { planChange, runChange } from "../../lib/run/change.ts";
import { changes } from "../../lib/run/changes.ts";
import { errandPlan } from "../../lib/run/each-host.ts";
import { planExec, type ExecPlan } from "../../lib/run/exec.ts";
import { accessoryOf, roleOf, settingsOf, traefikOf, traefikSettingsOf } from "../support/settings.ts";
import { obliging, taskOf } from "../support/task.ts";
import { fakeWorld } from "../support/world.ts";

const hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.9"];
const answers = Object.fromEntries(hosts.map((host) => [host, obliging()]));

/** A shop whose secret is known once it was loaded. */
function shopWith(value: string): Settings {
  let known: string | undefined;
  const env = { clear: {}, secret: { KEY: new Secret("KEY", () => known) } };
  const base = settingsOf();
  return settingsOf({
    roles: [roleOf("web", { env, proxy: traefikOf() })], accessories: [accessoryOf("db", { env })], traefik: traefikSettingsOf({ env }),
    secrets: { ...base.secrets, load: async () => { known = value; } },
  });
}

const rows = { appBoot: () => changes.appBoot(), healthcheck: () => changes.healthcheck(), accessoryBoot: () => changes.accessoryBoot("db"), accessoryReboot: () => changes.accessoryReboot("db", false), proxyBoot: () => changes.proxyBoot(), proxyReboot: () => changes.proxyReboot() };
const starting = (ran: readonly string[]): readonly string[] => ran.filter((text) => /docker (run|create) .*--env-file/.test(text));

test.each(Object.entries(rows))("%s hands on what no env file can hold, and writes it first", async (_name, row) => {
  const fake = fakeWorld({ answers });
  await runChange(fake.world, taskOf(shopWith("-----BEGIN\nabc\n"), { version: "77" }), row());
  const starts = starting(fake.ran);
  expect(starts.length).toBeGreaterThan(0);
  for (const start of starts) {
    const [, file] = /sh -c '\. \.\/(\S+\.values) && exec "\$@"' sh docker (?:run|create) .*--env-file \S+\.env --env KEY /.exec(start) ?? [];
    const written = fake.ran.findIndex((text) => text.includes(`mv -f ${file}.new ${file}`));
    expect([written >= 0, written < fake.ran.indexOf(start)]).toEqual([true, true]);
  }
  expect(fake.ran.join("\n")).not.toMatch(/abc|rm -f \S+\.values \|\|/);
});

test.each(Object.entries(rows))("%s is as ever with plain secrets, and takes away what an earlier run had to write", async (_name, row) => {
  const fake = fakeWorld({ answers });
  await runChange(fake.world, taskOf(shopWith("plain"), { version: "77" }), row());
  expect(starting(fake.ran).filter((text) => /--env KEY|exec "\$@"/.test(text))).toEqual([]);
  const removing = fake.ran.filter((text) => text.includes(".values"));
  expect(removing.length).toBe(starting(fake.ran).length);
  for (const text of removing) expect(text).toMatch(/mv -f (\S+)\.env\.new \1\.env && rm -f \1\.values( \1\.made-with)? \|\|/);
});

test.each(Object.entries(rows))("a plan of %s reads no secret, and says what it cannot know", async (_name, row) => {
  const plan = await planChange(fakeWorld({ answers }).world, taskOf(shopWith("a\nb"), { version: "77" }), row(), undefined);
  expect(JSON.stringify(plan)).not.toMatch(/--env KEY|--env","KEY|exec \\"\$@/);
  expect(unreadNotes(plan)).toEqual([expect.stringContaining("Secrets are not read for a plan: ")]);
});

test("a plan that brings no secret says nothing of them", async () => {
  const settings = settingsOf({ roles: [roleOf("web", { env: { clear: {}, secret: {} } })] });
  for (const row of [changes.appBoot(), changes.appStop()]) expect(unreadNotes(await planChange(fakeWorld({ answers }).world, taskOf(settings, { version: "77" }), row, undefined))).toEqual([]);
});

const ways: Readonly<Record<string, (settings: Settings, calling: boolean) => Promise<ExecPlan>>> = {
  "app exec": (settings, calling) => planExec(taskOf(settings), ["env"], { reuse: false, env: {}, detach: false, interactive: "terminal" }, { seed: "5eed", recordedAt: "2030-01-02T03:04:05Z", calling }),
  "accessory exec": (settings, calling) => planAccessoryExec(fakeWorld().world, taskOf(settings), "db", ["env"], { reuse: false, interactive: "terminal", calling }),
};
test.each(Object.entries(ways))("%s hands on values too; only a plan does not know them", async (_name, plan) => {
  const { prepare, errands } = await plan(shopWith("a\tb"), true);
  expect(errands.map(({ command }) => command.text)).toEqual([expect.stringMatching(/^sh -c '\. \.\/\S+\.values && exec "\$@"' sh docker run -it .*--env-file \S+\.env --env KEY .* env$/)]);
  expect(prepare.filter(({ command }) => command.text.includes(".values.new")).map(({ command }) => String(command.input))).toEqual([expect.stringMatching(/^‹secret values of (web|db)›$/)]);
  const plain = await plan(shopWith("ab"), true);
  expect([...plain.prepare, ...plain.errands].filter(({ command }) => command.text.includes(".values"))).toEqual([]);
  const dry = await plan(shopWith("a\tb"), false);
  expect(dry.errands.map(({ command }) => command.text)).toEqual([expect.stringMatching(/^docker run -it /)]);
  expect(unreadNotes({ notes: [], phases: [errandPlan("Prepare hosts", dry.prepare)] })).toHaveLength(1);
});
