import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startLab, type Lab } from "./lab.ts";
import { lost, startLoad } from "./load.ts";
import { dockerClient } from "./prerequisites.ts";
import { proxyImage, proxyImageFile } from "./proxy-image.ts";
import { startRelay } from "./relay.ts";
import { must, run, until } from "./shell.ts";
import { watchProcesses } from "./watch.ts";

let lab: Lab;

beforeAll(async () => {
  const started = performance.now();
  lab = await startLab({ hosts: 2, diskMb: 300 });
  console.log(`2 hosts, a builder and a registry are up after ${((performance.now() - started) / 1000).toFixed(1)} s`);
}, 600_000);
afterAll(() => lab?.stop());

const ssh = (number: number, command: string) =>
  run(["ssh", "-F", "/dev/null", "-i", lab.key, "-o", `UserKnownHostsFile=${lab.folder}/home/.ssh/known_hosts`, "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=3", "-o", "BatchMode=yes", `root@${lab.host(number).address}`, command]);

describe("a host of the lab", () => {
  test("has its own name, home, Docker and host key", async () => {
    expect((await ssh(1, "uname -n; touch mark; docker info --format '{{.ServerVersion}}'")).stdout).toMatch(/^h1\n\d+\.\d+/);
    expect((await ssh(2, "ls mark")).status).not.toBe(0);
    expect(await lab.host(1).hostKey()).not.toBe(await lab.host(2).hostKey());
  });

  test("can be cut off and comes back", async () => {
    await lab.host(1).cut();
    expect((await ssh(1, "true")).status).toBe(255);
    await lab.host(1).restore();
    await until("ssh answers again", async () => (await ssh(1, "true")).status === 0);
  }, 30_000);

  test("loses sshd and Docker when they are killed, and gets them back", async () => {
    await lab.host(1).killSshd();
    expect((await ssh(1, "true")).stderr).toMatch(/refused/);
    await lab.host(1).startSshd();
    await lab.host(1).killDockerd();
    expect((await ssh(1, "docker info")).status).not.toBe(0);
    await lab.host(1).startDockerd();
    expect((await ssh(1, "docker info")).status).toBe(0);
  }, 60_000);

  test("has a disk that can be filled and freed", async () => {
    await lab.host(2).fillDisk();
    expect((await lab.host(2).exec("echo x > /var/lib/docker/x")).stderr).toMatch(/No space left|I\/O error/);
    await lab.host(2).freeDisk();
    expect((await lab.host(2).exec("echo x > /var/lib/docker/x")).status).toBe(0);
  }, 60_000);

  test("is gone with all its processes when its power is cut, and keeps its disk", async () => {
    await lab.host(2).powerOff();
    expect((await ssh(2, "true")).status).toBe(255);
    await lab.host(2).powerOn();
    await lab.host(2).ready();
    expect((await lab.host(2).exec("cat /var/lib/docker/x")).stdout).toBe("x\n");
  }, 60_000);

  test("has the real kamal-proxy", async () => {
    expect((await lab.host(1).docker("run", "--rm", proxyImage("kamal-proxy"), "kamal-proxy", "deploy", "--help")).stdout).toContain("--drain-timeout");
  });

  test("pulls what the builder pushed, with the registry's password only", async () => {
    const image = `${lab.registry.address}/lab/proxy:1`;
    await must([dockerClient, "load", "--quiet", "--input", await proxyImageFile("kamal-proxy", `unix://${lab.builder.dockerSocket}`)], { env: lab.env });
    await must([dockerClient, "tag", proxyImage("kamal-proxy"), image], { env: lab.env });
    expect((await run([dockerClient, "push", image], { env: lab.env })).status).not.toBe(0);
    await must([dockerClient, "login", lab.registry.address, "-u", lab.registry.username, "--password-stdin"], { env: lab.env, input: lab.registry.password });
    await must([dockerClient, "push", image], { env: lab.env });
    expect((await ssh(1, `docker pull ${image}`)).status).not.toBe(0);
    expect((await ssh(1, `echo ${lab.registry.password} | docker login ${lab.registry.address} -u ${lab.registry.username} --password-stdin && docker pull -q ${image}`)).status).toBe(0);
  }, 60_000);
});

test("a relay adds its delay in each direction", async () => {
  await using relay = await startRelay([lab.host(1).address], 100);
  const [name = "", port = ""] = relay.addresses[0]?.split(":") ?? [];
  const started = performance.now();
  await new Promise<void>((done, fail) => {
    void Bun.connect({ hostname: name, port: Number(port), socket: { data(socket) { socket.end(); done(); }, error: (_socket, error) => fail(error) } });
  });
  expect(performance.now() - started).toBeGreaterThan(95);
});

test("the load generator sees what goes wrong", async () => {
  let healthy = true;
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(healthy ? "a" : "b", { status: healthy ? 200 : 502 }) });
  const load = startLoad([`http://127.0.0.1:${server.port}/`], { rate: 100, slow: { count: 0, seconds: 0 }, streamTicks: 0 });
  await Bun.sleep(800);
  healthy = false;
  await Bun.sleep(300);
  await server.stop(true);
  await Bun.sleep(300);
  const report = await load.stop();
  expect(lost(report)).toBeGreaterThan(20);
  expect(Object.keys(report.errors)).toContain("HTTP 502");
  expect(Object.keys(report.errors).some((kind) => /REFUSED|RESET/i.test(kind))).toBe(true);
  expect(report.bodies["a"]).toBeGreaterThan(10);
});

test("the process watch sees a secret on a command line and in an environment", async () => {
  await using watch = watchProcesses(["planted-canary"], () => false);
  await Bun.sleep(100);
  const child = Bun.spawn(["sleep", "0.3"], { env: { CANARY: "planted-canary" } });
  await lab.host(1).exec("sh -c 'sleep 0.3' planted-canary");
  await child.exited;
  expect(new Set(watch.sightings.map(({ where }) => where))).toEqual(new Set(["cmdline", "environ"]));
});

test("twenty hosts come up", async () => {
  const started = performance.now();
  await using large = await startLab({ hosts: 20 });
  const took = (performance.now() - started) / 1000;
  console.log(`20 hosts are up after ${took.toFixed(1)} s`);
  expect(await Promise.all(large.hosts.map(async (host) => (await host.exec("uname -n")).stdout.trim()))).toEqual(large.hosts.map((host) => host.name));
}, 300_000);
