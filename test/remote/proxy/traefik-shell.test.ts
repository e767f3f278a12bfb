import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { HostStep, RunStep } from "../../../lib/ground/step.ts";
import { traefikProxy } from "../../../lib/remote/proxy/traefik/driver.ts";
import { roleOf, settingsOf, traefikOf, traefikSettingsOf } from "../../support/settings.ts";
import { Home } from "../../support/shell.ts";

const settings = settingsOf({ roles: [roleOf("web", { proxy: traefikOf({ "traefik.http.routers.shop.rule": "Host(`a.example`)" }) })], traefik: traefikSettingsOf({}), drainTimeoutSeconds: 30 });
const [role] = settings.roles;
if (role === undefined) throw new Error("no role");

/** Writes what is uploaded, and gives the last command. */
function prepared(home: Home, steps: readonly HostStep[]): RunStep {
  for (const step of steps) {
    if (step.kind !== "upload" || typeof step.content !== "string") continue;
    mkdirSync(dirname(join(home.path, step.path)), { recursive: true });
    writeFileSync(join(home.path, step.path), step.content);
  }
  const last = steps.findLast((step) => step.kind === "run");
  if (last === undefined) throw new Error("no step");
  return last;
}

/** How a command ends that nobody listens to any more. */
const unheard = (text: string): string => `( sleep 0.2; (\n${text}\n); echo $? > status ) 2> err | true; n=0; while [ ! -e status ] && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.1; done; cat status`;

describe("switch()", () => {
  const [before, after] = ["aaaaaaaaaaaa", "bbbbbbbbbbbb"];
  /** A Docker with a Traefik that takes every file, and 25 seconds pass while connections to a container stay open. @param shows shell code: the status of a look at Traefik's API */
  const docker = (shows = ":"): string => `case "$*" in
"container ls "*) cat id ;;
"container inspect --format {{range .Mounts"*) echo "dir=$HOME/.kamal/traefik/dynamic" ;;
"container inspect --format {{range \\$port"*) echo 3000/tcp ;;
"container inspect --format {{range .NetworkSettings"*) echo 172.18.0.9 ;;
"container inspect --format {{.State.Running}}"*) echo true ;;
"exec --interactive traefik "*) cat > /dev/null; ${shows} ;;
"exec traefik sh -c "*) for last; do :; done; echo "$last" >> drains; echo $(($(cat now) + 25)) > now; echo 2; exit 1 ;;
"exec traefik timeout 5 wget -S "*) echo '  HTTP/1.1 200 OK' ;;
"exec traefik wget "*) echo '[{"address":":80"}]' ;;
esac`;
  const homeWith = (shows?: string): Home => {
    const home = new Home().program("docker", docker(shows)).program("date", `[ "$1" = +%s ] && cat "$HOME"/now`);
    const folder = join(home.path, ".kamal/traefik/dynamic");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "shop-web.yml"), `# revision 111111111111\n# targets ${before}:3000 cccccccccccc:3000\n`);
    writeFileSync(join(home.path, "id"), after);
    writeFileSync(join(home.path, "now"), "1000");
    return home;
  };
  const steps = traefikProxy.switch(settings, role, { container: "shop-web-2" }, { from: undefined, route: undefined });

  test("gives all connections to containers that served one common time to end", async () => {
    using home = homeWith();
    const { status, stdout } = await home.run(prepared(home, steps).command.text);
    expect([status, stdout]).toEqual([0, [before, "cccccccccccc"].map((id) => `2 connections to ${id} are still open after 30 s: they end when it stops.\n`).join("")]);
    expect((await home.run("cat drains; grep '^# targets' .kamal/traefik/dynamic/shop-web.yml")).stdout).toBe(`30\n5\n# targets ${after}:3000\n`);
  });

  test("waits for all of them though nobody listens any more", async () => {
    using home = homeWith();
    expect((await home.run(unheard(prepared(home, steps).command.text))).stdout).toBe("0\n");
    expect((await home.run("cat drains")).stdout).toBe("30\n5\n");
  });

  test("can be asked whether it took effect", async () => {
    using home = homeWith();
    const step = prepared(home, steps);
    const isDone = async (): Promise<number> => (await home.run(step.doneIf?.text ?? "exit 99")).status;
    expect(await isDone()).toBe(1);
    await home.run(step.command.text);
    expect(await isDone()).toBe(0);
    home.program("docker", docker("exit 1"));
    expect(await isDone()).toBe(1);
    home.program("docker", docker());
    writeFileSync(join(home.path, "id"), "dddddddddddd");
    expect(await isDone()).toBe(1);
    writeFileSync(join(home.path, "id"), "");
    expect(await isDone()).toBe(76);
  });
});

describe("reboot()", () => {
  /** A Docker that keeps its containers in a folder, by name: which one it is, and whether it runs. */
  const docker = (more = ""): string => `mkdir -p c
${more}
case "$*" in
"container inspect --format {{range .Mounts"*) echo "dir=$HOME/.kamal/traefik/dynamic" ;;
"container inspect "*) [ -e "c/$3" ] ;;
"create --name "*) echo new > "c/$3" ;;
"rename "*) mv "c/$2" "c/$3" ;;
"container stop "*) for name; do :; done; sed -i 's/ .*//' "c/$name" ;;
"container start "*) sed -i 's/$/ runs/' "c/$3"; echo "$3" ;;
"rm --force "*) rm -f "c/$3" ;;
"rm "*) rm "c/$2" ;;
esac`;
  const steps = traefikProxy.reboot(settings);
  const replace = steps.findLast((step) => step.kind === "run" && step.title === "Replace Traefik's container");
  const text = replace?.kind === "run" ? replace.command.text : "exit 99";
  const homeWith = async (more?: string): Promise<Home> => {
    const home = new Home().program("docker", docker(more));
    await home.run("mkdir c; echo old runs > c/traefik");
    return home;
  };
  const containers = async (home: Home): Promise<string> => (await home.run("cd c && grep -H . *")).stdout.trim().split("\n").join(", ");

  test("replaces the container, and tells how long nobody listened", async () => {
    using home = await homeWith();
    const { status, stdout } = await home.run(text);
    expect([status, stdout.replace(/\d+/, "N")]).toEqual([0, "The proxy was away for N ms.\n"]);
    expect(await containers(home)).toBe("traefik:new runs");
  });

  test("comes to its end though nobody listens any more", async () => {
    using home = await homeWith();
    expect((await home.run(unheard(text))).stdout).toBe("0\n");
    expect(await containers(home)).toBe("traefik:new runs");
  });

  test.each<[what: string, more: string]>([
    ["cannot be stopped", `case "$*" in "container stop"*) exit 1 ;; esac`],
    ["cannot make place", `case "$*" in "rename traefik traefik_old") exit 1 ;; esac`],
  ])("leaves the host with the container that was there when that %s", async (_what, more) => {
    using home = await homeWith(more);
    expect((await home.run(text)).status).toBe(77);
    expect(await containers(home)).toMatch(/^traefik:old( runs)+$/);
  });

  test("starts the one before again when the new one cannot take its place", async () => {
    using home = await homeWith(`case "$*" in "rename traefik_next traefik") exit 1 ;; "rm --force traefik") [ -e c/traefik ] || exit 1 ;; esac`);
    expect(await home.run(text)).toMatchObject({ status: 76, stderr: "The new Traefik did not come up: the one before serves again.\n" });
    expect(await containers(home)).toBe("traefik:old runs, traefik_next:new");
  });
});

test("every step but a removal can be gone on with after a lost connection", () => {
  const routed = { name: "shop-web", targets: ["aaaaaaaaaaaa:3000"], mode: "live" as const };
  const all = [
    ...traefikProxy.boot(settings), ...traefikProxy.reboot(settings), ...traefikProxy.start(settings), ...traefikProxy.stop(), traefikProxy.unroute(settings, role),
    ...traefikProxy.switch(settings, role, { container: "shop-web-2" }, { from: undefined, route: routed }),
  ];
  expect(all.filter((step) => step.kind === "run" && step.repeatable !== true && step.doneIf === undefined).map(({ title }) => title)).toEqual([]);
});
