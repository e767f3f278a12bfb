import { afterAll, describe, expect, test } from "bun:test";
import { isSecretsCommand, runSecretsCommand } from "../../../lib/config/secret-sources/inline.ts";
import { secretStore } from "../../../lib/config/secrets.ts";
import { createPrograms } from "../../../lib/world/programs.ts";
import { createRedactor } from "../../../lib/world/redact.ts";
import { systemClock } from "../../../lib/world/clock.ts";
import { failure, project, realFiles, removeProjects } from "../project.ts";
import { odd, removeVendors, Vendor } from "./vendor.ts";

afterAll(removeProjects);
afterAll(removeVendors);

test.each<[string, boolean]>([
  ["kamal secrets fetch --adapter test A", true],
  [" capstan secrets extract A $SECRETS", true],
  ["kamal secrets extract A ${SECRETS}", true],
  [`kamal secrets fetch -a 1password --from "My Vault (old); x" 'a|b$(c)'`, true],
  ["kamal secrets fetch a\\;b", true],
  ["kamal secrets fetch A | jq .A", false],
  ["kamal secrets fetch A && echo", false],
  ["kamal secrets fetch A > file", false],
  ["kamal secrets fetch $(cat names)", false],
  [`kamal secrets fetch "$(cat names)"`, false],
  ["kamal secrets fetch `cat names`", false],
  ["kamal version", false],
  ["echo kamal secrets fetch", false],
  ["kamal secretsfetch A", false],
])("isSecretsCommand(%p) is %p", (source, expected) => {
  expect(isSecretsCommand(source)).toBe(expected);
});

/** The values of a secrets file of Kamal, with nothing but `vendor` on PATH. */
async function values(vendor: Vendor, text: string, names: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Record<string, string>> {
  const { folder } = project({ ".kamal/secrets": text });
  const all = { ...vendor.env, ...env };
  const store = secretStore({ files: realFiles, programs: createPrograms({ env: all, cwd: folder, redactor: createRedactor(), clock: systemClock }), env: all, root: folder, destination: undefined, path: ".kamal/secrets", functions: {} });
  const secrets = names.map((name) => store.get(name));
  await store.load();
  return Object.fromEntries(secrets.map((each) => [each.name, each.reveal()]));
}

const lpass = () => new Vendor("lpass", { "--version": "1", "status --color never": "Logged in as a@b.", "show F/X F/Y --json": [{ fullname: "F/X", password: odd }, { fullname: "F/Y", password: "y" }] });

test("secrets files fetch once and extract, without kamal on PATH", async () => {
  const vendor = lpass();
  const text = `SECRETS=$(kamal secrets fetch --adapter lastpass --account a@b --from $FOLDER X Y)\nX=$(kamal secrets extract X $SECRETS)\nY=$(kamal secrets extract F/Y \${SECRETS})\nZ="$(kamal secrets extract Y "$SECRETS")"\nSHELL_TOO=$(printf %s $SECRETS | tr -d '\\n' | grep -c '"F/Y":"y"')`;
  expect(await values(vendor, text, ["X", "Y", "Z", "SHELL_TOO"], { FOLDER: "F" })).toEqual({ X: odd.replace(/\n$/, ""), Y: "y", Z: "y", SHELL_TOO: "1" });
  expect(vendor.calls).toEqual([["--version"], ["status", "--color", "never"], ["show", "F/X", "F/Y", "--json"]]);
});

test("secrets files log in once for several fetches", async () => {
  const vendor = new Vendor("doppler", { "--version": "1", "me --json": "{}", "secrets get A --json -p p -c c": { A: { computed: "1" } }, "secrets get B --json -p p -c c": { B: { computed: "2" } } });
  expect(await values(vendor, "X=$(capstan secrets fetch -a doppler p/c/A)\nY=$(kamal secrets fetch --adapter=doppler --from=p/c --inline B)", ["X", "Y"])).toEqual({ X: `\\{\\"A\\":\\"1\\"\\}`, Y: `\\{\\"B\\":\\"2\\"\\}` });
  expect(vendor.calls.map((call) => call[0])).toEqual(["--version", "me", "secrets", "secrets"]);
});

test("secrets files are told with file, line and what the manager said", async () => {
  const text = "A=1\nSECRETS=$(kamal secrets fetch --adapter lastpass --account a@b NO)\nX=$(kamal secrets extract NO $SECRETS)\nY=$(kamal secrets extract YES $SECRETS)";
  const vendor = new Vendor("lpass", { "--version": "1", "status --color never": "Logged in as a@b.", "show NO --json": [] });
  const error = await failure(() => values(vendor, text, ["A", "X", "Y"]));
  expect(error).toMatchObject({ failure: "config", message: "Cannot read secret SECRETS (.kamal/secrets:2)", details: ["Cannot read NO from LastPass", "there is no such item"], hint: "Look whether it is there under that name, and whether your account may read it" });
});

describe("runSecretsCommand() refuses", () => {
  const managers = new Vendor("none", {}).managers();
  test.each([
    ["kamal secrets fetch A", `Cannot run "kamal secrets fetch": it needs --adapter`],
    ["kamal secrets fetch -a test A", "Cannot read secrets from the test adapter: it needs an account"],
    ["kamal secrets fetch --adaptr test A", `Cannot run "kamal secrets fetch": Unknown option '--adaptr'`],
    ["capstan secrets print", `Cannot run "capstan secrets print": only fetch and extract make sense in a secrets file`],
    ["kamal secrets extract A", `Cannot run "kamal secrets extract": it needs a name and one word of JSON, got 1 word`],
    [`kamal secrets extract A {"A":1} x`, `Cannot run "kamal secrets extract": it needs a name and one word of JSON, got 3 words`],
    ["kamal secrets extract 'A", "A quote is not closed"],
  ])("%s", async (command, message) => {
    expect(await failure(() => runSecretsCommand(command, managers))).toMatchObject({ failure: "usage", message });
  });
});
