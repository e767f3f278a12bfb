import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contextFilter } from "../../lib/build/ignore.ts";
import { fillIn, imageArch, variablesIn } from "../../lib/build/facts.ts";
import { versionFrom } from "../../lib/build/version.ts";
import { parseCommandLine } from "../../lib/cli/parse.ts";
import { commands } from "../../lib/cli/commands.ts";
import { offlineOf } from "../../lib/cli/session.ts";
import { parseDotenv } from "../../lib/config/dotenv.ts";
import { locate } from "../../lib/config/locate.ts";
import { readPublish } from "../../lib/config/publish.ts";
import { checkTemplate } from "../../lib/config/template.ts";
import { readLabels } from "../../lib/config/traefik/labels.ts";
import { extractValue, readValues } from "../../lib/config/secret-sources/extract.ts";
import { isSecretsCommand, runSecretsCommand } from "../../lib/config/secret-sources/inline.ts";
import { adapters, passwordManagers } from "../../lib/config/secret-sources/managers.ts";
import { isDeployError } from "../../lib/ground/errors.ts";
import { importProject } from "../../lib/config/yaml/import.ts";
import { loadYaml } from "../../lib/config/yaml/load.ts";
import { parseRuby } from "../../lib/config/yaml/ruby.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import type { DeployConfig } from "../../lib/config/types.ts";
import { parseDuration } from "../../lib/ground/duration.ts";
import { shellWords } from "../../lib/ground/shell-words.ts";
import type { Files, Programs } from "../../lib/ground/world.ts";
import { parseAddress } from "../../lib/world/ssh/address.ts";
import { readConfigFiles } from "../../lib/world/ssh/config-file.ts";
import { configLines, fitsAny } from "../../lib/world/ssh/config-lines.ts";
import { publicKeyFrom, readKey } from "../../lib/world/ssh/key-format.ts";
import { judge, keyType, parseKnownHosts, preferredAlgorithms } from "../../lib/world/ssh/known-hosts.ts";
import type { Reader } from "./engine.ts";

/** A machine with one text in every file, and programs that all print it. */
const filesOf = (text: string): Files => ({
  read: async (path) => (path.endsWith("deploy.yml") ? text : undefined), bytes: async () => undefined, list: async () => undefined,
  exists: async (path) => path.endsWith("deploy.yml"), write: async () => undefined, append: async () => undefined,
});
const programsOf = (text: string): Programs => ({ run: async () => ({ status: 0, signal: undefined, stdout: text, stderr: "", durationMs: 1 }) });
const portOf = (text: string) => ({ programs: programsOf(text), env: {}, cwd: "/app" });

const yaml = "service: shop\nimage: acme/shop\nregistry:\n  username: bot\n  password: [REGISTRY_PASSWORD]\nservers:\n  web: [10.0.0.1]\n  jobs:\n    hosts: [{10.0.0.2: big}]\n    cmd: bin/work\nbuilder: {arch: amd64}\nenv:\n  clear: &a {A: 1}\n  secret: [KEY, \"B:C\"]\nproxy: {host: a.example, ssl: false}\naccessories:\n  db: {image: mysql:8, host: 10.0.0.9, port: 3306, files: [my.cnf:/etc/my.cnf], env: {<<: *a}}\n";
const yamlTokens = ["service: shop\n", "image: acme/shop\n", "servers:\n", "  - ", "  web: ", "[", "]", "{", "}", ": ", "&a ", "*a", "<<: ", "- ", "\n", "  ", "\t", "|\n", ">\n", "!ruby/object:X ", "!!binary ", "<%= ENV[\"A\"] %>", "<%", "%>", "<%= `id` %>", "<%# x %>", "env: ", "clear: ", "secret: ", "builder: ", "0777", "1:30", "yes", "~", "---\n", "...\n", "? ", "traefik.http.routers.a.rule: "];

const key = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
const json = `{"id":"x","reference":"op://Vault/Item/password","label":"password","value":"s3cret","fields":[{"name":"A","value":"b"}],"login":{"password":"p"},"status":"unlocked","payload":{"data":"czNjcmV0"},"SecretValues":[{"Name":"v/A","ARN":"arn","SecretString":"{\\"K\\":1}"}],"Errors":[]}`;
const jsonTokens = ["{", "}", "[", "]", ",", ":", "\"", "\"id\":", "\"value\":", "\"fields\":", "\"name\":", "null", "1", "\\u0000", "\\", "\"SecretValues\":", "\"SecretString\":", "\"payload\":", "\"data\":"];

const folder = mkdtempSync(join(tmpdir(), "capstan-fuzz-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const sshConfig = join(folder, "config");

/** What the user's own files, programs and command lines say. */
export const readers: readonly Reader[] = [
  { name: "dotenv", file: "lib/config/dotenv.ts", tokens: ["A=", "B: ", "export ", "\n", "#", "'", "\"", "$(", ")", "${A}", "$A", "\\", "\\$("], samples: ["A=b\nexport C='d e'\nD=\"x ${A} $(printf \"%s\" 'a(b)') \\n\"\n# c\n"], read: (text) => parseDotenv(text, "secrets") },
  { name: "deploy.yml", file: "lib/config/yaml/load.ts", tokens: yamlTokens, samples: [yaml], share: 0.1, read: async (text) => {
    const { config, place } = await loadYaml("/app/config/deploy.yml", { files: filesOf(text), programs: programsOf("x"), env: { A: "a: b" }, cwd: "/app" });
    parseConfig(config as DeployConfig, place);
  } },
  { name: "import of deploy.yml", file: "lib/config/yaml/import.ts", tokens: yamlTokens, samples: [yaml], share: 0.1, read: (text) => {
    const source = { file: "/app/config/deploy.yml", text, cwd: "/app" };
    return importProject({ base: source, destinations: [{ name: "qa", source }], project: { hooks: undefined, secrets: undefined, dotenv: false, destinations: [], scripts: [] } as unknown as Parameters<typeof importProject>[0]["project"] });
  } },
  { name: "Ruby of ERB", file: "lib/config/yaml/ruby.ts", tokens: ["ENV[", "ENV.fetch(", "\"A\"", "'A'", "]", ")", "(", "||", " or ", "`", "%x(", "#{", "}", ".strip", ".chomp", ".to_s", ",", "{", "nil", "1"], samples: ["ENV.fetch(\"A\") { `id`.strip } || \"x#{ENV['B']}\""], read: (text) => parseRuby(text) },
  { name: "template of a file", file: "lib/config/template.ts", tokens: ["<%= ", "<%", "-%>", "%>", "env(", "ENV[\"A\"]", "if ", "else", "end", "raise ", "unless ", "\n", "x = 1", "=", "\"a\""], samples: ["a <%= ENV[\"A\"] %>\n<% if ENV[\"B\"] %>b<% else %>c<% end %>\n"], read: (text) => checkTemplate({ file: "/app/my.cnf.erb", text } as unknown as Parameters<typeof checkTemplate>[0], "/app") },
  { name: "places in deploy.config.ts", file: "lib/config/locate.ts", tokens: ["export default ", "defineConfig(", "{", "}", "servers", ":", "web", ",", "\"", "'", "`", "${", "/", "//", "/*", "*/", "[", "]", "(", ")", "\\", "\n"], samples: ["export default defineConfig({ servers: { web: { env: { clear: { A: `x${`y`}` } } } } });\n"], read: (text) => locate(text, ["servers", "web", "env", "clear", "A"]) },
  { name: "known_hosts", file: "lib/world/ssh/known-hosts.ts", tokens: ["host ", "*", "?", "!", ",", "|1|", "@revoked ", "@cert-authority ", "ssh-ed25519 ", key, "\n", "[host]:22", " "], samples: [`host,*.x ssh-ed25519 ${key}\n@revoked * ssh-ed25519 ${key}\n|1|q0Qm1K8VjZ2m9tK1Yt0Yw8a0Zq0=|q0Qm1K8VjZ2m9tK1Yt0Yw8a0Zq0= ssh-rsa AAAA\n`], read: (text) => {
    const entries = parseKnownHosts(text, "known_hosts");
    judge(entries, "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example]:2222", Buffer.from(key, "base64"));
    preferredAlgorithms(entries, "host", ["ssh-ed25519"]);
  } },
  { name: "host keys", file: "lib/world/ssh/key-format.ts", tokens: [key, "AAAA", "/////w==", "AAAAB3NzaC1yc2E=", "B"], samples: [key], read: (text) => {
    const blob = Buffer.from(text, "base64");
    keyType(blob);
    publicKeyFrom(blob);
  } },
  { name: "key files", file: "lib/world/ssh/key-format.ts", tokens: ["-----BEGIN OPENSSH PRIVATE KEY-----\n", "-----END OPENSSH PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN RSA PRIVATE KEY-----\n", "-----END PRIVATE KEY-----\n", "PuTTY-User-Key-File-2: ", "Proc-Type: 4,ENCRYPTED\n", "DEK-Info: AES-128-CBC,00\n", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n", "ssh-ed25519 ", key, "\n"], samples: [`ssh-ed25519 ${key} ann\n`, "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0\n-----END OPENSSH PRIVATE KEY-----\n"], read: (text) => {
    readKey(text);
    readKey(text, "passphrase");
  }, share: 0.2 },
  { name: "ssh_config", file: "lib/world/ssh/config-file.ts", tokens: ["Host ", "Match ", "host ", "all", "exec ", "user ", "*", "!", "\n", "  ", "HostName ", "User ", "Port ", "IdentityFile ", "ProxyJump ", "ProxyCommand ", "Include ", "~/x", "none", "=", "\"", "#", "%h", "${HOME}"], samples: ["Host web *.x !y\n  HostName 10.0.0.1\n  Port 22\nMatch host a exec \"true\"\n  User b\n"], share: 0.2, read: async (text) => {
    writeFileSync(sshConfig, text);
    await readConfigFiles([sshConfig], { user: undefined, host: "web", port: undefined }, folder, "ann");
  } },
  { name: "lines of ssh_config", file: "lib/world/ssh/config-lines.ts", tokens: ["Host ", "=", "\"", "'", "\\", "#", " ", "\n", "*", "?"], samples: ["Host a \"b c\"\n  ProxyCommand=x # y\n"], read: (text) => {
    for (const { words } of configLines(text)) fitsAny(words, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
  } },
  { name: "addresses", file: "lib/world/ssh/address.ts", tokens: ["ann", "@", "host", ":", "22", "[", "]", "::1", "-oProxyCommand=id", "ssh://"], samples: ["ann@host:22", "[2001:db8::1]:2222"], read: (text) => {
    const { host } = parseAddress(text);
    if (host.startsWith("-")) throw new Error("an option where a host is meant");
  } },
  { name: "durations", file: "lib/ground/duration.ts", tokens: ["1", "s", "m", "h", "."], samples: ["30s"], read: (text) => {
    const seconds = parseDuration(text);
    if (seconds !== undefined && !Number.isSafeInteger(seconds)) throw new Error("no number of seconds");
  } },
  { name: "words of a command line", file: "lib/ground/shell-words.ts", tokens: ["a", " ", "'", "\"", "\\", "\n"], samples: ["app exec 'bin/rails c' \"a b\""], read: (text) => shellWords(text) },
  { name: "the command line", file: "lib/cli/parse.ts", tokens: ["deploy", "app", "exec", "--version", "=", "-d", "-h", "--", "--hosts", "\n", "plan", "rollback", "-e", "A:1"], samples: ["deploy\n--version\n7\n-d\nqa", "app\nexec\n-e\nA:1\nbin/x"], read: (text) => parseCommandLine(commands, text.split("\n").slice(0, 50_000)) },
  { name: "published ports", file: "lib/config/publish.ts", tokens: ["80", ":", "127.0.0.1", "[::1]", "-", "/udp"], samples: ["127.0.0.1:80:80/tcp"], read: (text) => readPublish(text) },
  { name: "labels of Traefik", file: "lib/config/traefik/labels.ts", tokens: ["traefik.", "http.", "routers.", "a.", "rule", "services.", "loadbalancer.", "server.port", "[0]", "[", "]", "=", ",", "80", "`", "__proto__", "."], samples: ["traefik.http.routers.a.rule=Host(`a`)", "traefik.http.services.a.loadbalancer.server.port=80"], read: (text) => readLabels(Object.fromEntries(text.split("\n").map((line) => [`traefik.${line.split("=")[0] ?? ""}`, line.slice(line.indexOf("=") + 1)])), 3) },
  { name: ".dockerignore", file: "lib/build/ignore.ts", tokens: ["*", "**", "**/", "/", "!", "?", "[a-z]", "[", "a", "#", "\n", "\\", ".."], samples: ["node_modules\n!a\n**/*.log\n"], read: (text) => {
    const isSent = contextFilter(text);
    isSent("aaaaaaaa/aaaaaaaa/aaaaaaaa/aaaaaaaa/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
  } },
  { name: "variables of builder.ssh", file: "lib/build/facts.ts", tokens: ["$", "{", "}", "A", "default="], samples: ["default=$SSH_AUTH_SOCK"], read: (text) => {
    imageArch(text);
    fillIn(text, Object.fromEntries(variablesIn(text).map((name) => [name, "x"])), (name) => { throw new Error(name); });
  } },
  { name: "versions", file: "lib/build/version.ts", tokens: ["7", "a", "-", ".", "_"], samples: ["1.2.3"], read: (text) => versionFrom({ named: text, env: undefined, git: undefined, buildsWorkTree: false, hex: "0" }) },
  { name: "fetched secrets", file: "lib/config/secret-sources/extract.ts", tokens: jsonTokens, samples: [json], read: (text) => extractValue("A", readValues(text)) },
  { name: "kamal secrets in a file", file: "lib/config/secret-sources/inline.ts", tokens: ["kamal ", "secrets ", "fetch ", "extract ", "--adapter ", "1password ", "--account ", "a ", "A ", "{\"A\":\"b\"}", "\\", "'", "\"", "|", "$("], samples: ["kamal secrets extract A '{\"A\":\"b\"}'", "kamal secrets fetch --adapter test A"], read: async (text) => {
    if (isSecretsCommand(text)) await runSecretsCommand(text, passwordManagers(portOf(json)));
  } },
  ...adapters.map(({ name }): Reader => ({
    name: `secrets of ${name}`, file: "lib/config/secret-sources/cli.ts", tokens: jsonTokens, samples: [json, `[${json}]`], share: 0.2,
    read: (text) => passwordManagers(portOf(text)).read({ adapter: name, account: "ann", from: "Vault/Item", names: ["A", "B"] }).catch((error: unknown) => {
      if (isDeployError(error)) throw error;
      throw new Error(`${name} did not refuse: ${error instanceof Error ? error.stack : String(error)}`);
    }),
  })),
  { name: "facts in a file", file: "lib/cli/facts-file.ts", tokens: [...jsonTokens, "\"type\":\"facts\"", "\"hosts\":", "\"containers\":[]", "\"images\":[]", "\"network\":true", "\n"], samples: [`{"v":1,"type":"facts","hosts":{"h":{"network":true,"containers":[{"id":"a","name":"b","role":"web","version":"1","state":"running","status":"Up","image":"x"}],"accessories":[],"images":[]}}}`], share: 0.2, read: async (text) => {
    const path = join(folder, "facts.json");
    writeFileSync(path, text);
    await offlineOf({ options: { offline: false, facts: path, dryRun: true }, io: { cwd: folder } } as unknown as Parameters<typeof offlineOf>[0]);
  } },
];
