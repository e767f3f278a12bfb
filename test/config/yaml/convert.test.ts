import { describe, expect, test } from "bun:test";
import { arch } from "node:os";
import { convertProject } from "../../../lib/config/yaml/convert.ts";
import { flavourOf } from "../../../lib/config/yaml/flavour.ts";
import { plain } from "../../../lib/config/yaml/node.ts";
import { parseYaml } from "../../../lib/config/yaml/parse.ts";

const none = { dotenv: false, kamalSecrets: false, hooks: undefined } as const;
const nodeOf = (text: string) => parseYaml({ text, sourceOffset: (offset) => offset }, { file: "/app/deploy.yml", text, cwd: "/app" });
const converted = (text: string) => convertProject([nodeOf(text)], none).converted[0];
/** Without what every config gets. */
function configOf(text: string): unknown {
  const one = converted(text);
  const { secretsPath: _path, ...config } = plain(one?.root ?? nodeOf("{}")) as Record<string, unknown>;
  return config;
}

describe("Kamal", () => {
  test.each<[yaml: string, config: unknown]>([
    ["service: 7\nimage: acme/shop", { service: "7", image: "acme/shop" }],
    ["registry: {server: reg.example, username: [U], password: [P]}", { registry: { server: "reg.example", username: { kind: "secret", name: "U" }, password: { kind: "secret", name: "P" } } }],
    ["registry: {username: u, password: p}", { registry: { username: "u", password: "p" } }],
    ["servers: [a, {b: t}, {c: [t, u]}]", { servers: ["a", { b: "t" }, { c: ["t", "u"] }] }],
    ["servers: {web: [a], cron_jobs: {hosts: [b], cmd: x, stop_timeout: 5, asset_path: /p, env: {MY_VAR: 1}, options: {cap_add: true}, labels: {my_label: 1}}}", { servers: { web: ["a"], cron_jobs: { hosts: ["b"], cmd: "x", stopTimeout: 5, assetPath: "/p", env: { MY_VAR: 1 }, options: { cap_add: true }, labels: { my_label: 1 } } } }],
    ["env: {MY_VAR: 1, secret_key: x}", { env: { MY_VAR: 1, secret_key: "x" } }],
    ["env: {secret: s, clear: c}", { env: { secret: "s", clear: "c" } }],
    ["env: {clear: {app_port: 1}, secret: [A, 'B:C'], tags: {a_b: {X_Y: 1}, c: {clear: {D: 1}, secret: [E]}}}", { env: { clear: { app_port: 1 }, secret: ["A", "B:C"], tags: { a_b: { X_Y: 1 }, c: { clear: { D: 1 }, secret: ["E"] } } } }],
    ["proxy: {app_port: 3000, ssl: {certificate_pem: C, private_key_pem: K}, path_prefixes: [/a], run: {bind_ips: [::1], options: {shm_size: 1}}}", { proxy: { appPort: 3000, ssl: { certificatePem: { kind: "secret", name: "C" }, privateKeyPem: { kind: "secret", name: "K" } }, pathPrefixes: ["/a"], run: { bindIps: ["::1"], options: { shm_size: 1 } } } }],
    ["builder: {arch: amd64, args: {MY_ARG: 3.0}, remote: ssh://b, local: false, ssh: default, pack: {builder: b, buildpacks: [p]}, cache: {type: gha, options: o}, provenance: mode=max, sbom: true}", { builder: { arch: "amd64", args: { MY_ARG: "3.0" }, remote: "ssh://b", local: false, ssh: "default", pack: { builder: "b", buildpacks: ["p"] }, cache: { type: "gha", options: "o" }, provenance: "mode=max", sbom: true } }],
    ["hooks_output: :quiet", { hooksOutput: "quiet" }],
    ["hooks_output: {pre-app-boot: :verbose}", { hooksOutput: { preAppBoot: "verbose" } }],
    ["ssh: {user: app, keys_only: true, key_data: [K], proxy_command: c, log_level: :debug, config: [a, b], forward_agent: true}", { ssh: { user: "app", keysOnly: true, keyData: [{ kind: "secret", name: "K" }], proxyCommand: "c", config: ["a", "b"], forwardAgent: true } }],
    ["sshkit: {max_concurrent_starts: 1, pool_idle_timeout: 2, dns_retries: 3}\noutput: {otel: {endpoint: e}, file: {path: p}}\naliases: {my_sh: app exec sh}", { ssh: { maxConcurrentStarts: 1, dnsRetries: 3 }, output: { otel: { endpoint: "e" }, file: { path: "p" } }, aliases: { my_sh: "app exec sh" } }],
    ["ssh: {user: app}\nsshkit: {dns_retries: 0}", { ssh: { user: "app", dnsRetries: 0 } }],
    ["sshkit: {pool_idle_timeout: 2}", {}],
    ["minimum_version: 2.3.0", {}],
    ["minimum_version: 2.12", {}],
    ["minimum_version: 2.13.0", { minimumVersion: "2.13.0" }],
    ["minimum_version: soon", { minimumVersion: "soon" }],
    ["boot: {limit: 25%, wait: 2, parallel_roles: true}\nrun_directory: x\nerror_pages_path: public\nasset_path: /a", { boot: { limit: "25%", wait: 2, parallelRoles: true }, errorPagesPath: "public", assetPath: "/a" }],
    ["accessories: {my_db: {image: i, host: h, port: 3306, env: {clear: {A_B: 1}}, files: ['a:b', {local: l, remote: r, mode: 0600}], directories: [d], volumes: [v], network: n, proxy: {app_port: 1}, registry: {password: [P]}}}", { accessories: { my_db: { image: "i", host: "h", port: 3306, env: { clear: { A_B: 1 } }, files: ["a:b", { local: "l", remote: "r", mode: "0600" }], directories: ["d"], volumes: ["v"], network: "n", proxy: { appPort: 1 }, registry: { password: { kind: "secret", name: "P" } } } } }],
    ["accessories: {a: {image: i, tags: [x], roles: [r]}, b: {image: i, role: r}}", { accessories: { a: { image: "i", tags: ["x"], roles: ["r"] }, b: { image: "i", role: "r" } } }],
  ])("%s", (yaml, config) => {
    expect(configOf(yaml)).toEqual(config);
  });
});

describe("Kamal with labels of Traefik that stayed", () => {
  const labels = "labels: {traefik.http.routers.x.rule: r}";
  const serversOf = (...texts: readonly string[]): unknown[] => convertProject(texts.map((text) => nodeOf(`builder: {arch: amd64}\n${text}`)), none).converted.map(({ root }) => (plain(root) as Record<string, unknown>)["servers"]);
  const behind = { traefik: false, proxy: true };
  test.each<[title: string, base: string, over: string, servers: readonly unknown[]]>([
    ["a list over the primary role", `${labels}\nservers: {web: [a]}`, "servers: {web: [b]}", [{ web: { hosts: ["a"], ...behind } }, { web: { hosts: ["b"], ...behind } }]],
    ["labels for the destination alone", "servers: {web: [a], jobs: [c]}", labels, [{ web: { hosts: ["a"], ...behind }, jobs: ["c"] }, undefined]],
    ["a list of hosts in both", `${labels}\nservers: [a]`, "servers: [b]", [{ web: { hosts: ["a"], ...behind } }, { web: { hosts: ["b"], ...behind } }]],
    ["another primary role", `${labels}\nservers: {web: [a], api: [c]}`, "primary_role: api\nservers: {api: [b]}", [{ web: ["a"], api: { hosts: ["c"], ...behind } }, { api: { hosts: ["b"], ...behind } }]],
    ["a map keeps the proxy of the base", `${labels}\nservers: {web: {hosts: [a], proxy: {host: x}}}`, `${labels}\nservers: {web: {cmd: x}}`, [{ web: { hosts: ["a"], proxy: { host: "x" }, traefik: false } }, { web: { cmd: "x" } }]],
    ["a role's own labels go with it", `servers: {web: [a], jobs: {hosts: [c], ${labels}}}`, "servers: {jobs: [d]}", [{ web: ["a"], jobs: { hosts: ["c"], labels: { "traefik.http.routers.x.rule": "r" }, traefik: false } }, { jobs: ["d"] }]],
    ["a role for the destination alone", "servers: {web: [a]}", `servers: {jobs: {hosts: [d], ${labels}}}`, [{ web: ["a"] }, { jobs: { hosts: ["d"], labels: { "traefik.http.routers.x.rule": "r" }, traefik: false } }]],
  ])("%s", (_, base, over, servers) => {
    expect(serversOf(base, over)).toEqual([...servers]);
  });

  test("a list that would not replace all of it is refused", () => {
    const { converted: [, role, all] } = convertProject([`${labels}\nbuilder: {arch: amd64}\nservers: {web: {hosts: [a], cmd: x}, jobs: [c]}`, "servers: {web: [b]}", "servers: [b]"].map(nodeOf), none);
    const text = "beside the labels of Traefik that stayed: write";
    expect(role?.problems).toEqual([{ path: ["servers", "web"], text: `expected a map with hosts ${text} {hosts: […]}, or take those labels away` }]);
    expect(all?.problems.map(({ path }) => path)).toEqual([["servers", "web"], ["servers"]]);
  });
});

describe("MRSK", () => {
  const traefik = { image: "traefik:v2.11" };
  const both = { arch: ["amd64", "arm64"] };
  const native = arch() === "x64" ? "amd64" : arch();
  test.each<[yaml: string, config: unknown]>([
    ["stop_wait_time: 30", { stopTimeout: 30, traefik, builder: both }],
    ["stop_wait_time: 30\nenv:\nlabels:", { stopTimeout: 30, traefik, builder: both }],
    ["traefik: {host_port: 8080, args: {accesslog: true}, options: {publish: [8080:8080], volumes: [/a:/a]}, labels: {a.b: 1}, env: {secret: [T]}}", { traefik: { hostPort: 8080, args: { accesslog: true }, options: { publish: ["8080:8080"], volume: ["/a:/a"] }, labels: { "a.b": 1 }, env: { secret: ["T"] }, ...traefik }, builder: both }],
    ["stop_wait_time: 30\ndefaults: &d {MODE: x}\nenv: {<<: *d}", { stopTimeout: 30, env: { MODE: "x" }, traefik, builder: both }],
    ["traefik: {image: 'traefik:v3.1'}", { traefik: { image: "traefik:v3.1" }, builder: both }],
    ["healthcheck: {path: /h, port: 4, max_attempts: 7, interval: 2s, cord: false, log_lines: 3, exposed_port: 9}", { healthcheck: { path: "/h", port: 4, maxAttempts: 7, interval: "2s" }, traefik, builder: both }],
    ["healthcheck: {cmd: 'curl -f http://localhost:4000/healthz || exit 1'}", { healthcheck: { path: "/healthz", port: 4000 }, traefik, builder: both }],
    ["healthcheck: {cmd: 'wget http://127.0.0.1', path: /own}", { healthcheck: { path: "/own", port: 80 }, traefik, builder: both }],
    ["servers: {web: [a], job: {hosts: [b], options: {init: true}, healthcheck: {cmd: bin/alive, interval: 5s}}, api: {hosts: [c], traefik: true, healthcheck: {port: 9}}}", { servers: { web: ["a"], job: { hosts: ["b"], options: { init: true, "health-cmd": "bin/alive", "health-interval": "5s" } }, api: { hosts: ["c"], traefik: true, healthcheck: { port: 9 } } }, traefik, builder: both }],
    ["servers: {job: {hosts: [b], healthcheck: {port: 9}}}", { servers: { job: { hosts: ["b"], options: { "health-cmd": "curl -f http://localhost:9/up || exit 1", "health-interval": "1s" } } }, traefik, builder: both }],
    ["builder: {multiarch: false, args: {A: 1}}", { builder: { args: { A: 1 }, arch: native, driver: "docker" }, traefik }],
    ["builder: {multiarch: true}", { builder: both, traefik }],
    ["builder: {local: {arch: arm64, host: 'unix:///x'}, remote: {arch: amd64, host: 'ssh://b'}}", { builder: { arch: ["arm64", "amd64"], remote: "ssh://b" }, traefik }],
    ["builder: {remote: {arch: amd64, host: 'ssh://b'}}", { builder: { arch: "amd64", remote: "ssh://b", local: false }, traefik }],
    ["traefik: {}\nbuilder: {arch: arm64}\naccessories: {a: {image: i, role: [web]}}", { traefik, builder: { arch: "arm64" }, accessories: { a: { image: "i", roles: ["web"] } } }],
  ])("%s", (yaml, config) => {
    expect(configOf(yaml)).toEqual(config);
  });

  test("says where its secrets and hooks are", () => {
    const one = converted("stop_wait_time: 1\nhooks_path: ops/hooks\naudit_broadcast_cmd: bin/audit");
    expect([one?.hooksPath, one?.auditBroadcast, (plain(one?.root ?? nodeOf("{}")) as Record<string, unknown>)["secretsPath"]]).toEqual(["ops/hooks", "bin/audit", ".env"]);
  });

  test.each<[base: string, over: string, builder: unknown]>([
    ["{local: {arch: amd64}, remote: {arch: arm64, host: 'ssh://a'}}", "{remote: {host: 'ssh://b'}}", { remote: "ssh://b" }],
    ["{remote: {arch: arm64, host: 'ssh://a'}}", "{remote: {host: 'ssh://b'}}", { remote: "ssh://b", local: false }],
    ["{remote: {arch: arm64, host: 'ssh://a'}}", "{local: {arch: amd64}}", { arch: "amd64", local: true }],
    ["{remote: {arch: arm64, host: 'ssh://a'}}", "{local: {arch: amd64}, remote: {arch: arm64, host: 'ssh://b'}}", { arch: ["amd64", "arm64"], remote: "ssh://b", local: true }],
    ["{multiarch: true}", "{local: {arch: amd64}, remote: {arch: arm64, host: 'ssh://b'}}", { arch: ["amd64", "arm64"], remote: "ssh://b" }],
  ])("builds on this machine where either file says so: %s, for a destination %s", (base, over, builder) => {
    const { converted: [, second] } = convertProject([nodeOf(`stop_wait_time: 1\nbuilder: ${base}`), nodeOf(`builder: ${over}`)], none);
    expect(plain(second?.root ?? nodeOf("{}"))).toEqual({ builder });
  });

  test("keeps what differs for a destination to that", () => {
    const { converted: [, over] } = convertProject([nodeOf("stop_wait_time: 1\nservers: {api: {hosts: [a], traefik: true}}"), nodeOf("servers: {api: {healthcheck: {port: 9}}}")], none);
    expect(plain(over?.root ?? nodeOf("{}"))).toEqual({ servers: { api: { healthcheck: { port: 9 } } } });
  });
});

test.each<[yaml: string, dotenv: boolean, flavour: string]>([
  ["service: a", false, "kamal"], ["service: a", true, "mrsk"], ["builder: {arch: amd64}", true, "kamal"], ["proxy: {app_port: 1}", true, "kamal"], ["servers: {web: {proxy: false}}", true, "kamal"],
  ["stop_wait_time: 1", false, "mrsk"], ["traefik: {}", false, "mrsk"], ["healthcheck: {}", false, "mrsk"], ["audit_broadcast_cmd: x", false, "mrsk"], ["builder: {multiarch: false}", false, "mrsk"],
  ["builder: {remote: {arch: amd64}}", false, "mrsk"], ["builder: {remote: ssh://x}", false, "kamal"], ["servers: {web: {traefik: true}}", false, "mrsk"], ["builder: {arch: amd64}\nhealthcheck: {}", false, "mrsk"],
])("flavourOf(%j), with an .env: %p, is %p", (yaml, dotenv, flavour) => {
  expect(flavourOf([nodeOf(yaml)], { dotenv, kamalSecrets: false, hooks: undefined })).toBe(flavour as "kamal");
});
