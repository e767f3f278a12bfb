import { afterAll, beforeAll, expect, test } from "bun:test";
import { startLab, type Lab } from "./lab.ts";
import { lost, startLoad } from "./load.ts";
import { makeProject, served, type Project } from "./project.ts";

let lab: Lab;
let project: Project;

beforeAll(async () => {
  lab = await startLab({ hosts: 2 });
  const [first, second] = lab.hosts.map((host) => host.address);
  project = await makeProject(lab, {
    servers: `{ web: [${JSON.stringify(first)}, ${JSON.stringify(second)}], jobs: { hosts: [${JSON.stringify(second)}], cmd: "/busybox sh -c 'while :; do echo working; /busybox sleep 1; done'", env: { KIND: "jobs" } } }`,
    more: "readinessDelay: 1, stopTimeout: 1,",
  });
  await project.must(["setup", "--version", "v1"], { VERSION: "v1" });
  await project.deploy("v2");
}, 180_000);
afterAll(() => lab?.stop());

const json = (text: string): Record<string, unknown>[] => text.trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);

test("roles behind no proxy are deployed beside the others", async () => {
  expect(await lab.host(1).running("sample")).toEqual(["sample-web-v2"]);
  expect(await lab.host(2).running("sample")).toEqual(["sample-jobs-v2", "sample-web-v2"]);
});

test("details, app version, app containers, audit and observe tell what is there", async () => {
  expect((await project.must(["details"])).stdout).toMatch(/sample-web-v2[\s\S]*sample-jobs-v2/);
  expect((await project.must(["app", "version", "-q"])).stdout.trim().split("\n").map((line) => line.split(/\s+/).slice(1).join(" ")).sort()).toEqual(["jobs v2", "web v2", "web v2"]);
  expect((await project.must(["app", "containers"])).stdout).toContain("sample-web-v1");
  expect((await project.must(["audit", "-p"])).stdout).toContain("[web] Booted app version v2");
  const facts = json((await project.must(["observe", "--json"])).stdout).find((line) => line["type"] === "facts") as { hosts: Record<string, { proxy: { routes: { name: string }[] } }> };
  expect(Object.keys(facts.hosts).sort()).toEqual(lab.hosts.map((host) => host.address));
  expect(facts.hosts[lab.host(1).address]?.proxy.routes.map(({ name }) => name)).toEqual(["sample-web"]);
  expect((await project.must(["config"])).stdout).toContain("‹secret REGISTRY_PASSWORD›");
  expect((await project.must(["proxy", "details"])).stdout).toContain("kamal-proxy");
});

test("app exec runs in a new container or in the one that serves, and passes the status on", async () => {
  const env = await project.must(["app", "exec", "-p", "--", "/busybox", "env"]);
  expect(env.stdout).toContain("HOME=/");
  expect(env.stdout).toContain("‹secret ");
  const reuse = await project.must(["app", "exec", "--reuse", "-e", "A:1", "--", "/busybox", "sh", "-c", "echo $A $KAMAL_VERSION $KIND"]);
  expect(reuse.stdout.match(/^1 v2/gm)).toHaveLength(3);
  expect((await project.run(["app", "exec", "--reuse", "-p", "--", "/busybox", "sh", "-c", "exit 3"])).status).toBe(3);
  expect((await project.must(["app", "exec", "--raw", "--reuse", "-p", "-r", "web", "--", "/busybox", "printf", "a\\nb"])).stdout).toBe("a\nb");
  expect((await lab.host(1).containers("sample")).filter((name) => name.includes("exec"))).toEqual([]);
}, 60_000);

test("logs come from all hosts and roles at once, and can be followed", async () => {
  const all = await project.must(["app", "logs", "-r", "jobs", "-n", "2", "-T"]);
  expect(all.stdout).toMatch(new RegExp(`^${lab.host(2).address} jobs +working$`, "m"));
  const follow = project.start(["app", "logs", "-f", "-r", "jobs", "-T"]);
  const reader = follow.stdout.getReader();
  let text = "";
  while ((text.match(/working/g)?.length ?? 0) < 12) text += new TextDecoder().decode((await reader.read()).value);
  reader.releaseLock();
  follow.kill("SIGINT");
  await follow.exited;
  expect(follow.exitCode).toBe(130);
  expect((await project.must(["proxy", "logs", "-n", "5"])).stdout).not.toBe("");
}, 60_000);

test("server exec runs on hosts, filters narrow it, and no match is refused before connecting", async () => {
  expect((await project.must(["server", "exec", "--raw", "uname -n"])).stdout.split("\n").sort()).toEqual(["", "h1", "h2"]);
  expect((await project.must(["server", "exec", "--raw", "-h", lab.host(2).address, "--", "uname", "-n"])).stdout).toBe("h2\n");
  const none = await project.run(["server", "exec", "-h", "nope*", "uname"]);
  expect(none.status).toBe(2);
  expect(none.stderr).toContain("nope*");
});

test("looking around shows what can be seen while one host is down, and says which is", async () => {
  await lab.host(2).killSshd();
  const [version, details, logs, reuse] = [await project.run(["app", "version"]), await project.run(["details"]), await project.run(["app", "logs", "-n", "1"]), await project.run(["app", "exec", "--reuse", "true"])];
  await lab.host(2).startSshd();
  expect([version, details, logs, reuse].map(({ status }) => status)).toEqual([4, 4, 4, 4]);
  expect(version.stdout).toMatch(new RegExp(`^${lab.host(1).address}  web  v2$`, "m"));
  expect(version.stdout).toMatch(new RegExp(`^${lab.host(2).address}  jobs  .*nothing listens`, "m"));
  expect(details.stdout).toContain("sample-web-v2");
  expect(logs.stderr).toMatch(/nothing listens/);
  expect(reuse.stderr).toMatch(/nothing listens/);
}, 60_000);

test("app stop and start take the service out and in again", async () => {
  await project.must(["app", "stop"]);
  expect(await served(lab.hosts)).toEqual(["failed", "failed"]);
  expect(await lab.host(2).running("sample")).toEqual([]);
  await project.must(["app", "start"]);
  expect(await served(lab.hosts)).toEqual(["v2", "v2"]);
  expect(await lab.host(2).running("sample")).toEqual(["sample-jobs-v2", "sample-web-v2"]);
  await project.must(["app", "boot", "--version", "v1"]);
  expect(await served(lab.hosts)).toEqual(["v1", "v1"]);
}, 60_000);

test("proxy reboot goes host after host and keeps the routes", async () => {
  const asked = await project.run(["proxy", "reboot", "--rolling"]);
  expect(asked.status).toBe(2);
  expect(asked.stderr).toContain("-y");
  await project.must(["proxy", "reboot", "--rolling", "-y"]);
  expect(await served(lab.hosts)).toEqual(["v1", "v1"]);
  await project.must(["proxy", "boot"]);
  await project.must(["proxy", "stop"]);
  expect(await served(lab.hosts)).toEqual(["failed", "failed"]);
  await project.must(["proxy", "start"]);
  expect(await served(lab.hosts)).toEqual(["v1", "v1"]);
}, 60_000);

test("registry login and logout, build push and pull", async () => {
  await project.must(["registry", "logout"]);
  await project.must(["registry", "login"]);
  await project.must(["build", "push", "--version", "b1"], { VERSION: "b1" });
  await project.must(["build", "pull", "--version", "b1"]);
  expect((await lab.host(1).docker("image", "inspect", `${lab.registry.address}/acme/sample:b1`)).status).toBe(0);
  const wrong = await project.run(["registry", "login"], { REGISTRY_PASSWORD: "wrong" });
  expect(wrong.status).not.toBe(0);
  expect(wrong.stderr).toMatch(/unauthorized|denied/i);
}, 60_000);

test("redeploy puts a version in place, and a destination has names and secrets of its own beside it", async () => {
  await project.must(["redeploy", "--version", "b2"], { VERSION: "b2" });
  expect(await served(lab.hosts)).toEqual(["b2", "b2"]);
  await Bun.write(`${project.folder}/deploy.staging.config.ts`, `import { defineDestination } from "capstan";
export default defineDestination({ servers: { web: [${JSON.stringify(lab.host(1).address)}], jobs: { hosts: [${JSON.stringify(lab.host(1).address)}] } }, proxy: { host: "staging.example" } });
`);
  await Bun.write(`${project.folder}/.capstan/secrets.staging`, "APP_SECRET=of-staging\n");
  await project.must(["deploy", "-d", "staging", "--version", "s1"], { VERSION: "s1", APP_SECRET: undefined });
  expect(await lab.host(1).running("sample")).toEqual(["sample-jobs-staging-s1", "sample-web-b2", "sample-web-staging-s1"]);
  const ask = async (path: string, host: string) => (await (await fetch(`http://${lab.host(1).address}${path}`, { headers: { host } })).text()).trim();
  expect(await ask("/", "staging.example")).toBe("s1");
  expect(await ask("/cgi-bin/env?APP_SECRET", "staging.example")).toBe("APP_SECRET=of-staging");
  expect(await ask("/", "other.example")).toBe("b2");
  expect((await lab.host(1).exec("cat .kamal/sample-staging-audit.log")).stdout).toContain("[staging] [web] Booted app version s1");
  await project.must(["app", "stop", "-d", "staging"]);
}, 60_000);

test("server bootstrap leaves hosts with Docker as they are", async () => {
  expect((await project.must(["server", "bootstrap"])).stderr).toContain("Docker runs on every host");
});

test("a dry run prints the plan that a run carries out, and changes nothing", async () => {
  const before = await lab.host(1).containers("sample");
  const lines = json((await project.must(["deploy", "--dry-run", "--json", "--version", "p1"], { VERSION: "p1" })).stdout).filter((line) => line["type"] === "step");
  expect(await lab.host(1).containers("sample")).toEqual(before);
  const planned = lines.filter((line) => line["kind"] === "run" && line["host"] === lab.host(1).address).map((line) => line["title"]);
  const events = json((await project.must(["deploy", "--json", "--version", "p1"], { VERSION: "p1" })).stdout);
  expect(events.at(-1)).toMatchObject({ v: 1, type: "result", ok: true, command: "deploy", status: 0 });
  const done = events.filter((event) => event["type"] === "step-end" && event["kind"] === "run" && event["host"] === lab.host(1).address).map((event) => event["title"]);
  expect(done).toEqual(planned);
  expect(await served(lab.hosts)).toEqual(["p1", "p1"]);
}, 60_000);

test("hooks are called in order with what they need; a throw stops the deploy with the user's own line", async () => {
  const hooked = await makeProject(lab, {
    more: `hooks: {
    preConnect: ({ command, performer, hosts, log }) => log(\`hook preConnect \${command} \${performer} \${hosts.length}\`),
    preBuild: async ({ local, log }) => log("hook preBuild " + (await local(["echo", "here"])).stdout.trim()),
    preDeploy: async ({ run, exec, hosts, locked, log }) => {
      log("hook preDeploy " + locked + " " + (await run(hosts[0]!, "uname -n")).stdout.trim() + " " + (await exec("/busybox echo in-app")).stdout.trim());
      if (process.env.BREAK) throw new Error("not today");
    },
    preAppBoot: ({ hosts, log }) => log("hook preAppBoot " + hosts.length),
    postAppBoot: ({ hosts, log }) => log("hook postAppBoot " + hosts.length),
    auditBroadcast: async ({ event }) => { if (event.text.startsWith("Tagging")) throw new Error("chat is down"); await Bun.sleep(20_000); },
    postDeploy: ({ version, serviceVersion, locked, runtimeSeconds, log }) => log(\`hook postDeploy \${version} \${serviceVersion} \${locked} \${typeof runtimeSeconds}\`),
    onFailure: ({ error, log }) => log("hook onFailure " + error.failure),
  },`,
  });
  const started = performance.now();
  const ok = await hooked.deploy("h1");
  expect(performance.now() - started).toBeLessThan(18_000);
  expect(ok.stderr.match(/hook (?:pre|post|on)\w+ [^s].*/g)?.filter((line) => !/\d s$/.test(line)).map((line) => line.trim())).toEqual([
    "hook preConnect deploy ann@example.com 2", "hook preBuild here", `hook preDeploy true h1 in-app`, "hook preAppBoot 2", "hook postAppBoot 2", "hook postDeploy h1 sample@h1 false number",
  ]);
  const broken = await hooked.run(["deploy", "--version", "h2"], { VERSION: "h2", BREAK: "1" });
  expect(broken.status).toBe(8);
  expect(broken.stderr).toContain("Hook preDeploy failed: not today");
  expect(broken.stderr).toMatch(/deploy\.config\.ts:\d+/);
  expect(broken.stderr).toContain("hook onFailure hook");
  expect(await served(lab.hosts)).toEqual(["h1", "h1"]);
  const skipped = await hooked.must(["deploy", "-H", "--version", "h2"], { VERSION: "h2", BREAK: "1" });
  expect(skipped.stderr).not.toContain("hook preDeploy true");
  expect(await served(lab.hosts)).toEqual(["h2", "h2"]);
}, 120_000);

test("a deploy that fails half way through its groups goes back on the hosts that had switched", async () => {
  const rolling = await makeProject(lab, { clear: `{ SICK_HOST: process.env.SICK_HOST ?? "" }`, proxy: `{ healthcheck: { path: "/cgi-bin/health", interval: 1 } }`, more: "boot: { limit: 1 }, deployTimeout: 3," });
  await rolling.deploy("r1");
  await using load = startLoad(lab.urls, { rate: 60, slow: { count: 1, seconds: 1 }, streamTicks: 0 });
  await Bun.sleep(300);
  const failed = await rolling.run(["deploy", "--version", "r2"], { VERSION: "r2", SICK_HOST: lab.host(2).address });
  const report = await load.stop();
  expect(failed.status).toBe(6);
  expect(failed.stderr).toContain("Every host serves what it served before: r1.");
  expect(failed.stderr).toMatch(/Taken back on [\d.]+: Switch sample-web back/);
  expect(await served(lab.hosts)).toEqual(["r1", "r1"]);
  expect(report.errors).toEqual({});
  expect(lost(report)).toBe(0);
  expect(Object.keys(report.bodies).sort()).toEqual(["r1", "r2"]);
  for (const host of lab.hosts) expect((await host.containers("sample")).filter((name) => name.includes("r2"))).toEqual([]);
}, 60_000);

test("output that nobody reads does not end a deploy", async () => {
  const child = project.start(["deploy", "--version", "q1"], { VERSION: "q1" });
  await Promise.all([child.stderr.cancel(), child.stdout.cancel()]);
  expect(await child.exited).toBe(0);
  expect(await served(lab.hosts)).toEqual(["q1", "q1"]);
}, 60_000);
