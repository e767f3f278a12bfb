/**
 * The keys of Kamal 2 and MRSK, and what they are called here. What the users themselves name (variables, labels, options, roles, hosts) has no table.
 */

/** What a value may be, by its kind in the file. A kind that is missing goes on as it is: the schema tells what is wrong with it. */
export interface Shape {
  /**
   * What a single value is for: decides how Ruby in it is converted. `written` is a text as it stands: 0600 is no number; `value` may be any, and is taken for a text;
   * `list`: nothing but a list will do.
   */
  readonly scalar?: "text" | "number" | "boolean" | "any" | "value" | "written" | "list";
  /** A list here has one item. */
  readonly single?: boolean;
  readonly list?: Shape;
  /** A map with known keys. */
  readonly keys?: Readonly<Record<string, Key>>;
  /** A map whose keys are the user's. */
  readonly each?: Shape;
  /** How the user's keys are called here. */
  readonly rename?: (key: string) => string;
}
export interface Key {
  readonly name: string;
  readonly shape: Shape;
  /** Why it is left out. */
  readonly without?: string;
}

const camelCase = (name: string): string => name.replaceAll(/[_-]([a-z])/g, (_, letter: string) => letter.toUpperCase());
const keysOf = (shapes: Readonly<Record<string, Shape>>): Record<string, Key> => Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { name: camelCase(name), shape }]));

const text: Shape = { scalar: "text" };
const number: Shape = { scalar: "number" };
const boolean: Shape = { scalar: "boolean" };
const flagOrText: Shape = { scalar: "any" };
const texts: Shape = { scalar: "list", list: text };
const textOrTexts: Shape = { scalar: "text", list: text };
const credential: Shape = { ...textOrTexts, single: true };
const value: Shape = { scalar: "value", list: { scalar: "value" } };
const free: Shape = { ...value, each: value };
const values: Shape = { each: value };

/** `clear`, `secret` and `tags` are keys as soon as one of them is there; else every key is a variable. */
export const envGroups = ["clear", "secret", "tags"] as const;
const env: Shape = values;

const logging: Shape = { keys: keysOf({ driver: text, options: values }) };

const proxy: Shape = {
  scalar: "boolean",
  keys: keysOf({
    host: text, hosts: texts, app_port: number,
    ssl: { scalar: "boolean", keys: keysOf({ certificate_pem: text, private_key_pem: text }) },
    ssl_redirect: boolean, forward_headers: boolean, response_timeout: number, path_prefix: text, path_prefixes: texts, strip_path_prefix: boolean,
    healthcheck: { keys: keysOf({ interval: number, timeout: number, path: text }) },
    buffering: { keys: keysOf({ requests: boolean, responses: boolean, memory: number, max_request_body: number, max_response_body: number }) },
    logging: { keys: keysOf({ request_headers: texts, response_headers: texts }) },
    run: {
      keys: keysOf({
        http_port: number, https_port: number, metrics_port: number, debug: boolean, log_max_size: text, publish: boolean, bind_ips: texts,
        registry: text, repository: text, version: text, options: values,
      }),
    },
  }),
};

const healthcheck: Shape = {
  keys: {
    ...keysOf({ path: text, port: number, max_attempts: number, interval: flagOrText, cmd: text }),
    exposed_port: { name: "exposedPort", shape: number, without: "no container is started for a health check before the deploy" },
    cord: { name: "cord", shape: flagOrText, without: "requests are switched at the proxy, so no container has to be made unhealthy" },
    log_lines: { name: "logLines", shape: number, without: "the log of a container that does not become healthy is always shown" },
  },
};

const hosts: Shape = { scalar: "list", list: { scalar: "text", each: textOrTexts } };
const role: Shape = {
  ...hosts,
  keys: keysOf({ hosts, cmd: text, stop_timeout: number, options: values, logging, proxy, labels: values, env, asset_path: text, traefik: boolean, healthcheck, volumes: texts }),
};

const registry: Shape = { keys: keysOf({ server: text, username: credential, password: credential }) };
const mounted: Shape = { list: { scalar: "text", keys: keysOf({ local: text, remote: text, mode: { scalar: "written" }, owner: text, options: text }) } };
const accessory: Shape = {
  keys: {
    ...keysOf({
      service: text, image: text, registry, host: text, hosts: texts, roles: texts, tag: text, tags: texts, cmd: text, port: flagOrText, labels: values, options: values,
      env, files: mounted, directories: mounted, volumes: texts, network: text, proxy,
    }),
    role: { name: "role", shape: textOrTexts },
  },
};

const side: Shape = { scalar: "any", keys: keysOf({ arch: text, host: text }) };
const builder: Shape = {
  keys: keysOf({
    arch: textOrTexts, remote: side, local: side, context: text, dockerfile: text, target: text, ssh: text, args: values, secrets: texts, driver: text,
    provenance: flagOrText, sbom: boolean, multiarch: boolean,
    pack: { keys: keysOf({ builder: text, buildpacks: texts }) },
    cache: { keys: keysOf({ type: text, image: text, options: text }) },
  }),
};

/** The keys of the root. */
export const rootShape: Shape = {
  keys: {
    ...keysOf({
      service: text, image: text, labels: values, volumes: texts, registry, servers: { ...hosts, each: role }, env, asset_path: text,
      hooks_path: text, hooks_output: { scalar: "text", each: text, rename: camelCase }, secrets_path: text, error_pages_path: text, require_destination: boolean,
      primary_role: text, allow_empty_roles: boolean, retain_containers: number, minimum_version: text, readiness_delay: number, deploy_timeout: number,
      drain_timeout: number, stop_timeout: number, builder, proxy, logging, aliases: { each: text }, healthcheck,
      accessories: { each: accessory },
      boot: { keys: keysOf({ limit: flagOrText, wait: number, parallel_roles: boolean }) },
      ssh: {
        keys: {
          ...keysOf({ user: text, port: number, proxy: text, proxy_command: text, keys_only: boolean, keys: texts, key_data: texts, config: { scalar: "any", list: text }, forward_agent: boolean }),
          log_level: { name: "logLevel", shape: text, without: "-v shows every command with its time, and an error says what failed on which host" },
        },
      },
      sshkit: {
        keys: {
          ...keysOf({ max_concurrent_starts: number, dns_retries: number }),
          pool_idle_timeout: { name: "poolIdleTimeout", shape: number, without: "each host has one connection, kept alive until the run ends" },
        },
      },
      output: { keys: keysOf({ otel: { keys: keysOf({ endpoint: text }) }, file: { keys: keysOf({ path: text }) } }) },
      traefik: { keys: keysOf({ image: text, host_port: number, args: free, options: values, labels: values, env }) },
      audit_broadcast_cmd: text,
    }),
    stop_wait_time: { name: "stopTimeout", shape: number },
    run_directory: { name: "runDirectory", shape: text, without: "its folder on the hosts has a fixed name, as in Kamal 2" },
  },
};
