import { describe, expect, test } from "bun:test";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { Command, sh } from "../../lib/ground/command.ts";
import { obstacleTo } from "../../lib/ground/env-text.ts";
import { Secret } from "../../lib/ground/secret.ts";
import type { EnvSettings } from "../../lib/config/settings.ts";
import { runAccessory, runAccessoryOneOff } from "../../lib/remote/accessory.ts";
import { runContainer, runOneOff, runTrial } from "../../lib/remote/container.ts";
import { envUploads, isUnread, secretFlags, valuesFile, valuesPath, withValues } from "../../lib/remote/envfile.ts";
import { traefikContainerCommand } from "../../lib/remote/proxy/traefik/run.ts";
import { uploadCommand } from "../../lib/remote/upload.ts";
import { batchScript } from "../../lib/run/batch.ts";
import { Home, shells } from "../support/shell.ts";
import { accessoryOf, roleOf, settingsOf, traefikSettingsOf } from "../support/settings.ts";

const path = ".kamal/apps/shop/env/roles/web.env";
const values = ".kamal/apps/shop/env/roles/web.values";
const envOf = (secrets: Readonly<Record<string, string | undefined>>, clear: EnvSettings["clear"] = {}): EnvSettings => ({ clear, secret: Object.fromEntries(Object.entries(secrets).map(([name, value]) => [name, new Secret(name, () => value)])) });
const host = "10.0.0.1";
const order = { settings: settingsOf(), host, version: "77" };
const shop = { service: "shop", destination: undefined };

/** Every command that starts a container with an environment. */
const starts: Readonly<Record<string, (env: EnvSettings) => Command>> = {
  "a role": (env) => runContainer({ ...order, role: roleOf("web", { env }) }),
  "a role with variables of its host": (env) => runContainer({ ...order, role: roleOf("web", { env: envOf({}), hostEnv: { [host]: env } }) }),
  "a healthcheck": (env) => runTrial({ ...order, role: roleOf("web", { env }), name: "healthcheck-shop-77" }),
  "app exec": (env) => runOneOff({ ...order, role: roleOf("web", { env }), hex: "5eed01", command: new Command("env"), interactive: "terminal" }),
  "an accessory": (env) => runAccessory(shop, accessoryOf("db", { env }), host),
  "accessory exec": (env) => runAccessoryOneOff(shop, accessoryOf("db", { env }), new Command("env"), "5eed01", ["-it"]),
  "Traefik": (env) => traefikContainerCommand("run --detach", "traefik", traefikSettingsOf({ env })),
  "the next Traefik": (env) => traefikContainerCommand("create", "traefik_next", traefikSettingsOf({ env })),
};

describe.each(Object.entries(starts))("the command of %s", (_name, start) => {
  const plain = start(envOf({ A: "a b", B: "" })).text;

  test("is docker's alone where the env file holds every value as it is, or no value is known", () => {
    expect(plain).toMatch(/^docker (run|create) /);
    expect(start(envOf({ A: "it's 'x' $HOME 😀 \"#", B: undefined })).text).toBe(plain);
  });

  test("reads the other values first and hands them on by name, which is all that differs", () => {
    const text = start(envOf({ A: "a\nb", B: "", C: "c:\\tmp" })).text;
    const file = /--env-file (\S+\.env)/.exec(plain)?.[1] ?? "";
    expect(text).toBe(`sh -c '. ./${valuesPath(file)} && exec "$@"' sh ${plain.replace(`--env-file ${file}`, `--env-file ${file} --env A --env C`)}`);
  });
});

test("a variable that is set in the clear too stays what it was", () => {
  expect(secretFlags(envOf({ A: "a\nb" }, { A: "1" }), path)).toEqual(["--env-file", path]);
  expect(runContainer({ ...order, role: roleOf("web", { env: envOf({ KAMAL_VERSION: "a\nb" }) }) }).text).toStartWith("docker run ");
});

test("a plan writes the values before the env file; where there are none, those from before go with it", () => {
  const uploads = (env: EnvSettings): readonly (readonly [string, string, string, readonly string[] | undefined])[] => envUploads({ name: "web", env, path, role: "web" }).map((step) => [step.title, step.path, step.mode, step.outdates]);
  expect(uploads(envOf({ A: "a\tb", B: "x" }))).toEqual([["Write values of web that no env file can hold", values, "0600", undefined], ["Write env file of web", path, "0600", undefined]]);
  expect(uploads(envOf({ B: "x" }))).toEqual([["Write env file of web", path, "0600", [values]]]);
  expect(envUploads({ name: "web", env: envOf({ A: "it's\n" }), path }).map(({ content }) => [String(content), (content as Secret).reveal()])).toEqual([["‹secret values of web›", "export A='it'\\''s\n'\n"], ["‹secret env file of web›", "A=it's\\n\n"]]);
});

test("isUnread() tells an env file of values that nobody has read", () => {
  const [file] = envUploads({ name: "web", env: envOf({ A: undefined, B: "x" }), path });
  const [read] = envUploads({ name: "web", env: envOf({ B: "x" }), path });
  expect([file?.content as Secret, read?.content as Secret, new Secret("other", () => undefined)].map(isUnread)).toEqual([true, false, false]);
});

test.each(["DATABASE_URL", "_x1", "id", "LDAP_KEY", "GOOGLE_KEY", "PATHS", "DOCKERHUB_TOKEN"])("nothing stands against handing on %s", (variable) => expect(obstacleTo(variable)).toBeUndefined());
test.each(["a.b", "x-y", "1A", "", "$(id)", "A\n"])("a shell cannot set %j", (variable) => expect(obstacleTo(variable)).toBe(`a shell cannot set a variable called ${variable}`));
test.each(["PATH", "HOME", "PWD", "LD_PRELOAD", "DOCKER_AUTH_CONFIG", "BASH_ENV", "PPID", "OPTIND", "https_proxy"])("%s is not handed on", (variable) => expect(obstacleTo(variable)).toBe(`${variable} would tell the shell or Docker itself what to do`));

/** Values as they are, and as they are not. */
const nasty = fc.array(fc.oneof(fc.constantFrom("'", "\n", "\r", "\t", "\\", "\\'", "\x01", "\x1b[31m", "\x7f", "\u0081", "\u0088", "$(touch hacked)", "`touch hacked`", "${A}", "!", "\"", "😀", "\n\n", " "), fc.string({ unit: "binary", maxLength: 4 })), { maxLength: 14 }).map((pieces) => pieces.join("").replaceAll("\0", "")).filter((text) => text.isWellFormed());
/** A docker that writes down its words and what is handed to it. */
const recording = `for word do printf '%s\\0' "$word"; done > "$HOME/argv"; cat /proc/self/environ > "$HOME/environ"; cat > "$HOME/stdin"`;
const readPairs = (text: string): Readonly<Record<string, string>> => Object.fromEntries(text.split("\0").map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("in %s", (_name, shell) => {
  const write = async (home: Home, content: Secret): Promise<void> => {
    expect(await home.run(uploadCommand(values, "0600").text, { shell, input: content.reveal() })).toEqual({ status: 0, stdout: "", stderr: "" });
  };

  test("docker has every value byte for byte, and no word of it", async () => {
    using home = new Home();
    home.program("docker", recording);
    // The inner shell is the one that reads the file.
    home.program("sh", `exec ${Bun.which(shell[0] ?? "")} ${shell.slice(1).join(" ")} "$@"`);
    await fc.assert(fc.asyncProperty(nasty, nasty, async (one, two) => {
      const env = envOf({ ONE: `${one}\n`, TWO: `\t${two}` });
      await write(home, valuesFile("web", env, ["ONE", "TWO"]));
      expect(statSync(join(home.path, values)).mode & 0o777).toBe(0o600);
      const command = runContainer({ ...order, role: roleOf("web", { env: { ...env, clear: { C: "${ONE}" } }, cmd: "bin/serve $TWO" }) });
      expect(await home.run(command.text, { shell, input: "typed" })).toEqual({ status: 0, stdout: "", stderr: "" });
      const { ONE, TWO } = readPairs(await Bun.file(join(home.path, "environ")).text());
      expect([ONE, TWO]).toEqual([`${one}\n`, `\t${two}`]);
      const argv = (await Bun.file(join(home.path, "argv")).text()).split("\0");
      expect(argv.slice(argv.indexOf("--env-file"), argv.indexOf("--env-file") + 6)).toEqual(["--env-file", path, "--env", "ONE", "--env", "TWO"]);
      expect([argv.includes("C="), argv.at(-2)]).toEqual([true, "bin/serve"]);
      expect(await Bun.file(join(home.path, "stdin")).text()).toBe("typed");
    }), { numRuns: 25, seed: 21 });
    expect(await Bun.file(join(home.path, "hacked")).exists()).toBe(false);
  }, 30_000);

  test("nothing that comes after it has the values, in the same command or the same batch", async () => {
    using home = new Home();
    home.program("docker", "exit 0");
    const env = envOf({ ONE: "canary\n" });
    await write(home, valuesFile("web", env, ["ONE"]));
    const start = withValues(env, path, sh`docker run --env ONE image`);
    const script = batchScript([{ command: sh`${start}; echo "same: $ONE"; env | grep canary`, optional: true }, { command: sh`echo "next: $ONE"; env | grep canary`, optional: true }], "abcdef");
    const { stdout } = await home.run(script.text, { shell, input: "\n" });
    expect([stdout.includes("same: \n"), stdout.includes("next: \n"), stdout.includes("canary")]).toEqual([true, true, false]);
  });

  test("does not start without the file", async () => {
    using home = new Home();
    home.program("docker", `echo started`);
    const { status, stdout } = await home.run(withValues(envOf({ ONE: "a\nb" }), path, sh`docker run image`).text, { shell });
    expect([status !== 0, stdout]).toEqual([true, ""]);
  });

  test("an upload takes away what it makes out of date, harmlessly where there is nothing", async () => {
    using home = new Home();
    mkdirSync(join(home.path, "x"));
    await Bun.write(join(home.path, "x/web.values"), "old");
    const command = uploadCommand("x/web.env", "0600", undefined, ["x/web.values"]);
    for (const content of ["one", "two"]) expect(await home.run(command.text, { shell, input: content })).toEqual({ status: 0, stdout: "", stderr: "" });
    expect((await home.run("ls -A x; cat x/web.env")).stdout).toBe("web.env\ntwo");
    expect(uploadCommand("x/web.env", "0600").text).not.toContain("values");
  });
});
