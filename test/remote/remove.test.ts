import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sh } from "../../lib/ground/command.ts";
import { noteVolumes, removeAccessoryImage, removeNotedVolumes } from "../../lib/remote/accessory.ts";
import { removeContainers, removeVersion } from "../../lib/remote/container.ts";
import { removeAppDirectories, removeImages, removeNetwork, removeRoleDirectories, removeRunFiles, removeVolume, unlessOthers, volumeName } from "../../lib/remote/remove.ts";
import { Home, shells } from "../support/shell.ts";
import { settingsOf } from "../support/settings.ts";

const anonymous = "0123456789abcdef".repeat(4);
const shop = { service: "shop", destination: undefined };

test.each([
  ["media:/media", "media"], ["shop_media.1:/media:ro", "shop_media.1"], ["/srv/media:/media", undefined], ["~/media:/media", undefined], ["$PWD/media:/media", undefined], ["./media:/media", undefined], ["/media", undefined],
])("the volume of %s is %p", (volume, name) => expect(volumeName(volume)).toBe(name));

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("in %s", (_name, shell) => {
  test.each([
    ["removes a volume that nothing uses", "", 0, "volume rm data\n"],
    ["leaves one that a container uses", "c1", 0, "Left as it is: another container uses the volume data.\n"],
    ["does nothing where there is none", "", 1, ""],
  ])("removeVolume() %s", async (_title, users, inspected, printed) => {
    using home = new Home().program("docker", `case $* in "ps --all --quiet --filter volume=data") echo '${users}' ;; "volume inspect data") exit ${inspected} ;; *) echo "$*" ;; esac`);
    expect(await home.run(removeVolume("data").text, { shell })).toEqual({ status: 0, stdout: printed, stderr: "" });
  });

  test.each([
    ["removes an image that nothing uses", "", 0, "image rm --force redis:8\n"],
    ["leaves one that a container uses", "c1", 0, "Left as it is: another container uses redis:8.\n"],
    ["does nothing where there is none", "", 1, ""],
  ])("removeAccessoryImage() %s", async (_title, users, inspected, printed) => {
    using home = new Home().program("docker", `case $* in "ps --all --quiet --filter ancestor=redis:8") echo '${users}' ;; "image inspect redis:8") exit ${inspected} ;; *) echo "$*" ;; esac`);
    expect(await home.run(removeAccessoryImage("redis:8").text, { shell })).toEqual({ status: 0, stdout: printed, stderr: "" });
  });

  test("stopped containers go with their volumes; one that cannot go fails the command", async () => {
    using home = new Home().program("docker", `case $* in ps*) printf 'c1\\nc2\\nc3\\n' ;; *c2) exit 1 ;; *) echo "$*" ;; esac`);
    expect(await home.run(removeContainers(settingsOf(), "web").text, { shell })).toEqual({ status: 1, stdout: "rm --volumes c1\n", stderr: "" });
    using fine = new Home().program("docker", `case $* in ps*) printf 'c1\\nc3\\n' ;; *) echo "$*" ;; esac`);
    expect(await fine.run(removeContainers(settingsOf(), "web").text, { shell })).toEqual({ status: 0, stdout: "rm --volumes c1\nrm --volumes c3\n", stderr: "" });
  });

  test.each([["is there", "c1\n", 0, "rm --volumes c1\n"], ["is not there", "", 0, ""], ["cannot go", "c2\n", 1, ""]])("removeVersion() where the container %s", async (_title, ids, status, stdout) => {
    using home = new Home().program("docker", `case $* in "container ls"*) printf '${ids}' ;; *c2) exit 1 ;; *rm) echo 'requires at least 1 argument'; exit 1 ;; *--volumes) echo 'requires at least 1 argument'; exit 1 ;; *) echo "$*" ;; esac`);
    expect(await home.run(removeVersion("shop-web-75").text, { shell })).toEqual({ status, stdout, stderr: "" });
  });

  test("volumes without a name that were noted go with the accessory", async () => {
    using home = new Home().program("docker", `case $* in *Mounts*) printf 'data\\n${anonymous}\\n\\n' ;; *) echo "$*" ;; esac`);
    const run = (text: string) => home.run(text, { shell });
    expect(await run(noteVolumes("shop-redis").text)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(await run(removeNotedVolumes("shop-redis").text)).toEqual({ status: 0, stdout: `volume rm --force ${anonymous}\n`, stderr: "" });
    expect(existsSync(join(home.path, ".kamal/accessories/shop-redis"))).toBe(false);
    expect(await run(removeNotedVolumes("shop-redis").text)).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test.each([
    ["nothing is left: docker's empty file of logins goes too", ".kamal/shop-audit.log", '{\n\t"auths": {}\n}\n', [false, false]],
    ["a login that is not ours stays", ".kamal/shop-audit.log", '{"auths":{"ghcr.io":{}}}', [false, true]],
    ["another service is there", ".kamal/apps/other/env/roles/web.env", '{"auths":{}}', [true, true]],
  ])("removeRunFiles(): %s", async (_title, path, logins, left) => {
    using home = new Home().program("docker", "exit 1");
    home.place(path);
    mkdirSync(join(home.path, ".kamal/accessories"), { recursive: true });
    home.place(".docker/config.json", logins);
    expect(await home.run(removeRunFiles(shop).text, { shell })).toEqual({ status: 0, stdout: "", stderr: "" });
    expect([".kamal", ".docker"].map((name) => existsSync(join(home.path, name)))).toEqual(left);
  });

  test.each([[0, true], [1, false]])("removeRunFiles() leaves the empty folder that kamal-proxy has mounted: docker container inspect %p", async (status, isLeft) => {
    using home = new Home().program("docker", `[ "$*" = "container inspect kamal-proxy" ] && exit ${status}`);
    mkdirSync(join(home.path, ".kamal/proxy/apps-config"), { recursive: true });
    await home.run(removeRunFiles(shop).text, { shell });
    expect(existsSync(join(home.path, ".kamal/proxy/apps-config"))).toBe(isLeft);
  });
});

const qa = { service: "shop", destination: "qa" };

test("the words of a removal", () => {
  expect(removeImages("shop").text).toBe("docker image prune --all --force --filter label=service=shop");
  expect(removeAppDirectories(qa).text).toBe("rm -rf .kamal/apps/shop-qa .kamal/proxy/apps-config/shop-qa");
  expect(removeRoleDirectories(shop, ["web"]).text).toBe("rm -rf .kamal/apps/shop/env/roles .kamal/apps/shop/assets .kamal/proxy/apps-config/shop/error_pages .kamal/proxy/apps-config/shop/tls/web && { rmdir .kamal/apps/shop/env/accessories .kamal/apps/shop/env .kamal/apps/shop .kamal/proxy/apps-config/shop/tls .kamal/proxy/apps-config/shop 2> /dev/null || true; }");
});

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("in %s", (_name, shell) => {
  const folders = (home: Home, ...paths: string[]): void => paths.forEach((path) => mkdirSync(join(home.path, path), { recursive: true }));

  test.each<[string, readonly string[], string]>([
    ["alone", [".kamal/apps/shop"], "gone\n"],
    ["where its own folder is gone already", [".kamal"], "gone\n"],
    ["where there is no folder at all", [], "gone\n"],
    ["beside another destination", [".kamal/apps/shop", ".kamal/apps/shop-qa"], "Left as it is: other services have a place on this host.\n"],
    ["beside another service", [".kamal/apps/blog"], "Left as it is: other services have a place on this host.\n"],
  ])("unlessOthers() %s", async (_title, paths, stdout) => {
    using home = new Home();
    folders(home, ...paths);
    expect(await home.run(unlessOthers(shop, sh`echo gone`).text, { shell })).toEqual({ status: 0, stdout, stderr: "" });
  });

  test("removeRoleDirectories() leaves what is of accessories, and nothing where there is none", async () => {
    using home = new Home();
    const accessories = [".kamal/apps/shop/env/accessories/cache", ".kamal/proxy/apps-config/shop/tls/search"];
    folders(home, ".kamal/apps/shop/env/roles", ".kamal/apps/shop/assets/volumes", ".kamal/proxy/apps-config/shop/tls/web", ".kamal/proxy/apps-config/shop/error_pages/2", ...accessories);
    const there = async (): Promise<string[]> => (await home.run("find .kamal/apps/* .kamal/proxy/apps-config/* -type d -empty 2> /dev/null", { shell })).stdout.trim().split("\n").toSorted();
    expect((await home.run(removeRoleDirectories(shop, ["web"]).text, { shell })).status).toBe(0);
    expect(await there()).toEqual(accessories);
    await home.run(`rmdir ${accessories.join(" ")}`);
    expect((await home.run(removeRoleDirectories(shop, ["web"]).text, { shell })).status).toBe(0);
    expect(await there()).toEqual([""]);
  });

  test("unlessOthers() ends as its command does", async () => {
    using home = new Home();
    expect((await home.run(unlessOthers(shop, sh`exit 3`).text, { shell })).status).toBe(3);
  });

  test.each([
    ["goes where no container is in it", "", 0, "network rm kamal"],
    ["stays where one is, running or not", "0a1b2c3d4e5f", 0, ""],
    ["is no failure where there is none", "", 1, ""],
  ])("the network %s", async (_title, containers, inspect, removed) => {
    using home = new Home().program("docker", `case $* in "ps --all --quiet --filter network=kamal") echo '${containers}' ;; "network inspect kamal") exit ${inspect} ;; *) echo "$*" ;; esac`);
    expect(await home.run(removeNetwork().text, { shell })).toEqual({ status: 0, stdout: removed === "" ? "" : `${removed}\n`, stderr: "" });
  });

  test("removeRunFiles() takes the audit log, and only folders that are empty", async () => {
    using home = new Home();
    folders(home, ".kamal/apps", ".kamal/proxy/apps-config");
    writeFileSync(join(home.path, ".kamal/shop-audit.log"), "x");
    expect(await home.run(removeRunFiles(shop).text, { shell })).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(existsSync(join(home.path, ".kamal"))).toBe(false);
    folders(home, ".kamal/apps/blog", ".kamal/proxy/apps-config", ".kamal/lock-shop");
    expect((await home.run(removeRunFiles(shop).text, { shell })).status).toBe(0);
    expect([".kamal/apps/blog", ".kamal/lock-shop", ".kamal/proxy"].map((path) => existsSync(join(home.path, path)))).toEqual([true, true, false]);
  });
});
