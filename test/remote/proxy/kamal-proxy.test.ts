import { describe, expect, test } from "bun:test";
import type { ProxyRunSettings } from "../../../lib/config/settings.ts";
import type { HostStep } from "../../../lib/ground/step.ts";
import { driverOn } from "../../../lib/remote/proxy/drivers.ts";
import { kamalProxy } from "../../../lib/remote/proxy/kamal-proxy.ts";
import { batchScript } from "../../../lib/run/batch.ts";
import { Home } from "../../support/shell.ts";
import { settingsOf } from "../../support/settings.ts";
import { words } from "../../support/words.ts";

const texts = (steps: readonly HostStep[]): string[] => steps.map((step) => (step.kind === "run" ? step.command.text : step.kind));
const runSettings: ProxyRunSettings = { httpPort: 80, httpsPort: 443, metricsPort: undefined, debug: false, logMaxSize: "10m", publish: true, bindIps: [], image: "basecamp/kamal-proxy:v0.9.2", options: {} };
const fixed = "docker run --name kamal-proxy --network kamal --detach --restart unless-stopped --volume kamal-proxy-config:/home/kamal-proxy/.config/kamal-proxy --volume $PWD/.kamal/proxy/apps-config:/home/kamal-proxy/.apps-config";

test("driverOn() gives kamal-proxy", () => expect(driverOn(settingsOf(), "10.0.0.1").name).toBe("kamal-proxy"));

describe("boot()", () => {
  const bootText = (proxyRun: ProxyRunSettings | undefined): string => texts(kamalProxy.boot(settingsOf({ proxyRun })))[1] ?? "";

  test("D1: without proxy.run", () => {
    expect(texts(kamalProxy.boot(settingsOf()))[0]).toBe("mkdir -p .kamal/proxy/apps-config");
    expect(words(bootText(undefined))).toEqual(words(`docker container start kamal-proxy || echo $(cat .kamal/proxy/options 2> /dev/null || echo "--publish 80:80 --publish 443:443 --log-opt max-size=10m") $(cat .kamal/proxy/image 2> /dev/null || echo "basecamp/kamal-proxy"):$(cat .kamal/proxy/image_version 2> /dev/null || echo "v0.9.2") $(cat .kamal/proxy/run_command 2> /dev/null || echo "") | xargs ${fixed}`));
  });

  test("D1 and D5: the files of boot_config are read on the host", async () => {
    using home = new Home().program("docker", `[ "$1" != container ] || exit 1; printf '%s\\n' "$@"`);
    await home.run(`mkdir -p .kamal/proxy; cd .kamal/proxy; echo '--publish 127.0.0.1:8080:80 --publish 127.0.0.1:443:443 --log-opt max-size=10m --expose=9000 --label=x=y' > options; echo 'kamal-proxy run --debug --metrics-port "9000"' > run_command`);
    const { stdout } = await home.run(bootText(undefined));
    const all = stdout.trim().split("\n");
    expect(all.slice(all.indexOf(`${home.path}/.kamal/proxy/apps-config:/home/kamal-proxy/.apps-config`) + 1)).toEqual([
      "--publish", "127.0.0.1:8080:80", "--publish", "127.0.0.1:443:443", "--log-opt", "max-size=10m", "--expose=9000", "--label=x=y", "basecamp/kamal-proxy:v0.9.2", "kamal-proxy", "run", "--debug", "--metrics-port", "9000",
    ]);
  });

  test("D2: with proxy.run", () => {
    const text = bootText({ ...runSettings, httpPort: 8080, httpsPort: 8443, logMaxSize: "5m", debug: true, metricsPort: 9100, image: "reg.example:5000/basecamp/kamal-proxy:v0.9.2", options: { cpus: 2, label: ["a=b", "c=d"] } });
    expect(words(text)).toEqual(words(`docker container start kamal-proxy || ${fixed} --publish 8080:80 --publish 8443:443 --log-opt max-size=5m --expose=9100 --cpus "2" --label "a=b" --label "c=d" reg.example:5000/basecamp/kamal-proxy:v0.9.2 kamal-proxy run --debug --metrics-port "9100"`));
  });

  test.each<[string, Partial<ProxyRunSettings>, string]>([
    ["bound to addresses", { bindIps: ["10.0.0.1", "fd00::1"] }, "--publish 10.0.0.1:80:80 --publish 10.0.0.1:443:443 --publish [fd00::1]:80:80 --publish [fd00::1]:443:443 --log-opt max-size=10m"],
    ["not published", { publish: false }, "--log-opt max-size=10m"],
    ["without a limit for logs", { logMaxSize: "" }, "--publish 80:80 --publish 443:443"],
  ])("D2: %s", (_title, more, expected) => {
    expect(words(bootText({ ...runSettings, ...more }))).toEqual(words(`docker container start kamal-proxy || ${fixed} ${expected} basecamp/kamal-proxy:v0.9.2 kamal-proxy run`));
  });

  test.each([
    ["was made and could not start is removed, so that the next try starts with other ports", "created port is already allocated", ["container rm kamal-proxy"]],
    ["somebody else is just starting is left", "created ", []],
    ["was there and cannot start is left", "exited port is already allocated", []],
    ["is not there at all is no failure", "", []],
  ])("a proxy that %s", async (_title, state, removed) => {
    const [, start] = kamalProxy.boot(settingsOf());
    expect(start).toMatchObject({ undoIfFailed: true });
    using home = new Home().program("docker", `echo "$*" >> log; case $* in "container inspect"*) [ -n '${state}' ] && echo '${state}' ;; esac`);
    expect(await home.run(start?.kind === "run" ? (start.undo?.text ?? "exit 1") : "exit 1")).toEqual({ status: 0, stdout: "", stderr: "" });
    expect((await home.run("cat log")).stdout.split("\n").filter((line) => line.startsWith("container rm"))).toEqual(removed);
  });
});

describe("boot() of two services on one host at the same moment", () => {
  /** A Docker that pulls, makes and starts a container, each of which takes its time. @param starts shell code */
  const docker = (starts: string): string => `case "$1 $2" in
"container start") [ -d made ] || { echo 'No such container' >&2; exit 1; }; ${starts} ;;
"container inspect") [ -d made ] || exit 1; cat made/state ;;
"container rm") rm -r made ;;
"run "*) sleep 0.2; mkdir made 2> /dev/null || { echo 'Conflict. The container name is already in use' >&2; exit 125; }; echo 'created ' > made/state; sleep 0.5; ${starts} ;;
esac`;
  const [, start] = kamalProxy.boot(settingsOf());
  const boot = start?.kind === "run" ? batchScript([{ command: start.command, optional: false, ...(start.passIf === undefined ? {} : { passIf: start.passIf }) }], "abcd").text : "";
  const both = async (home: Home): Promise<(string | undefined)[]> => (await Promise.all([home.run(boot, { input: "\n" }), home.run(boot, { input: "\n" })])).map(({ stdout }) => /\x1eabcd 0 (\d+)\x1e/.exec(stdout)?.[1]);

  test("starts the proxy once, and neither fails", async () => {
    using home = new Home().program("docker", docker("echo 'running ' > made/state"));
    expect(await both(home)).toEqual(["0", "0"]);
  });

  test("fails for both where the port is taken", async () => {
    using home = new Home().program("docker", docker("echo 'created port is already allocated' > made/state; exit 125"));
    expect((await both(home)).filter((status) => status === "0" || status === undefined)).toEqual([]);
  });
});

describe("reboot()", () => {
  const withState = (state: string): string => `echo "$*" >> log; case $* in "cp "*) printf '%s\\n' '${state}' > kamal-proxy.state; tar -cf - kamal-proxy.state ;; esac`;

  /** A Docker that keeps the names of its containers in a folder. @param starts shell code that says whether the container named kamal-proxy starts */
  const docker = (starts = "true"): string => `echo "$*" >> log; mkdir -p c
case "$1 $2" in
"cp "*) printf '%s\\n' '[{"name":"shop-web"}]' > kamal-proxy.state; tar -cf - kamal-proxy.state ;;
"container inspect") [ -e "c/$3" ] ;;
"create --name") echo new > "c/$3"; echo id ;;
"rename "*) mv "c/$2" "c/$3" ;;
"container start") ${starts} ;;
"rm --force") [ -e "c/$3" ] && rm "c/$3" ;;
"rm "*) rm "c/$2" ;;
"exec "*) ${starts} ;;
esac`;
  const containers = async (home: Home): Promise<string> => (await home.run("cd c && grep -H . *")).stdout.trim().split("\n").join(" ");
  const replace = (run = runSettings): string => texts(kamalProxy.reboot(settingsOf({ proxyRun: run }))).at(-1) ?? "";

  test("makes the new container before the old one stops, and removes the old one when the new one answers", async () => {
    using home = new Home().program("docker", docker());
    await home.run("mkdir c; echo old > c/kamal-proxy");
    for (const text of texts(kamalProxy.reboot(settingsOf({ proxyRun: runSettings })))) expect(await home.run(text)).toMatchObject({ status: 0, stderr: "" });
    const log = (await home.run("cat log")).stdout.trim().split("\n").map((line) => line.replace(/^(create --name \S+) .*/, "$1")).filter((line) => !line.startsWith("container inspect"));
    expect(log).toEqual([
      "cp kamal-proxy:/home/kamal-proxy/.config/kamal-proxy/kamal-proxy.state -", "image inspect basecamp/kamal-proxy:v0.9.2", "rm --force kamal-proxy_next", "create --name kamal-proxy_next", "rm --force kamal-proxy_old",
      "container stop kamal-proxy", "rename kamal-proxy kamal-proxy_old", "rename kamal-proxy_next kamal-proxy", "container start kamal-proxy", "exec kamal-proxy kamal-proxy list", "rm kamal-proxy_old",
    ]);
    expect(await containers(home)).toBe("kamal-proxy:new");
  });

  test("tells how long nobody listened", async () => {
    using home = new Home().program("docker", docker());
    expect((await home.run(replace())).stdout).toMatch(/^The proxy was away for \d+ ms\.\n$/);
  });

  test("starts the old container again when the new one does not come up", async () => {
    using home = new Home().program("docker", docker("grep -q old c/kamal-proxy || { echo 'port is taken' >&2; exit 1; }"));
    await home.run("mkdir c; echo old > c/kamal-proxy");
    expect(await home.run(replace())).toEqual({ status: 76, stdout: "", stderr: "port is taken\nThe new proxy did not come up: the one before runs again.\n" });
    expect(await containers(home)).toBe("kamal-proxy:old");
  });

  test("stops nothing when a container cannot be made, such as on a full disk", async () => {
    using home = new Home().program("docker", docker().replace(`echo new > "c/$3"; echo id`, "echo 'no space left' >&2; exit 1"));
    await home.run("mkdir c; echo old > c/kamal-proxy");
    expect(await home.run(replace())).toEqual({ status: 1, stdout: "", stderr: "no space left\n" });
    expect((await home.run("grep -c 'container stop' log")).stdout).toBe("0\n");
  });

  test("goes on from one that was cut short between two containers", async () => {
    using home = new Home().program("docker", docker());
    await home.run("mkdir c; echo old > c/kamal-proxy_old; echo half > c/kamal-proxy_next");
    expect(await home.run(replace())).toMatchObject({ status: 0, stderr: "" });
    expect(await containers(home)).toBe("kamal-proxy:new");
  });

  test("comes to its end though nobody listens any more", async () => {
    using home = new Home().program("docker", docker());
    await home.run("mkdir c; echo old > c/kamal-proxy");
    expect((await home.run(`( (\n${replace()}\n); echo $? > status ) | true; sleep 1; cat status`)).stdout).toBe("0\n");
    expect(await containers(home)).toBe("kamal-proxy:new");
  });

  test("refuses with 77 when the state file is broken: a restart would lose every route", async () => {
    using home = new Home().program("docker", withState('[{"name":"shop-we'));
    const exit = await home.run(texts(kamalProxy.reboot(settingsOf()))[0] ?? "");
    expect(exit.status).toBe(77);
    expect(exit.stderr).toContain("a reboot would lose all routes");
  });

  test("boots a proxy that is not there", async () => {
    using home = new Home().program("docker", `echo "$*" >> log; case $* in "container inspect"*|cp*) exit 1 ;; esac`);
    for (const text of texts(kamalProxy.reboot(settingsOf({ proxyRun: runSettings })))) expect((await home.run(text)).status).toBe(0);
    expect((await home.run("grep -c 'container stop' log")).stdout).toBe("0\n");
  });
});

test("start, stop, details and logs", () => {
  expect(texts(kamalProxy.start(settingsOf()))[0]).toBe("docker container start kamal-proxy");
  expect(texts(kamalProxy.stop())).toEqual(["docker container stop kamal-proxy"]);
  expect(kamalProxy.details().text.split("\n")[0]).toBe("docker ps --filter 'name=^kamal-proxy$'");
  expect(kamalProxy.logs({ timestamps: true, since: "5m", grep: "ERR" }).text).toBe("docker logs kamal-proxy --since 5m --timestamps 2>&1 | grep ERR");
  expect(kamalProxy.logs({ timestamps: true, follow: true }).text).toBe("docker logs kamal-proxy --timestamps --tail 10 --follow 2>&1");
});

test("remove() takes container, image, volume and files, and does no harm twice", async () => {
  using home = new Home().program("docker", `echo "$*" >> log; case $* in *inspect*) [ ! -e gone ] && echo basecamp/kamal-proxy:v0.9.2 && touch gone ;; esac`);
  await home.run("mkdir -p .kamal/proxy/apps-config");
  for (const text of [...texts(kamalProxy.remove()), ...texts(kamalProxy.remove())]) expect((await home.run(text)).status).toBe(0);
  expect((await home.run("cat log; ls -A .kamal")).stdout.trim().split("\n").filter((line) => !line.includes("inspect"))).toEqual([
    "container stop kamal-proxy", "container rm kamal-proxy", "image rm basecamp/kamal-proxy:v0.9.2", "volume rm --force kamal-proxy-config", "volume rm --force kamal-proxy-config",
  ]);
});
