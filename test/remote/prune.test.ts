import { describe, expect, test } from "bun:test";
import { pruneContainers, pruneDanglingImages, pruneImages, pruneContainersStep, pruneImagesSteps, pruneMrskStep, removeMrskSteps } from "../../lib/remote/prune.ts";
import { Home, shells } from "../support/shell.ts";
import { roleOf, settingsOf } from "../support/settings.ts";
import { words } from "../support/words.ts";

const settings = settingsOf({ retainContainers: 3 });

test("K1: containers beyond the retained ones go, counted per role and destination", () => {
  const [replaced, old] = pruneContainers(settings, roleOf("web"), { replaced: true }).text.split("\n");
  const filters = "--filter label=service=shop --filter label=destination= --filter label=role=web --filter status=created --filter status=exited --filter status=dead";
  expect(words(old ?? "")).toEqual(words(`docker ps -q -a ${filters} | tail -n +4 | while read container_id; do docker rm --volumes $container_id; done`));
  expect(words(replaced ?? "")).toEqual(words(`docker ps -q -a ${filters} --filter name=_replaced_ | while read container_id; do docker rm --volumes $container_id; done`));
  expect(pruneContainers(settings, roleOf("web"), { replaced: false }).text).toBe(old ?? "");
  expect(pruneContainers(settingsOf({ destination: "qa" }), roleOf("web"), { retain: 10, replaced: false }).text).toMatch(/label=destination=qa .*tail -n \+11 /);
});

test("K1: images without a tag go", () => expect(pruneDanglingImages("shop").text).toBe("docker image prune --force --filter label=service=shop"));

test("K1: there is a step for a role, then the images", () => {
  expect([...["web", "jobs"].map((name) => pruneContainersStep(settings, roleOf(name), { replaced: false })), ...pruneImagesSteps(settings)].map((step) => [step.role, step.title])).toEqual([
    ["web", "Remove old containers of web"], ["jobs", "Remove old containers of jobs"], [undefined, "Remove images without a tag"], [undefined, "Remove images that no container uses"],
  ]);
});

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("in %s", (_name, shell) => {
  test("K1: the newest stopped containers stay", async () => {
    using home = new Home().program("docker", `case $* in ps*name=_replaced_*) echo r1 ;; ps*) printf 'c%s\\n' 1 2 3 4 5 ;; rm*) echo "$3" ;; esac`);
    expect((await home.run(pruneContainers(settings, roleOf("web"), { replaced: true }).text, { shell })).stdout).toBe("r1\nc4\nc5\n");
  });

  test("what MRSK left goes: it has no label of a destination", async () => {
    using mixed = new Home().program("docker", `case $* in ps*label=service=shop*label=role=web*'{{if not (.Label "destination")}}{{.ID}}{{end}}'*) printf 'c1\\n\\nc2\\n\\nc3\\nc4\\n' ;; rm*) echo "$3" ;; esac`);
    expect(await mixed.run(pruneMrskStep(settings, roleOf("web")).command.text, { shell })).toEqual({ status: 0, stdout: "c4\n", stderr: "" });
    const [step] = removeMrskSteps(settings, roleOf("web"));
    expect(await mixed.run(step?.command.text ?? "", { shell })).toEqual({ status: 0, stdout: "c1\nc2\nc3\nc4\n", stderr: "" });
    expect(removeMrskSteps(settingsOf({ destination: "qa" }), roleOf("web"))).toEqual([]);
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

  test("an image keeps the name of a release that left a container of another name in place", async () => {
    using home = new Home().program("docker", `case $* in
"container ls"*) echo acme/shop:1 ;;
"image ls"*) printf '%s\\n' acme/shop:2 acme/shop:1 acme/shop:0 ;;
"ps --all --quiet --filter ancestor=acme/shop:2") echo c1 ;;
rmi*) echo "$2" ;; esac`);
    // What nobody kept goes, though it is another name of what runs.
    expect(await home.run(pruneImages(settings).text, { shell })).toEqual({ status: 0, stdout: "acme/shop:2\nacme/shop:0\n", stderr: "" });
    const kept = "mkdir -p .kamal; echo '[2030-01-02T03:04:05Z] [ann] [web] Kept version 1 as version 2' > .kamal/shop-staging-audit.log";
    await home.run(kept);
    expect(await home.run(pruneImages(settings).text, { shell })).toEqual({ status: 0, stdout: "acme/shop:0\n", stderr: "" });
    using last = new Home().program("docker", `case $* in "image ls"*) printf '%s\\n' acme/shop:0 acme/shop:2 ;; ps*shop:2) echo c1 ;; rmi*) echo "$2" ;; esac`);
    await last.run(kept);
    expect(await last.run(pruneImages(settings).text, { shell })).toEqual({ status: 0, stdout: "acme/shop:0\n", stderr: "" });
    using silent = new Home().program("docker", `case $* in "image ls"*) echo acme/shop:2 ;; ps*) exit 1 ;; rmi*) echo "$2" ;; esac`);
    await silent.run(kept);
    expect(await silent.run(pruneImages(settings).text, { shell })).toEqual({ status: 1, stdout: "", stderr: "" });
  });

  test("K1: no image goes when the containers cannot be listed", async () => {
    using home = new Home().program("docker", `case $* in "container ls"*) exit 1 ;; "image ls"*) echo acme/shop:7 ;; rmi*) echo "$2" ;; esac`);
    expect(await home.run(pruneImages(settings).text, { shell })).toEqual({ status: 1, stdout: "", stderr: "" });
  });
});
