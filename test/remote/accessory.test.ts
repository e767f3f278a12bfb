import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sh } from "../../lib/ground/command.ts";
import type { Accessory } from "../../lib/config/settings.ts";
import type { DeployConfig } from "../../lib/config/types.ts";
import { accessoriesOn, accessoryDetails, changeMode, changeOwner, makeDirectory, removeAccessoryContainer, removeAccessoryImage, removeAccessorySecrets, removeFailed, replaceAccessory, runAccessory, runAccessoryOneOff, startAccessory, staysUp, stopAccessory } from "../../lib/remote/accessory.ts";
import { removeServiceDirectories } from "../../lib/remote/remove.ts";
import { base, settingsOf as configured } from "../config/project.ts";
import { Home, run, shells } from "../support/shell.ts";
import { defaultProxy } from "../support/settings.ts";
import { words } from "../support/words.ts";

const shop = { service: "shop", destination: undefined };
type Input = NonNullable<DeployConfig["accessories"]>[string];
/** The accessory that a config makes. */
function accessoryOf(name: string, input: Input): Accessory {
  const [accessory] = configured({ ...base, accessories: { [name]: input } }).accessories;
  if (accessory === undefined) throw new Error("there is no accessory");
  return accessory;
}
const started = (name: string, input: Input): string => runAccessory(shop, accessoryOf(name, input), "10.0.0.9").text;
const host = "10.0.0.9";

describe("runAccessory() prints the words that Kamal runs", () => {
  test.each<[string, string, Input, string]>([
    ["E1", "cache", { image: "redis:7", host, port: 6379, env: { clear: { MODE: "x" }, secret: ["REDIS_PW"] }, directories: ["data:/data"], options: { memory: "256m" } },
      `docker run --name shop-cache --detach --restart unless-stopped --network kamal --log-opt max-size="10m" --publish 6379:6379 --env KAMAL_HOST="10.0.0.9" --env MODE="x" --env-file .kamal/apps/shop/env/accessories/cache.env --volume $PWD/shop-cache/data:/data --label service="shop-cache" --memory "256m" redis:7`],
    ["E2", "db", { image: "mysql:8", host, volumes: ["extra:/extra"], files: ["config/my.cnf:/etc/mysql/my.cnf:ro", { local: "k.pem", remote: "/etc/k.pem", mode: "0600", owner: "999:999" }], directories: ["/var/db:/var/lib/mysql", { local: "logs", remote: "/var/log/mysql", mode: "0750", owner: "999:999", options: "z" }] },
      `docker run --name shop-db --detach --restart unless-stopped --network kamal --log-opt max-size="10m" --env KAMAL_HOST="10.0.0.9" --env-file .kamal/apps/shop/env/accessories/db.env --volume extra:/extra --volume $PWD/shop-db/etc/mysql/my.cnf:/etc/mysql/my.cnf:ro --volume $PWD/shop-db/etc/k.pem:/etc/k.pem --volume /var/db:/var/lib/mysql --volume $PWD/shop-db/logs:/var/log/mysql:z --label service="shop-db" mysql:8`],
    ["E3", "box", { service: "toolbox", image: "acme/box:1", host, registry: { server: "reg.other", username: "u", password: "p" }, network: "back", cmd: "sleep 99", labels: { app: "x" }, options: { restart: "no", init: true } },
      `docker run --name toolbox --detach --restart no --network back --log-opt max-size="10m" --env KAMAL_HOST="10.0.0.9" --env-file .kamal/apps/shop/env/accessories/box.env --label service="toolbox" --label app="x" --init reg.other/acme/box:1 sleep 99`],
    ["with nothing but an image", "cache", { image: "redis:7", host },
      `docker run --name shop-cache --detach --restart unless-stopped --network kamal --log-opt max-size="10m" --env KAMAL_HOST="10.0.0.9" --env-file .kamal/apps/shop/env/accessories/cache.env --label service="shop-cache" redis:7`],
  ])("%s", (_title, name, input, expected) => expect(words(started(name, input))).toEqual(words(expected)));

  test("the folder on the host is absolute and one word", () => expect(started("cache", { image: "redis:7", host, directories: ["my data:/data"] })).toContain(` --volume "$PWD"/'shop-cache/my data':/data `));

  test("the env file lies in the folder of the destination", () => expect(runAccessory({ service: "shop", destination: "qa" }, accessoryOf("cache", { image: "redis:7", host }), host).text).toContain(" --env-file .kamal/apps/shop-qa/env/accessories/cache.env "));

  test.each(shells.map((shell) => [shell.join(" "), shell] as const))("odd characters reach docker as they are, in %s", async (_name, shell) => {
    const odd = `a b'c"d\\e$f\`g;h*`;
    const text = started("cache", { image: "redis:7", host, env: { clear: { ODD: odd, EMPTY: "", NULL: "${NOTHING:-d}" } }, labels: { note: odd, "x;y": "z", blank: "" }, options: { "log-tag": odd, "cap-add": ["A B", "C"], privileged: true }, files: [{ content: "x", remote: "/etc/a b$c'd" }], directories: [{ local: "d'e f", remote: "/d" }], volumes: ["$HOME/v w:/v"] });
    const { stdout } = await run(text.replace("docker run", "printf '%s\\n'"), { shell, cwd: "/", env: { HOME: "/home/ann" } });
    const all = stdout.split("\n");
    const after = (flag: string): string[] => all.flatMap((word, i) => (word === flag ? [all[i + 1] ?? ""] : []));
    expect(after("--env")).toEqual(["KAMAL_HOST=10.0.0.9", `ODD=${odd}`, "EMPTY=", "NULL=d"]);
    expect(after("--label")).toEqual(["service=shop-cache", `note=${odd}`, "x;y=z", "blank"]);
    expect(after("--log-tag")).toEqual([odd]);
    expect(after("--cap-add")).toEqual(["A B", "C"]);
    expect(after("--volume")).toEqual(["/home/ann/v w:/v", "//shop-cache/etc/a b$c'd:/etc/a b$c'd", "//shop-cache/d'e f:/d"]);
    expect(after("--privileged")).toEqual(["redis:7"]);
  });
});

test("runAccessoryOneOff() has environment, volumes, network and a name of its own, and no ports", () => {
  const accessory = accessoryOf("cache", { image: "redis:7", host, port: 6379, env: { clear: { MODE: "x" } }, directories: ["data:/data"], options: { memory: "256m" }, network: "back", cmd: "redis-server" });
  expect(runAccessoryOneOff(shop, accessory, sh`redis-cli ${"a b"}`, "5eed01", ["-it"]).text).toBe(`docker run -it --rm --name shop-cache-exec-5eed01 --network back --env MODE=x --env-file .kamal/apps/shop/env/accessories/cache.env --volume "$PWD"/shop-cache/data:/data redis:7 redis-cli 'a b'`);
});

test("E2: folders and owners are commands of their own", () => {
  const logs = { hostPath: "shop-db/logs" };
  expect([makeDirectory({ hostPath: "/var/db" }), makeDirectory(logs), changeMode(logs, "0750"), changeOwner(logs, "999:999"), changeOwner({ hostPath: "/var/d b" }, "mysql")].map(({ text }) => text)).toEqual([
    "mkdir -p /var/db", `mkdir -p "$PWD"/shop-db/logs`, `chmod 0750 "$PWD"/shop-db/logs`, `chown 999:999 "$PWD"/shop-db/logs`, "chown mysql '/var/d b'",
  ]);
});

test("E5: the words of stop, start, removal and a look", () => {
  expect([stopAccessory("shop-cache"), startAccessory("shop-cache"), removeAccessoryContainer("shop-cache"), removeServiceDirectories(["shop-cache"]), accessoryDetails("shop-cache")].map(({ text }) => text)).toEqual([
    "docker container stop shop-cache", "docker container start shop-cache", "docker container prune --force --filter label=service=shop-cache", "rm -rf shop-cache", "docker ps --filter label=service=shop-cache",
  ]);
  expect(removeAccessoryImage("redis:7").text.split("\n")).toContain("docker image rm --force redis:7");
});

describe("accessoriesOn()", () => {
  const { command, parse } = accessoriesOn(["shop-cache", "my.db"]);
  test("asks for exactly these names", () => expect(command.text).toBe(`docker ps --all --filter 'name=^shop-cache$' --filter 'name=^my\\.db$' --format '{{.ID}}\t{{.Names}}\t{{.State}}\t{{.Status}}\t{{.Image}}\t{{.Networks}}'`));
  test("reads what docker prints", () => {
    expect(parse("0a1b2c3d4e5f\tshop-cache\trunning\tUp 3 minutes\tredis:7\n\n")).toEqual([{ id: "0a1b2c3d4e5f", service: "shop-cache", state: "running", status: "Up 3 minutes", image: "redis:7" }]);
    expect(parse("")).toEqual([]);
  });
});

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("in %s", (_name, shell) => {
  test("E2: makes a folder with its mode, blanks in its name and all", async () => {
    using home = new Home();
    const folder = { hostPath: "shop-db/my logs" };
    expect(await home.run(`umask 022; ${makeDirectory(folder).text} && ${changeMode(folder, "0750").text}`, { shell })).toEqual({ status: 0, stdout: "", stderr: "" });
    expect((statSync(join(home.path, "shop-db/my logs")).mode & 0o7777).toString(8)).toBe("750");
  });

  test("removes the folder of an accessory with blanks and all, and no other one", async () => {
    using home = new Home();
    for (const path of ["shop-cache/my data/x", "shop-cache-2", "my data"]) mkdirSync(join(home.path, path), { recursive: true });
    expect((await home.run(removeServiceDirectories(["shop-cache"]).text, { shell })).status).toBe(0);
    expect((await home.run("ls -d *", { shell })).stdout.split("\n").filter((name) => name !== "bin")).toEqual(["my data", "shop-cache-2", ""]);
  });

  test.each([
    ["goes", `case $* in "ps "*) ;; *) exit 0 ;; esac`, { status: 0, stdout: "", stderr: "" }],
    ["stays where another container runs from it", `case $* in "ps --all --quiet --filter ancestor=redis:7") echo 0a1b2c3d4e5f ;; *) exit 2 ;; esac`, { status: 0, stdout: "Left as it is: another container uses redis:7.\n", stderr: "" }],
    ["is a failure when docker says anything else", `case $* in "image rm"*) echo 'no daemon' >&2; exit 1 ;; esac`, { status: 1, stdout: "", stderr: "no daemon\n" }],
  ])("the image %s", async (_title, docker, exit) => {
    using home = new Home().program("docker", docker);
    expect(await home.run(removeAccessoryImage("redis:7").text, { shell })).toEqual(exit);
  });

  test("staysUp() fails with the log of a container that went down or was restarted", async () => {
    using home = new Home().program("docker", `case $* in *inspect*) cat state ;; "logs --tail 20 shop-cache") echo 'bad config' ;; esac`);
    const text = staysUp("shop-cache").text.replace("sleep 2\n", "");
    for (const [state, exit] of [["running 0", { status: 0, stdout: "", stderr: "" }], ["running 1", { status: 1, stdout: "", stderr: "shop-cache does not stay up: running 1\nbad config\n" }], ["exited 0", { status: 1, stdout: "", stderr: "shop-cache does not stay up: exited 0\nbad config\n" }]] as const) {
      writeFileSync(join(home.path, "state"), state);
      expect(await home.run(text, { shell })).toEqual(exit);
    }
  });

  test("removeFailed() takes away the container and notes its volumes without a name, which stay", async () => {
    const volume = "0123456789abcdef".repeat(4);
    using home = new Home().program("docker", `case $* in *inspect*) [ -f there ] && printf '%s\\n' ${volume} named ;; *) echo "$*" >> ran ;; esac`);
    const text = removeFailed("shop-cache").text;
    expect(await home.run(text, { shell })).toEqual({ status: 0, stdout: "", stderr: "" });
    writeFileSync(join(home.path, "there"), "");
    expect(await home.run(text, { shell })).toEqual({ status: 0, stdout: "", stderr: "" });
    expect((await home.run("cat ran .kamal/accessories/shop-cache/volumes")).stdout).toBe(`rm --force shop-cache\n${volume}\n`);
  });

  test("removeAccessorySecrets() takes environment and own certificate, then what is empty; a role's certificate of that name stays", async () => {
    using home = new Home();
    const files = [".kamal/apps/shop/env/accessories/web.env", ".kamal/proxy/apps-config/shop/tls/web/key.pem"];
    const make = (): void => files.forEach((path) => (mkdirSync(join(home.path, path, ".."), { recursive: true }), writeFileSync(join(home.path, path), "x")));
    const there = (): boolean[] => [...files, ".kamal/apps/shop", ".kamal/apps", ".kamal/proxy/apps-config/shop"].map((path) => existsSync(join(home.path, path)));
    make();
    expect(await home.run(removeAccessorySecrets(shop, { name: "web", proxy: defaultProxy }).text, { shell })).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(there()).toEqual([false, true, false, true, true]);
    make();
    mkdirSync(join(home.path, ".kamal/apps/shop/env/roles"));
    const { certificate } = { certificate: accessoryOf("web", { image: "x", host, proxy: { host: "a.example", ssl: { certificatePem: "C", privateKeyPem: "K" } } }) };
    expect((await home.run(removeAccessorySecrets(shop, certificate).text, { shell })).status).toBe(0);
    expect(there()).toEqual([false, false, true, true, false]);
  });
});

describe.each(shells.map((shell) => [shell] as const))("replaceAccessory() in %j", (shell) => {
  const script = replaceAccessory(shop, accessoryOf("cache", { image: "redis:7", host }), host).text.replace("sleep 2", "");
  /** A Docker in which one command fails. The image of the container is another one once the new one runs. */
  const docker = (fails: string, state = "running 0"): string => `echo "$1 $2" >> log
case "$1 $2" in "${fails}") echo "no such luck" >&2; exit 125 ;; esac
case $* in *"{{.Image}}"*) grep -q run log && echo ${"${NEW:-sha256:2}"} || echo sha256:1 ;; *State*) echo '${state}' ;; *) echo "$*" ;; esac`;
  const log = async (home: Home): Promise<string> => (await home.run("cat log")).stdout.trim().split("\n").filter((line) => line !== "container inspect").join(", ");

  test("stops, removes, starts, removes the old image, and says nothing", async () => {
    using home = new Home().program("docker", docker("none"));
    expect(await home.run(script, { shell })).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(await log(home)).toBe("container stop, container prune, run --name, image rm");
  });

  test("leaves the image where the new container has the same, and does not fail when another one uses it", async () => {
    using same = new Home().program("docker", docker("none"));
    expect((await same.run(script, { shell, env: { NEW: "sha256:1" } })).status).toBe(0);
    expect(await log(same)).toBe("container stop, container prune, run --name");
    using used = new Home().program("docker", docker("image rm"));
    expect((await used.run(script, { shell })).status).toBe(0);
  });

  test("comes to its end though nobody listens any more", async () => {
    using home = new Home().program("docker", docker("none"));
    await home.run(`(\n${script}\n) 2>&1 | true; sleep 1`, { shell });
    expect(await log(home)).toBe("container stop, container prune, run --name, image rm");
  });

  test.each([["container stop", "container stop"], ["run --name", "container stop, container prune, run --name"]])("ends at the first failure, %s, and shows what Docker said", async (fails, ran) => {
    using home = new Home().program("docker", docker(fails));
    const { status, stdout, stderr } = await home.run(script, { shell });
    expect([status, stdout]).toEqual([125, ""]);
    expect(stderr).toEndWith("no such luck\n");
    expect(await log(home)).toBe(ran);
  });

  test("fails when the new one does not stay up, with its log, and leaves the old image", async () => {
    using home = new Home().program("docker", docker("none", "restarting 2"));
    const { status, stderr } = await home.run(script, { shell });
    expect(status).toBe(1);
    expect(stderr).toContain("shop-cache does not stay up: restarting 2\nlogs --tail 20 shop-cache\n");
    expect(await log(home)).not.toContain("image rm");
  });
});
