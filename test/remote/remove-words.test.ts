import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sh } from "../../lib/ground/command.ts";
import { removeAppDirectories, removeImages, removeNetwork, removeRoleDirectories, removeRunFiles, unlessOthers } from "../../lib/remote/remove.ts";
import { Home, shells } from "../support/shell.ts";

const shop = { service: "shop", destination: undefined };
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
