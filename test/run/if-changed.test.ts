import { describe, expect, test } from "bun:test";
import type { Images } from "../../lib/ground/world.ts";
import { digestOf } from "../../lib/plan/made-with.ts";
import { planChange, runChange, type Change } from "../../lib/run/change.ts";
import { changes } from "../../lib/run/changes.ts";
import { orderOf } from "../support/facts.ts";
import { roleOf, settingsOf } from "../support/settings.ts";
import { containerLine, factsAnswer, obliging, taskOf } from "../support/task.ts";
import { fakeWorld, type FakeOptions, type Table } from "../support/world.ts";

const hooks = { preDeploy: () => void calls.push("preDeploy"), postDeploy: () => void calls.push("postDeploy") };
const calls: string[] = [];
const jobs = roleOf("web", { hosts: ["10.0.0.1", "10.0.0.2"], proxy: undefined });
const shop = settingsOf({ builder: { ...settingsOf().builder, context: "." }, roles: [jobs], hooks });
const [image, digest, other] = ["a", "b", "c"].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string, string];

/** What a host says of the container that serves. */
const serves = (host: string, of = image, secrets = "same"): Table => {
  const order = orderOf(shop, "2");
  return [
    [/^note=/, `0123456789ab ${digestOf(order, jobs, host)}\n${"a1".padEnd(64, "0")} ${host}-0123456789ab running ${of}\n${of} acme/shop@${digest}\n${of}\n${secrets}\n`],
    [/docker version/, `${factsAnswer([containerLine("web", "1", "a1")])}1 ${digest}\n`],
    ...obliging([containerLine("web", "1", "a1")]),
  ];
};
/** No buildx: Docker builds, and pushes what the registry does not have. */
const plain = (manifest: string | number = 1, identity = `${image} acme/shop@${digest}\n`): Table => [[/^git /, 128], [/buildx/, 1], [/image inspect/, identity], [/manifest inspect/, manifest], [/./, "20.10.24\n"]];
const pushed = JSON.stringify({ Descriptor: { digest } });

async function carry(change: Change, options: FakeOptions, settings = shop) {
  calls.length = 0;
  const fake = fakeWorld(options);
  const outcome = await runChange(fake.world, taskOf(settings), change);
  const on = (host: string): string[] => fake.ran.filter((text) => text.startsWith(`${host} $ `)).map((text) => text.slice(host.length + 3));
  return { ...fake, outcome, on, notices: fake.events.flatMap((event) => (event.type === "notice" ? [event.text] : [])) };
}

describe("deploy", () => {
  test("pushes nothing that the registry has, and hosts that have it pull nothing", async () => {
    const { on, notices } = await carry(changes.deploy({}), { here: plain(pushed), answers: { "10.0.0.1": serves("10.0.0.1"), "10.0.0.2": obliging() } });
    expect(on("here").filter((text) => text.startsWith("docker push"))).toEqual([]);
    expect(notices).toEqual(expect.arrayContaining(["The registry has acme/shop:2 as it was built: it is not pushed", "The registry has acme/shop:latest as it was built: it is not pushed"]));
    expect(on("10.0.0.1").filter((text) => /docker (pull|tag|login)/.test(text))).toEqual([`docker tag acme/shop@${digest} acme/shop:2`, "docker tag acme/shop:2 acme/shop:latest"]);
    expect(on("10.0.0.2").filter((text) => /docker (pull|tag|login)/.test(text))).toEqual(["docker login --username bot --password-stdin", "docker pull acme/shop:2", "docker tag acme/shop:2 acme/shop:latest"]);
    expect(on("10.0.0.1").some((text) => text.startsWith("docker run"))).toBe(true);
  });

  test("pushes what the registry has another of, or does not answer about, and what was never pushed without asking", async () => {
    const pushes = async (here: Table): Promise<string[]> => (await carry(changes.buildPush({}), { here })).on("here").filter((text) => /push|manifest/.test(text));
    const both = ["docker manifest inspect --verbose acme/shop:2", "docker push acme/shop:2", "docker manifest inspect --verbose acme/shop:latest", "docker push acme/shop:latest"];
    expect(await pushes(plain(JSON.stringify({ Descriptor: { digest: other } })))).toEqual(both);
    expect(await pushes(plain(1))).toEqual(both);
    expect(await pushes(plain(pushed, `${image}\n`))).toEqual(["docker push acme/shop:2", "docker push acme/shop:latest"]);
  });

  test("asks hosts nothing more than ever", async () => {
    const { on, outcome } = await carry(changes.deploy({}), { here: plain(pushed), answers: { "10.0.0.1": serves("10.0.0.1"), "10.0.0.2": serves("10.0.0.2") } });
    expect(on("10.0.0.1").some((text) => text.startsWith("note="))).toBe(false);
    expect([outcome.unchanged, outcome.to]).toEqual([undefined, "2"]);
  });
});

describe.each(["deploy", "redeploy"] as const)("%s --if-changed", (name) => {
  const change = changes[name]({ ifChanged: true });
  const changing = /docker (pull|tag|login|run|start|stop|rename|exec)|^mkdir|^echo|upload/;

  test("changes nothing on hosts where nothing has changed, calls no hook, and says so", async () => {
    const { on, outcome, notices, events } = await carry(change, { here: plain(pushed), answers: { "10.0.0.1": serves("10.0.0.1"), "10.0.0.2": serves("10.0.0.2") } });
    for (const host of ["10.0.0.1", "10.0.0.2"]) expect(on(host).filter((text) => changing.test(text) && !/^note=|docker version/.test(text))).toEqual([]);
    expect(notices.at(-1)).toBe("Unchanged, and not switched: web on 10.0.0.1, 10.0.0.2. Version 1 is the image of 2, with the same settings.");
    expect(outcome).toMatchObject({ from: ["1"], to: undefined, unchanged: [{ host: "10.0.0.1", role: "web", container: "shop-web-1", version: "1" }, { host: "10.0.0.2", role: "web", container: "shop-web-1", version: "1" }] });
    expect(events.at(-1)).toMatchObject({ type: "summary", ok: true, unchanged: [{ host: "10.0.0.1" }, { host: "10.0.0.2" }] });
    expect(calls).toEqual([]);
  });

  test.each<[string, Table]>([["the image", serves("10.0.0.2", other).map(([pattern, answer]) => [pattern, typeof answer === "string" ? answer.replaceAll(digest, other) : answer])], ["a secret", serves("10.0.0.2", image, "changed")], ["a container that is gone", [[/^note=/, 1], ...serves("10.0.0.2")]]])("switches where it has: %s", async (_title, table) => {
    const { on, outcome } = await carry(change, { here: plain(pushed), answers: { "10.0.0.1": serves("10.0.0.1"), "10.0.0.2": table } });
    expect([on("10.0.0.1"), on("10.0.0.2")].map((ran) => ran.some((text) => text.startsWith("docker run ")))).toEqual([false, true]);
    expect(outcome).toMatchObject({ to: "2", unchanged: [{ host: "10.0.0.1" }] });
    expect(calls).toEqual(["preDeploy", "postDeploy"]);
  });

  test("brings the image first where nobody knows what it is: an image from elsewhere", async () => {
    const { on, outcome } = await carry(changes[name]({ ifChanged: true, skipPush: true }), { here: plain(), answers: { "10.0.0.1": serves("10.0.0.1"), "10.0.0.2": serves("10.0.0.2") } });
    const own = on("10.0.0.1");
    expect(own.findIndex((text) => text.startsWith("docker pull"))).toBeLessThan(own.findIndex((text) => text.startsWith("note=")));
    expect([own.some((text) => text.startsWith("docker run ")), outcome.unchanged?.length]).toEqual([false, 2]);
  });

  test("knows an image that was delivered by its config and by its manifest", async () => {
    const variant = { platform: "linux/amd64", config: image, configSize: 1, layers: [] };
    const images = (config: string, manifest: string): Images => ({
      collect: async () => ({ name: "acme/shop:2", variants: [{ ...variant, config }] }), collected: async () => ({ name: "acme/shop:2", variants: [{ ...variant, config }] }),
      archive: async () => ({ id: "0".repeat(32), manifest, size: 0, digest: async () => "", read: async function* () {} }), verify: async () => 0,
    });
    const without = { ...shop, withoutRegistry: true, registry: { server: undefined, username: undefined, password: undefined } };
    const order = orderOf(without, "2");
    const table = (host: string): Table => [[/^note=/, `0123456789ab ${digestOf(order, jobs, host)}\n${"a1".padEnd(64, "0")} ${host}-0123456789ab running ${image}\n${image}\n\nsame\n`], ...obliging([containerLine("web", "1", "a1")])];
    const answers = { "10.0.0.1": table("10.0.0.1"), "10.0.0.2": table("10.0.0.2") };
    for (const [config, manifest] of [[image, other], [other, image]] as const) expect((await carry(change, { here: plain(), images: images(config, manifest), answers }, without)).outcome.unchanged?.length).toBe(2);
  });

  test("a plan says that it cannot tell, and asks nothing", async () => {
    const { world, ran } = fakeWorld({ here: plain(), answers: { "10.0.0.1": serves("10.0.0.1"), "10.0.0.2": serves("10.0.0.2") } });
    const plan = await planChange(world, taskOf(shop), change, undefined);
    expect(plan.notes).toContain("A plan builds nothing, so it cannot tell what is unchanged: this is what is done where anything has changed.");
    expect(plan.phases.filter(({ title }) => title === "Pull image").length).toBe(1);
    expect(ran.some((text) => text.includes("note="))).toBe(false);
  });
});

test("buildx tells what it pushed: a host that has it pulls nothing", async () => {
  const said = `#8 pushing manifest for acme/shop:2@${digest} 0.1s done\n`;
  const here: Table = [[/^git /, 128], [/buildx build/, said], [/./, "1.2\n"]];
  const fake = fakeWorld({ here, answers: { "10.0.0.1": serves("10.0.0.1"), "10.0.0.2": serves("10.0.0.2") } });
  const { programs } = fake.world;
  const world = { ...fake.world, programs: { run: async (...[program, limits]: Parameters<typeof programs.run>) => { const exit = await programs.run(program, limits); limits.onOutput?.("stderr", exit.stdout); return exit; } } };
  await runChange(world, taskOf(shop), changes.deploy({}));
  expect(fake.ran.filter((text) => /docker pull|docker tag acme\/shop@/.test(text))).toEqual(["10.0.0.1", "10.0.0.2"].map((host) => `${host} $ docker tag acme/shop@${digest} acme/shop:2`));
});

describe("a plan that was made before the image is says that a host may have it", () => {
  const note = "Only the build tells which image it is: a host that has it already, by its digest, names it instead of pulling it, and what the registry has of it is not pushed again.";
  const noted = async (change: Change, settings = shop, table: (host: string) => Table = serves): Promise<boolean> => {
    const { world } = fakeWorld({ here: plain(), answers: { "10.0.0.1": obliging(), "10.0.0.2": table("10.0.0.2") } });
    return (await planChange(world, taskOf(settings), change, undefined)).notes.includes(note);
  };
  test.each(["deploy", "redeploy", "setup"] as const)("%s", async (name) => expect(await noted(changes[name]({}))).toBe(true));
  test("with --if-changed too, and where it is only brought to the hosts", async () => expect([await noted(changes.deploy({ ifChanged: true })), await noted(changes.buildDeliver({}))]).toEqual([true, true]));
  test.each<[string, Change, typeof shop, ((host: string) => Table) | undefined]>([
    ["nothing is built", changes.deploy({ skipPush: true }), shop, undefined],
    ["no host has an image of the app", changes.deploy({}), shop, () => obliging()],
    ["there is no registry", changes.deploy({}), { ...shop, withoutRegistry: true }, undefined],
    ["no host is told", changes.buildPush({}), shop, undefined],
  ])("not where %s", async (_title, change, settings, table) => expect(await noted(change, settings, table)).toBe(false));
});
