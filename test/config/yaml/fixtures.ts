import { parse, stringify } from "yaml";

/** A project as Kamal or MRSK has it. */
export interface Fixture {
  readonly name: string;
  /** Added to {@link shop}, unless it is whole. */
  readonly yaml: string;
  readonly whole?: boolean;
  /** `config/deploy.qa.yml`: read with `-d qa`. */
  readonly qa?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Record<string, string>;
}

/** The base of the reference's cases. */
export const shop = `service: shop
image: acme/shop
registry: {username: bot, password: pw}
builder: {arch: amd64}
servers:
  web: [10.0.0.1]
  jobs: {hosts: [10.0.0.2], cmd: bin/work}
env: {secret: [API_KEY]}
`;

type Data = { [key: string]: Data | unknown };
const isMap = (value: unknown): value is Data => typeof value === "object" && value !== null && !Array.isArray(value);
const merged = (base: unknown, over: unknown): unknown =>
  isMap(base) && isMap(over) ? { ...base, ...Object.fromEntries(Object.entries(over).map(([key, value]) => [key, merged(base[key], value)])) } : over;

/** The text of a fixture's deploy.yml. */
export const textOf = ({ yaml, whole }: Fixture): string => (whole === true ? yaml : yaml === "" ? shop : stringify(merged(parse(shop), parse(yaml, { version: "1.1" })), { version: "1.1" }));

const kamal: readonly Fixture[] = [
  { name: "A1 the base", yaml: "" },
  { name: "A2 options", yaml: `servers: {jobs: {options: {memory: 1g, init: true}}}` },
  { name: "A3 an empty destination", yaml: "", qa: "" },
  { name: "A5 volumes", yaml: `volumes: ["media:/media"]` },
  { name: "A5 assets", yaml: `asset_path: /srv/assets:ro\nservers: {jobs: {asset_path: /x}}` },
  { name: "A6 logging", yaml: `logging: {driver: journald, options: {tag: shop, env: A}}\nservers: {jobs: {logging: {options: {tag: jobs}}}}` },
  { name: "A7 labels", yaml: `labels: {team: core, tier: front}\nservers: {web: {hosts: [10.0.0.1], labels: {tier: edge, note: "a b"}}}` },
  { name: "A8 long names", yaml: `servers: {web: [frontend-node-seventeen.cluster-nine.eu-central.example.net], jobs: [worker-pool-alpha-number-twenty-three.internal-net.example.org]}` },
  { name: "A13 drain_timeout", yaml: "drain_timeout: 12" },
  { name: "A13 stop_timeout", yaml: "stop_timeout: 45\nservers: {jobs: {stop_timeout: 90}}" },
  { name: "B1 scalars", yaml: `${shop.replace(/env:.*\n/, "")}env: {PORT: 3000, FLAG: true, OFF: false, NAME: "a b", EMPTY: "", RUBY: 3.0, OCTAL: 0644, ON: yes, SYM: :quiet}\n`, whole: true },
  {
    name: "B3 tags", 
    yaml: `env:\n  clear: {MODE: base, CACHE: "off", LEVEL: "1"}\n  secret: [API_KEY]\n  tags:\n    big: {LEVEL: "2", SIZE: xl}\n    eu: {clear: {SIZE: eu, ZONE: eu}, secret: [EU_KEY]}\nservers:\n  web: [{10.0.0.1: [big, eu]}, 10.0.0.3]\n  jobs: {hosts: [{10.0.0.2: eu}], cmd: bin/work, env: {CACHE: "on", ZONE: none}}`,
  },
  { name: "B6 metacharacters", yaml: `env:\n  clear: {A: "\${REGION}-x", B: "$HOME", C: "\`id\`", D: 'say "hi"', E: 'a\\b', F: "$(id)"}` },
  { name: "B7 several secrets", yaml: "env: {secret: [API_KEY, Q, 'BS:API_KEY']}" },
  {
    name: "C2 every option of the proxy",
    yaml: `deploy_timeout: 12\ndrain_timeout: 8\nproxy:\n  host: shop.example\n  app_port: 3000\n  response_timeout: 20\n  forward_headers: true\n  ssl: false\n  ssl_redirect: false\n  healthcheck: {path: /ping, interval: 2, timeout: 4}\n  buffering: {requests: true, responses: true, memory: 100, max_request_body: 200, max_response_body: 0}\n  logging: {request_headers: [X-A], response_headers: [X-B, X-C]}`,
  },
  { name: "C3 several names", yaml: `proxy: {ssl: true, host: "a.example,b.example"}` },
  { name: "C3 a list of names", yaml: `proxy: {ssl: true, hosts: [a.example, b.example]}` },
  { name: "C4 a role's proxy", yaml: `proxy: {host: shop.example, response_timeout: 10, healthcheck: {path: /up, interval: 5}}\nservers:\n  api: {hosts: [10.0.0.3], proxy: {host: api.example, healthcheck: {path: /api/up}}}` },
  { name: "C4 proxy: true and false", yaml: `servers:\n  web: {hosts: [10.0.0.1], proxy: false}\n  api: {hosts: [10.0.0.3], proxy: true}` },
  { name: "C5 paths", yaml: `proxy: {host: shop.example, path_prefix: "/api,/auth", strip_path_prefix: false}` },
  { name: "C6 a certificate", yaml: `servers: {web: [10.0.0.1, 10.0.0.3]}\nproxy: {host: shop.example, ssl: {certificate_pem: CERT, private_key_pem: KEY}}` },
  { name: "C7 labels of Traefik that stayed, and hosts of a destination", yaml: 'labels: {"traefik.http.routers.x.rule": "Host(`a.example`)"}\nproxy: {host: a.example}', qa: "servers: {web: [192.0.2.20]}\n" },
  { name: "C7 labels of Traefik that stayed, and Ruby for all servers", whole: true, yaml: shop.replace(/servers:[\s\S]*env/, `labels: {"traefik.odd": "1"}\nservers: <%= ENV["HOSTS"] %>\nenv`), env: { HOSTS: "[a, b]" } },
  { name: "C7 labels of Traefik that stayed for a destination", yaml: "proxy: {host: a.example}", qa: 'labels: {"traefik.http.routers.x.rule": "Host(`a.example`)"}\n' },
  { name: "D2 the proxy's container", yaml: `proxy:\n  run:\n    http_port: 8080\n    https_port: 8443\n    log_max_size: 5m\n    debug: true\n    metrics_port: 9100\n    registry: reg.example:5000\n    options: {cpus: 2, label: [a=b, c=d]}` },
  { name: "E1 an accessory", yaml: `accessories:\n  cache:\n    image: redis:7\n    host: 10.0.0.9\n    port: 6379\n    env: {clear: {MODE: x}, secret: [REDIS_PW]}\n    directories: ["data:/data"]\n    options: {memory: 256m}` },
  {
    name: "E2 files", 
    yaml: `accessories:\n  db:\n    image: mysql:8\n    host: 10.0.0.9\n    volumes: ["extra:/extra"]\n    files:\n      - config/my.cnf:/etc/mysql/my.cnf:ro\n      - {local: k.pem, remote: /etc/k.pem, mode: "0600", owner: "999:999"}\n    directories:\n      - /var/db:/var/lib/mysql\n      - {local: logs, remote: /var/log/mysql, mode: "0750", owner: "999:999", options: z}`,
  },
  { name: "E3 an accessory's own registry", yaml: `accessories:\n  box:\n    service: toolbox\n    image: acme/box:1\n    host: 10.0.0.9\n    registry: {server: reg.other, username: u, password: [P]}\n    network: back\n    cmd: sleep 99\n    labels: {app: x}\n    options: {restart: "no", init: true}` },
  { name: "F1 restart", yaml: `servers: {web: {hosts: [10.0.0.1], options: {restart: always, cap-add: SYS_PTRACE}}}` },
  { name: "F6 keys", yaml: "ssh: {keys: [k1, k2], keys_only: true}" },
  { name: "F6 a jump host", yaml: "ssh: {proxy: ops@jump.example, user: app, port: 2222}" },
  { name: "F6 a config", yaml: "ssh: {config: ~/.ssh/own}" },
  { name: "F6 further keys of ssh", yaml: "ssh: {proxy_command: 'nc %h %p', log_level: debug, key_data: [K], forward_agent: true}" },
  { name: "H2 build options", yaml: `builder:\n  arch: [amd64, arm64]\n  args: {A: 1, B: "x y"}\n  secrets: [TOK]\n  dockerfile: docker/Dockerfile\n  target: prod\n  context: .` },
  { name: "H2 further build options", yaml: "builder: {ssh: default=$SSH_AUTH_SOCK, provenance: false, sbom: true}" },
  { name: "H3 a build cache", yaml: `registry: {server: reg.example}\nbuilder: {arch: arm64, cache: {type: registry, options: mode=max}}` },
  { name: "H4 a remote builder", yaml: `builder: {remote: ssh://root@10.0.0.8, local: false}` },
  { name: "buildpacks", yaml: `builder: {pack: {builder: b, buildpacks: [x]}}` },
  { name: "a builder in a cloud", yaml: `builder: {driver: cloud acme/builders, arch: [amd64, arm64], cache: {type: gha, options: "mode=max,scope=web"}}` },
  { name: "H5 a local registry", yaml: `service: shop\nregistry: {server: "localhost:5001"}\nbuilder: {arch: amd64}\nservers: [10.0.0.1]\n`, whole: true },
  { name: "H6 credentials", yaml: `registry: {server: hub.example, username: "b$t", password: [RP]}` },
  { name: "I1 a destination", yaml: `servers: {web: [a, b], jobs: {hosts: [c], cmd: x}}\nenv: {clear: {A: "1", B: "2"}, secret: [S1]}`, qa: `servers: {web: [d]}\nenv: {clear: {B: "3"}, secret: [S2]}\n` },
  { name: "I2 x- keys", yaml: `x-foo: {any: thing}` },
  { name: "I5 order of roles", yaml: `servers: {zeta: [h3], web: [h1, h2], api: [h2, h4]}` },
  { name: "I6 boot groups", yaml: `boot: {limit: 3, wait: 2}` },
  { name: "I6 a share", yaml: `boot: {limit: 50%}` },
  { name: "I6 parallel roles", yaml: `boot: {parallel_roles: true}` },
  { name: "K1 retain_containers", yaml: "retain_containers: 3\nreadiness_delay: 4\nprimary_role: jobs\nallow_empty_roles: true\nminimum_version: 0.1.0\nrun_directory: x" },
  { name: "keys of the root that are to come", yaml: `error_pages_path: public\nhooks_output: {pre-deploy: verbose}\nsshkit: {max_concurrent_starts: 10, pool_idle_timeout: 300, dns_retries: 0}\noutput: {file: {path: log}, otel: {endpoint: "http://otel.example:4318"}}\naliases: {console: app exec -i --reuse bash}` },
  {
    name: "anchors", whole: true,
    yaml: `${shop.replace(/servers:[\s\S]*env/, "env")}x-role: &role\n  options: &options {memory: 512m, cpus: 2, restart: always}\n  hosts: [10.0.0.2]\nservers:\n  web: {hosts: [10.0.0.1], options: *options}\n  jobs:\n    <<: *role\n    cmd: bin/work\n  mail: {<<: *role, cmd: bin/mail}\n`,
  },
  { name: "Ruby", whole: true, env: { REGION: "eu", TAG: "a b" }, yaml: `${shop}volumes: ["<%= ENV["REGION"] %>:/data"]\nretain_containers: <%= ENV.fetch("KEEP", 4) %>\nlabels:\n  tag: <%= ENV['TAG'] || "none" %>\n  made: "<%= \`echo by\`.chomp %> hand"\n  <%= ENV["REGION"] %>-key: "1"\n` },
  {
    name: "Ruby that is a number or a switch", whole: true, env: { LIMIT: "2", SHARE: "30", ON: "yes", OFF: "No", PORT: "6379", SECONDS: "5", MAX: "mode=max" },
    yaml: `${shop.replace("env:", "#").replace("{arch: amd64}", "{arch: <%= ENV['ARCH'] || 'arm64' %>, provenance: <%= ENV['MAX'] %>, args: {A: <%= ENV['OFF'] %>, B: '<%= ENV['OFF'] %>'}}")}boot: {limit: <%= ENV["LIMIT"] || 10 %>}\nenv: {clear: {A: <%= ENV["ON"] %>, B: "<%= ENV["ON"] %>", N: <%= ENV["NONE"] || 5 %>, M: <%= ENV["LIMIT"] %>00, T: <%= ENV["ON"] %> sir}, secret: []}\nlabels: {off: <%= ENV["OFF"] %>, made: <%= \`echo by\` %>}\naccessories: {db: {image: m, host: h, port: <%= ENV["PORT"] %>, options: {init: <%= ENV["ON"] %>}}}\nssh: {config: <%= ENV["OFF"] %>}\n`,
  },
  { name: "Ruby in a share", yaml: `${shop}boot: {limit: <%= ENV["SHARE"] %>%}\n`, whole: true, env: { SHARE: "50" }, qa: `boot: {limit: "<%= ENV['SHARE'] %>%"}\n` },
  {
    name: "Ruby that is several values", whole: true, env: { WEB: "10.0.0.1, 10.0.0.3", JOBS: `[10.0.0.2, "10.0.0.4"]`, ONE: "10.0.0.5", EMPTY: "", ARCHS: "amd64,arm64" },
    yaml: `${shop.replace(/servers:[\s\S]*env/, "env").replace("arch: amd64", "arch: [<%= ENV['ARCHS'] %>]")}servers:\n  web: [<%= ENV["WEB"] %>, <%= ENV["ONE"] %>, "10.0.0.<%= ENV["NO"] || 6 %>", <%= ENV["EMPTY"] %>]\n  jobs: {hosts: <%= ENV["JOBS"] %>, cmd: bin/work, volumes: <%= ENV["NONE"] || "[]" %>}\n  mail: <%= ENV["JOBS"] %>\n  log:\n    - <%= ENV["ONE"] %>\naccessories: {db: {image: m, hosts: [<%= ENV["WEB"] %>]}, cache: {image: c, roles: <%= ENV["ROLES"] || "[web]" %>}}\n`,
    qa: `servers: {web: <%= ENV["JOBS"] %>}\n`,
  },
  { name: "Ruby for all servers", yaml: `${shop.replace(/servers:[\s\S]*env/, "env")}servers: [<%= ENV["WEB"] %>]\n`, whole: true, env: { WEB: "10.0.0.1, 10.0.0.3", JOBS: "[10.0.0.2]" }, qa: `servers: <%= ENV["JOBS"] %>\n` },
  { name: "the destination in Ruby", yaml: `${shop}labels: {stage: "<%= ENV["KAMAL_DESTINATION"] %>"}\n`, whole: true, qa: "" },
  { name: "hooks", yaml: "", files: { ".kamal/hooks/pre-deploy": "#!/bin/sh\n", ".kamal/hooks/post-deploy": "#!/bin/sh\n", ".kamal/hooks/pre-build.sample": "" } },
  { name: "a hooks_path", yaml: "hooks_path: ops/hooks", files: { "ops/hooks/pre-connect": "#!/bin/sh\n" } },
  { name: "a secrets_path", yaml: "secrets_path: ops/secrets", files: { "ops/secrets": "API_KEY=1\n" } },
];

const hey = `service: hey\nimage: 37s/hey\nservers:\n  - 192.168.0.1\n  - 192.168.0.2\nregistry:\n  username: registry-user-name\n  password:\n    - MRSK_REGISTRY_PASSWORD\nenv:\n  secret:\n    - RAILS_MASTER_KEY\n`;
const dotenv = { ".env": "MRSK_REGISTRY_PASSWORD=pw\nRAILS_MASTER_KEY=secret123\n" };
const mrsk = (name: string, yaml: string, more: Partial<Fixture> = {}): Fixture => {
  const own = Object.keys(parse(yaml) as object);
  const rest = hey.split(/(?=^\w)/m).filter((part) => !own.includes(part.split(":")[0] ?? "")).join("");
  return { name: `MRSK: ${name}`, yaml: `${rest}${yaml}`, whole: true, files: dotenv, ...more };
};

/** The fragments of MRSK's README, and what the reference says besides. */
const readme: readonly Fixture[] = [
  mrsk("the smallest", "service: hey\n"),
  mrsk("another registry", "registry:\n  server: reg.example\n  username:\n    - DOCKER_REGISTRY_TOKEN\n  password:\n    - DOCKER_REGISTRY_TOKEN\n"),
  mrsk("ssh user", "ssh:\n  user: app\n"),
  mrsk("ssh proxy", `ssh:\n  proxy: "192.168.0.1" # defaults to root as the user\n`),
  mrsk("env", "env:\n  DATABASE_URL: mysql2://db1/hey_production/\n  REDIS_URL: redis://redis1:6379/1\n"),
  mrsk("env with secrets", "env:\n  clear:\n    DATABASE_URL: mysql2://db1/hey_production/\n    REDIS_URL: redis://redis1:6379/1\n  secret:\n    - DATABASE_PASSWORD\n    - REDIS_PASSWORD\n"),
  mrsk("volumes", `volumes:\n  - "/local/path:/container/path"\n`),
  mrsk("a role", "servers:\n  web:\n    - 192.168.0.1\n    - 192.168.0.2\n  job:\n    hosts:\n      - 192.168.0.3\n      - 192.168.0.4\n    cmd: bin/jobs\n"),
  mrsk("traefik of a role", "servers:\n  web:\n    - 192.168.0.1\n    - 192.168.0.2\n  web2:\n    traefik: true\n    hosts:\n      - 192.168.0.3\n      - 192.168.0.4\n"),
  mrsk("labels", "labels:\n  traefik.http.routers.hey.rule: Host(`app.hey.com`)\n"),
  mrsk("labels of a role", `servers:\n  web:\n    - 192.168.0.1\n  job:\n    hosts:\n      - 192.168.0.3\n    cmd: bin/jobs\n    labels:\n      my-label: "50"\n`),
  mrsk("options", "servers:\n  web:\n    - 192.168.0.1\n  job:\n    hosts:\n      - 192.168.0.3\n    cmd: bin/jobs\n    options:\n      cap-add: true\n      cpu-count: 4\n"),
  mrsk("logging", `logging:\n  driver: awslogs\n  options:\n    awslogs-region: "eu-central-2"\n    awslogs-group: "my-app"\n`),
  mrsk("stop_wait_time", "stop_wait_time: 30\n"),
  mrsk("two builders", "builder:\n  local:\n    arch: arm64\n    host: unix:///Users/<%= `whoami`.strip %>/.docker/run/docker.sock\n  remote:\n    arch: amd64\n    host: ssh://root@192.168.0.1\n"),
  mrsk("a remote builder", "builder:\n  remote:\n    arch: amd64\n    host: ssh://root@192.168.0.1\n"),
  mrsk("a remote builder, and one here for a destination", "builder:\n  remote: {arch: amd64, host: 'ssh://a'}\n", { qa: "builder: {local: {arch: arm64}}\n" }),
  mrsk("two builders, and another remote one for a destination", "builder:\n  local: {arch: arm64}\n  remote: {arch: amd64, host: 'ssh://a'}\n", { qa: "builder: {remote: {host: 'ssh://b'}}\n" }),
  mrsk("no multiarch", "builder:\n  multiarch: false\n"),
  mrsk("a Dockerfile", "builder:\n  dockerfile: Dockerfile.xyz\n"),
  mrsk("a context", `builder:\n  context: ".."\n`),
  mrsk("Dockerfile and context", `builder:\n  dockerfile: "../Dockerfile.xyz"\n  context: ".."\n`),
  mrsk("build secrets", "builder:\n  secrets:\n    - GITHUB_TOKEN\n"),
  mrsk("arguments of Traefik", "traefik:\n  args:\n    accesslog: true\n    accesslog.format: json\n"),
  mrsk("Traefik's port", "traefik:\n  host_port: 8080\n"),
  mrsk("options of Traefik", "traefik:\n  options:\n    publish:\n      - 8080:8080\n    volumes:\n      - /tmp/example.json:/tmp/example.json\n    memory: 512m\n"),
  mrsk("entry points", "service: myservice\nlabels:\n  traefik.tcp.routers.other.rule: 'HostSNI(`*`)'\n  traefik.tcp.routers.other.entrypoints: otherentrypoint\n  traefik.tcp.services.other.loadbalancer.server.port: 9000\n  traefik.http.routers.myservice.entrypoints: web\n  traefik.http.services.myservice.loadbalancer.server.port: 8080\ntraefik:\n  options:\n    publish:\n      - 9000:9000\n  args:\n    entrypoints.web.address: ':80'\n    entrypoints.otherentrypoint.address: ':9000'\n"),
  mrsk("build arguments", "builder:\n  args:\n    RUBY_VERSION: 3.2.0\n"),
  mrsk("accessories", `accessories:\n  mysql:\n    image: mysql:5.7\n    host: 1.1.1.3\n    port: 3306\n    env:\n      clear:\n        MYSQL_ROOT_HOST: '%'\n      secret:\n        - MYSQL_ROOT_PASSWORD\n    volumes:\n      - /var/lib/mysql:/var/lib/mysql\n    options:\n      cpus: 4\n      memory: "2GB"\n  redis:\n    image: redis:latest\n    role:\n      - web\n    port: "36379:6379"\n    volumes:\n      - /var/lib/redis:/data\n  internal-example:\n    image: reg.example/user/otherservice:latest\n    host: 1.1.1.5\n    port: 44444\n`),
  mrsk("hosts of accessories", "servers: {web: [1.1.1.1], jobs: [1.1.1.2]}\naccessories:\n  mysql:\n    host: 1.1.1.1\n    image: a\n  redis:\n    image: b\n    hosts:\n      - 1.1.1.1\n      - 1.1.1.2\n  monitoring:\n    image: c\n    roles:\n      - web\n      - jobs\n"),
  mrsk("cron", `servers:\n  web: [192.168.0.1]\n  cron:\n    hosts:\n      - 192.168.0.1\n    cmd:\n      bash -c "cat config/crontab | crontab - && cron -f"\n`),
  mrsk("broadcasts", "audit_broadcast_cmd:\n  bin/audit_broadcast\n"),
  mrsk("healthcheck", "healthcheck:\n  path: /healthz\n  port: 4000\n  max_attempts: 7\n"),
  mrsk("further keys of the healthcheck", "healthcheck:\n  cmd: curl -fsS http://localhost:4000/healthz || exit 1\n  interval: 2s\n  cord: false\nservers:\n  web: [192.168.0.1]\n  job: {hosts: [192.168.0.3], healthcheck: {cmd: bin/alive, interval: 5s}}\n"),
  mrsk("a destination", "service: hey\n", { qa: "servers: [192.168.0.9]\nhealthcheck: {port: 4000}\n" }),
  mrsk("hooks", "service: hey\n", { files: { ...dotenv, ".mrsk/hooks/pre-deploy": "#!/bin/sh\n", ".mrsk/hooks/pre-traefik-reboot": "#!/bin/sh\n" } }),
  mrsk("Ruby that reads .env", "labels:\n  key: <%= ENV[\"RAILS_MASTER_KEY\"] %>\n", { env: { RAILS_MASTER_KEY: "secret123" } }),
  mrsk("variables of .env alone", "labels:\n  key: <%= ENV[\"RAILS_MASTER_KEY\"] %>\n  <%= ENV[\"NAME\"] %>: a<%= ENV.fetch(\"OTHER\") %>\n  own: <%= ENV[\"OWN\"] || 'x' %>\nretain_containers: <%= ENV[\"KEEP\"] %>\n", { files: { ".env": "RAILS_MASTER_KEY=1\nNAME=n\nOTHER=${NAME}$(echo e)\nKEEP=3\nOWN=file\n", ".env.qa": "RAILS_MASTER_KEY=2\n" }, env: { OWN: "own" }, qa: "labels:\n  two: <%= `echo #{ENV['OTHER']}`.strip %>\n" }),
  { name: "a template that loads .env", whole: true, yaml: `<% require "dotenv"; Dotenv.load(".env") %>\n${shop}labels: {a: <%= ENV["FROM_FILE"] %>}\n`, files: { ".env": "FROM_FILE=f\n", ".kamal/secrets": "" } },
  { name: "M3 a healthcheck beside keys of Kamal 2", yaml: "healthcheck: {path: /healthz, port: 4000}" },
];

export const fixtures: readonly Fixture[] = [...kamal, ...readme];
