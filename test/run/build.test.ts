import { describe, expect, test } from "bun:test";
import { ConnectError, DeployError } from "../../lib/ground/errors.ts";
import type { Settings } from "../../lib/config/settings.ts";
import { planChange, runChange, type Change } from "../../lib/run/change.ts";
import { changes } from "../../lib/run/changes.ts";
import { localRegistry, withBuilder } from "../support/build.ts";
import { settingsOf } from "../support/settings.ts";
import { obliging, taskOf } from "../support/task.ts";
import { fakeWorld, type FakeOptions, type FakeWorld, type Table } from "../support/world.ts";

const both = { local: true, remote: true };
/** Docker and buildx are here, a builder is not; there is no git repository. */
const bare: Table = [[/^git /, 128], [/buildx inspect/, 1], [/context inspect/, 1], [/^uname/, "x86_64\n"], [/docker info/, "\n"], [/docker version/, ""], [/./, "1.2\n"]];
const noHosts = { onConnect: (host: string) => { throw new Error(`Nobody was to connect to ${host}`); } };

async function carry(settings: Settings, change: Change, options: FakeOptions): Promise<FakeWorld & { error: DeployError | undefined }> {
  const fake = fakeWorld(options);
  const error = await runChange(fake.world, taskOf(settings), change).then(() => undefined, (thrown: unknown) => thrown);
  if (error !== undefined && !(error instanceof DeployError)) throw error;
  return { ...fake, error };
}
const programs = ({ ran }: FakeWorld): string[] => ran.flatMap((text) => (/^here \$ (docker (?!--version|buildx version|info)|pack build)/.test(text) ? [text.slice("here $ ".length)] : []));

describe("build push", () => {
  test("takes no lock and connects to no host: only this machine is busy", async () => {
    const done = await carry(settingsOf(), changes.buildPush({}), { here: bare, ...noHosts });
    expect(done.error).toBeUndefined();
    expect(done.events[0]).toMatchObject({ type: "start", hosts: [] });
    expect(done.events.flatMap((event) => (event.type === "phase-start" ? [event.phase] : []))).toEqual(["Read secrets", "Prepare the build", "Build and push image"]);
    expect(programs(done)).toEqual([
      "docker buildx inspect kamal-local-docker-container", "docker login --username bot --password-stdin", "docker buildx rm kamal-local-docker-container",
      "docker buildx create --name kamal-local-docker-container --driver=docker-container",
      "docker buildx build --output=type=registry --platform linux/amd64 --builder kamal-local-docker-container -t acme/shop:2 -t acme/shop:latest --label service=shop --file Dockerfile .",
    ]);
  });

  test("opens the way from the remote builder to a local registry for the build alone", async () => {
    const settings = withBuilder({ arch: ["arm64"], remote: "ssh://root@b.example", local: false }, localRegistry);
    const done = await carry(settings, changes.buildPush({}), { here: bare, answers: { "root@b.example": [[/^true$/, ""]] } });
    expect(done.error).toBeUndefined();
    const at = (pattern: RegExp): number => done.ran.findIndex((text) => pattern.test(text));
    const order = [/kamal-docker-registry/, /b\.example \$ true/, /open tunnel 5001/, /buildx create/, /buildx build/, /close tunnel 5001/].map(at);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).not.toContain(-1);
  });

  test("stops before anything is made when the remote builder cannot be reached", async () => {
    const settings = withBuilder({ arch: ["arm64"], remote: "ssh://root@b.example", local: false });
    const done = await carry(settings, changes.buildPush({}), { here: bare, answers: { "root@b.example": [[/^true$/, 1]] } });
    expect(done.error).toMatchObject({ state: ["Nothing was changed on any host."], hint: "Check builder.remote, and that `ssh` gets there without a password." });
    expect(programs(done).some((text) => text.includes("create"))).toBe(false);
  });

  test("makes a remote builder anew that leads to another machine", async () => {
    const name = "kamal-remote-ssh---root-b-example";
    const settings = withBuilder({ arch: ["arm64"], remote: "ssh://root@b.example", local: false });
    const here: Table = [[/^git /, 128], [/buildx inspect/, `Endpoint: ${name}-context\n`], [/context inspect/, "ssh://root@old.example\n"], [/./, "1.2\n"]];
    const done = await carry(settings, changes.buildPush({}), { here, answers: { "root@b.example": [[/^true$/, ""]] } });
    expect(programs(done).filter((text) => / rm | create /.test(text)).map((text) => text.split(" ").slice(0, 3).join(" "))).toEqual(["docker buildx rm", "docker context rm", "docker context create", "docker buildx create"]);
  });
});

describe("a registry on this machine", () => {
  const settings = settingsOf(localRegistry);
  const started = async (here: Table): Promise<string[]> => programs(await carry(settings, changes.registrySetup(settings, both), { here, ...noHosts }));

  test("that is there is started, else run", async () => {
    expect(await started([[/./, ""]])).toEqual(["docker start kamal-docker-registry"]);
    expect(await started([[/docker start/, 1], [/./, ""]])).toEqual(["docker start kamal-docker-registry", "docker run --detach -p 127.0.0.1:5001:5000 --name kamal-docker-registry registry:3"]);
  });

  test("that does not start says why", async () => {
    const { error } = await carry(settings, changes.registrySetup(settings, both), { here: [[/docker (start|run)/, 1], [/./, ""]], ...noHosts });
    expect(error).toMatchObject({ failure: "build", hint: "Check that Docker runs, and that port 5001 is free." });
  });

  test("is removed without asking any host, also when it is gone", async () => {
    const done = await carry(settings, changes.registryRemove(settings, both), { here: [[/^docker stop/, 1], [/./, ""]], ...noHosts });
    expect([done.error, ...programs(done)]).toEqual([undefined, "docker stop kamal-docker-registry", "docker rm --force --volumes kamal-docker-registry"]);
  });

  test("that cannot be removed is not called removed", async () => {
    const { error } = await carry(settings, changes.registryRemove(settings, both), { here: [[/^docker/, 1], [/./, ""]], ...noHosts });
    expect(error).toMatchObject({ failure: "build", hint: "Check that Docker runs: `docker info`." });
  });

  test("is reached by each host while it pulls, and not longer", async () => {
    const done = await carry(settings, changes.buildPull(), { here: bare, answers: { "10.0.0.1": obliging(), "10.0.0.2": obliging() } });
    expect(done.error).toBeUndefined();
    for (const host of ["10.0.0.1", "10.0.0.2"]) {
      const own = done.ran.filter((text) => text.startsWith(`${host} $ `)).map((text) => text.slice(`${host} $ `.length));
      expect(own.indexOf("docker pull localhost:5001/shop:2")).toBeGreaterThan(own.indexOf("open tunnel 5001"));
      expect(own.indexOf("close tunnel 5001")).toBeGreaterThan(own.indexOf("docker pull localhost:5001/shop:2"));
      expect(own.some((text) => text.includes("docker login"))).toBe(false);
    }
  });

  test("that one host cannot reach is pulled from nowhere: all tunnels close", async () => {
    const onTunnel = (host: string): void => {
      if (host === "10.0.0.2") throw new ConnectError(host, "protocol", "Cannot make port 5001 of this machine reachable from 10.0.0.2");
    };
    const done = await carry(settings, changes.buildPull(), { here: bare, answers: { "10.0.0.1": obliging(), "10.0.0.2": obliging() }, onTunnel });
    expect(done.error).toMatchObject({ failure: "connect", host: "10.0.0.2" });
    expect(done.ran.filter((text) => /docker pull|tunnel/.test(text))).toEqual(["10.0.0.1 $ open tunnel 5001", "10.0.0.1 $ close tunnel 5001"]);
  });
});

describe("one side of a registry", () => {
  test("is all that is logged in to", async () => {
    const here = await carry(settingsOf(), changes.registryLogin(settingsOf(), { local: true, remote: false }), { here: bare, ...noHosts });
    expect(programs(here)).toEqual(["docker login --username bot --password-stdin"]);
    const there = await carry(settingsOf(), changes.registryLogout(settingsOf(), { local: false, remote: true }), { here: bare, answers: { "10.0.0.1": obliging(), "10.0.0.2": obliging() } });
    expect([programs(there), there.ran.filter((text) => text.endsWith("docker logout"))]).toEqual([[], ["10.0.0.1 $ docker logout", "10.0.0.2 $ docker logout"]]);
  });

  test("of any registry is set up by logging in", async () => {
    const done = await carry(settingsOf(), changes.registrySetup(settingsOf(), { local: true, remote: false }), { here: bare, ...noHosts });
    expect(programs(done)).toEqual(["docker login --username bot --password-stdin"]);
  });
});

test("build dev, create and remove call no hook and take no lock", async () => {
  const hook = (): void => { throw new Error("No hook was to be called"); };
  const settings = settingsOf({ hooks: { preConnect: hook, preBuild: hook, onFailure: hook } });
  for (const change of [changes.buildDev({}), changes.buildCreate(), changes.buildRemove()]) expect((await carry(settings, change, { here: bare, ...noHosts })).error).toBeUndefined();
  const failed = await carry(settings, changes.buildDev({}), { here: [[/buildx build/, 1], ...bare], ...noHosts });
  expect(failed.error?.failure).toBe("build");
  expect(failed.events.filter(({ type }) => type === "notice")).toEqual([]);
});

test("a dry run of what happens here alone connects to nothing, also without --offline", async () => {
  const { world, ran } = fakeWorld({ here: bare, ...noHosts });
  const plan = await planChange(world, taskOf(settingsOf()), changes.buildPush({ output: "docker" }), undefined);
  expect(plan.phases.map(({ title }) => title)).toEqual(["Prepare the build", "Build image"]);
  expect(ran.every((text) => text.startsWith("here $ "))).toBe(true);
});
