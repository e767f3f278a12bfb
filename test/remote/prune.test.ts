import { describe, expect, test } from "bun:test";
import { pruneContainers, pruneDanglingImages, pruneImages, pruneSteps } from "../../lib/remote/prune.ts";
import { removeContainers } from "../../lib/remote/container.ts";
import { Home, shells } from "../support/shell.ts";
import { roleOf, settingsOf } from "../support/settings.ts";

const settings = settingsOf({ retainContainers: 3 });

test("K1: containers beyond the retained ones go, counted per role and destination", () => {
  const [replaced, old] = pruneContainers(settings, roleOf("web")).text.split("\n");
  const ids = `docker ps --all --filter status=created --filter status=exited --filter status=dead`;
  const ofWeb = `--filter label=service=shop --filter label=role=web --format '{{if not (.Label "destination")}}{{.ID}}{{end}}' | sed '/^$/d'`;
  expect(old).toBe(`${ids} ${ofWeb} | tail -n +4 | while read container_id; do docker rm --volumes $container_id; done`);
  expect(replaced).toBe(`${ids} --filter name=_replaced_ ${ofWeb} | while read container_id; do docker rm --volumes $container_id; done`);
  expect(pruneContainers(settingsOf({ destination: "qa" }), roleOf("web"), 10).text).toMatch(/label=destination=qa .*tail -n \+11 /);
});

test("K1: images without a tag go", () => expect(pruneDanglingImages("shop").text).toBe("docker image prune --force --filter label=service=shop"));

test("K1: pruneSteps() has a step for each role on the host, then the images", () => {
  expect(pruneSteps(settings, [roleOf("web"), roleOf("jobs")]).map((step) => [step.role, step.title])).toEqual([
    ["web", "Remove old containers of web"], ["jobs", "Remove old containers of jobs"], [undefined, "Remove images without a tag"], [undefined, "Remove images that no container uses"],
  ]);
});

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("in %s", (_name, shell) => {
  test("K1: those of MRSK, which have no label of a destination, go too, and the empty lines of other destinations count for nothing", async () => {
    using home = new Home().program("docker", `case $* in *--all*'{{if not (.Label "destination")}}'*) printf 'c1\\n\\nc2\\n\\nc3\\nc4\\n' ;; rm*) echo "$3" ;; esac`);
    expect((await home.run(removeContainers(settings, "web").text, { shell })).stdout).toBe("c1\nc2\nc3\nc4\n");
    expect((await home.run(pruneContainers(settings, roleOf("web")).text, { shell })).stdout).toBe("c1\nc2\nc3\nc4\nc4\n");
  });

  test("K1: the newest stopped containers stay", async () => {
    using home = new Home().program("docker", `case $* in ps*name=_replaced_*) echo r1 ;; ps*) printf 'c%s\\n' 1 2 3 4 5 ;; rm*) echo "$3" ;; esac`);
    expect((await home.run(pruneContainers(settings, roleOf("web")).text, { shell })).stdout).toBe("r1\nc4\nc5\n");
  });

  test.each([
    ["what containers use stays, and what is latest for any destination", "acme/shop:77\\nacme/other:1\\n", "acme/shop:7\nacme/shop:latestx\n"],
    ["nothing runs", "", "acme/shop:77\nacme/shop:7\nacme/shop:latestx\n"],
  ])("K1: images: %s", async (_title, used, removed) => {
    using home = new Home().program("docker", `case $* in
"container ls"*) printf '${used}' ;;
"image ls"*) printf '%s\\n' acme/shop:77 acme/shop:7 acme/shop:latest acme/shop:latest-qa 'acme/shop:<none>' acme/shop:latestx ;;
rmi*) echo "$2" ;; esac`);
    expect(await home.run(pruneImages(settings).text, { shell })).toEqual({ status: 0, stdout: removed, stderr: "" });
  });

  test("K1: no image goes when the containers cannot be listed", async () => {
    using home = new Home().program("docker", `case $* in "container ls"*) exit 1 ;; "image ls"*) echo acme/shop:7 ;; rmi*) echo "$2" ;; esac`);
    expect(await home.run(pruneImages(settings).text, { shell })).toEqual({ status: 1, stdout: "", stderr: "" });
  });
});
