import { afterAll, expect, test } from "bun:test";
import { fetchSecrets, fromCommand, type SecretFunction } from "../../lib/config/secret-function.ts";
import { secretStore } from "../../lib/config/secrets.ts";
import type { SecretStore } from "../../lib/config/settings.ts";
import { systemClock } from "../../lib/world/clock.ts";
import { createPrograms } from "../../lib/world/programs.ts";
import { createRedactor } from "../../lib/world/redact.ts";
import { failure, project, realFiles, removeProjects } from "./project.ts";
import { odd, removeVendors, Vendor } from "./secret-sources/vendor.ts";

afterAll(removeProjects);
afterAll(removeVendors);

function storeOf(vendor: Vendor, functions: Readonly<Record<string, SecretFunction>>): SecretStore {
  const { folder } = project({});
  return secretStore({ files: realFiles, programs: createPrograms({ env: vendor.env, cwd: folder, redactor: createRedactor(), clock: systemClock }), env: vendor.env, root: folder, destination: undefined, path: ".capstan/secrets", functions });
}

const doppler = () => new Vendor("doppler", { "--version": "1", "me --json": "{}", "secrets get A B --json -p p -c c": { A: { computed: odd }, B: { computed: "b" } } });

test("fetchSecrets() asks when one is needed, once for all", async () => {
  const vendor = doppler();
  const store = storeOf(vendor, { ...fetchSecrets({ adapter: "doppler", from: "p/c", names: ["A", "B"] }), OTHER: () => "o" });
  store.get("OTHER");
  await store.load();
  expect(vendor.calls).toEqual([]);
  const secrets = [store.get("A"), store.get("B")];
  await store.load();
  expect([...secrets.map((one) => one.reveal()), await store.value("A")]).toEqual([odd, "b", odd]);
  expect(vendor.calls).toEqual([["--version"], ["me", "--json"], ["secrets", "get", "A", "B", "--json", "-p", "p", "-c", "c"]]);
});

test("fetchSecrets() gives other names to them, and asks for what holds them", async () => {
  const aws = new Vendor("aws", { "--version": "1", "secretsmanager batch-get-secret-value --secret-id-list shop/prod --output json": { SecretValues: [{ Name: "shop/prod", SecretString: `{"db.password":"1","key":"2"}` }] } });
  const inAws = storeOf(aws, fetchSecrets({ adapter: "aws", names: { DB: "db.password", KEY: "shop/prod/key" }, items: ["shop/prod"] }));
  expect(await inAws.all()).toEqual({ DB: "1", KEY: "2" });
  const bws = new Vendor("bws", { "--version": "1", "project list": "[]", "secret get id-1": { key: "Whatever", value: "w" } });
  expect(await storeOf(bws, fetchSecrets({ adapter: "bitwarden-sm", names: { TOKEN: "id-1" } })).all()).toEqual({ TOKEN: "w" });
});

test("fetchSecrets() says what there is where a name is not", async () => {
  const aws = new Vendor("aws", { "--version": "1", "secretsmanager batch-get-secret-value --secret-id-list shop/prod --output json": { SecretValues: [{ Name: "shop/prod", SecretString: `{"A":"1","B":"2"}` }] } });
  const error = await failure(() => storeOf(aws, fetchSecrets({ adapter: "aws", names: ["C"], items: ["shop/prod"] })).value("C"));
  expect(error).toMatchObject({ failure: "config", message: "Cannot find C in what aws has", details: ["It has shop/prod/A, shop/prod/B"] });
});

test("fetchSecrets() tells a failure that several share once", async () => {
  const vendor = new Vendor("doppler", { "--version": "1", "me --json": "{}", "secrets get A B --json -p p -c c": {} });
  const store = storeOf(vendor, fetchSecrets({ adapter: "doppler", from: "p/c", names: ["A", "B"] }));
  store.get("A");
  store.get("B");
  expect((await failure(() => store.load())).message).toBe("Cannot read 2 secrets from Doppler: p/c/A, p/c/B");
});

test("fetchSecrets() refuses a name that no secret can have", () => {
  expect(() => fetchSecrets({ adapter: "doppler", names: ["p/c/A"] })).toThrow(new TypeError(`Cannot call a secret "p/c/A": write { NAME: "p/c/A" }`));
});

test("fromCommand() gives what a program prints, without a shell", async () => {
  const gh = new Vendor("gh", { "auth token --hostname $HOME": "tok\n\n" });
  expect(await storeOf(gh, { TOKEN: fromCommand("gh", "auth", "token", "--hostname", "$HOME") }).value("TOKEN")).toBe("tok");
  expect(gh.calls).toEqual([["auth", "token", "--hostname", "$HOME"]]);
});

test("fromCommand() names the program that fails", async () => {
  const gh = new Vendor("gh", { "auth token": { status: 4, stderr: "" } });
  expect(await failure(() => storeOf(gh, { TOKEN: fromCommand("gh", "auth", "token") }).value("TOKEN"))).toMatchObject({ failure: "config", message: "Cannot read secret TOKEN (secrets.TOKEN of the config)", details: expect.arrayContaining([`"gh auth token" ended with status 4`]) });
});
