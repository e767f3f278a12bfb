import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { Secret } from "../../lib/ground/secret.ts";
import type { EnvSettings, Role } from "../../lib/config/settings.ts";
import { compareServing, forgetMadeWith, noteMadeWith, parseServing, settingsDigest } from "../../lib/remote/made-with.ts";
import { defaultProxy, roleOf, settingsOf } from "../support/settings.ts";
import { Home, shells } from "../support/shell.ts";

const settings = settingsOf();
const envOf = (secret: Readonly<Record<string, string | undefined>>, clear: EnvSettings["clear"] = {}): EnvSettings => ({ clear, secret: Object.fromEntries(Object.entries(secret).map(([name, value]) => [name, new Secret(name, () => value)])) });

describe("settingsDigest()", () => {
  const digest = (role: Partial<Role>, more = {}, host = "10.0.0.1", pages: readonly (readonly [string, string])[] = []): string => settingsDigest(settingsOf(more), roleOf("web", { env: envOf({ KEY: "k" }), ...role }), host, pages);
  const base = digest({});

  test("is the same for the same settings, whatever the values of secrets are and whether they were read", () => {
    expect(base).toMatch(/^[0-9a-f]{32}$/);
    expect([digest({ env: envOf({ KEY: "another" }) }), digest({ env: envOf({ KEY: "a\nb" }) }), digest({ env: envOf({ KEY: undefined }) }), digest({ stopTimeoutSeconds: 9 }), digest({}, { retainContainers: 1 })]).toEqual([base, base, base, base, base]);
  });

  test.each<[string, string]>([
    ["a clear variable", digest({ env: envOf({ KEY: "k" }, { A: "1" }) })],
    ["the name of a secret", digest({ env: envOf({ KEY: "k", MORE: "m" }) })],
    ["the variables of a host", digest({ hostEnv: { "10.0.0.1": envOf({ KEY: "k" }, { A: "1" }) } })],
    ["the command", digest({ cmd: "bin/other" })],
    ["an option", digest({ options: { memory: "1g" } })],
    ["a label", digest({ labels: { a: "b" } })],
    ["a volume", digest({ volumes: ["/data:/data"] })],
    ["the log", digest({ logging: { driver: "journald", options: {} } })],
    ["the assets", digest({ assets: { path: "/public", options: undefined } })],
    ["what the proxy is told", digest({ proxy: { ...defaultProxy, hosts: ["a.example"] } })],
    ["that it is behind the proxy", digest({ proxy: undefined })],
    ["how long the proxy drains", digest({}, { drainTimeoutSeconds: 99 })],
    ["the host", digest({}, {}, "10.0.0.2")],
    ["an error page", digest({}, {}, "10.0.0.1", [["502.html", "x"]])],
    ["the repository", digest({}, { repository: "acme/other" })],
  ])("differs with %s", (_title, other) => expect(other).not.toBe(base));
});

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("in %s", (_name, shell) => {
  const id = "a1".padEnd(64, "0");
  const image = `sha256:${"e".repeat(64)}`;
  const docker = (env: readonly string[]): string => `case $* in
"container inspect --format {{.ID}} {{.Config.Hostname}}"*a1) echo '${id} 10.0.0.1-0123456789ab running ${image}' ;;
"image inspect"*${image}) echo '${image} acme/shop@sha256:${"d".repeat(64)}' ;;
"image inspect"*acme/shop:2) exit 1 ;;
"container inspect --format {{range .Config.Env}}"*) cat <<'END'
${env.join("\n")}
END
;;
"container ls"*) echo ${id.slice(0, 12)} ;;
*) echo "unexpected: $*" >&2; exit 9 ;;
esac`;
  const folder = ".kamal/apps/shop/env/roles";
  const asked = async (home: Home, secrets: EnvSettings, files: Parameters<typeof compareServing>[0]["files"] = []) => {
    const command = compareServing({ settings, role: roleOf("web", { env: secrets }), host: "10.0.0.1", container: "a1", image: "acme/shop:2", files });
    const { stdout, stderr, status } = await home.run(command.text, { shell, input: (command.input as Secret).reveal() });
    return { stderr, status, answer: parseServing(stdout), stdout };
  };

  test("the note, the container, its image and the environment are seen, and no secret is said", async () => {
    using home = new Home().program("docker", docker(['"PATH=/bin"', '"KEY=gr\\u00f6\\n\\"x\\" $(touch hacked) \\\\*"', '"OTHER=1"']));
    mkdirSync(join(home.path, folder), { recursive: true });
    await home.run(noteMadeWith(settings, "web", "shop-web-1", "0123456789ab", "f00d").text, { shell });
    const same = await asked(home, envOf({ KEY: 'grö\n"x" $(touch hacked) \\*', PATH: "other" }, { PATH: "in the clear" }));
    expect([same.status, same.stderr]).toEqual([0, ""]);
    expect(same.answer).toEqual({ note: ["0123456789ab", "f00d"], id, hostname: "10.0.0.1-0123456789ab", state: "running", image: [image, `sha256:${"d".repeat(64)}`], named: [], secretsSame: true });
    expect(same.stdout).not.toContain("KEY");
    for (const secrets of [{ KEY: "gr" }, { KEY: "*" }, { KEY: 'grö\n"x" $(touch hacked) \\*', MORE: "" }, { OTHER: "" }]) expect((await asked(home, envOf(secrets))).answer?.secretsSame).toBe(false);
    expect((await home.run("ls")).stdout).toBe("bin\n");
  });

  test("files with secrets are compared byte for byte", async () => {
    using home = new Home().program("docker", docker([]));
    mkdirSync(join(home.path, "tls"), { recursive: true });
    writeFileSync(join(home.path, "tls/key.pem"), `one\n${"x".repeat(100)}\n`);
    const upload = (path: string, text: string) => ({ kind: "upload" as const, title: "Write", path, content: new Secret("KEY", text), mode: "0644" });
    const same = async (path: string, text: string): Promise<boolean | undefined> => (await asked(home, envOf({}), [upload(path, text)])).answer?.secretsSame;
    expect([await same("tls/key.pem", `one\n${"x".repeat(100)}\n`), await same("tls/key.pem", `one\n${"x".repeat(100)}`), await same("tls/cert.pem", "x")]).toEqual([true, false, false]);
  });

  test("a container that is not there ends it, and a note that is not there is none", async () => {
    using gone = new Home().program("docker", "exit 1");
    expect(await asked(gone, envOf({}))).toMatchObject({ status: 1, answer: undefined });
    using bare = new Home().program("docker", docker([]));
    expect((await asked(bare, envOf({}))).answer?.note).toBeUndefined();
  });

  test("where the user named the host, the note has the container's ID; it goes when it is no longer true", async () => {
    using home = new Home().program("docker", docker([]));
    mkdirSync(join(home.path, folder), { recursive: true });
    await home.run(noteMadeWith(settings, "web", "shop-web-1", undefined, "f00d").text, { shell });
    expect((await asked(home, envOf({}))).answer?.note).toEqual([id.slice(0, 12), "f00d"]);
    await home.run(forgetMadeWith(settings, "web").text, { shell });
    expect((await home.run(`ls ${folder}`)).stdout).toBe("");
  });
});

test("parseServing() takes nothing else for an answer", () => {
  expect(["", "\n\n\n\n", "note\n", "a b\nid\n"].map(parseServing)).toEqual([undefined, undefined, undefined, undefined]);
});
