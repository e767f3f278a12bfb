import type { Row, Table } from "./coverage.ts";

const camelCase = (name: string): string => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Keys that there are here too, in camelCase, below a path. */
const same = (path: string, names: readonly string[], ours = path.split(".").map((part) => (/^[A-Z]+$/.test(part) ? part : camelCase(part))).join(".")): Row[] =>
  names.map((name) => ({ theirs: path === "" ? name : `${path}.${name}`, keys: [ours === "" ? camelCase(name) : `${ours}.${camelCase(name)}`] }));

const key = (theirs: string, keys: readonly string[], note?: string): Row => ({ theirs, keys, ...(note === undefined ? {} : { note }) });
const replaced = (theirs: string, note: string): Row => ({ theirs, note });

const accessory = "accessories.NAME";
const proxyKeys = ["host", "hosts", "app_port", "ssl", "ssl_redirect", "forward_headers", "response_timeout", "path_prefix", "path_prefixes", "strip_path_prefix", "healthcheck", "buffering", "logging", "run"];

/** Config keys of Kamal 2.12 and MRSK 0.x. */
export const coveredKeys: readonly Table[] = [
  {
    title: "Config: root",
    rows: [
      ...same("", [
        "service", "image", "labels", "volumes", "registry", "servers", "env", "asset_path", "secrets_path", "error_pages_path", "require_destination", "primary_role",
        "allow_empty_roles", "retain_containers", "minimum_version", "readiness_delay", "deploy_timeout", "drain_timeout", "stop_timeout",
      ]),
      key("hooks_path", ["hooks"], "Functions in the config, with types. A script of yours is called with `local([\"./script\"])`."),
      key("hooks_output", ["hooksOutput"]),
      replaced("run_directory", "Accepted and ignored there; the folder on the hosts is always `.kamal`, as it is there."),
      key("ssh", ["ssh"]),
      key("sshkit", ["ssh"]),
      ...same("", ["builder", "accessories", "proxy", "boot", "logging", "output", "aliases"]),
      replaced("x-NAME", "Constants, functions and imports of TypeScript."),
      replaced("<%= ERB %>", "TypeScript."),
      replaced("deploy.DESTINATION.yml", "`deploy.DESTINATION.config.ts` with `defineDestination({ … })`, or a function of the destination."),
    ],
  },
  { title: "Config: registry", rows: same("registry", ["server", "username", "password"]) },
  {
    title: "Config: servers",
    rows: [
      ...same("servers.ROLE", ["hosts", "cmd", "stop_timeout", "options", "logging", "proxy", "labels", "env", "asset_path"]),
      key("servers: [host: tag]", ["env.tags"], "Tags of a host."),
    ],
  },
  { title: "Config: env", rows: [...same("env", ["clear"]), key("env.secret", ["env.secret"], "Line breaks, control characters and backslashes reach the container as they are, not escaped."), ...same("env", ["tags"])] },
  {
    title: "Config: accessories",
    rows: [
      ...same(accessory, ["service", "image", "registry", "host", "hosts", "role", "roles", "tag", "tags", "cmd", "port", "labels", "options", "env", "files", "directories", "volumes", "network", "proxy"]),
      ...["files", "directories"].flatMap((list) => ["local", "remote", "mode", "owner", "options"].map((name): Row => key(`${accessory}.${list}[].${name}`, [`${accessory}.${list}`]))),
      ...same(`${accessory}.registry`, ["server", "username", "password"]),
    ],
  },
  {
    title: "Config: builder",
    rows: [
      ...same("builder", ["arch", "remote", "local", "context", "dockerfile", "target", "ssh", "args", "secrets", "driver", "provenance", "sbom", "pack", "cache"]),
      ...same("builder.pack", ["builder", "buildpacks"]),
      ...same("builder.cache", ["type", "image", "options"]),
    ],
  },
  {
    title: "Config: proxy",
    rows: [
      ...same("proxy", proxyKeys),
      ...same("proxy.ssl", ["certificate_pem", "private_key_pem"]),
      ...same("proxy.healthcheck", ["interval", "timeout", "path"]),
      ...same("proxy.buffering", ["requests", "responses", "memory", "max_request_body", "max_response_body"]),
      ...same("proxy.logging", ["request_headers", "response_headers"]),
      ...same("proxy.run", ["http_port", "https_port", "metrics_port", "debug", "log_max_size", "publish", "bind_ips", "registry", "repository", "version", "options"]),
    ],
  },
  {
    title: "Config: boot, ssh, sshkit, logging, output, aliases",
    rows: [
      ...same("boot", ["limit", "wait", "parallel_roles"]),
      ...same("ssh", ["user", "port", "proxy", "proxy_command", "keys_only", "keys", "key_data", "config", "forward_agent"]),
      replaced("ssh.log_level", "SSH has no log of its own here: `-v` shows every command with its time, and an error says what failed on which host, and why."),
      key("sshkit.max_concurrent_starts", ["ssh.maxConcurrentStarts"]),
      replaced("sshkit.pool_idle_timeout", "Each host has one connection, kept alive until the run ends."),
      key("sshkit.dns_retries", ["ssh.dnsRetries"]),
      ...same("logging", ["driver", "options"]),
      ...same("output", ["otel.endpoint", "file.path"]),
      key("aliases.NAME", ["aliases"]),
    ],
  },
  {
    title: "Config: MRSK 0.x",
    rows: [
      ...same("traefik", ["image", "host_port", "args", "options", "labels", "env"]),
      ...same("healthcheck", ["path", "port", "max_attempts", "interval"]),
      replaced("healthcheck.cmd", "The new container is asked with GET through the SSH connection: the image needs no curl."),
      key("servers.ROLE.healthcheck", ["servers.ROLE.healthcheck"]),
      key("servers.ROLE.traefik", ["servers.ROLE.traefik"]),
      key("stop_wait_time", ["stopTimeout"]),
      key("readiness_delay", ["readinessDelay"]),
      key("builder.multiarch", ["builder.arch"], "`[\"amd64\", \"arm64\"]`, or the one that the hosts have."),
      key("builder.local.arch", ["builder.arch", "builder.local"], "The architectures are one list: what this machine can build is built here."),
      replaced("builder.local.host", "The local builder is the one of docker's current context: `docker context use` and DOCKER_HOST choose it."),
      key("builder.remote.arch", ["builder.arch"]),
      key("builder.remote.host", ["builder.remote"]),
      ...same("builder", ["cache", "args", "secrets", "dockerfile", "context"]),
      ...same("env", ["clear", "secret"]),
      key("audit_broadcast_cmd", ["hooks.auditBroadcast"], "A function, called for every line of the audit log."),
      key("hooks_path", ["hooks"], "As above."),
      key("minimum_version", ["minimumVersion"], "Of capstan. In a `deploy.yml` it is of Kamal, and up to 2.12 it is met."),
      ...same("boot", ["limit", "wait"]),
      ...same("ssh", ["user", "proxy", "proxy_command"]),
      ...same(accessory, ["host", "hosts", "roles"]),
      key(".env, .env.DESTINATION", ["secretsPath"], "`secretsPath: \".env\"` reads them as MRSK does; else `.capstan/secrets`, `.capstan/secrets.DESTINATION`."),
    ],
  },
];
