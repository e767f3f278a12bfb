import { afterAll, beforeAll, expect, test } from "bun:test";
import { startLab, type Lab } from "./lab.ts";
import type { LabHost } from "./host.ts";
import { makeProject, type Project } from "./project.ts";
import { pushSideImage } from "./side-image.ts";
import { until } from "./shell.ts";
import { watchProcesses } from "./watch.ts";

let lab: Lab;
let project: Project;
let first: string;
let second: string;
const storeSecret = `store-canary-${crypto.randomUUID().slice(0, 8)}`;
const service = "/busybox sh -c 'echo begin $GREETING; n=0; while :; do n=$((n+1)); echo tick $n; /busybox sleep 0.5; done & exec /busybox httpd -f -p 80 -h /www'";

beforeAll(async () => {
  lab = await startLab({ hosts: 2 });
  [first = "", second = ""] = lab.hosts.map((host) => host.address);
  await Promise.all([pushSideImage(lab, "acme/store", "1"), pushSideImage(lab, "acme/search", "1")]);
  await pushSideImage(lab, "acme/store", "2");
  project = await makeProject(lab, {
    more: `readinessDelay: 1, stopTimeout: 1,
  accessories: {
    store: {
      image: ${JSON.stringify(`${lab.registry.address}/acme/store:`)} + (process.env.STORE_TAG ?? "1"),
      hosts: [${JSON.stringify(first)}, ${JSON.stringify(second)}],
      cmd: process.env.STORE_CMD ?? ${JSON.stringify(service)},
      port: "8081:80",
      env: { clear: { GREETING: process.env.GREETING ?? "hello", EMPTY: "" }, secret: ["STORE_SECRET"] },
      files: [
        "config/plain.conf:/etc/plain.conf:ro",
        { content: async ({ host, env, secret }) => \`host=\${host}\\ngreeting=\${env.GREETING}\\nlength=\${(await secret("STORE_SECRET")).length}\\n\`, remote: "/etc/made.conf", mode: "0640", owner: "999:998" },
      ],
      directories: ["data:/data", { local: "cache", remote: "/cache", mode: "0750", owner: "999:998" }],
      volumes: ["store-volume:/volume"],
    },
    search: {
      image: ${JSON.stringify(`${lab.registry.address}/acme/search:1`)},
      host: ${JSON.stringify(first)},
      proxy: { host: "search.example", appPort: 80 },
    },
  },`,
  });
  await Bun.write(`${project.folder}/config/plain.conf`, "plain=1\nodd='$HOME \"x\"'\n");
  await Bun.write(`${project.folder}/.capstan/secrets`, `STORE_SECRET=${storeSecret}\n`);
}, 180_000);
afterAll(() => lab?.stop());

/** What the published port of store answers. */
async function stored(host: LabHost): Promise<string> {
  const answer = await fetch(`http://${host.address}:8081/`, { signal: AbortSignal.timeout(3_000), keepalive: false }).catch(() => undefined);
  return answer?.ok === true ? (await answer.text()).trim() : "failed";
}

/** What the proxy of the first host answers for search: the status where it is not 200. */
async function searched(): Promise<string> {
  const answer = await fetch(`http://${first}/`, { headers: { host: "search.example" }, signal: AbortSignal.timeout(3_000), keepalive: false });
  const text = (await answer.text()).trim();
  return answer.ok ? text : String(answer.status);
}

const ids = async (): Promise<string[]> => Promise.all(lab.hosts.map(async (host) => (await host.docker("ps", "--all", "--no-trunc", "--quiet", "--filter", "name=^sample-store$")).stdout.trim()));
const reuse = async (host: string, ...words: string[]): Promise<string> => (await project.must(["accessory", "exec", "--reuse", "--raw", "-h", host, "store", ...words])).stdout;
const storesOf = (host: LabHost): Promise<string> => host.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").then(({ stdout }) => stdout.split("\n").filter((line) => line.includes("acme/store")).sort().join(" "));

test("boot brings files, folders and environment to every host, and the secret to nobody but the container", async () => {
  await using watch = watchProcesses([storeSecret], (commandLine, where) => where === "environ" && /^(\/busybox |runc |\S*runc\S* init)/.test(commandLine));
  const booted = await project.must(["accessory", "boot", "store", "-v"]);
  expect(watch.sightings.map(({ where, commandLine }) => `${where} of ${commandLine.slice(0, 200)}`)).toEqual([]);
  expect(booted.stdout + booted.stderr).not.toContain(storeSecret);
  for (const host of lab.hosts) {
    expect(await host.running("sample-store")).toEqual(["sample-store"]);
    expect(await stored(host)).toBe("acme/store 1");
    expect((await host.exec("stat -c '%n %a %u:%g' sample-store/etc/plain.conf sample-store/etc/made.conf sample-store/data sample-store/cache .kamal/apps/sample/env/accessories/store.env")).stdout.trim().split("\n")).toEqual([
      "sample-store/etc/plain.conf 755 0:0", "sample-store/etc/made.conf 640 999:998", "sample-store/data 755 0:0", "sample-store/cache 750 999:998", ".kamal/apps/sample/env/accessories/store.env 600 0:0",
    ]);
    expect(await reuse(host.address, "/busybox", "cat", "/etc/plain.conf")).toBe("plain=1\nodd='$HOME \"x\"'\n");
    expect(await reuse(host.address, "/busybox", "cat", "/etc/made.conf")).toBe(`host=${host.address}\ngreeting=hello\nlength=${storeSecret.length}\n`);
    expect(await reuse(host.address, "/busybox", "stat", "-c", "%a %u:%g", "/etc/made.conf", "/cache")).toBe("640 999:998\n750 999:998\n");
    expect((await project.run(["accessory", "exec", "--reuse", "-h", host.address, "store", "--", "/busybox", "touch", "/etc/plain.conf"])).status).not.toBe(0);
    expect((await host.docker("exec", "sample-store", "/busybox", "env")).stdout).toContain(`STORE_SECRET=${storeSecret}\n`);
    expect(await reuse(host.address, "/busybox sh -c 'echo $GREETING-$KAMAL_HOST-${EMPTY-unset}-'")).toBe(`hello-${host.address}--\n`);
    expect((await host.docker("inspect", "--format", "{{json .Config.Cmd}} {{json .Config.Labels}} {{.Path}} {{.Args}} {{.HostConfig.RestartPolicy.Name}}", "sample-store")).stdout).not.toContain(storeSecret);
  }
}, 60_000);

test("boot again leaves everything as it is and says so", async () => {
  const before = await ids();
  const again = await project.must(["accessory", "boot", "store"]);
  expect(again.stderr).toContain(`Left as it is: store on ${first}, where a container sample-store is there already; \`capstan accessory reboot store\` replaces it.`);
  expect(again.stderr).toContain(`store on ${second}`);
  expect(await ids()).toEqual(before);
}, 60_000);

test("setup boots the accessories that are missing and a deploy leaves them alone", async () => {
  const before = await ids();
  await project.must(["setup", "--version", "v1"], { VERSION: "v1" });
  expect(await ids()).toEqual(before);
  expect(await searched()).toBe("acme/search 1");
  await project.deploy("v2");
  expect(await ids()).toEqual(before);
  expect(await searched()).toBe("acme/search 1");
  expect(await lab.host(2).running("sample-search")).toEqual([]);
}, 60_000);

test("details shows each host, all shows all accessories, and --hosts narrows", async () => {
  const all = (await project.must(["accessory", "details", "all"])).stdout;
  expect(all.match(/sample-store/g)).toHaveLength(2);
  expect(all.match(/sample-search/g)).toHaveLength(1);
  const one = (await project.must(["accessory", "details", "store", "-h", second])).stdout;
  expect(one).toContain(second);
  expect(one).not.toContain(first);
  expect(one.match(/sample-store/g)).toHaveLength(1);
  expect((await project.must(["details"])).stdout).toContain("sample-search");
}, 60_000);

test("a name that is none ends with a status of its own and a suggestion; so does a host that is none of its hosts", async () => {
  for (const args of [["boot"], ["details"], ["logs"], ["start"], ["stop"], ["restart"], ["reboot"], ["remove", "-y"], ["exec"]]) {
    const [word = "", ...more] = args;
    const none = await project.run(["accessory", word, ...more, "stroe", ...(word === "exec" ? ["true"] : [])]);
    expect([word, none.status]).toEqual([word, 2]);
    expect(none.stderr).toMatch(/There is no accessory "stroe"[\s\S]*Did you mean store\?/);
  }
  const elsewhere = await project.run(["accessory", "stop", "search", "-h", second]);
  expect(elsewhere.status).toBe(2);
  expect(elsewhere.stderr).toContain(first);
  expect(await searched()).toBe("acme/search 1");
}, 60_000);

test("exec runs in a new container with env and mounts, or in the running one, and passes the status on", async () => {
  const fresh = await project.must(["accessory", "exec", "store", "--", "/busybox", "sh", "-c", "echo $GREETING ${STORE_SECRET:+has} $(/busybox cat /etc/made.conf | /busybox head -n 1); /busybox hostname > /data/$(/busybox hostname)"]);
  expect(fresh.stdout).toContain(`hello has host=${first}`);
  expect(fresh.stdout).toContain(`hello has host=${second}`);
  for (const host of lab.hosts) {
    const own = (await host.docker("inspect", "--format", "{{.Config.Hostname}}", "sample-store")).stdout.trim();
    const written = (await host.exec("ls sample-store/data")).stdout.trim();
    expect(written).toMatch(/^[0-9a-f]{12}$/);
    expect(written).not.toBe(own);
    await host.exec(`rm sample-store/data/${written}`);
    expect(await host.docker("ps", "--all", "--format", "{{.Names}}").then(({ stdout }) => stdout.split("\n").filter((name) => name !== "" && !/^(sample-|kamal-proxy)/.test(name)))).toEqual([]);
  }
  expect((await project.run(["accessory", "exec", "--reuse", "store", "--", "/busybox", "sh", "-c", "exit 3"])).status).toBe(3);
  expect((await project.run(["accessory", "exec", "store", "-h", first, "--", "/busybox", "sh", "-c", "exit 4"])).status).toBe(4);
  await project.must(["accessory", "exec", "--reuse", "store", "--", "/busybox", "sh", "-c", "echo kept > /data/kept; echo kept > /volume/kept"]);
}, 60_000);

test("logs come from all hosts, cut by lines, pattern and time", async () => {
  const lines = (text: string): string[] => text.split("\n").filter((line) => /begin|tick/.test(line)).sort();
  expect(lines((await project.must(["accessory", "logs", "store", "-n", "2", "-T"])).stdout)).toEqual([first, first, second, second].map((host) => expect.stringMatching(new RegExp(`^${host} store +tick \\d+$`))));
  expect(lines((await project.must(["accessory", "logs", "store", "--grep", "begin", "-T"])).stdout)).toEqual([first, second].map((host) => expect.stringMatching(new RegExp(`^${host} store +begin hello$`))));
  const since = lines((await project.must(["accessory", "logs", "store", "--since", "2s", "-h", first])).stdout);
  expect(since.length).toBeGreaterThan(1);
  expect(since.length).toBeLessThan(12);
  expect(since.at(-1)).toMatch(/\d{4}-\d\d-\d\dT[\d:.]+Z tick \d+$/);
  const follow = project.start(["accessory", "logs", "store", "-f", "-T"]);
  const reader = follow.stdout.getReader();
  let text = "";
  while (![first, second].every((host) => (text.match(new RegExp(`^${host} store +tick`, "gm"))?.length ?? 0) > 12)) text += new TextDecoder().decode((await reader.read()).value);
  reader.releaseLock();
  follow.kill("SIGINT");
  await follow.exited;
  expect(follow.exitCode).toBe(130);
  for (const host of lab.hosts) await until(`nothing follows logs on ${host.name}`, async () => (await host.exec("pgrep -f '[d]ocker logs' || echo none")).stdout === "none\n", 5_000);
}, 60_000);

test("stop, start and restart: the same container, off and on, also at the proxy", async () => {
  const before = await ids();
  await project.must(["accessory", "stop", "all"]);
  expect(await Promise.all(lab.hosts.map(stored))).toEqual(["failed", "failed"]);
  expect(await searched()).toBe("v2");
  await project.must(["accessory", "stop", "store"]);
  expect((await project.must(["accessory", "boot", "store"])).stderr).toContain("it is exited: `capstan accessory start store` starts it");
  await project.must(["accessory", "start", "store", "-h", second]);
  expect(await Promise.all(lab.hosts.map(stored))).toEqual(["failed", "acme/store 1"]);
  await project.must(["accessory", "start", "store"]);
  await project.must(["accessory", "start", "search"]);
  expect(await Promise.all(lab.hosts.map(stored))).toEqual(["acme/store 1", "acme/store 1"]);
  expect(await searched()).toBe("acme/search 1");
  const started = (await lab.host(1).docker("inspect", "--format", "{{.State.StartedAt}}", "sample-store")).stdout;
  await project.must(["accessory", "restart", "store"]);
  expect((await lab.host(1).docker("inspect", "--format", "{{.State.StartedAt}}", "sample-store")).stdout).not.toBe(started);
  await project.must(["accessory", "restart", "search"]);
  expect(await searched()).toBe("acme/search 1");
  expect(await ids()).toEqual(before);
  expect(await Promise.all(lab.hosts.map(stored))).toEqual(["acme/store 1", "acme/store 1"]);
}, 60_000);

test("reboot makes a new container with image, env and files as the config says now; data stays", async () => {
  const before = await ids();
  await Bun.write(`${project.folder}/config/plain.conf`, "plain=2\n");
  await project.must(["accessory", "reboot", "store", "--rolling"], { STORE_TAG: "2", GREETING: "good day" });
  const after = await ids();
  expect(after.filter((id) => id === "" || before.includes(id))).toEqual([]);
  for (const host of lab.hosts) {
    expect(await stored(host)).toBe("acme/store 2");
    expect(await storesOf(host)).toBe(`${lab.registry.address}/acme/store:2`);
    expect(await reuse(host.address, "/busybox sh -c 'echo $GREETING; /busybox cat /data/kept /volume/kept /etc/plain.conf; /busybox grep greeting /etc/made.conf'")).toBe("good day\nkept\nkept\nplain=2\ngreeting=good day\n");
  }
  await project.must(["accessory", "reboot", "search"]);
  expect(await searched()).toBe("acme/search 1");
}, 60_000);

test("a reboot whose image cannot be pulled leaves the old container running", async () => {
  const before = await ids();
  const failed = await project.run(["accessory", "reboot", "store"], { STORE_TAG: "none" });
  expect(failed.status).not.toBe(0);
  expect(failed.stderr).toContain("acme/store:none");
  expect(await ids()).toEqual(before);
  expect(await Promise.all(lab.hosts.map(stored))).toEqual(["acme/store 2", "acme/store 2"]);
}, 60_000);

test("upgrade brings one that MRSK started into the network of app and proxy", async () => {
  const host = lab.host(1);
  await host.docker("rm", "--force", "sample-store");
  await host.docker("run", "--name", "sample-store", "--detach", "--label", "service=sample-store", `${lab.registry.address}/acme/store:2`);
  const asked = await project.run(["accessory", "upgrade", "store", "-h", first]);
  expect(asked.status).toBe(2);
  await project.must(["accessory", "upgrade", "store", "-h", first, "-y"], { STORE_TAG: "2" });
  expect((await host.docker("inspect", "--format", "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}", "sample-store")).stdout.trim()).toBe("kamal");
  expect(await stored(host)).toBe("acme/store 2");
  // The app reaches it by its name.
  expect((await project.must(["app", "exec", "--reuse", "--raw", "-p", "--", "/busybox", "wget", "-q", "-O", "-", "http://sample-store/"])).stdout).toBe("acme/store 2\n");
}, 60_000);

test("remove takes container, image, folder and environment away, on the chosen hosts only; the app serves on", async () => {
  const question = await project.run(["accessory", "remove", "store"]);
  expect(question.status).toBe(2);
  expect(question.stderr).toContain("-y");
  await project.must(["accessory", "remove", "store", "-y", "-h", second], { STORE_TAG: "2" });
  expect(await Promise.all(lab.hosts.map(stored))).toEqual(["acme/store 2", "failed"]);
  await project.must(["accessory", "remove", "all", "-y"], { STORE_TAG: "2" });
  for (const host of lab.hosts) {
    expect((await host.docker("ps", "--all", "--format", "{{.Names}}")).stdout).not.toMatch(/store|search/);
    expect(await storesOf(host)).toBe("");
    expect((await host.exec("find . -name '*store*' -o -name '*search*'")).stdout).toBe("");
  }
  expect(await searched()).toBe("v2");
  await project.must(["accessory", "remove", "all", "-y"]);
  const gone = await project.run(["accessory", "start", "store"]);
  expect(gone.status).not.toBe(0);
  expect(gone.stderr).toContain("Boot it: `capstan accessory boot store`.");
  const sick = await project.run(["accessory", "boot", "store"], { STORE_CMD: "/busybox sh -c 'echo cannot read the table; exit 3'" });
  expect(sick.status).not.toBe(0);
  expect(sick.stderr).toContain("cannot read the table");
  expect(await ids()).toEqual(["", ""]);
  await project.must(["accessory", "boot", "all"]);
  expect(await Promise.all(lab.hosts.map(stored))).toEqual(["acme/store 1", "acme/store 1"]);
  expect(await searched()).toBe("acme/search 1");
}, 60_000);

test("the single steps of boot and remove do one thing each", async () => {
  const host = lab.host(2);
  const step = (name: string) => project.must(["accessory", name, "store", "-h", second]);
  await step("stop");
  await step("remove-container");
  expect((await ids()).map((id) => id !== "")).toEqual([true, false]);
  expect(await storesOf(host)).toContain("acme/store:1");
  await step("remove-image");
  expect(await storesOf(host)).toBe("");
  await step("remove-service-directory");
  expect((await host.exec("ls")).stdout).toBe("");
  await step("directories");
  expect((await host.exec("find sample-store | sort")).stdout).toBe("sample-store\nsample-store/cache\nsample-store/data\n");
  await step("upload");
  expect((await host.exec("cat sample-store/etc/plain.conf sample-store/etc/made.conf")).stdout).toBe(`plain=2\nhost=${second}\ngreeting=hello\nlength=${storeSecret.length}\n`);
  await step("pull-image");
  expect(await storesOf(host)).toContain("acme/store:1");
  expect((await ids()).map((id) => id !== "")).toEqual([true, false]);
}, 60_000);
