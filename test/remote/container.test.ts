import { describe, expect, test } from "bun:test";
import { Command } from "../../lib/ground/command.ts";
import type { Role, Settings } from "../../lib/config/settings.ts";
import {
  containerLogs, containerLogsOf, containersOf, containerState, detailsOfRole, execInContainer, isStopped, listContainers, removeContainer, removeStarted, renameContainer, runContainer, runOneOff, runTrial, startContainer, stopContainer,
} from "../../lib/remote/container.ts";
import { currentContainerId, currentVersion } from "../../lib/remote/current.ts";
import { Home, run, shells } from "../support/shell.ts";
import { roleOf, settingsOf } from "../support/settings.ts";
import { words } from "../support/words.ts";

const web = (more: Partial<Role> = {}, settings: Settings = settingsOf(), host = "10.0.0.1"): string => runContainer({ settings, role: roleOf("web", more), host, version: "77" }).text;
const jobs = (more: Partial<Role> = {}): string => runContainer({ settings: settingsOf(), role: roleOf("jobs", { hosts: ["10.0.0.2"], cmd: "bin/work", ...more }), host: "10.0.0.2", version: "77" }).text;
/** The words of the command from `first` up to, not including, `last`. */
const between = (text: string, first: string, last: string): string[] => {
  const all = words(text);
  return all.slice(all.indexOf(first), all.indexOf(last, all.indexOf(first)));
};

describe("runContainer() prints the words that Kamal runs", () => {
  test("A1: plain run of the primary role", () => {
    expect(words(web())).toEqual(words(`docker run --detach --restart unless-stopped --name shop-web-77 --network kamal --env KAMAL_CONTAINER_NAME="shop-web-77" --env KAMAL_VERSION="77" --env KAMAL_HOST="10.0.0.1" --env-file .kamal/apps/shop/env/roles/web.env --log-opt max-size="10m" --label service="shop" --label role="web" --label destination acme/shop:77`));
  });

  test("A1: the host name stands right after the network", () => {
    const text = runContainer({ settings: settingsOf(), role: roleOf("web"), host: "10.0.0.1", version: "77", hostnameHex: "0123456789ab" }).text;
    expect(text).toContain("--network kamal --hostname 10.0.0.1-0123456789ab --env KAMAL_CONTAINER_NAME=shop-web-77 ");
  });

  test("A2: other role with cmd and docker options", () => {
    expect(words(jobs({ options: { memory: "1g", init: true } }))).toEqual(words(`docker run --detach --restart unless-stopped --name shop-jobs-77 --network kamal --env KAMAL_CONTAINER_NAME="shop-jobs-77" --env KAMAL_VERSION="77" --env KAMAL_HOST="10.0.0.2" --env-file .kamal/apps/shop/env/roles/jobs.env --log-opt max-size="10m" --label service="shop" --label role="jobs" --label destination --memory "1g" --init acme/shop:77 bin/work`));
  });

  test("A3: destination", () => {
    expect(words(web({}, settingsOf({ destination: "qa" })))).toEqual(words(`docker run --detach --restart unless-stopped --name shop-web-qa-77 --network kamal --env KAMAL_CONTAINER_NAME="shop-web-qa-77" --env KAMAL_VERSION="77" --env KAMAL_HOST="10.0.0.1" --env KAMAL_DESTINATION="qa" --env-file .kamal/apps/shop-qa/env/roles/web.env --log-opt max-size="10m" --label service="shop" --label role="web" --label destination="qa" acme/shop:77`));
  });

  test("A5: volumes stand between log options and labels", () => {
    expect(words(web({ volumes: ["media:/media"] }))).toEqual(words(`docker run --detach --restart unless-stopped --name shop-web-77 --network kamal --env KAMAL_CONTAINER_NAME="shop-web-77" --env KAMAL_VERSION="77" --env KAMAL_HOST="10.0.0.1" --env-file .kamal/apps/shop/env/roles/web.env --log-opt max-size="10m" --volume media:/media --label service="shop" --label role="web" --label destination acme/shop:77`));
  });

  test("A5: a volume in the home directory is expanded on the host", async () => {
    const { stdout } = await run(`${web({ volumes: ["$PWD/a b:/a", "~/c:/c", "${PWD}/d:/d"] }).replace("docker run", "printf '%s\\n'")}`, { cwd: "/", env: { HOME: "/home/ann" } });
    expect(stdout.split("\n").filter((line) => line.includes(":/"))).toEqual(["//a b:/a", "/home/ann/c:/c", "//d:/d"]);
  });

  test.each<[string, Role["logging"], string]>([
    ["A6: driver and options of web", { driver: "journald", options: { tag: "shop", env: "A" } }, `--log-driver "journald" --log-opt tag="shop" --log-opt env="A"`],
    ["A6: driver and option of jobs", { driver: "journald", options: { tag: "jobs" } }, `--log-driver "journald" --log-opt tag="jobs"`],
    ["A6: nothing said", { driver: undefined, options: {} }, `--log-opt max-size="10m"`],
  ])("%s", (_title, logging, expected) => {
    expect(between(web({ logging }), words(expected)[0] ?? "", "--label")).toEqual(words(expected));
  });

  test("A7: labels of the config follow ours, in their order", () => {
    expect(between(web({ labels: { team: "core", tier: "edge", note: "a b" } }), "--label", "acme/shop:77")).toEqual(words(`--label service="shop" --label role="web" --label destination --label team="core" --label tier="edge" --label note="a b"`));
  });

  test.each([
    ["frontend-node-seventeen.cluster-nine.eu-central.example.net", "frontend-node-seventeen.cluster-nine.eu-central.exa-0123456789ab"],
    ["worker-pool-alpha-number-twenty-three.internal-net.example.org", "worker-pool-alpha-number-twenty-three.internal-net-0123456789ab"],
  ])("A8: container host name of %s", (host, hostname) => {
    const text = runContainer({ settings: settingsOf(), role: roleOf("web"), host, version: "77", hostnameHex: "0123456789ab" }).text;
    expect(text).toContain(` --hostname ${hostname} --env `);
    expect(text).toContain(` --env KAMAL_HOST=${host} `);
  });

  test("B1: scalars; an empty value stays empty, where Kamal would take the variable of the host's shell", () => {
    const text = web({ env: { clear: { PORT: 3000, FLAG: true, OFF: false, NAME: "a b", EMPTY: "" }, secret: {} } });
    const all = between(text, "PORT=3000", "--log-opt");
    expect(all).toEqual(words(`PORT="3000" --env FLAG="true" --env OFF=false --env NAME="a b" --env EMPTY= --env-file .kamal/apps/shop/env/roles/web.env`));
  });

  test.each<[string, Role["env"]["clear"], string]>([
    ["web 10.0.0.1", { MODE: "base", CACHE: "off", LEVEL: "2", SIZE: "eu", ZONE: "eu" }, `--env MODE="base" --env CACHE="off" --env LEVEL="2" --env SIZE="eu" --env ZONE="eu"`],
    ["web 10.0.0.3", { MODE: "base", CACHE: "off", LEVEL: "1" }, `--env MODE="base" --env CACHE="off" --env LEVEL="1"`],
    ["jobs 10.0.0.2", { MODE: "base", CACHE: "on", LEVEL: "1", ZONE: "eu", SIZE: "eu" }, `--env MODE="base" --env CACHE="on" --env LEVEL="1" --env ZONE="eu" --env SIZE="eu"`],
  ])("B3: merged env of %s keeps its order", (_title, clear, expected) => {
    const all = words(web({ env: { clear, secret: {} } }));
    expect(all.slice(all.indexOf("MODE=base") - 1, all.indexOf("--env-file"))).toEqual(words(expected));
  });

  test("B6: of all shell characters only ${NAME} is expanded on the host", async () => {
    const clear = { A: "${REGION}-x", B: "$HOME", C: "`id`", D: 'say "hi"', E: "a\\b", F: "$(id)", G: "${none:-d}$x", H: "it's\ntwo", I: "${not a name}" };
    const { stdout } = await run(web({ env: { clear, secret: {} } }).replace("docker run", "printf '%s\\0'"), { env: { REGION: "eu" } });
    const all = stdout.split("\0");
    expect(all.slice(all.indexOf("A=eu-x"), all.indexOf("--env-file")).filter((word) => word !== "--env")).toEqual(["A=eu-x", "B=$HOME", "C=`id`", 'D=say "hi"', "E=a\\b", "F=$(id)", "G=d$x", "H=it's\ntwo", "I=${not a name}"]);
  });

  test("options: a list repeats the flag, false is said, the restart policy has its own place", () => {
    const text = web({ options: { restart: "always", "cap-add": ["A", "B"], init: false, cpus: 2 } });
    expect(words(text).slice(0, 6)).toEqual(["docker", "run", "--detach", "--restart", "always", "--name"]);
    expect(text).toContain("--label destination --cap-add A --cap-add B --init false --cpus 2 acme/shop:77");
  });

  test("name and image can be others", () => {
    expect(runContainer({ settings: settingsOf(), role: roleOf("web"), host: "h", version: "77", name: "x", image: "y@sha256:0" }).text).toMatch(/--name x .*KAMAL_CONTAINER_NAME=x .* y@sha256:0$/);
  });
});

test("M4: runTrial() gives the trial what the app's own container is given, but no label of the app", () => {
  const text = runTrial({ settings: settingsOf({ destination: "qa" }), role: roleOf("web"), host: "10.0.0.1", version: "77", name: "healthcheck-shop-qa-77" }).text;
  expect(text).toBe("docker run --detach --name healthcheck-shop-qa-77 --network kamal --label service=healthcheck-shop-qa --env KAMAL_CONTAINER_NAME=healthcheck-shop-qa --env KAMAL_VERSION=77 --env KAMAL_HOST=10.0.0.1 --env KAMAL_DESTINATION=qa --env-file .kamal/apps/shop-qa/env/roles/web.env acme/shop:77");
});

describe("commands on one container", () => {
  test("A10: renameContainer() makes place", () => expect(renameContainer("shop-web-77", "shop-web-77_replaced_0011223344556677").text).toBe("docker rename shop-web-77 shop-web-77_replaced_0011223344556677"));

  test.each<[string, string, number | undefined, string]>([
    ["A13 a web", "shop-web-70", undefined, `docker container ls --all --filter 'name=^shop-web-70$' --quiet | xargs docker stop`],
    ["A13 a jobs", "shop-jobs-70", 30, `docker container ls --all --filter 'name=^shop-jobs-70$' --quiet | xargs docker stop -t 30`],
    ["A13 b jobs", "shop-jobs-70", 12, `docker container ls --all --filter 'name=^shop-jobs-70$' --quiet | xargs docker stop -t 12`],
    ["A13 c web", "shop-web-70", 45, `docker container ls --all --filter 'name=^shop-web-70$' --quiet | xargs docker stop -t 45`],
    ["A12 stale", "shop-web-75", undefined, `docker container ls --all --filter 'name=^shop-web-75$' --quiet | xargs docker stop`],
    ["A12 replaced", "shop-web-74_replaced_0011223344556677", undefined, `docker container ls --all --filter 'name=^shop-web-74_replaced_0011223344556677$' --quiet | xargs docker stop`],
  ])("%s: stopContainer()", (_title, name, seconds, expected) => expect(stopContainer(name, seconds).text).toBe(expected));

  test.each<[what: string, docker: string, status: number]>([["it is gone", "", 0], ["it runs", "echo 0a1b2c3d4e5f", 1], ["Docker does not answer", "exit 1", 1]])("isStopped() when %s", async (_what, docker, status) => {
    using home = new Home().program("docker", docker);
    expect((await home.run(isStopped("shop-web-75").text)).status).toBe(status);
  });

  test("start, details and lists", () => {
    expect(startContainer("shop-web-77").text).toBe("docker start shop-web-77");
    expect(detailsOfRole(settingsOf({ destination: "qa" }), "web").text).toBe("docker ps --filter label=service=shop --filter label=destination=qa --filter label=role=web");
    expect(listContainers(settingsOf()).text).toBe("docker container ls --all --filter label=service=shop --filter label=destination=");
  });

  test.each([["is gone", 1, 1, 0], ["cannot be removed", 1, 0, 1], ["was removed", 0, 1, 0]])("removeContainer() of one that %s", async (_title, rm, inspect, status) => {
    using home = new Home().program("docker", `case $1 in rm) exit ${rm} ;; *) exit ${inspect} ;; esac`);
    expect((await home.run(removeContainer("shop-web-77").text)).status).toBe(status);
  });
});

describe("runOneOff() and execInContainer()", () => {
  const web = roleOf("web", { options: { restart: "always", "cap-add": "SYS_PTRACE" } });
  test("F1: new container", () => {
    expect(words(runOneOff({ settings: settingsOf(), role: web, host: "10.0.0.1", version: "77", hex: "00ff00", command: new Command("bin/check all") }).text)).toEqual(
      words(`docker run --rm --name shop-web-exec-77-00ff00 --network kamal --env-file .kamal/apps/shop/env/roles/web.env --log-opt max-size="10m" --cap-add "SYS_PTRACE" acme/shop:77 bin/check all`));
  });
  test("F1: detached, with env of the call after the env file", () => {
    expect(runOneOff({ settings: settingsOf(), role: roleOf("web", { env: { clear: { A: "1" }, secret: {} } }), host: "10.0.0.1", version: "latest", hex: "00ff00", command: new Command("env"), detach: true, env: { B: "two words" } }).text)
      .toBe("docker run --detach --name shop-web-exec-latest-00ff00 --network kamal --env A=1 --env-file .kamal/apps/shop/env/roles/web.env --env 'B=two words' --log-opt max-size=10m acme/shop:latest env");
  });
  test("F2: existing container with env", () => {
    expect(words(execInContainer("shop-web-77", new Command("env"), { env: { A: "1", B: "two" } }).text)).toEqual(words(`docker exec --env A="1" --env B="two" shop-web-77 env`));
  });
  test("F3: interactive, on a terminal and with a pipe", () => {
    const order = { settings: settingsOf(), role: roleOf("web"), host: "10.0.0.1", version: "77", hex: "00ff00", command: new Command("bash") };
    expect(words(runOneOff({ ...order, interactive: "terminal" }).text)).toEqual(words(`docker run -it --rm --name shop-web-exec-77-00ff00 --network kamal --env-file .kamal/apps/shop/env/roles/web.env --log-opt max-size="10m" acme/shop:77 bash`));
    expect(runOneOff({ ...order, interactive: "pipe" }).text).toStartWith("docker run -i --rm ");
    expect(execInContainer("shop-web-77", new Command("bash"), { interactive: "terminal" }).text).toBe("docker exec -it shop-web-77 bash");
  });
});

const f4 = (settings = settingsOf()): Command => currentContainerId(settings, "web");
const query = `sh -c 'docker ps --latest --quiet --filter label=service=shop --filter label=destination= --filter label=role=web --filter status=running --filter status=restarting --filter ancestor=$(docker image ls --filter reference=acme/shop:latest --format '\\''{{.ID}}'\\'') ; docker ps --latest --quiet --filter label=service=shop --filter label=destination= --filter label=role=web --filter status=running --filter status=restarting' | head -1`;

describe("logs", () => {
  test.each([
    ["a", f4(), { timestamps: true }, `${query} | xargs docker logs --timestamps --tail 100 2>&1`],
    ["b", f4(), { timestamps: true, grep: "ERR", grepOptions: "-A 1" }, `${query} | xargs docker logs --timestamps 2>&1 | grep 'ERR' -A 1`],
    ["c", f4(), { timestamps: false, since: "5m", lines: 20 }, `${query} | xargs docker logs --since 5m --tail 20 2>&1`],
    ["d", new Command("sh -c 'echo abc'"), { timestamps: true }, `sh -c 'echo abc' | xargs docker logs --timestamps --tail 100 2>&1`],
  ])("F4 %s", (_title, container, options, expected) => expect(words(containerLogsOf(container, options).text)).toEqual(words(expected)));

  test("of a container by name, followed and filtered", () => {
    expect(containerLogsOf("shop-web-77", { timestamps: true, follow: true }).text).toBe("docker logs --timestamps --tail 10 --follow shop-web-77 2>&1");
    expect(containerLogsOf("shop-web-77", { timestamps: false, follow: true, grep: "-x y" }).text).toBe("docker logs --follow shop-web-77 2>&1 | grep --line-buffered -e '-x y'");
    expect(containerLogs("shop-web-77", 50).text).toBe("docker logs --tail 50 shop-web-77 2>&1");
  });
});

describe("queries", () => {
  test("A11: currentVersion() asks in Kamal's words", () => {
    expect(words(currentVersion(settingsOf({ destination: "qa" }), "web").command.text)).toEqual(words(
      `sh -c 'docker ps --latest --format '\\''{{.Names}}'\\'' --filter label=service=shop --filter label=destination=qa --filter label=role=web --filter status=running --filter status=restarting --filter ancestor=$(docker image ls --filter reference=acme/shop:latest-qa --format '\\''{{.ID}}'\\'') ; docker ps --latest --format '\\''{{.Names}}'\\'' --filter label=service=shop --filter label=destination=qa --filter label=role=web --filter status=running --filter status=restarting' | head -1 | while read line; do echo \${line#shop-web-qa-}; done`));
  });

  test("A11: currentVersion() answers through a real shell", async () => {
    using home = new Home().program("docker", `case "$*" in *ancestor=cafe*) echo shop-web-qa-77 ;; image*) echo cafe ;; *) echo shop-web-qa-78 ;; esac`);
    const { command, parse } = currentVersion(settingsOf({ destination: "qa" }), "web");
    expect(parse((await home.run(command.text)).stdout)).toBe("77");
    expect(parse("")).toBeUndefined();
  });

  test("A12: containersOf() reads what docker prints", () => {
    const { command, parse } = containersOf(settingsOf({ destination: "qa" }));
    expect(command.text).toBe(`docker ps --all --filter label=service=shop --filter label=role --format '{{.ID}}\t{{.Names}}\t{{.Label "role"}}\t{{.Label "destination"}}\t{{.State}}\t{{.Status}}\t{{.Image}}\t{{.Networks}}'`);
    expect(parse([
      "0a1b2c3d4e5f\tshop-web-qa-77\tweb\tqa\trunning\tUp 3 minutes (healthy)\tacme/shop:77\tback,kamal",
      "1a1b2c3d4e5f\tshop-web-qa-74_replaced_0011223344556677\tweb\tqa\texited\tExited (0) 2 hours ago\t5d0da3dc9764",
      "2a1b2c3d4e5f\todd\tweb\tqa\tcreated\tCreated\tacme/shop:1",
      "3a1b2c3d4e5f\tshop-web-1\tweb\t\trunning\tUp 3 minutes\tacme/shop:1", "",
    ].join("\n"))).toEqual([
      { id: "0a1b2c3d4e5f", name: "shop-web-qa-77", role: "web", version: "77", state: "running", status: "Up 3 minutes (healthy)", image: "acme/shop:77", networks: ["back", "kamal"] },
      { id: "1a1b2c3d4e5f", name: "shop-web-qa-74_replaced_0011223344556677", role: "web", version: "74_replaced_0011223344556677", state: "exited", status: "Exited (0) 2 hours ago", image: "5d0da3dc9764" },
      { id: "2a1b2c3d4e5f", name: "odd", role: "web", version: "odd", state: "created", status: "Created", image: "acme/shop:1" },
    ]);
    expect(parse("")).toEqual([]);
    expect(() => parse("WARNING: something else")).toThrow("Cannot read container");
  });

  test.each([
    ["running|healthy|0|false|0|172.18.0.3|3000/tcp 9000/udp ", { status: "running", health: "healthy", exitCode: 0, oomKilled: false, restartCount: 0, address: "172.18.0.3", exposedPorts: [3000, 9000] }],
    ["exited||137|true|4||", { status: "exited", health: undefined, exitCode: 137, oomKilled: true, restartCount: 4, address: "", exposedPorts: [] }],
    ["missing", { status: "missing", health: undefined, exitCode: 0, oomKilled: false, restartCount: 0, address: "", exposedPorts: [] }],
  ])("containerState() reads %j", (answer, state) => expect(containerState("shop-web-77").parse(`${answer}\n`)).toEqual(state as ReturnType<ReturnType<typeof containerState>["parse"]>));

  test("containerState() tells a missing container from a Docker that does not answer", async () => {
    using gone = new Home().program("docker", `[ "$2" = ls ]`);
    const { command, parse } = containerState("shop-web-77");
    expect(await gone.run(command.text)).toEqual({ status: 0, stdout: "missing\n", stderr: "" });
    using dead = new Home().program("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1");
    const exit = await dead.run(command.text);
    expect([exit.status, exit.stderr]).toEqual([1, "Cannot connect to the Docker daemon\n"]);
    expect(() => parse(exit.stdout)).toThrow("Cannot see the state of shop-web-77: Docker does not answer");
  });
});

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("removeStarted() in %s", (_name, shell) => {
  const hostnameHex = "0123456789ab";
  const remove = (options: Role["options"] = {}): string => removeStarted({ settings: settingsOf(), role: roleOf("web", { options }), name: "shop-web-77", hostnameHex }).text;
  /** A host whose docker knows one container. */
  const host = (id: string, hostname: string): Home => new Home().program("docker", `echo "$*" >> log
case $* in *"$(cat down 2> /dev/null || echo never)"*) exit 1 ;; "container ls"*) echo '${id}' ;; *Hostname*) echo '${hostname}' ;; esac`);
  const removed = async (home: Home): Promise<string[]> => (await home.run("grep '^rm' log || true")).stdout.split("\n").filter(Boolean);

  test.each([
    ["the one that this run started", "a1", `10.0.0.1-${hostnameHex}`, ["rm --force --volumes a1"]],
    ["not one that another run has started under that name", "b2", "10.0.0.1-ba9876543210", []],
    ["not one of somebody else", "c3", "c3", []],
    ["nothing when there is none", "", "", []],
  ])("removes %s", async (_title, id, hostname, gone) => {
    using home = host(id, hostname);
    expect(await home.run(remove(), { shell })).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(await removed(home)).toEqual(gone);
  });

  test.each(["container ls", "Hostname"])("tells when Docker does not answer: %s", async (down) => {
    using home = host("a1", `10.0.0.1-${hostnameHex}`);
    await home.run(`printf %s '${down}' > down`);
    expect((await home.run(remove(), { shell })).status).toBe(1);
    expect(await removed(home)).toEqual([]);
  });

  test("goes by the labels where the user names the host of a container", async () => {
    using home = host("a1", "mine");
    expect((await home.run(remove({ hostname: "mine" }), { shell })).status).toBe(0);
    expect((await home.run("cat log")).stdout).toBe("container ls --all --filter name=^shop-web-77$ --quiet --filter label=service=shop --filter label=destination= --filter label=role=web\nrm --force --volumes a1\n");
  });
});
