import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { assetFlags, extractAssets, removeOldAssets, shareAssets, type AssetOrder } from "../../lib/remote/assets.ts";
import { runContainer } from "../../lib/remote/container.ts";
import { Home, shells } from "../support/shell.ts";
import { roleOf, settingsOf } from "../support/settings.ts";
import { words } from "../support/words.ts";

const assets = { path: "/srv/assets", options: "ro" };
const role = roleOf("web", { assets, volumes: ["media:/media"] });
const order = (more: Partial<AssetOrder> = {}): AssetOrder => ({ settings: settingsOf({ roles: [role, roleOf("web-admin", { assets }), roleOf("web2", { assets })] }), role: "web", assets, version: "77", ...more });
const base = ".kamal/apps/shop/assets";

test("A5: the volume of assets stands behind those of the config", () => {
  expect(words(runContainer({ settings: settingsOf(), role, host: "10.0.0.1", version: "77" }).text)).toEqual(words(`docker run --detach --restart unless-stopped --name shop-web-77 --network kamal --env KAMAL_CONTAINER_NAME="shop-web-77" --env KAMAL_VERSION="77" --env KAMAL_HOST="10.0.0.1" --env-file .kamal/apps/shop/env/roles/web.env --log-opt max-size="10m" --volume media:/media --volume $PWD/.kamal/apps/shop/assets/volumes/web-77:/srv/assets:ro --label service="shop" --label role="web" --label destination acme/shop:77`));
  expect(assetFlags(settingsOf(), roleOf("jobs"), "77")).toEqual([]);
});

test("the words of extracting and sharing", () => {
  expect(words(extractAssets(order()).text)).toEqual(words(`mkdir -p ${base}/extracted/web-77 && docker container rm --volumes shop-web-assets 2> /dev/null || true && docker container create --name shop-web-assets acme/shop:77 && docker container cp -L shop-web-assets:/srv/assets/. ${base}/extracted/web-77 && docker container rm --volumes shop-web-assets`));
  const own = `mkdir -p ${base}/volumes/web-77 && cp -r ${base}/extracted/web-77/. ${base}/volumes/web-77`;
  expect(shareAssets(order(), undefined).text).toBe(own);
  expect(shareAssets(order(), "77").text).toBe(own);
  const missing = (from: string, to: string): string => {
    const file = `"$OLDPWD"/${base}/volumes/${to}/"`;
    return `(exec 2> /dev/null; cp -rnT ${base}/extracted/${from} ${base}/volumes/${to}; cd ${base}/extracted/${from} && find . ! -type d | while IFS= read -r file; do [ -e ${file}$file" ] || { mkdir -p ${file.slice(0, -1)}"$(dirname "$file")" && cp -P "$file" ${file}$file"; }; done) || true`;
  };
  expect(shareAssets(order(), "76").text).toBe(`${own} && { ${missing("web-77", "web-76")}; ${missing("web-76", "web-77")}; }`);
});

test("a destination has its own folder and container", () => {
  expect(extractAssets(order({ settings: settingsOf({ destination: "qa" }) })).text).toContain("docker container create --name shop-web-qa-assets acme/shop:77 && docker container cp -L shop-web-qa-assets:/srv/assets/. .kamal/apps/shop-qa/assets/extracted/web-77 ");
});

function put(home: Home, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home.path, base, path)), { recursive: true });
    writeFileSync(join(home.path, base, path), text);
  }
}
const names = (home: Home, folder: string): string[] => readdirSync(join(home.path, base, folder)).toSorted();

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("in %s", (_name, shell) => {
  test("both versions get the files of both, and keep their own", async () => {
    using home = new Home();
    put(home, { "extracted/web-77/a/new.js": "77", "extracted/web-77/app.js": "77", "extracted/web-76/.o l'd.js": "76", "extracted/web-76/app.js": "76", "volumes/web-76/.o l'd.js": "76", "volumes/web-76/app.js": "76" });
    expect((await home.run(shareAssets(order(), "76").text, { shell })).status).toBe(0);
    expect([names(home, "volumes/web-77"), names(home, "volumes/web-76")]).toEqual([[".o l'd.js", "a", "app.js"], [".o l'd.js", "a", "app.js"]]);
    expect((await home.run(`cat ${base}/volumes/web-77/app.js ${base}/volumes/web-76/app.js ${base}/volumes/web-76/a/new.js`)).stdout).toBe("777677");
  });

  test("a version before without assets is no failure", async () => {
    using home = new Home();
    put(home, { "extracted/web-77/new.js": "77" });
    expect((await home.run(shareAssets(order(), "76").text, { shell })).status).toBe(0);
    expect(names(home, "volumes/web-77")).toEqual(["new.js"]);
  });

  test("only older versions of the role itself go", async () => {
    using home = new Home();
    const versions = ["web-77", "web-76", "web-77b", "web-admin-76", "web2-76", "jobs-76"];
    put(home, Object.fromEntries(versions.flatMap((one) => [[`extracted/${one}/a b`, ""], [`volumes/${one}/a`, ""]])));
    expect(await home.run(removeOldAssets(order()).text, { shell })).toEqual({ status: 0, stdout: "", stderr: "" });
    for (const folder of ["extracted", "volumes"]) expect(names(home, folder)).toEqual(["jobs-76", "web-77", "web-admin-76", "web2-76"]);
  });

  test("it is a failure when a version's own assets cannot be copied", async () => {
    using home = new Home();
    expect((await home.run(shareAssets(order(), "76").text, { shell })).status).not.toBe(0);
  });

  test.each([["that was left", "touch left"], ["when none was left", ":"]])("the container that assets are copied out of goes first %s", async (_title, before) => {
    using home = new Home().program("docker", `echo "$*" >> log; case $2 in rm) [ -e left ] && rm left ;; create) [ ! -e left ] && touch left ;; esac`);
    expect((await home.run(`${before}; ${extractAssets(order()).text}`, { shell })).status).toBe(0);
    expect((await home.run("cat log; ls left 2> /dev/null || true")).stdout).toBe(`container rm --volumes shop-web-assets\ncontainer create --name shop-web-assets acme/shop:77\ncontainer cp -L shop-web-assets:/srv/assets/. ${base}/extracted/web-77\ncontainer rm --volumes shop-web-assets\n`);
  });
});
