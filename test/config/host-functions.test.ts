import { afterAll, describe, expect, test } from "bun:test";
import { resolveConfig } from "../../lib/config/load.ts";
import type { HostsContext, HostsFunction } from "../../lib/config/host-functions.ts";
import type { DeployConfig } from "../../lib/config/types.ts";
import { CancelledError } from "../../lib/ground/errors.ts";
import { systemClock } from "../../lib/world/clock.ts";
import { fakeClock } from "../support/clock.ts";
import { base, capstan, failure, project, realFiles, realPrograms, removeProjects } from "./project.ts";

afterAll(removeProjects);

const from = { files: realFiles, programs: realPrograms(), clock: systemClock, cwd: "/app", env: { TOKEN: "t" }, command: "deploy" };
const shop = (config: Partial<DeployConfig>): DeployConfig => ({ ...base, ...config });
const hostsOf = async (config: Partial<DeployConfig>): Promise<readonly (readonly [string, readonly string[]])[]> => {
  const { roles, accessories } = await resolveConfig(shop(config), from);
  return [...roles, ...accessories].map(({ name, hosts }) => [name, hosts]);
};

describe("a function stands for", () => {
  test.each<[string, Partial<DeployConfig>, readonly (readonly [string, readonly string[]])[]]>([
    ["the hosts of the one role", { servers: async () => ["10.0.0.1", "10.0.0.2"] }, [["web", ["10.0.0.1", "10.0.0.2"]]]],
    ["all roles", { servers: () => ({ web: ["10.0.0.1"], jobs: { hosts: async () => ["10.0.0.3"], cmd: "bin/work" } }) }, [["web", ["10.0.0.1"]], ["jobs", ["10.0.0.3"]]]],
    ["the list of a role", { servers: { web: async () => ["10.0.0.1"] } }, [["web", ["10.0.0.1"]]]],
    ["the hosts of a role, some with tags", { servers: { web: { hosts: async () => ["10.0.0.1", { "10.0.0.2": "big" }] } }, accessories: { redis: { image: "redis:7", tag: "big" } } }, [["web", ["10.0.0.1", "10.0.0.2"]], ["redis", ["10.0.0.2"]]]],
    ["the hosts of an accessory", { accessories: { redis: { image: "redis:7", hosts: async () => ["10.0.0.9"] } } }, [["web", ["10.0.0.1"]], ["jobs", ["10.0.0.2"]], ["redis", ["10.0.0.9"]]]],
    ["no hosts where a role may have none", { servers: { web: ["10.0.0.1"], jobs: { hosts: () => [] } }, allowEmptyRoles: true }, [["web", ["10.0.0.1"]], ["jobs", []]]],
  ])("%s", async (_, config, expected) => expect(await hostsOf(config)).toEqual(expected));
});

test("a function that stands in several places is called once a run, and learns what the run is", async () => {
  const calls: HostsContext[] = [];
  const hosts: HostsFunction = async (context) => {
    calls.push(context);
    return [`${context.destination}-1`];
  };
  const settings = await resolveConfig(shop({ servers: { web: hosts, jobs: { hosts } } }), { ...from, destination: "qa", version: "7" });
  expect(settings.roles.map((role) => role.hosts)).toEqual([["qa-1"], ["qa-1"]]);
  expect(calls.map(({ command, destination, version, env, signal }) => ({ command, destination, version, env, aborted: signal.aborted }))).toEqual([{ command: "deploy", destination: "qa", version: "7", env: { TOKEN: "t" }, aborted: false }]);
  expect(await calls[0]?.dotenv("TOKEN")).toBe("t");
});

test("several functions are called side by side", async () => {
  const gate = Promise.withResolvers<void>();
  const first: HostsFunction = async () => {
    await gate.promise;
    return ["10.0.0.1"];
  };
  const second: HostsFunction = () => {
    gate.resolve();
    return ["10.0.0.2"];
  };
  expect(await hostsOf({ servers: { web: first, jobs: { hosts: second } } })).toEqual([["web", ["10.0.0.1"]], ["jobs", ["10.0.0.2"]]]);
});

describe("what a function gives is refused when it is", () => {
  test.each<[string, Partial<Record<keyof DeployConfig, unknown>>, string[]]>([
    ["empty", { servers: async () => [] }, ["servers: expected at least one host, but its function gave none"]],
    ["empty, where the config has accessories and could do without an app", { servers: () => [], accessories: { redis: { image: "redis:7", host: "10.0.0.9" } } }, ["servers: expected at least one host, but its function gave none"]],
    ["empty for a role", { servers: { web: ["10.0.0.1"], jobs: { hosts: () => [] } } }, ["servers.jobs.hosts: expected at least one host, but its function gave none"]],
    ["empty for the primary role, whatever roles may be empty", { servers: { web: () => [] }, allowEmptyRoles: true }, ["servers.web: expected at least one host, but its function gave none"]],
    ["empty for an accessory", { accessories: { redis: { image: "redis:7", hosts: () => [] } } }, ["accessories.redis.hosts: expected at least one host, but its function gave none"]],
    ["nothing", { servers: () => undefined }, ["servers: expected its function to give a list of hosts or a map of roles, found nothing"]],
    ["a map", { servers: { web: { hosts: async () => ({ hosts: ["a"] }) } } }, ["servers.web.hosts: expected its function to give a list of hosts, found a map"]],
    ["no host, with all that is wrong besides", { servers: async () => ["10.0.0.1", "-oProxyCommand=x"], retainContainers: 0 }, [`servers[1]: expected a host: [user@]host[:port], found "-oProxyCommand=x"`, "retainContainers: expected an integer of at least 1, found 0"]],
  ])("%s", async (_, config, expected) => expect((await failure(() => resolveConfig(shop(config as Partial<DeployConfig>), from))).details).toEqual(expected));
});

const configOf = (servers: string): string => `${capstan}\nexport default defineConfig({\n  service: "shop",\n  image: "acme/shop",\n  registry: { username: "bot", password: secret("PW") },\n  servers: ${servers},\n});\n`;

describe("what goes wrong in a function is shown with the user's own file and line", () => {
  test("an error that it throws", async () => {
    const { fail } = project({ "deploy.config.ts": configOf(`{\n    web: async () => {\n      await Promise.resolve();\n      throw new TypeError("no inventory");\n    },\n  }`) });
    const { failure, message, details, hint } = await fail();
    expect({ failure, message, hint }).toEqual({ failure: "config", message: "Cannot read the hosts of servers.web: TypeError: no inventory", hint: "Correct the function, or what it asks" });
    expect(details).toEqual(["deploy.config.ts:9:17:", "   7 |     web: async () => {", "   8 |       await Promise.resolve();", `>  9 |       throw new TypeError("no inventory");`, "     |                 ^", "  10 |     },"]);
  });

  test("one that comes without a place, at the key", async () => {
    const { fail } = project({ "deploy.config.ts": configOf(`async () => {\n    const error = new Error("Unable to connect");\n    error.stack = "";\n    throw error;\n  }`) });
    const { message, details } = await fail();
    expect([message, details[0], details[3]]).toEqual(["Cannot read the hosts of servers: Error: Unable to connect", "deploy.config.ts:6:3:", "> 6 |   servers: async () => {"]);
  });

  test("several of them", async () => {
    const { fail } = project({ "deploy.config.ts": configOf(`{ web: () => { throw new Error("one"); }, jobs: { hosts: async () => { throw "two"; } } }`) });
    const { message, cause } = await fail();
    expect(message).toBe("Cannot read the hosts of 2 places");
    expect((cause as AggregateError).errors.map((error: Error) => error.message)).toEqual(["Cannot read the hosts of servers.web: Error: one", `Cannot read the hosts of servers.jobs.hosts: it threw "two"`]);
  });

  test("what it gives", async () => {
    const { fail } = project({ "deploy.config.ts": configOf(`async () => []`) });
    expect((await fail()).details).toEqual(["servers: expected at least one host, but its function gave none (deploy.config.ts:6:3)"]);
  });
});

test("a function of the destination's own file goes over the hosts of the config", async () => {
  const { load } = project({ "deploy.config.ts": configOf(`["10.0.0.1"]`), "deploy.qa.config.ts": `${capstan}\nexport default defineDestination({ servers: async ({ destination }) => [\`\${destination}.example\`] });\n` });
  expect([(await load()).primaryHost, (await load({ destination: "qa" })).primaryHost]).toEqual(["10.0.0.1", "qa.example"]);
});

test("a function that takes longer than a minute is given up, and told so", async () => {
  let given: AbortSignal | undefined;
  const hosts: HostsFunction = ({ signal }) => {
    given = signal;
    return new Promise(() => undefined);
  };
  const error = await failure(() => resolveConfig(shop({ servers: { web: hosts } }), { ...from, clock: fakeClock() }));
  expect([error.message, error.hint, given?.aborted]).toEqual(["Cannot read the hosts of servers.web: its function gave none within 60 s", "Look at what it waits for; a `fetch` with the `signal` that it gets ends with it", true]);
});

test("Ctrl-C ends the waiting for a function", async () => {
  const cancel = new AbortController();
  const hosts: HostsFunction = () => {
    cancel.abort(new CancelledError("Cancelled"));
    return new Promise(() => undefined);
  };
  expect((await failure(() => resolveConfig(shop({ servers: hosts }), { ...from, signal: cancel.signal }))).failure).toBe("cancelled");
});
