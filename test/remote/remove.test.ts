import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { noteContainer, removeAccessoryImage, removeNotedVolumes, removeOldImage } from "../../lib/remote/accessory.ts";
import { removeContainers, removeVersion } from "../../lib/remote/container.ts";
import { removeRunFiles, removeVolume, volumeName } from "../../lib/remote/remove.ts";
import { Home, shells } from "../support/shell.ts";
import { settingsOf } from "../support/settings.ts";

const anonymous = "0123456789abcdef".repeat(4);
const shop = { service: "shop", destination: undefined };
const place = (home: Home, path: string, text = ""): void => {
  mkdirSync(join(home.path, path, ".."), { recursive: true });
  writeFileSync(join(home.path, path), text);
};

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

  test("a reboot's notes: the old image goes when the new one is another, volumes without a name go with the accessory", async () => {
    using home = new Home().program("docker", `case $* in *"{{.Image}}"*) cat image ;; *Mounts*) printf 'data\\n${anonymous}\\n\\n' ;; ps*) ;; *) echo "$*" ;; esac`);
    place(home, "image", "sha256:1\n");
    const run = (text: string) => home.run(text, { shell });
    expect(await run(noteContainer("shop-redis").text)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect((await run(removeOldImage("shop-redis").text)).stdout).toBe("");
    await run(noteContainer("shop-redis").text);
    place(home, "image", "sha256:2\n");
    expect(await run(removeOldImage("shop-redis").text)).toEqual({ status: 0, stdout: "image rm sha256:1\n", stderr: "" });
    expect(await run(removeNotedVolumes("shop-redis").text)).toEqual({ status: 0, stdout: `volume rm --force ${anonymous}\nvolume rm --force ${anonymous}\n`, stderr: "" });
    expect(existsSync(join(home.path, ".kamal/accessories/shop-redis"))).toBe(false);
    expect(await run(removeNotedVolumes("shop-redis").text)).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test.each([
    ["nothing is left: docker's empty file of logins goes too", ".kamal/shop-audit.log", '{\n\t"auths": {}\n}\n', [false, false]],
    ["a login that is not ours stays", ".kamal/shop-audit.log", '{"auths":{"ghcr.io":{}}}', [false, true]],
    ["another service is there", ".kamal/apps/other/env/roles/web.env", '{"auths":{}}', [true, true]],
  ])("removeRunFiles(): %s", async (_title, path, logins, left) => {
    using home = new Home().program("docker", "exit 1");
    place(home, path);
    mkdirSync(join(home.path, ".kamal/accessories"), { recursive: true });
    place(home, ".docker/config.json", logins);
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
