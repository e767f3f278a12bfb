import { describe, expect, test } from "bun:test";
import { planAccessoryExec } from "../../lib/run/accessory-exec.ts";
import { appExec } from "../../lib/run/exec.ts";
import { accessoryOf, settingsOf } from "../support/settings.ts";
import { taskOf } from "../support/task.ts";
import { fakeWorld } from "../support/world.ts";

const host = "10.0.0.9";
const cache = accessoryOf("cache", {
  hosts: [host, "10.0.0.8"],
  files: [{ source: { content: () => "made" }, hostPath: "shop-cache/etc/a", remote: "/etc/a", mode: "0640", owner: "9:9", options: undefined }],
  directories: [{ hostPath: "shop-cache/data", remote: "/data", mode: undefined, owner: undefined, options: undefined }],
});
const task = taskOf(settingsOf({ accessories: [cache] }), { command: "accessory", subcommand: "exec", version: undefined });
const fake = () => fakeWorld({ answers: { [host]: [[/./, ""]], "10.0.0.8": [[/./, ""]] } });
const words = ["redis-cli", "info"];

describe("planAccessoryExec()", () => {
  test("a new container finds what the accessory itself would: network, folders, files, environment", async () => {
    const { world, ran } = fake();
    const plan = await planAccessoryExec(world, task, "cache", words, { reuse: false, calling: true });
    expect(plan.prepare.filter((errand) => errand.host === host).map(({ command }) => /^docker (login|network inspect)|^mkdir -p \S+$|^chown \S+|> \S+\.new/.exec(command.text)?.[0])).toEqual(
      ["docker login", "docker network inspect", `mkdir -p "$PWD"/shop-cache/data`, "mkdir -p shop-cache/etc", "> shop-cache/etc/a.new", "chown 9:9", "> .kamal/apps/shop/env/accessories/cache.env.new"],
    );
    expect((await appExec(world, task, plan)).map((output) => [output.host, output.status])).toEqual([[host, 0], ["10.0.0.8", 0]]);
    const first = ran.findIndex((text) => text.includes("docker run"));
    expect(ran.slice(0, first).some((text) => text.startsWith(host) && text.includes("docker network inspect kamal"))).toBe(true);
  });

  test("names the container, so that a session that is cut off leaves none", async () => {
    const plan = await planAccessoryExec(fake().world, task, "cache", words, { reuse: false, interactive: "terminal", calling: true });
    expect(plan.errands).toHaveLength(1);
    const [errand] = plan.errands;
    const name = /--name (shop-cache-exec-[0-9a-f]{6}) /.exec(errand?.command.text ?? "")?.[1];
    expect(errand?.leftover?.text).toBe(`docker rm --force ${name}`);
    expect([...new Set(plan.prepare.map((one) => one.host))]).toEqual([host]);
  });

  test("with --reuse brings nothing", async () => {
    const plan = await planAccessoryExec(fake().world, task, "cache", words, { reuse: true, calling: true });
    expect([plan.prepare, plan.errands.map(({ command, leftover }) => [command.text, leftover])]).toEqual([[], [["docker exec shop-cache redis-cli info", undefined], ["docker exec shop-cache redis-cli info", undefined]]]);
  });

  test("a plan that is only shown calls no function of the config", async () => {
    const settings = settingsOf({ accessories: [{ ...cache, files: cache.files.map((file) => ({ ...file, source: { content: () => { throw new Error("it was called"); } } })) }] });
    const run = (calling: boolean) => planAccessoryExec(fake().world, taskOf(settings), "cache", words, { reuse: false, calling });
    expect((await run(false)).errands).toHaveLength(2);
    await expect(run(true)).rejects.toMatchObject({ failure: "config" });
  });

  test("asks for one accessory", async () => expect(planAccessoryExec(fake().world, task, "all", words, { reuse: false, calling: true })).rejects.toMatchObject({ failure: "usage", hint: "The accessories are: cache." }));
});
