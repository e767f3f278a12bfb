import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, mkdirSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { fails, odd, removeVendors, Vendor } from "../config/secret-sources/vendor.ts";

const folders: string[] = [];
afterAll(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));
afterAll(removeVendors);

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "capstan-secrets-"));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** Runs the real command line in a folder of its own. */
async function capstan(args: readonly string[], options: { readonly vendor?: Vendor; readonly files?: Readonly<Record<string, string>>; readonly folder?: string; readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {}) {
  const folder = options.folder ?? folderWith(options.files ?? {});
  const child = Bun.spawn([process.execPath, "--no-env-file", join(import.meta.dir, "../../mod.ts"), ...args], {
    cwd: folder, env: { HOME: folder, PATH: "/usr/bin:/bin", ...options.vendor?.env, ...options.env }, stdin: new Blob([options.input ?? ""]), stdout: "pipe", stderr: "pipe",
  });
  const [stdout, stderr, status] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { folder, status, stdout, stderr };
}

const lpass = () => new Vendor("lpass", { "--version": "1", "status --color never": "Logged in as a@b.", "show F/X F/Y --json": [{ fullname: "F/X", password: odd }, { fullname: "F/Y", password: "y" }] });

describe("secrets fetch", () => {
  test("prints one JSON object, with names before and behind the options, and needs no config", async () => {
    const lines = [["X", "Y", "-a", "lastpass", "--account", "a@b", "--from", "F"], ["--adapter", "last_pass", "--account=a@b", "--from", "F", "X", "Y"]];
    const results = await Promise.all(lines.map((args) => capstan(["secrets", "fetch", ...args], { vendor: lpass() })));
    for (const { status, stdout, stderr } of results) expect([status, stdout, stderr]).toEqual([0, `${JSON.stringify({ "F/X": odd, "F/Y": "y" })}\n`, ""]);
  });

  test("prints one word of a shell with --inline, and a record with --json", async () => {
    expect((await capstan(["secrets", "fetch", "-a", "test", "--account", "x", "ab", "--inline"])).stdout).toBe(`\\{\\"ab\\":\\"ba\\"\\}\n`);
    const lines = (await capstan(["secrets", "fetch", "-a", "test", "--account", "x", "ab", "--json"])).stdout.trim().split("\n").map((line) => JSON.parse(line) as unknown);
    expect(lines).toMatchObject([{ type: "secrets", values: { ab: "ba" } }, { type: "result", status: 0 }]);
  });

  test("lets the user log in: questions on standard error, answers from standard input", async () => {
    const op = new Vendor("op", { "--version": "2", "account get --account A": fails(""), "item get I --vault V --format json --account A --session sesame --fields label=password": { label: "password", value: "v", reference: "op://V/I/password" } });
    const script = join(op.folder, "bin", "op");
    writeFileSync(script, readFileSync(script, "utf8").replace('case "$*" in', `case "$*" in\n'signin --account A --force --raw') printf 'Password: ' >&2; read -r word; echo "$word"; exit;;`));
    const { status, stdout, stderr } = await capstan(["secrets", "fetch", "-a", "1password", "--account", "A", "V/I"], { vendor: op, input: "sesame\n" });
    expect([status, stdout, stderr]).toEqual([0, `{"V/I":"v"}\n`, "Password: "]);
  });

  test.each<[string, readonly string[], Vendor | undefined, number, string]>([
    ["a missing account", ["-a", "lastpass", "X"], undefined, 2, "Error: Cannot read secrets from LastPass: it needs an account\n\n  Next: Add --account ACCOUNT; in a config `account`\n"],
    ["a missing adapter", ["X"], undefined, 2, `Error: Cannot run "secrets fetch": it needs --adapter\n\n  Next: \`capstan help secrets fetch\` says what it takes.\n`],
    ["an unknown adapter", ["-a", "bitwraden", "X"], undefined, 2, `Error: Cannot read secrets with "bitwraden": there is no such adapter\n\n    Adapters: 1password (one_password), lastpass (last_pass), bitwarden, bitwarden-sm (bitwarden_secrets_manager), aws_secrets_manager (aws), gcp (gcp_secret_manager), doppler, enpass, passbolt, test\n\n  Next: Did you mean bitwarden?\n`],
    ["a missing program", ["-a", "passbolt", "X"], undefined, 3, "Error: Cannot read secrets from Passbolt: its program passbolt does not run here\n\n    Cannot run passbolt here: it was not found\n\n  Next: Install passbolt so that it is on PATH, and try `passbolt --version`\n"],
    ["missing items", ["-a", "doppler", "--from", "p/c", "A", "B"], new Vendor("doppler", { "--version": "1", "me --json": "{}", "secrets get A B --json -p p -c c": {} }), 3, "Error: Cannot read 2 secrets from Doppler: p/c/A, p/c/B\n\n    p/c/A: there is no such secret\n    p/c/B: there is no such secret\n\n  Next: Look whether they are there under those names, and whether your account may read them\n"],
    ["a login that fails", ["-a", "lastpass", "--account", "A", "X"], new Vendor("lpass", { "--version": "1", "status --color never": "Not logged in.", "login A": fails("") }), 3, "Error: Cannot log in to LastPass\n\n    \"lpass login A\" ended with status 1\n\n  Next: Run `lpass login A` in a terminal, then try again\n"],
  ])("refuses %s", async (_, args, vendor, status, message) => {
    const result = await capstan(["secrets", "fetch", ...args], vendor === undefined ? {} : { vendor });
    expect([result.status, result.stdout, result.stderr]).toEqual([status, "", message]);
  });
});

describe("secrets extract", () => {
  test.each([
    ["PW", `{"vault/item/PW":"s1","PW2":"s2"}`, "s1"],
    ["PW", `{"vault/item/PW":"s1","PW":"s2"}`, "s2"],
    ["K", JSON.stringify({ K: odd }), odd],
  ])("of %s", async (name, json, value) => {
    const { status, stdout } = await capstan(["secrets", "extract", name, json]);
    expect([status, stdout]).toEqual([0, `${value}\n`]);
  });

  test("lists the keys there are, and takes --inline", async () => {
    const { status, stdout, stderr } = await capstan(["secrets", "extract", "NO", `{"a/PW":"s1"}`, "--inline"]);
    expect([status, stdout, stderr]).toEqual([3, "", "Error: Cannot find NO among the one secret that was fetched\n\n    There is a/PW\n\n  Next: Correct the name, or fetch it too\n"]);
  });
});

const config = `import { defineConfig, fetchSecrets, fromCommand, secret } from "capstan";
export default defineConfig(({ destination }) => ({
  service: "shop", image: "acme/shop", servers: ["192.0.2.1"], registry: { username: "u", password: secret("REGISTRY_PASSWORD") },
  env: { secret: destination === "qa" ? ["API_KEY", "GONE"] : ["API_KEY"] },
  secrets: { ...fetchSecrets({ adapter: "lastpass", account: "a@b", from: "F", names: { REGISTRY_PASSWORD: "X", OTHER: "Y" } }), ECHO: fromCommand("echo", "$HOME") },
}));
`;

describe("secrets print", () => {
  const files = { "deploy.config.ts": config, ".capstan/secrets-common": "A=1\nALL=$(kamal secrets fetch --adapter test --account x KEY)", ".capstan/secrets": "API_KEY=$(capstan secrets extract KEY $ALL)", ".capstan/secrets.qa": "A=2" };

  test("prints those of files, of the config and of the environment", async () => {
    const { status, stdout, stderr } = await capstan(["secrets", "print"], { vendor: lpass(), files });
    expect([status, stdout, stderr]).toEqual([0, `A=1\nALL=\\{\\"KEY\\":\\"YEK\\"\\}\nAPI_KEY=YEK\nREGISTRY_PASSWORD=${odd}\nOTHER=y\nECHO=$HOME\n`, ""]);
  });

  test("prints those of a destination, then tells what is missing", async () => {
    const { status, stdout, stderr } = await capstan(["secrets", "print", "-d", "qa", "--json"], { vendor: lpass(), files, env: { API_KEY: "env" } });
    const [first, last] = stdout.trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(first).toMatchObject({ type: "secrets", values: { A: "2", REGISTRY_PASSWORD: odd, API_KEY: "env" } });
    expect([status, last?.["message"], stderr]).toEqual([3, "Cannot find secret GONE", ""]);
  });

  test("a command that fails is told with file, line and command", async () => {
    const { status, stderr } = await capstan(["secrets", "print"], { vendor: lpass(), files: { ...files, ".capstan/secrets": "\nAPI_KEY=$(false)" } });
    expect([status, stderr]).toEqual([3, "Error: Cannot read secret API_KEY (.capstan/secrets:2): $(false) ended with status 1\n\n  Next: Run the command in a shell to see what is wrong; perhaps you have to log in first\n"]);
  });
});

describe("envify", () => {
  const files = { ".env.erb": "TOKEN=<%= `vault token`.strip %>\n", ".env.staging.erb": "TOKEN=<%= ENV['T'] %>\n", ".env": "old" };
  const vault = () => new Vendor("vault", { token: "t-1" });
  const mode = (path: string): number => statSync(path).mode & 0o777;

  test("writes .env for the user alone", async () => {
    const { folder, status, stdout } = await capstan(["envify"], { vendor: vault(), files });
    expect([status, stdout, readFileSync(join(folder, ".env"), "utf8"), mode(join(folder, ".env"))]).toEqual([0, "wrote .env\n", "TOKEN=t-1\n", 0o600]);
  });

  test("writes the file of a destination", async () => {
    const { folder, stdout } = await capstan(["envify", "-d", "staging"], { files, env: { T: "t-2" } });
    expect([stdout, readFileSync(join(folder, ".env.staging"), "utf8"), mode(join(folder, ".env.staging")), readFileSync(join(folder, ".env"), "utf8")]).toEqual(["wrote .env.staging\n", "TOKEN=t-2\n", 0o600, "old"]);
  });

  test("leaves the file alone with --dry-run and when the template fails, and needs a template", async () => {
    const folder = folderWith({ ...files, ".env.bad.erb": "A=<%= x.y %>" });
    expect((await capstan(["envify", "--dry-run"], { folder })).stdout).toBe("would write .env\n");
    expect(await capstan(["envify", "-d", "bad", "--dry-run"], { folder })).toMatchObject({ status: 3, stdout: "" });
    const bad = await capstan(["envify", "-d", "bad"], { folder });
    expect([bad.status, bad.stderr.split("\n")[0], existsSync(join(folder, ".env.bad"))]).toEqual([3, `Error: Cannot render .env.bad.erb:1:3: "x.y" cannot be evaluated without Ruby`, false]);
    expect(readFileSync(join(folder, ".env"), "utf8")).toBe("old");
    expect((await capstan(["envify", "-d", "none"], { folder })).stderr).toStartWith("Error: Cannot find .env.none.erb in ");
  });

  test("started as the package is, Bun itself reads no .env: a destination's file goes over it, and what no file of ours names stays out", async () => {
    const entry = join(import.meta.dir, "../..", manifest.bin.capstan);
    const [program = "", ...flags] = readFileSync(entry, "utf8").split("\n")[0]?.replace("#!/usr/bin/env -S ", "").split(" ") ?? [];
    expect(program).toBe("bun");
    const config = (path: string): string => `export default { service: "shop", image: "a/b", servers: ["192.0.2.1"], registry: { username: "u", password: { kind: "secret", name: "PW" } }, secretsPath: "${path}" };\n`;
    const started = async (folder: string, ...args: readonly string[]) => {
      const child = Bun.spawn([process.execPath, ...flags, entry, ...args], { cwd: folder, env: { HOME: folder, PATH: "/usr/bin:/bin" }, stdout: "pipe", stderr: "pipe" });
      return [await child.exited, await new Response(child.stdout).text()];
    };
    const dotenv = folderWith({ ".env": "PW=base\n", ".env.staging": "PW=staging\n", "deploy.config.ts": config(".env"), "deploy.staging.config.ts": "export default {};\n" });
    expect(await started(dotenv, "secrets", "print", "-d", "staging")).toEqual([0, "PW=staging\n"]);
    const stranger = folderWith({ ".env": "PW=mine\n", "deploy.config.ts": config(".capstan/secrets") });
    expect(await started(stranger, "secrets", "print")).toEqual([3, ""]);
  });

  test("a config reads what it wrote", async () => {
    const folder = folderWith({ ".env.erb": "API_KEY=k-1\nREGISTRY_PASSWORD=pw\n", ".env.qa.erb": "API_KEY=k-2\n", "deploy.config.ts": `export default { service: "shop", image: "a/b", servers: ["192.0.2.1"], registry: { username: "u", password: ["REGISTRY_PASSWORD"] }, env: { secret: ["API_KEY"] }, secretsPath: ".env" };`, "deploy.qa.config.ts": "export default {};" });
    await capstan(["envify"], { folder });
    await capstan(["envify", "-d", "qa"], { folder });
    expect((await capstan(["secrets", "print", "-d", "qa"], { folder })).stdout).toBe("API_KEY=k-2\nREGISTRY_PASSWORD=pw\n");
  });
});
