/** What must compile, and what must not. The compiler is the judge: a `@ts-expect-error` that has nothing to expect is an error itself. */
import { expect, test } from "bun:test";
import { defineConfig, defineDestination, type ConfigExport } from "../lib/config/define.ts";
import type { HookContexts, HookName, Hooks } from "../lib/config/hooks.ts";
import type { ConfigInput } from "../lib/config/schema.ts";
import { fetchSecrets, fromCommand } from "../lib/config/secret-function.ts";
import { secret, type SecretRef } from "../lib/config/secret-ref.ts";
import type { Settings } from "../lib/config/settings.ts";
import type { DeployConfig } from "../lib/config/types.ts";
import { type Command, sh } from "../lib/ground/command.ts";
import type { Duration } from "../lib/ground/duration.ts";
import { Secret } from "../lib/ground/secret.ts";

/** Compiles where each can stand for the other. */
type Mutual<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
const same = <_T extends true>(): boolean => true;

const base: DeployConfig = { service: "shop", image: "acme/shop", servers: ["a"], registry: { username: "u", password: secret("PW") } };
/** Only the types of what is in here count; the body never runs. */
const never = (body: () => unknown): void => expect(body).toBeFunction();

test("the public types are those of the schema", () => {
  const all = [
    same<Mutual<DeployConfig, ConfigInput>>(),
    same<Mutual<Required<DeployConfig>["proxy"], Required<ConfigInput>["proxy"]>>(),
    same<Mutual<DeployConfig["servers"], ConfigInput["servers"]>>(),
    same<Mutual<keyof DeployConfig, keyof ConfigInput>>(),
    same<Mutual<NonNullable<DeployConfig["hooks"]>, Hooks>>(),
  ];
  expect(all).not.toContain(false);
});

test("defineConfig takes a config, a promise and a function", () => {
  never(() => {
    const all: ConfigExport[] = [defineConfig(base), defineConfig(Promise.resolve(base)), defineConfig(() => base), defineConfig(async ({ destination, command, version, env }) => ({ ...base, labels: { destination: destination ?? command, version: version ?? env["V"] ?? "" } }))];
    return all;
  });
});

test("fetchSecrets knows adapters and gives a function for each name", () => {
  never(() => {
    const two = fetchSecrets({ adapter: "1password", account: "acme", names: ["A", "B"] });
    const mapped = fetchSecrets({ adapter: "aws", names: { KEY: "shop/key" } });
    // @ts-expect-error there is no such adapter
    fetchSecrets({ adapter: "1passwrod", names: ["A"] });
    // @ts-expect-error the names are needed
    fetchSecrets({ adapter: "doppler" });
    // @ts-expect-error that was not fetched
    void two.C;
    return [defineConfig({ ...base, secrets: { ...two, ...mapped, TOKEN: fromCommand("gh", "auth", "token"), OWN: ({ output }) => output("pass", "shop"), REF: secret("A") } }), two.A, mapped.KEY];
  });
});

test("defineConfig refuses what the schema refuses", () => {
  never(() => {
    // @ts-expect-error service is missing
    defineConfig({ image: "acme/shop", servers: ["a"], registry: {} });
    // @ts-expect-error an unknown key
    defineConfig({ ...base, registri: {} });
    // @ts-expect-error hosts are a list
    defineConfig({ ...base, servers: { web: "a" } });
    // @ts-expect-error a function gives a list of hosts
    defineConfig({ ...base, servers: { web: async () => "a" } });
    // @ts-expect-error an unknown key of a role
    defineConfig({ ...base, servers: { web: { hosts: ["a"], comd: "x" } } });
    // @ts-expect-error the proxy is turned off by role
    defineConfig({ ...base, proxy: false });
    // @ts-expect-error a number of containers
    defineConfig({ ...base, retainContainers: "two" });
    // @ts-expect-error a duration has a unit
    defineConfig({ ...base, drainTimeout: "30" });
    // @ts-expect-error a share ends with %
    defineConfig({ ...base, boot: { limit: "25" } });
    // @ts-expect-error one of three words
    defineConfig({ ...base, ssh: { strictHostKeyChecking: "maybe" } });
    // @ts-expect-error a value of env.secret is a reference, not a text
    defineConfig({ ...base, env: { secret: { A: "s3cr3t" } } });
    // @ts-expect-error one name
    defineConfig({ ...base, registry: { username: "u", password: ["A", "B"] } });
    // @ts-expect-error an unknown hook
    defineConfig({ ...base, hooks: { postdeploy: () => undefined } });
    // @ts-expect-error a list is not null
    defineConfig({ ...base, volumes: null });
    // @ts-expect-error secrets are functions
    defineConfig({ ...base, secrets: { A: "s3cr3t" } });
  });
});

test("defineConfig takes secrets wherever one may stand, and undefined wherever a key may be left out", () => {
  never(() => defineConfig({
    ...base,
    registry: { server: undefined, username: secret("U"), password: ["P"] },
    env: { clear: { A: 1, B: true, C: "c" }, secret: ["A", "B:C", secret("D")] },
    builder: { secrets: { npm: secret("NPM"), gem: ["GEM"] }, arch: undefined },
    proxy: { host: "h", ssl: { certificatePem: "CERT", privateKeyPem: secret("KEY") } },
    secrets: { A: () => "a", B: async () => "b", C: secret("A") },
    boot: { limit: "12.5%" }, deployTimeout: "2m", drainTimeout: 30,
    servers: { web: ["a"] as const, cron: async ({ destination }) => [`${destination}-1`, { b: ["tag"] }], mail: { hosts: () => ["c"] }, jobs: { hosts: ["b"], options: { memory: "1g", "cap-add": ["A", "B"], init: true, cpus: 2 } } },
  }));
});

test("defineDestination takes any part of a config", () => {
  never(() => {
    defineDestination({});
    defineDestination({ servers: async ({ env }) => (await (await fetch(env["HOSTS"] ?? "")).json()) as string[] });
    defineDestination({ servers: { web: ["a"] }, proxy: { host: "qa.example" }, env: { clear: { A: 1 } }, registry: { server: "qa.example" } });
    defineDestination(({ destination }) => ({ service: `shop-${destination}` }));
    // @ts-expect-error an unknown key
    defineDestination({ sevrers: ["a"] });
    // @ts-expect-error a wrong type further down
    defineDestination({ proxy: { appPort: "3000" } });
  });
});

test("a hook sees what can be known at its point", () => {
  never(() => {
    const hooks: Hooks = {
      preConnect: ({ version, hosts, log }) => log(version + hosts.join()),
      preDeploy: async ({ run, exec, hosts }) => { await run(hosts[0] ?? "", sh`uptime`); await exec("true", { role: "web" }); },
      postDeploy: ({ runtimeSeconds }) => void runtimeSeconds.toFixed(),
      auditBroadcast: ({ event }) => void event.line,
      onFailure: ({ error, runtimeSeconds }) => void [error.failure, error.hint, runtimeSeconds],
    };
    // @ts-expect-error there is no connection yet
    const early: Hooks = { preConnect: ({ run }) => run };
    // @ts-expect-error the run is not over
    const running: Hooks = { preDeploy: ({ runtimeSeconds }) => void runtimeSeconds };
    // @ts-expect-error nothing has failed
    const fine: Hooks = { postDeploy: ({ error }) => void error };
    // @ts-expect-error contexts are read only
    const change: Hooks = { preBuild: (context) => { context.version = "2"; } };
    return [hooks, early, running, fine, change];
  });
  expect(same<Mutual<HookName, keyof HookContexts>>()).toBe(true);
});

test("sh takes words, numbers, commands and lists of them, and no secret", () => {
  never(() => {
    const command: Command = sh`echo ${"a"} ${1} ${["b", 2]} ${sh`true`}`;
    // @ts-expect-error a secret would show in the process list
    void sh`echo ${new Secret("A", "a")}`;
    // @ts-expect-error a reference is no word either
    void sh`echo ${secret("A")}`;
    // @ts-expect-error undefined is a mistake, not an empty word
    void sh`echo ${undefined}`;
    // @ts-expect-error a condition is no word
    void sh`echo ${true}`;
    return command.stdin(new Secret("A", "a"));
  });
});

test("a secret is not a text", () => {
  never(() => {
    // @ts-expect-error it has to be sent, not read
    const text: string = new Secret("A", "a");
    // @ts-expect-error a reference has no value
    const value: string = secret("A");
    // @ts-expect-error made by secret() only, or written out
    const ref: SecretRef = { name: "A" };
    return [text, value, ref];
  });
});

test("settings and durations cannot be changed or misspelt", () => {
  never(() => {
    const settings: Settings = {} as Settings;
    // @ts-expect-error read only
    settings.service = "x";
    // @ts-expect-error read only
    settings.roles.push();
    const durations: Duration[] = ["30s", "2m", "1h"];
    // @ts-expect-error no such unit
    const days: Duration = "1d";
    return [durations, days];
  });
});
