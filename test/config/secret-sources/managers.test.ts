import { afterAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { adapters, byKey } from "../../../lib/config/secret-sources/managers.ts";
import { failure } from "../project.ts";
import { each, fails, odd, removeVendors, type Rules, Vendor } from "./vendor.ts";

afterAll(removeVendors);

interface Case {
  readonly adapter: string;
  readonly program: string;
  readonly version?: string;
  readonly request: { readonly names: readonly string[]; readonly account?: string; readonly from?: string };
  readonly rules: Rules;
  /** After the question for the version. */
  readonly calls: readonly (readonly string[])[];
  readonly values: Readonly<Record<string, string>>;
}

const opField = (reference: string, value: string) => ({ id: "x", label: reference.split("/").at(-1), value, reference: `op://${reference}` });
const opAccess = ["--format", "json", "--account", "a.1password.com"];
const opIn: Rules = { "account get --account a.1password.com": "" };
const bwIn: Rules = { status: { status: "unlocked" }, sync: "Syncing complete." };

/** Each adapter where somebody is logged in and all is there. */
const happy: readonly Case[] = [
  {
    adapter: "1password", program: "op",
    request: { names: ["Item/A", "op://Vault/Other/section/B", "Item"], account: "a.1password.com" },
    rules: {
      ...opIn,
      "item get A --vault Item --format json --account a.1password.com --fields label=password": opField("Item/A/password", odd),
      "item get Other --vault Vault --format json --account a.1password.com --fields label=section.B": { ...opField("Vault/Other/section/B", "b"), section: { id: "s1", label: "section" } },
    },
    calls: [
      ["account", "get", "--account", "a.1password.com"],
      ["item", "get", "A", "--vault", "Item", ...opAccess, "--fields", "label=password"],
      ["item", "get", "Other", "--vault", "Vault", ...opAccess, "--fields", "label=section.B"],
    ],
    values: { "Item/A": odd, "Vault/Other/section/B": "b" },
  },
  {
    adapter: "lastpass", program: "lpass",
    request: { names: ["X", "Y z"], account: "a@b", from: "F" },
    rules: {
      "status --color never": "Logged in as a@b.\n",
      "show F/X F/Y z --json": [{ id: "1", fullname: "F/X", password: odd }, { id: "2", fullname: "F/Y z", password: "y" }],
    },
    calls: [["status", "--color", "never"], ["show", "F/X", "F/Y z", "--json"]],
    values: { "F/X": odd, "F/Y z": "y" },
  },
  {
    adapter: "bitwarden", program: "bw",
    request: { names: ["login", "note/KEY", "note/username", "fields"], account: "a@b" },
    rules: {
      ...bwIn,
      "get item login": { login: { username: "me", password: odd }, fields: [{ name: "other", value: "o" }] },
      "get item note": { login: { username: "ann", password: null }, fields: [{ name: "KEY", value: "k" }] },
      "get item fields": { login: null, fields: [{ name: "A", value: "1" }, { name: "B", value: null }] },
    },
    calls: [["status"], ["sync"], ["get", "item", "login"], ["get", "item", "note"], ["get", "item", "fields"]],
    values: { login: odd, "note/KEY": "k", "note/username": "ann", "fields/A": "1", "fields/B": "" },
  },
  {
    adapter: "bitwarden-sm", program: "bws",
    request: { names: ["id-1", "id-2"] },
    rules: { "project list": "[]", "secret get id-1": { key: "DB", value: odd }, "secret get id-2": { key: "API", value: "2" } },
    calls: [["project", "list"], ["secret", "get", "id-1"], ["secret", "get", "id-2"]],
    values: { DB: odd, API: "2" },
  },
  {
    adapter: "aws_secrets_manager", program: "aws",
    request: { names: ["app/json", "app/text", "app/list"], account: "staging" },
    rules: {
      "secretsmanager batch-get-secret-value --secret-id-list app/json app/text app/list --profile staging --output json": {
        SecretValues: [
          { Name: "app/json", SecretString: `{"TEXT":${JSON.stringify(odd)},"BIG":12345678901234567890,"DEEP":{"a":[1.50,true,null,"x\\"y"]}}` },
          { Name: "app/text", SecretString: odd },
          { Name: "app/list", SecretString: `["a"]` },
        ],
        Errors: [],
      },
    },
    calls: [["secretsmanager", "batch-get-secret-value", "--secret-id-list", "app/json", "app/text", "app/list", "--profile", "staging", "--output", "json"]],
    values: { "app/json/TEXT": odd, "app/json/BIG": "12345678901234567890", "app/json/DEEP": `{"a":[1.50,true,null,"x\\"y"]}`, "app/text": odd, "app/list": `["a"]` },
  },
  {
    adapter: "gcp", program: "gcloud",
    request: { names: ["proj/tok/3"], account: "default|sa@p" },
    rules: {
      "auth list --format=json": [{ account: "me" }],
      "secrets versions access 3 --secret=tok --project=proj --impersonate-service-account=sa@p --format=json": { payload: { data: Buffer.from(odd).toString("base64url") } },
    },
    calls: [["auth", "list", "--format=json"], ["secrets", "versions", "access", "3", "--secret=tok", "--project=proj", "--impersonate-service-account=sa@p", "--format=json"]],
    values: { "proj/tok": odd },
  },
  {
    adapter: "doppler", program: "doppler",
    request: { names: ["A", "B"], from: "shop/prd" },
    rules: { "me --json": "{}", "secrets get A B --json -p shop -c prd": { A: { computed: odd, raw: "r" }, B: { computed: "" } } },
    calls: [["me", "--json"], ["secrets", "get", "A", "B", "--json", "-p", "shop", "-c", "prd"]],
    values: { A: odd, B: "" },
  },
  {
    adapter: "enpass", program: "enpass-cli", version: "version",
    request: { names: ["FooBar", "Deep/Title/KEY"], from: "/vaults/my vault" },
    rules: {
      "-json -vault /vaults/my vault show FooBar Deep/Title": [
        { title: "FooBar", label: "A", password: odd }, { title: "FooBar", label: "", password: "plain" }, { title: "FooBar", label: "EMPTY", password: "" },
        { title: "Deep/Title", label: "KEY", password: "k" }, { title: "Deep/Title", label: "OTHER", password: "o" },
      ],
    },
    calls: [["-json", "-vault", "/vaults/my vault", "show", "FooBar", "Deep/Title"]],
    values: { "FooBar/A": odd, FooBar: "plain", "Deep/Title/KEY": "k" },
  },
  {
    adapter: "passbolt", program: "passbolt",
    request: { names: ["A", "F/G/it's \"B\""] },
    rules: {
      verify: "ok",
      [`list folders --filter Name == "F" --json`]: [{ id: "f0", name: "F", folder_parent_id: "x" }, { id: "f1", name: "F", folder_parent_id: "" }],
      [`list folders --filter Name == "G" && FolderParentID == "f1" --json`]: [{ id: "g1", name: "G", folder_parent_id: "f1" }],
      [`list resources --filter Name == "A" || (Name == "it's \\"B\\"" && FolderParentID == "g1") --folder f1 --folder g1 --column name --column password --json`]: [{ name: "A", password: odd }, { name: `it's "B"`, password: "b" }],
    },
    calls: [
      ["verify"],
      ["list", "folders", "--filter", `Name == "F"`, "--json"],
      ["list", "folders", "--filter", `Name == "G" && FolderParentID == "f1"`, "--json"],
      ["list", "resources", "--filter", `Name == "A" || (Name == "it's \\"B\\"" && FolderParentID == "g1")`, "--folder", "f1", "--folder", "g1", "--column", "name", "--column", "password", "--json"],
    ],
    values: { A: odd, [`it's "B"`]: "b" },
  },
];

const installed = ({ version = "--version" }: Case): Rules => ({ [version]: "1.0.0" });

test("there is a case for every adapter with a program", () => {
  expect(happy.map(({ adapter }) => adapter)).toEqual(adapters.filter(({ program }) => program !== undefined).map(({ name }) => name));
});

describe.each(happy.map((one) => [one.adapter, one] as const))("%s", (_, one) => {
  // 1Password's item without a field is told apart in its own test.
  const request = { ...one.request, names: one.request.names.filter((name) => one.adapter !== "1password" || name !== "Item") };

  test("reads values byte for byte, with exactly these calls", async () => {
    const vendor = new Vendor(one.program, { ...installed(one), ...one.rules });
    expect(await vendor.read({ adapter: one.adapter, ...request })).toEqual(one.values);
    expect(vendor.calls).toEqual([[one.version ?? "--version"], ...one.calls]);
  });

  test("says that its program is not there", async () => {
    const vendor = new Vendor(one.program, {});
    rmSync(join(vendor.folder, "bin", one.program));
    vendor.env["PATH"] = join(vendor.folder, "bin");
    const error = await failure(() => vendor.read({ adapter: one.adapter, ...request }));
    expect(error).toMatchObject({ failure: "config", message: expect.stringMatching(new RegExp(`^Cannot read secrets from .*: its program ${one.program} does not run here$`)), details: [`Cannot run ${one.program} here: it was not found`] });
    expect(error.hint).toBe(`Install ${one.program} so that it is on PATH, and try \`${one.program} ${one.version ?? "--version"}\``);
  });

  test("shows no standard output of a call that fails: it may hold secrets", async () => {
    const last = one.calls.at(-1)?.join(" ") ?? "";
    const vendor = new Vendor(one.program, { ...installed(one), ...one.rules, [last]: "sesame, no JSON" });
    const error = await failure(() => vendor.read({ adapter: one.adapter, ...request }));
    expect([error.message, ...error.details, error.hint].join("\n")).not.toContain("sesame");
    expect(error.details.join("\n")).toContain(`${one.program} printed no JSON`);
  });
});

interface Login {
  readonly adapter: string;
  readonly program: string;
  readonly account?: string;
  /** Not logged in, and the login works. */
  readonly rules: Rules;
  readonly calls: readonly string[];
  /** The call that makes the login fail, and how. */
  readonly breaks: Rules;
  readonly details: readonly string[];
  readonly byHand: string;
}

const logins: readonly Login[] = [
  {
    adapter: "1password", program: "op", account: "A",
    rules: { "account get --account A": fails(""), "signin --account A --force --raw": "tok-1\n", "item get I --vault V --format json --account A --session tok-1 --fields label=x": opField("V/I/x", "v") },
    calls: ["account get --account A", "signin --account A --force --raw", "item get I --vault V --format json --account A --session tok-1 --fields label=x"],
    breaks: { "signin --account A --force --raw": fails("", 6) }, details: [`"op signin --account A --force --raw" ended with status 6`], byHand: "op signin --account A",
  },
  {
    adapter: "lastpass", program: "lpass", account: "A",
    rules: { "status --color never": "Not logged in.\n", "login A": "", "show V/I/x --json": [{ fullname: "V/I/x", password: "v" }] },
    calls: ["status --color never", "login A", "show V/I/x --json"],
    breaks: { "login A": fails("", 1) }, details: [`"lpass login A" ended with status 1`], byHand: "lpass login A",
  },
  {
    adapter: "bitwarden", program: "bw", account: "A",
    rules: { status: each({ status: "unauthenticated" }, { status: "locked" }, { status: "unlocked" }), "login A": "", "unlock --raw": "ses-1\n", sync: "", "get item V": { fields: [{ name: "I/x", value: "v" }] } },
    calls: ["status", "login A", "status", "unlock --raw", "BW_SESSION=ses-1 status", "BW_SESSION=ses-1 sync", "BW_SESSION=ses-1 get item V"],
    breaks: { "unlock --raw": fails("", 1) }, details: [`"bw unlock --raw" ended with status 1`], byHand: "bw unlock",
  },
  {
    adapter: "bitwarden-sm", program: "bws",
    rules: { "project list": "[]", "secret get V/I/x": { key: "x", value: "v" } },
    calls: ["project list", "secret get V/I/x"],
    breaks: { "project list": fails("Missing access token") }, details: [`"bws project list" ended with status 1`, "Missing access token"], byHand: "export BWS_ACCESS_TOKEN=…",
  },
  {
    adapter: "gcp", program: "gcloud", account: "me@p",
    rules: { "auth list --format=json": each([], [{ account: "me@p" }]), "auth login": "", "secrets versions access x --secret=I --project=V --account=me@p --format=json": { payload: { data: "dg==" } } },
    calls: ["auth list --format=json", "auth login", "auth list --format=json", "secrets versions access x --secret=I --project=V --account=me@p --format=json"],
    breaks: { "auth list --format=json": [] }, details: ["There is still no account"], byHand: "gcloud auth login",
  },
  {
    adapter: "doppler", program: "doppler",
    rules: { "me --json": fails("Unauthorized"), "login -y": "", "secrets get x --json -p V -c I": { x: { computed: "v" } } },
    calls: ["me --json", "login -y", "secrets get x --json -p V -c I"],
    breaks: { "login -y": fails("", 1) }, details: [`"doppler login -y" ended with status 1`], byHand: "doppler login -y",
  },
  {
    adapter: "passbolt", program: "passbolt",
    rules: { verify: "", [`list folders --filter Name == "V" --json`]: [{ id: "1", name: "V" }], [`list folders --filter Name == "I" && FolderParentID == "1" --json`]: [{ id: "2", name: "I" }], [`list resources --filter (Name == "x" && FolderParentID == "2") --folder 1 --folder 2 --column name --column password --json`]: [{ name: "x", password: "v" }] },
    calls: ["verify", `list folders --filter Name == "V" --json`, `list folders --filter Name == "I" && FolderParentID == "1" --json`, `list resources --filter (Name == "x" && FolderParentID == "2") --folder 1 --folder 2 --column name --column password --json`],
    breaks: { verify: fails("no server") }, details: [`"passbolt verify" ended with status 1`, "no server"], byHand: "passbolt configure",
  },
];

describe.each(logins.map((one) => [one.adapter, one] as const))("login to %s", (_, { adapter, program, account, rules, calls, breaks, details, byHand }) => {
  const request = { adapter, names: ["V/I/x"], ...(account === undefined ? {} : { account }) };

  test("happens when it is needed, and once", async () => {
    const vendor = new Vendor(program, { "--version": "1", ...rules }, ["BW_SESSION"]);
    const managers = vendor.managers();
    expect(Object.values(byKey(await managers.read(request)))).toEqual(["v"]);
    expect(vendor.calls.map((call) => call.join(" "))).toEqual(["--version", ...calls]);
    const before = vendor.calls.length;
    await managers.read(request);
    expect(vendor.calls.slice(before).map((call) => call.join(" "))).toEqual(calls.slice(calls.findIndex((call) => /(item|show|secret|secrets|folders) /.test(call))));
  });

  test("tells what to run by hand when it fails", async () => {
    const vendor = new Vendor(program, { "--version": "1", ...rules, ...breaks });
    expect(await failure(() => vendor.read(request))).toMatchObject({ failure: "config", message: expect.stringMatching(/^Cannot log in to /), details, hint: `Run \`${byHand}\` in a terminal, then try again` });
  });
});

interface Missing {
  readonly adapter: string;
  readonly program: string;
  readonly names: readonly string[];
  readonly account?: string;
  readonly from?: string;
  readonly rules: Rules;
  readonly message: string;
  readonly details: readonly string[];
}

const missing: readonly Missing[] = [
  {
    adapter: "1password", program: "op", names: ["V/I/a", "V/I/b", "V/J/c", "W/K"], account: "A",
    rules: { "account get --account A": "", "item get I --vault V --format json --account A --fields label=a,label=b": [opField("V/I/a", "1")], "item get J --vault V --format json --account A --fields label=c": fails(`[ERROR] "J" isn't an item\nsee help`), "item get K --vault W --format json --account A --fields label=password": opField("W/K/password", "k") },
    message: "Cannot read 2 secrets from 1Password: V/I/b, V/J/c", details: ["V/I/b: the item has no field b", `V/J/c: [ERROR] "J" isn't an item`, "  see help"],
  },
  {
    adapter: "lastpass", program: "lpass", names: ["X", "Y", "Z"], account: "A",
    rules: { "status --color never": "Logged in as A.", "show X Y Z --json": [{ fullname: "Y", password: "y" }] },
    message: "Cannot read 2 secrets from LastPass: X, Z", details: ["X: there is no such item", "Z: there is no such item"],
  },
  {
    adapter: "lastpass", program: "lpass", names: ["X", "Y"], account: "A",
    rules: { "status --color never": "Logged in as A.", "show X Y --json": fails("Error: Could not find specified account(s).") },
    message: "Cannot read 2 secrets from LastPass: X, Y", details: ["X: Error: Could not find specified account(s)."],
  },
  {
    adapter: "bitwarden", program: "bw", names: ["a", "b/X", "b/Y", "c"], account: "A",
    rules: { ...bwIn, "get item a": fails("Not found."), "get item b": { fields: [{ name: "X", value: "x" }] }, "get item c": { name: "c" } },
    message: "Cannot read 3 secrets from Bitwarden: a, b/Y, c", details: ["a: Not found.", "b/Y: the item has no field Y", "c: the item has neither a password nor fields"],
  },
  {
    adapter: "bitwarden-sm", program: "bws", names: ["1", "2"], rules: { "project list": "[]", "secret get 1": fails("404 Not Found"), "secret get 2": fails("404 Not Found") },
    message: "Cannot read 2 secrets from Bitwarden Secrets Manager: 1, 2", details: ["1: 404 Not Found", "2: 404 Not Found"],
  },
  {
    adapter: "aws", program: "aws", names: ["a", "b", "c"],
    rules: { "secretsmanager batch-get-secret-value --secret-id-list a b c --output json": { SecretValues: [{ Name: "a", SecretString: "1" }], Errors: [{ SecretId: "b", ErrorCode: "ResourceNotFoundException", Message: "Secrets Manager can't find the specified secret." }] } },
    message: "Cannot read 2 secrets from AWS Secrets Manager: b, c", details: ["b: Secrets Manager can't find the specified secret.", "c: there is no such secret"],
  },
  {
    adapter: "gcp", program: "gcloud", names: ["a", "p/b"], account: "default",
    rules: { "auth list --format=json": [{}], "secrets versions access latest --secret=a --format=json": fails("ERROR: NOT_FOUND: Secret [a] not found"), "secrets versions access latest --secret=b --project=p --format=json": { payload: { data: "dg==" } } },
    message: "Cannot read a from Google Cloud Secret Manager", details: ["ERROR: NOT_FOUND: Secret [a] not found"],
  },
  {
    adapter: "doppler", program: "doppler", names: ["A", "B", "C"], from: "p/c",
    rules: { "me --json": "{}", "secrets get A B C --json -p p -c c": { B: { computed: "b" } } },
    message: "Cannot read 2 secrets from Doppler: p/c/A, p/c/C", details: ["p/c/A: there is no such secret", "p/c/C: there is no such secret"],
  },
  {
    adapter: "enpass", program: "enpass-cli", names: ["A", "B/K", "C/K"], from: "/v",
    rules: { version: "1", "-json -vault /v show A B C": [{ title: "B", label: "K", password: "1" }, { title: "B", label: "K", password: "2" }] },
    message: "Cannot read 3 secrets from Enpass: A, C/K, B/K", details: ["A: there is no such item", "C/K: there is no such item", "B/K: it is there more than once"],
  },
  {
    adapter: "passbolt", program: "passbolt", names: ["A", "B"],
    rules: { verify: "", [`list resources --filter Name == "A" || Name == "B" --column name --column password --json`]: [{ name: "B", password: "1" }, { name: "B", password: "2" }] },
    message: "Cannot read 2 secrets from Passbolt: A, B", details: ["A: there is no such resource", "B: 2 resources have that name"],
  },
  {
    adapter: "passbolt", program: "passbolt", names: ["F/A", "G/B"], rules: { verify: "", [`list folders --filter Name == "F" || Name == "G" --json`]: [{ id: "g", name: "G" }] },
    message: "Cannot read F/A from Passbolt", details: ["there is no folder F"],
  },
];

test.each(missing.map((one) => [one.adapter, one] as const))("%s tells all names it cannot read", async (_, { program, rules, message, details, ...request }) => {
  const vendor = new Vendor(program, { "--version": "1", ...rules });
  expect(await failure(() => vendor.read(request))).toMatchObject({ failure: "config", message, details });
});

test("1password reads all fields of an item where no names are given", async () => {
  const vendor = new Vendor("op", { ...opIn, "--version": "2", "item get Item --vault My Vault --format json --account a.1password.com": { fields: [opField("My Vault/Item/password", "p"), opField("My Vault/Item/sec/KEY", odd), { label: "notesPlain" }] } });
  expect(await vendor.read({ adapter: "one_password", names: [], account: "a.1password.com", from: "op://My Vault/Item" })).toEqual({ "My Vault/Item": "p", "My Vault/Item/sec/KEY": odd });
});

test("1password asks for several fields of an item at once", async () => {
  const vendor = new Vendor("op", { ...opIn, "--version": "2", "item get I --vault V --format json --account a.1password.com --fields label=b,label=sec.a,label=password": [{ ...opField("V/I/sec/a", "1"), section: { id: "s", label: "sec" } }, opField("V/I/password", "3"), opField("V/I/b", "2")] });
  expect(await vendor.managers().read({ adapter: "1password", names: ["b", "sec/a", "password"], account: "a.1password.com", from: "V/I" })).toEqual([
    { key: "V/I/b", value: "2", name: "V/I/b" }, { key: "V/I/sec/a", value: "1", name: "V/I/sec/a" }, { key: "V/I", value: "3", name: "V/I/password" },
  ]);
});

test("bitwarden-sm reads all secrets, or those of a project", async () => {
  const vendor = new Vendor("bws", { "--version": "1", "project list": "[]", "secret list": [{ key: "A", value: "1" }, { key: "B", value: "2" }], "secret list p-1": [{ key: "C", value: "3" }] });
  expect(await vendor.read({ adapter: "bitwarden_secrets_manager", names: ["all"] })).toEqual({ A: "1", B: "2" });
  expect(await vendor.read({ adapter: "bitwarden-sm", names: ["all"], from: "p-1" })).toEqual({ C: "3" });
});

test("aws: a binary secret is one that cannot be read", async () => {
  const vendor = new Vendor("aws", { "--version": "2", "secretsmanager batch-get-secret-value --secret-id-list a b --output json": { SecretValues: [{ Name: "a", SecretString: "1" }, { Name: "b", SecretBinary: "AAE=" }], Errors: [] } });
  expect(await failure(() => vendor.read({ adapter: "aws", names: ["a", "b"] }))).toMatchObject({ message: "Cannot read b from AWS Secrets Manager", details: [expect.stringContaining("it is binary: only texts can be read")] });
});

test("aws is asked for 20 secrets at a time", async () => {
  const names = Array.from({ length: 21 }, (_, i) => `s${i}`);
  const answer = (some: readonly string[]) => ({ SecretValues: some.map((Name) => ({ Name, SecretString: Name })) });
  const vendor = new Vendor("aws", { "--version": "2", [`secretsmanager batch-get-secret-value --secret-id-list ${names.slice(0, 20).join(" ")} --output json`]: answer(names.slice(0, 20)), "secretsmanager batch-get-secret-value --secret-id-list s20 --output json": answer(["s20"]) });
  expect(Object.keys(await vendor.read({ adapter: "aws-secrets-manager", names }))).toEqual(names);
});

test("doppler asks each project, and none with a service token", async () => {
  const vendor = new Vendor("doppler", { "--version": "3", "me --json": "{}", "secrets get A --json -p p -c c": { A: { computed: "1" } }, "secrets get B --json -p q -c c": { B: { computed: "2" } }, "secrets get A B --json": { A: { computed: "3" }, B: { computed: "4" } } });
  expect(await vendor.read({ adapter: "doppler", names: ["p/c/A", "q/c/B"] })).toEqual({ A: "1", B: "2" });
  expect(await vendor.read({ adapter: "doppler", names: ["A", "B"] }, { DOPPLER_TOKEN: "dp.st.prd.x" })).toEqual({ A: "3", B: "4" });
});

test.each<[string, { readonly names: readonly string[]; readonly account?: string; readonly from?: string }, string, string]>([
  ["1password", { names: ["X"], from: "V" }, "Cannot read secrets from 1Password: it needs an account", "Add --account ACCOUNT; in a config `account`"],
  ["lastpass", { names: ["X"], account: "" }, "Cannot read secrets from LastPass: it needs an account", "Add --account ACCOUNT; in a config `account`"],
  ["bitwarden", { names: ["X"] }, "Cannot read secrets from Bitwarden: it needs an account", "Add --account ACCOUNT; in a config `account`"],
  ["gcp", { names: ["X"] }, "Cannot read secrets from Google Cloud Secret Manager: it needs an account", "Add --account ACCOUNT; in a config `account`"],
  ["aws", { names: [] }, "Cannot read secrets from AWS Secrets Manager: there is no name of a secret", "Add the names of the secrets"],
  ["1password", { names: [], account: "A" }, "Cannot read secrets from 1Password: there is no name of a secret", "Add names, or --from for all that is there"],
  ["1passwrod", { names: ["X"] }, `Cannot read secrets with "1passwrod": there is no such adapter`, "Did you mean 1password?"],
  ["vault", { names: ["X"] }, `Cannot read secrets with "vault": there is no such adapter`, "Name one of them"],
])("%s with %j is refused", async (adapter, request, message, hint) => {
  expect(await failure(() => new Vendor("none", {}).read({ adapter, ...request }))).toMatchObject({ failure: "usage", message, hint });
});

test.each<[string, string, string, Rules]>([
  ["1password", "op", "Item", opIn],
  ["gcp", "gcloud", "a/b/c/d", { "auth list --format=json": [{}] }],
  ["doppler", "doppler", "B", { "me --json": "{}" }],
])("%s explains the form of names", async (adapter, program, name, rules) => {
  expect(await failure(() => new Vendor(program, { "--version": "1", ...rules }).read({ adapter, names: [name], account: "a.1password.com" }))).toMatchObject({ failure: "usage", message: expect.stringMatching(/^Cannot read ".*" from .*: expected /) });
});

test("an unknown adapter is answered with all there are", async () => {
  expect((await failure(() => new Vendor("none", {}).read({ adapter: "x", names: ["X"] }))).details).toEqual([
    "Adapters: 1password (one_password), lastpass (last_pass), bitwarden, bitwarden-sm (bitwarden_secrets_manager), aws_secrets_manager (aws), gcp (gcp_secret_manager), doppler, enpass, passbolt, test",
  ]);
});

test("the test adapter turns names round", async () => {
  expect(await new Vendor("none", {}).read({ adapter: "test", names: ["ab", "日本"], account: "any", from: "v" })).toEqual({ "v/ab": "ba/v", "v/日本": "本日/v" });
});

test("two values under one key are not mixed up", async () => {
  const vendor = new Vendor("gcloud", { "--version": "1", "auth list --format=json": [{}], "secrets versions access 1 --secret=s --project=p --format=json": { payload: { data: "MQ==" } }, "secrets versions access 2 --secret=s --project=p --format=json": { payload: { data: "Mg==" } } });
  expect(await failure(() => vendor.read({ adapter: "gcp", names: ["p/s/1", "p/s/2"], account: "default" }))).toMatchObject({ message: "Cannot tell secrets apart: several are called p/s" });
});
