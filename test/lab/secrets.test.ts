import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { collector, type Collector } from "../support/collector.ts";
import { startLab, type Lab } from "./lab.ts";
import { type Canaries, filesWith, leaksIn, notations, writePatterns } from "./leaks.ts";
import { ended, makeProject, type Project } from "./project.ts";
import { pushSideImage } from "./side-image.ts";
import { must, run } from "./shell.ts";
import { User } from "./user.ts";
import { watchProcesses, type Sighting } from "./watch.ts";

let lab: Lab;
let project: Project;
let told: Collector;
let canaries: Canaries;
let patterns: string;
const id = crypto.randomUUID().slice(0, 8);
/** With all that programs write in another way: quotes, blanks, backslashes, letters beyond ASCII. */
const nasty = (name: string): string => `${name} $'"\\%+/&<é>-${id}`;
const outputs: [what: string, text: string][] = [];
/** The secrets stand in a file: the environment of the tool has none of them. */
const inFile = { REGISTRY_PASSWORD: undefined, APP_SECRET: undefined };

beforeAll(async () => {
  lab = await startLab({ hosts: 2 });
  told = collector();
  const [first, second] = lab.hosts.map(({ address }) => JSON.stringify(address));
  const store = await pushSideImage(lab, "acme/store", "1");
  const tls = `${lab.folder}/tls`;
  await must(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=shop.example", "-keyout", `${tls}.key`, "-out", `${tls}.crt`]);
  const [tlsKey = "", certificate = "", sshKey = ""] = await Promise.all([`${tls}.key`, `${tls}.crt`, lab.key].map((path) => readFile(path, "utf8")));
  const secrets = {
    APP_SECRET: nasty("app"), JOB_SECRET: `job-canary-${id}`, TAG_SECRET: nasty("tag"), STORE_SECRET: nasty("store"), FILE_SECRET: `file-canary-${id}`, TEMPLATE_SECRET: `template-canary-${id}`,
    BUILD_SECRET: nasty("build"), HOOK_SECRET: nasty("hook"), REGISTRY_PASSWORD: lab.registry.password,
  };
  canaries = { ...secrets, PROGRAM_SECRET: `program-canary-${id}`, COMMAND_SECRET: `command-canary-${id}`, WRONG: `wrong-canary-${id}`, TLS_KEY: tlsKey.split("\n")[3] ?? "", SSH_KEY: sshKey.split("\n")[2] ?? "" };
  patterns = `${lab.folder}/patterns`;
  await writePatterns(patterns, canaries);
  project = await makeProject(lab, {
    servers: `{ web: { hosts: [{ [${first}]: "big" }], cmd: process.env.WEB_CMD }, jobs: { hosts: [${second}], cmd: "/busybox sleep 1d", env: { secret: ["JOB_SECRET"] } } }`,
    proxy: `{ host: "shop.example", ssl: { certificatePem: secret("TLS_CERT"), privateKeyPem: secret("TLS_KEY") } }`,
    more: `env: { secret: ["APP_SECRET", "PROGRAM_SECRET", "COMMAND_SECRET"], tags: { big: { secret: ["TAG_SECRET"] } } },
  builder: { context: ".", driver: "docker", args: { VERSION: process.env.VERSION ?? "unknown" }, secrets: ["BUILD_SECRET"] },
  ssh: { keyData: [secret("SSH_KEY")], keysOnly: true },
  readinessDelay: 1, stopTimeout: 1, deployTimeout: 20,
  output: { file: { path: "log" }, otel: { endpoint: ${JSON.stringify(told.url)} } },
  secrets: { PROGRAM_SECRET: ({ output }) => output("sh", "vault.sh") },
  accessories: { store: {
    image: ${JSON.stringify(store)}, host: ${first}, env: { secret: ["STORE_SECRET", "TEMPLATE_SECRET"] },
    files: [{ content: async ({ secret }) => "password=" + await secret("FILE_SECRET") + "\\n", remote: "/etc/made.conf", mode: "0600" }, { local: "store.conf.erb", remote: "/etc/store.conf", mode: "0600" }],
  } },
  hooks: {
    preDeploy: async ({ secret, log, run, local, hosts }) => {
      const value = await secret("HOOK_SECRET");
      log("hook has " + value + " and " + btoa(unescape(encodeURIComponent("user:" + value))) + " and " + JSON.stringify(encodeURIComponent(value)));
      await run(hosts[0]!, sh\`cat\`.stdin("printed " + value + " and " + Buffer.from(value).toString("base64").replace(/(.{20})/, "$1\\n") + "\\n"));
      await local(["cat"], { input: "here " + Buffer.from(value).toString("hex") });
      if (process.env.HOOK === "throw") throw new Error("refused: " + value);
      if (process.env.HOOK === "stray") { setTimeout(() => { throw new TypeError("astray: " + value); }, 1); await new Promise(() => undefined); }
    },
    auditBroadcast: async ({ event, secret, log }) => log("told " + event.text + " " + await secret("HOOK_SECRET")),
  },`,
  });
  await Bun.write(`${project.folder}/deploy.config.ts`, (await Bun.file(`${project.folder}/deploy.config.ts`).text()).replace("{ defineConfig, secret }", "{ defineConfig, secret, sh }"));
  await Bun.write(`${project.folder}/store.conf.erb`, "password <%= ENV['TEMPLATE_SECRET'] %>\n");
  await Bun.write(`${project.folder}/vault.sh`, `echo '${canaries["PROGRAM_SECRET"]}'\n`);
  await Bun.write(`${project.folder}/vault.txt`, `${canaries["COMMAND_SECRET"]}\n`);
  const line = ([name, value]: readonly [string, string]): string => `${name}="${value.replaceAll(/[\\"$]/g, "\\$&")}"\n`;
  const file = `${Object.entries({ ...secrets, TLS_CERT: certificate, TLS_KEY: tlsKey, SSH_KEY: sshKey }).map(line).join("")}COMMAND_SECRET=$(cat vault.txt)\n`;
  await Bun.write(`${project.folder}/.capstan/secrets`, file);
  await Bun.write(`${project.folder}/.capstan/secrets.wrong`, file.replace(lab.registry.password, canaries["WRONG"] ?? ""));
  // The build prints its secret, as a careless one does.
  await Bun.write(`${project.folder}/.dockerignore`, "*\n!busybox\n!www\n");
  const dockerfile = await Bun.file(`${project.folder}/Dockerfile`).text();
  await Bun.write(`${project.folder}/Dockerfile`, dockerfile.replace("EXPOSE", `RUN --mount=type=secret,id=BUILD_SECRET ["/busybox", "sh", "-c", "/busybox wc -c < /run/secrets/BUILD_SECRET"]\nEXPOSE`));
}, 180_000);
afterAll(async () => {
  await told?.[Symbol.asyncDispose]();
  await lab?.stop();
});

/** Runs a command and keeps what it printed. @returns the exit status */
async function capstan(line: string, env: Readonly<Record<string, string>> = {}): Promise<number> {
  const ran = await project.run(line.split(" "), { ...inFile, VERSION: "v1", ...env });
  outputs.push([line, ran.stdout + ran.stderr]);
  return ran.status;
}

/** What of this machine and of hosts may have secrets in its environment: the containers, the build, and what reads them for us. */
const meant = (commandLine: string, where: string): boolean => where === "environ" && /^(\/busybox |runc |\S*runc\S* init|docker (build|buildx) |\S*docker-buildx )/.test(commandLine);

/** Secrets that no env file can hold, since they have a backslash, are in the environment of the docker program that starts their container, and of no other. */
const handedOn = ["APP_SECRET", "TAG_SECRET", "STORE_SECRET"];
const isHandedOn = ({ needle, where, commandLine }: Sighting): boolean =>
  where === "environ" && /^(sh -c (sh -c ')?\. \.\/\S+\.values && exec |docker run )/.test(commandLine) && handedOn.some((name) => canaries[name] === needle || canaries[name]?.endsWith(needle) === true);

test("the search finds what it is to find", async () => {
  const value = nasty("planted");
  for (const form of [value, JSON.stringify({ value }), encodeURIComponent(value), btoa(encodeURIComponent("x")) + Buffer.from(`user:${value}`).toString("base64"), Buffer.from(value).toString("hex")]) expect(leaksIn(`a ${form} b`, { value })).toEqual(["value"]);
  expect(leaksIn("a b", { value })).toEqual([]);
  // What is searched for is what is used.
  const printed = JSON.parse((await project.must(["secrets", "print", "--json"], inFile)).stdout.split("\n")[0] ?? "") as { values: Canaries };
  for (const [name, canary] of Object.entries(canaries)) if (name !== "WRONG") expect(printed.values[name]).toContain(canary);
  expect(notations(value).length).toBeGreaterThan(8);
  for (const [i, host] of lab.hosts.entries()) {
    await host.exec(`printf %s 'x${Buffer.from(`u:${canaries["APP_SECRET"]}`).toString("base64")}' > /root/planted-${i}`);
    expect((await host.exec(`grep -rlaF -D skip -f ${patterns} /root`)).stdout.trim()).toBe(`/root/planted-${i}`);
    await host.exec(`rm /root/planted-${i}`);
  }
  await using watch = watchProcesses([id], () => false);
  await run(["sleep", "0.4"], { env: { PLANTED: `${id}` } });
  expect(watch.sightings.map(({ where }) => where)).toContain("environ");
}, 60_000);

test("no secret is in a process list, in any output, on any disk or in what Docker tells: after success and after every failure", async () => {
  await using watch = watchProcesses(Object.values(canaries).map((value) => value.slice(-12)).filter((value) => value.includes(id)).concat(Object.values(canaries), lab.registry.password, Object.values(canaries).map((value) => Buffer.from(value).toString("base64").slice(4, -4))), meant);
  const since = Math.floor(Date.now() / 1000);
  // Success, in every kind of output.
  expect([await capstan("setup -v --version v1"), outputs.at(-1)?.[1].split("\n").findLast((line) => line.startsWith("Error"))]).toEqual([0, undefined]);
  expect(await capstan("deploy --json --skip-push --version v1")).toBe(0);
  for (const line of ["deploy --dry-run --json --version v1", "config", "details -v", "audit", "app logs"]) expect([line, await capstan(line)]).toEqual([line, 0]);
  expect(await capstan("app exec -v --version v1 -- /busybox env")).toBe(0);
  expect(leaksIn(outputs.at(-1)?.[1] ?? "", canaries)).toEqual([]);
  expect(outputs.at(-1)?.[1]).toContain("APP_SECRET=‹secret APP_SECRET›");
  {
    await using user = new User(project, ["redeploy", "--skip-push", "--version", "v1"], { ...inFile, CI: undefined, VERSION: "v1" });
    expect(await user.ended()).toBe(0);
    outputs.push(["terminal", Bun.stripANSI(user.seen)]);
  }
  // Failures: a container that prints its environment and ends, a wrong password, a hook that throws, a throw that nobody waits for.
  const crash = "/busybox sh -c '/busybox env; /busybox env | /busybox base64; /busybox env | /busybox od -A n -t x1 | /busybox tr -d \" \"; exit 3'";
  expect(await capstan("redeploy --skip-push --version v1 -v", { WEB_CMD: crash })).toBeGreaterThan(1);
  expect(outputs.at(-1)?.[1]).toContain("‹secret TAG_SECRET›");
  await Bun.write(`${project.folder}/wrong/deploy.config.ts`, (await Bun.file(`${project.folder}/deploy.config.ts`).text()).replace("accessories:", "secretsPath: '../.capstan/secrets.wrong',\n  accessories:"));
  expect(await capstan("registry login -v -c wrong/deploy.config.ts")).toBeGreaterThan(1);
  expect(await capstan("deploy --skip-push --version v1", { HOOK: "throw" })).toBe(8);
  expect(await capstan("deploy --skip-push --version v1 --json", { HOOK: "stray" })).toBe(1);
  // Ends by force.
  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    const child = project.start(["redeploy", "--skip-push", "--version", "v1", "-v"], { ...inFile, VERSION: "v1" });
    void Bun.sleep(2500).then(() => child.kill(signal));
    const { stdout, stderr } = await ended(child);
    outputs.push([signal, stdout + stderr]);
  }
  expect(outputs.flatMap(([what, text]) => leaksIn(text, canaries).map((name) => `${name} in the output of ${what}`))).toEqual([]);
  expect(told.requests.length).toBeGreaterThan(3);
  expect(leaksIn(told.requests.map(({ text }) => text).join("\n"), canaries)).toEqual([]);
  expect((await readdir(`${project.folder}/log`)).length).toBeGreaterThan(3);
  expect(watch.rounds()).toBeGreaterThan(20);
  expect([...new Set(watch.sightings.filter((one) => !isHandedOn(one)).map(({ needle, where, commandLine }) => `${needle} in ${where} of ${commandLine.slice(0, 120)}`))]).toEqual([]);

  for (const host of lab.hosts) {
    const until = Math.floor(Date.now() / 1000) + 1;
    const everything = [
      "docker image inspect $(docker image ls --quiet)", "docker history --no-trunc $(docker image ls --quiet | head -n 1)", "docker volume inspect $(docker volume ls --quiet)", "docker network inspect $(docker network ls --quiet)",
      `docker events --since ${since} --until ${until}`, "docker ps --all --no-trunc", "docker info", "cat /root/.kamal/*audit.log",
    ].map((line) => `${line};`).join(" ");
    expect(leaksIn((await host.exec(`${everything} true`)).stdout, canaries)).toEqual([]);
    for (const image of (await host.docker("image", "ls", "--quiet")).stdout.trim().split("\n")) expect(leaksIn((await host.docker("history", "--no-trunc", image)).stdout, canaries)).toEqual([]);
  }
  // What a container has in its environment, Docker shows to whoever may ask it: of its own role, and nothing else of ours.
  const envOf = async (number: number, name: string): Promise<readonly string[]> => leaksIn((await lab.host(number).exec(`docker inspect $(docker ps --all --quiet --filter name=${name})`)).stdout, canaries).toSorted();
  expect(await envOf(1, "sample-web")).toEqual(["APP_SECRET", "COMMAND_SECRET", "PROGRAM_SECRET", "TAG_SECRET"]);
  expect(await envOf(2, "sample-jobs")).toEqual(["APP_SECRET", "COMMAND_SECRET", "JOB_SECRET", "PROGRAM_SECRET"]);
  expect(await envOf(1, "sample-store")).toEqual(["STORE_SECRET", "TEMPLATE_SECRET"]);
  expect(await envOf(1, "kamal-proxy")).toEqual([]);
}, 300_000);

test("on disk secrets are in the files that are for them, closed to others, and nowhere else", async () => {
  const own: readonly (readonly string[])[] = [
    ["600 /root/.docker/config.json", "600 /root/.kamal/apps/sample/env/accessories/store.env", "600 /root/.kamal/apps/sample/env/accessories/store.values", "600 /root/.kamal/apps/sample/env/roles/web.env", "600 /root/.kamal/apps/sample/env/roles/web.values", "644 /root/.kamal/proxy/apps-config/sample/tls/web/key.pem", "600 /root/sample-store/etc/made.conf", "600 /root/sample-store/etc/store.conf"],
    ["600 /root/.docker/config.json", "600 /root/.kamal/apps/sample/env/roles/jobs.env", "600 /root/.kamal/apps/sample/env/roles/jobs.values"],
  ];
  for (const [i, host] of lab.hosts.entries()) {
    // A container's own folder, which Docker keeps for root, holds its environment and what it printed.
    const found = (await host.exec(`grep -rlaF -D skip -f ${patterns} /root /run /var/lib/docker 2> /dev/null | grep -vE '/(containers|moby|overlay2)/[0-9a-f]{64}|/containerd/' | sort | while read f; do stat -c '%a %n' "$f"; done`)).stdout.trim().split("\n");
    expect(found).toEqual([...(own[i] ?? [])]);
    expect((await host.exec("stat -c '%a %U' /root/.kamal; stat -c '%a' /var/lib/docker/containers; find /root -user root ! -user root")).stdout).toMatch(/^700 root\n7[01]0\n$/);
    expect((await host.exec("find /root -name '*.new'")).stdout).toBe("");
  }
  expect(await filesWith(patterns, [...[1, 2].map((number) => `${lab.folder}/h${number}/log`), `${lab.folder}/registry`, `${lab.folder}/h200/log`], "^$")).toEqual([]);
  // Here: the files of secrets themselves, and what `docker login` keeps.
  const mine = await filesWith(patterns, [project.folder, `${lab.folder}/home`], "^$");
  expect(mine).toEqual([`${lab.folder}/home/.docker/config.json`, `${lab.folder}/home/.ssh/id_ed25519`, ...[".capstan/secrets", ".capstan/secrets.wrong", "vault.sh", "vault.txt"].map((name) => `${project.folder}/${name}`)]);
  expect((await run(["sh", "-c", `find /tmp -xdev -newer ${patterns} -type f -size -4M -print0 2> /dev/null | xargs -0 grep -laF -f ${patterns} 2> /dev/null`])).stdout.split("\n").filter((path) => path !== "" && !/^\/tmp\/(w|bash_jobs[^/]*)\//.test(path))).toEqual([]);
}, 120_000);
