import { describe, expect, test } from "bun:test";
import type { Target } from "../../../lib/remote/proxy/driver.ts";
import { kamalProxy } from "../../../lib/remote/proxy/kamal-proxy.ts";
import { switchStep } from "../../../lib/remote/proxy/kamal-switch.ts";
import { findStarted } from "../../../lib/remote/container.ts";
import { Home, shells, type Ran } from "../../support/shell.ts";
import { roleOf, settingsOf } from "../../support/settings.ts";
import { emptyList, listOf, stateOf } from "./kamal-answers.ts";

const newId = "0a1b2c3d4e5f";
const oldId = "ffffffffffff";
const target: Target = { container: "shop-web-77" };
const step = (from: Target | undefined = { id: oldId }) => switchStep(settingsOf(), roleOf("web"), target, from);

/**
 * A host whose `docker` keeps a proxy's live and saved routes in files, `live` and `saved`. `script` runs on each deploy with
 * the target in `$target`; by default it takes the target.
 */
class Host extends Home {
  constructor(live: string, script = "live=$target; saved=$target", id = newId) {
    super();
    this.program("pause", "exit 0");
    this.program("docker", `live=$(cat live) saved=$(cat saved)
case $* in
"container ls"*) echo '${id}' ;;
*Hostname*) cat hostname ;;
"container inspect"*) [ ! -e noproxy ] ;;
"cp "*) { printf '%s' '${stateOf("shop-web", "TARGET")}' | sed "s/TARGET/$saved/"; } > kamal-proxy.state; [ -n "$saved" ] || echo '[]' > kamal-proxy.state; tar -cf - kamal-proxy.state ;;
*" list") [ ! -e down ] || exit 1; if [ -n "$live" ]; then printf '%s' '${listOf("shop-web", "TARGET")}' | sed "s/TARGET/$live/"; else printf '%s' '${emptyList}'; fi ;;
*" remove "*) echo "$*" >> log; [ -n "$live" ] || { echo 'Error: service not found' >&2; exit 1; }; : > live; : > saved ;;
*" deploy "*) echo "$*" >> log; for word; do case $word in --target=*) target=\${word#--target=} ;; esac; done
status=0; ${script}
echo "$live" > live; echo "$saved" > saved; exit $status ;;
esac`);
    this.#live = live;
  }

  readonly #live: string;

  /** Busybox has a sleep of its own, which no program replaces: the pauses are taken out of the text. */
  async switch(text: string, shell: readonly string[] = ["sh"]): Promise<Ran> {
    return this.run(`[ -e live ] || { echo '${this.#live}' > live; echo '${this.#live}' > saved; }\n${text.replaceAll("sleep 1", "pause")}`, { shell });
  }

  async routed(): Promise<string> {
    return (await this.run("cat live saved")).stdout.trim().split("\n").join(" ");
  }

  async deploys(): Promise<string[]> {
    return (await this.run("cat log 2> /dev/null")).stdout.trim().split("\n").filter(Boolean).map((line) => line.replace("exec kamal-proxy kamal-proxy ", ""));
  }
}

describe("switchStep() as text", () => {
  test("finds the id on the host and has its target as one word", () => {
    const lines = step().command.text.split("\n");
    expect(lines[0]).toBe("id=$(docker container ls --all --filter 'name=^shop-web-77$' --quiet)");
    expect(lines.find((line) => line.startsWith("docker exec kamal-proxy kamal-proxy deploy"))).toStartWith('docker exec kamal-proxy kamal-proxy deploy shop-web --target="$id:80" --deploy-timeout=30s ');
  });
  test("has time for two deploys and drains", () => expect(step().timeoutMs).toBe(145_000));
  test("names what it does and undoes", () => {
    expect([step().title, step().undoTitle, step(undefined).undoTitle]).toEqual(["Switch shop-web to shop-web-77", "Switch shop-web back", "Switch shop-web back"]);
    expect(switchStep(settingsOf(), roleOf("web"), target, undefined).undoTitle).toBe("Take the route shop-web away");
  });
  test("refuses a role that is not behind the proxy", () => expect(() => switchStep(settingsOf(), roleOf("jobs"), target, undefined)).toThrow("Cannot switch role jobs: it is not behind the proxy"));
});

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("switchStep() in %s", (_name, shell) => {
  test("ends well when the proxy does and has saved what it was told", async () => {
    using host = new Host(`${oldId}:80`);
    expect(await host.switch(step().command.text, shell)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(await host.routed()).toBe(`${newId}:80 ${newId}:80`);
    expect((await host.deploys()).length).toBe(1);
  });

  test("ends with 76 and the proxy's own words when it refuses; the old route stays", async () => {
    using host = new Host(`${oldId}:80`, "echo 'Error: target failed to become healthy within configured timeout (30s)' >&2; status=1");
    const exit = await host.switch(step().command.text, shell);
    expect([exit.status, exit.stderr]).toEqual([76, "Error: target failed to become healthy within configured timeout (30s)\n"]);
    expect(await host.routed()).toBe(`${oldId}:80 ${oldId}:80`);
    expect((await host.deploys()).length).toBe(1);
  });

  test("ends with 76 when a first deploy is refused", async () => {
    using host = new Host("", "status=1");
    expect((await host.switch(step().command.text, shell)).status).toBe(76);
  });

  test("deploys once more when live and saved state differ", async () => {
    using host = new Host(`${oldId}:80`, 'live=$target; [ ! -e again ] || saved=$target; touch again');
    expect((await host.switch(step().command.text, shell)).status).toBe(0);
    expect((await host.deploys()).length).toBe(2);
  });

  test("ends with 77 when the state is never saved, and says what it saw", async () => {
    using host = new Host(`${oldId}:80`, "live=$target");
    const exit = await host.switch(step().command.text, shell);
    expect(exit).toEqual({ status: 77, stdout: "", stderr: `Cannot confirm the switch of shop-web: wanted ${newId}:80, the proxy sends to "${newId}:80", its state file says "${oldId}:80"\n` });
    expect((await host.deploys()).length).toBe(2);
  });

  test("ends with 77 when the proxy says yes and does not do it", async () => {
    using host = new Host(`${oldId}:80`, ":");
    expect((await host.switch(step().command.text, shell)).status).toBe(77);
  });

  test("counts a call whose answer was lost as done once the state says so", async () => {
    using host = new Host(`${oldId}:80`, "live=$target saved=$target; [ -e again ] || status=1; touch again");
    expect((await host.switch(step().command.text, shell)).status).toBe(0);
  });

  test("ends with 76 when the target that serves already is refused", async () => {
    using host = new Host(`${newId}:80`, "status=1");
    expect((await host.switch(step().command.text, shell)).status).toBe(76);
  });

  test("waits for a proxy that is just starting", async () => {
    using host = new Host(`${oldId}:80`, 'if [ -e down ]; then status=1; else live=$target saved=$target; fi');
    host.program("pause", "rm -f down");
    await host.run("touch down");
    expect((await host.switch(step().command.text, shell)).status).toBe(0);
    expect((await host.deploys()).length).toBe(2);
  });

  test("gives up with 77 on a proxy that never answers", async () => {
    using host = new Host(`${oldId}:80`, "status=1");
    await host.run("touch down");
    expect((await host.switch(step().command.text, shell)).status).toBe(77);
    expect((await host.deploys()).length).toBe(10);
  });

  test("ends with 76 when there is no such container", async () => {
    using host = new Host(`${oldId}:80`, ":", "");
    const exit = await host.switch(step().command.text, shell);
    expect([exit.status, exit.stderr]).toEqual([76, "There is no container shop-web-77\n"]);
    expect(await host.deploys()).toEqual([]);
  });
});

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("the undo of switch() in %s", (_name, shell) => {
  const undo = (from: Target | undefined): string => switchStep(settingsOf(), roleOf("web"), target, from).undo?.text ?? "";

  test("sends the traffic back to the old container at the port it had: a forced switch would answer 503 for a moment", async () => {
    using host = new Host(`${newId}:80`);
    expect((await host.switch(undo({ id: oldId, port: 8080 }), shell)).status).toBe(0);
    expect(await host.routed()).toBe(`${oldId}:8080 ${oldId}:8080`);
    expect(await host.deploys()).toEqual([expect.stringMatching(/^deploy shop-web --target=f{12}:8080 .* --deploy-timeout=3s$/)]);
  });
  test("forces it when the old container does not answer the health path of the new version", async () => {
    using host = new Host(`${newId}:80`, 'case $* in *--force) live=$target saved=$target ;; *) echo not healthy >&2; status=1 ;; esac');
    expect(await host.switch(undo({ id: oldId }), shell)).toMatchObject({ status: 0, stderr: "" });
    expect(await host.routed()).toBe(`${oldId}:80 ${oldId}:80`);
    expect((await host.deploys())[1]).toEndWith(" --force");
  });
  test("does nothing when nothing was switched", async () => {
    using host = new Host(`${oldId}:80`);
    expect((await host.switch(undo({ id: oldId }), shell)).status).toBe(0);
    expect(await host.deploys()).toEqual([]);
  });
  test("takes a first route away", async () => {
    using host = new Host(`${newId}:80`);
    expect((await host.switch(undo(undefined), shell)).status).toBe(0);
    expect(await host.deploys()).toEqual(["remove shop-web"]);
  });
  test.each([["10.0.0.1-0123456789ab", `${oldId}:80`], ["10.0.0.1-ba9876543210", `${newId}:80`]])("knows what this run started by its host name: %s", async (hostname, after) => {
    const own = findStarted({ settings: settingsOf(), role: roleOf("web"), name: "shop-web-77", hostnameHex: "0123456789ab" });
    using host = new Host(`${newId}:80`);
    await host.run(`echo ${hostname} > hostname`);
    expect((await host.switch(switchStep(settingsOf(), roleOf("web"), { container: "shop-web-77", own }, { id: oldId }).undo?.text ?? "", shell)).status).toBe(0);
    expect(await host.routed()).toBe(`${after} ${after}`);
  });
  test("looks at the saved state when the proxy does not answer", async () => {
    using host = new Host(`${oldId}:80`);
    await host.run("touch down");
    expect((await host.switch(undo({ id: oldId }), shell)).status).toBe(0);
    expect(await host.deploys()).toEqual([]);
  });
});

describe("unroute()", () => {
  const { command } = kamalProxy.unroute(settingsOf(), roleOf("web"));
  test("takes the route away, and does no harm when there is none", async () => {
    using host = new Host(`${oldId}:80`);
    expect((await host.switch(command.text)).status).toBe(0);
    expect((await host.switch(command.text)).status).toBe(0);
    expect(await host.routed()).toBe("");
  });
  test("does no harm without a proxy, and tells when one does not answer", async () => {
    using host = new Host("");
    await host.run("touch down");
    expect((await host.switch(command.text)).status).toBe(77);
    await host.run("touch noproxy");
    expect((await host.switch(command.text)).status).toBe(0);
  });
});
