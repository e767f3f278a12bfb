import type { Case } from "./case.ts";

const proxyState = (target: string) => ({ running: true, image: "basecamp/kamal-proxy:v0.9.2", routes: [{ name: "shop-web", targets: [target], mode: "live" }] });
const container = (role: string, version: string, id: string, state = "running") => ({ id, name: `shop-${role}-${version}`, role, version, state, status: "Up 3 hours", image: `acme/shop:${version.replace(/_.*/, "")}` });
const host = (containers: readonly ReturnType<typeof container>[], proxy?: unknown) => ({ docker: "20.10.24", network: true, ...(proxy === undefined ? {} : { proxy }), containers, images: [] });

const start = (name: string, rest: string): string => `docker run --detach --restart unless-stopped --name ${name} --network kamal ${rest}`;
const web = (more: string, image = "acme/shop:77"): string =>
  start("shop-web-77", `--hostname 10.0.0.1-HEX12 --env KAMAL_CONTAINER_NAME="shop-web-77" --env KAMAL_VERSION="77" --env KAMAL_HOST="10.0.0.1" --env-file .kamal/apps/shop/env/roles/web.env ${more} ${image}`);
const labels = (role: string): string => `--label service="shop" --label role="${role}" --label destination`;
const jobs = (more: string): string =>
  start("shop-jobs-77", `--hostname 10.0.0.2-HEX12 --env KAMAL_CONTAINER_NAME="shop-jobs-77" --env KAMAL_VERSION="77" --env KAMAL_HOST="10.0.0.2" --env-file .kamal/apps/shop/env/roles/jobs.env ${more} acme/shop:77 bin/work`);
const boot = "app boot --version 77";
const current = (format: string, destination: string, tag: string): string =>
  `docker ps --latest ${format} --filter label=service=shop --filter label=destination=${destination} --filter label=role=web --filter status=running --filter status=restarting --filter ancestor=$(docker image ls --filter reference=acme/shop:${tag} --format '\\''{{.ID}}'\\'') ; docker ps --latest ${format} --filter label=service=shop --filter label=destination=${destination} --filter label=role=web --filter status=running --filter status=restarting`;

export const appCases: readonly Case[] = [
  { name: "A1 plain run of the primary role", tries: [{ argv: boot, runs: { "10.0.0.1": [web(`--log-opt max-size="10m" ${labels("web")}`)] } }, { argv: "deploy -P --version 77", runs: { "10.0.0.1": [web(`--log-opt max-size="10m" ${labels("web")}`)] } }] },
  { name: "A2 other role with cmd and docker options", tries: [{ yaml: "servers: {jobs: {options: {memory: 1g, init: true}}}", argv: boot, runs: { "10.0.0.2": [jobs(`--log-opt max-size="10m" ${labels("jobs")} --memory "1g" --init`)] } }] },
  {
    name: "A3 destination",
    tries: [{
      argv: `${boot} -d qa`,
      runs: { "10.0.0.1": [start("shop-web-qa-77", `--hostname 10.0.0.1-HEX12 --env KAMAL_CONTAINER_NAME="shop-web-qa-77" --env KAMAL_VERSION="77" --env KAMAL_HOST="10.0.0.1" --env KAMAL_DESTINATION="qa" --env-file .kamal/apps/shop-qa/env/roles/web.env --log-opt max-size="10m" --label service="shop" --label role="web" --label destination="qa" acme/shop:77`)] },
      writes: { "10.0.0.1": [".kamal/apps/shop-qa/env/roles/web.env 0600"], "10.0.0.2": [".kamal/apps/shop-qa/env/roles/jobs.env 0600"] },
    }],
  },
  {
    name: "A5 volumes and asset path",
    tries: [{
      yaml: `volumes: ["media:/media"]\nasset_path: /srv/assets:ro`, argv: boot,
      runs: {
        "10.0.0.1": [web(`--log-opt max-size="10m" --volume media:/media --volume $PWD/.kamal/apps/shop/assets/volumes/web-77:/srv/assets:ro ${labels("web")}`)],
        "10.0.0.2": [jobs(`--log-opt max-size="10m" --volume media:/media ${labels("jobs")}`)],
      },
    }],
  },
  {
    name: "A6 logging merge",
    tries: [
      { yaml: "logging: {driver: journald, options: {tag: shop, env: A}}\nservers: {jobs: {logging: {options: {tag: jobs}}}}", argv: boot, runs: { "10.0.0.1": [web(`--log-driver "journald" --log-opt tag="shop" --log-opt env="A" ${labels("web")}`)], "10.0.0.2": [jobs(`--log-driver "journald" --log-opt tag="jobs" --log-opt env="A" ${labels("jobs")}`)] } },
    ],
  },
  { name: "A7 label merge and order", tries: [{ yaml: `labels: {team: core, tier: front}\nservers: {web: {hosts: [10.0.0.1], labels: {tier: edge, note: "a b"}}}`, argv: boot, runs: { "10.0.0.1": [web(`--log-opt max-size="10m" ${labels("web")} --label team="core" --label tier="edge" --label note="a b"`)] } }] },
  {
    name: "A8 container host name from long host names",
    tries: [
      ["frontend-node-seventeen.cluster-nine.eu-central.example.net", "frontend-node-seventeen.cluster-nine.eu-central.exa-HEX12"],
      ["worker-pool-alpha-number-twenty-three.internal-net.example.org", "worker-pool-alpha-number-twenty-three.internal-net-HEX12"],
    ].map(([name = "", hostname]) => ({
      yaml: `servers: {web: [${name}]}`, argv: boot,
      runs: { [name]: [start("shop-web-77", `--hostname ${hostname} --env KAMAL_CONTAINER_NAME="shop-web-77" --env KAMAL_VERSION="77" --env KAMAL_HOST="${name}" --env-file .kamal/apps/shop/env/roles/web.env --log-opt max-size="10m" ${labels("web")} acme/shop:77`)] },
    })),
  },
  {
    name: "A10 deploying a version that already has a container",
    tries: ["running", "exited"].map((state) => ({
      argv: `${boot} -r web`, facts: { "10.0.0.1": host([container("web", "77", "aaaaaaaaaaaa", state)], proxyState("aaaaaaaaaaaa:80")) },
      runs: {
        "10.0.0.1": [
          `mkdir -p .kamal && echo "[TIME] [ann@example.com] [web] Renaming container 77 to 77_replaced_HEX16" >> .kamal/shop-audit.log`,
          "docker rename shop-web-77 shop-web-77_replaced_HEX16",
          web(`--log-opt max-size="10m" ${labels("web")}`),
          ...(state === "running" ? ["docker container ls --all --filter 'name=^shop-web-77_replaced_HEX16$' --quiet | xargs docker stop"] : []),
        ],
      },
    })),
  },
  {
    name: "A11 current version query with destination",
    tries: [
      { argv: "app version -d qa -r web", runs: { "10.0.0.1": [`sh -c '${current("--format '\\''{{.Names}}'\\''", "qa", "latest-qa")}' | head -1 | while read line; do echo \${line#shop-web-qa-}; done`] } },
      { argv: "app logs -d qa -r web -T", runs: { "10.0.0.1": [`sh -c '${current("--quiet", "qa", "latest-qa")}' | head -1 | xargs docker logs --tail 100 2>&1`] } },
    ],
    better: ["`app version` itself asks the proxy which container it sends requests to, and Docker only where the proxy does not know: after a deploy that was cut off the newest container is not the one that serves."],
  },
  {
    name: "A12 stale containers",
    tries: [
      { argv: "app stale-containers -r web", runs: { "10.0.0.1": ['docker ps --filter label=service=shop --filter label=destination= --filter label=role=web --format "{{.Names}}" | while read line; do echo ${line#shop-web-}; done'] }, never: { "10.0.0.1": ["stop"] } },
      {
        argv: "app stale-containers --stop -r web",
        facts: { "10.0.0.1": host([container("web", "77", "aaaaaaaaaaaa"), container("web", "75", "bbbbbbbbbbbb"), container("web", "74_replaced_0011223344556677", "cccccccccccc")], proxyState("aaaaaaaaaaaa:80")) },
        runs: { "10.0.0.1": ["docker container ls --all --filter 'name=^shop-web-75$' --quiet | xargs docker stop", "docker container ls --all --filter 'name=^shop-web-74_replaced_HEX16$' --quiet | xargs docker stop"] },
        never: { "10.0.0.1": ["shop-web-77"] },
      },
    ],
  },
  {
    name: "A13 docker stop timeout",
    tries: ([["", "", " -t 30"], ["drain_timeout: 12", "", " -t 12"], ["stop_timeout: 45\nservers: {jobs: {stop_timeout: 90}}", " -t 45", " -t 90"]] as const).map(([yaml, ofWeb, ofJobs]) => ({
      yaml, argv: "app stop --version 70",
      runs: {
        "10.0.0.1": [`docker container ls --all --filter 'name=^shop-web-70$' --quiet | xargs docker stop${ofWeb}`],
        "10.0.0.2": [`docker container ls --all --filter 'name=^shop-jobs-70$' --quiet | xargs docker stop${ofJobs}`],
      },
    })),
  },
  {
    name: "boot and start of a version that nobody names",
    tries: [
      { argv: "app boot -r web", runs: { "10.0.0.1": ["docker pull acme/shop:latest", start("shop-web-latest", `--hostname 10.0.0.1-HEX12 --env KAMAL_CONTAINER_NAME="shop-web-latest" --env KAMAL_VERSION="latest" --env KAMAL_HOST="10.0.0.1" --env-file .kamal/apps/shop/env/roles/web.env --log-opt max-size="10m" ${labels("web")} acme/shop:latest`)] } },
      { argv: "app boot -d qa -r web", runs: { "10.0.0.1": ["docker pull acme/shop:latest-qa", "docker tag acme/shop:latest-qa acme/shop:latest-qa"] } },
      { argv: "app start -r jobs", env: { VERSION: "v9" }, runs: { "10.0.0.2": ["docker start shop-jobs-v9"] } },
    ],
    better: ["With a look at the hosts it is the version in place, which has a name of its own: `shop-web-latest` would say nothing of what is in it, and no rollback goes there."],
  },
  {
    name: "F1 new container",
    tries: [
      { yaml: "servers: {web: {hosts: [10.0.0.1], options: {restart: always, cap-add: SYS_PTRACE}}}", argv: `app exec --version 77 "bin/check all" -r web`, runs: { "10.0.0.1": ['docker run --rm --name shop-web-exec-77-XXXXXX --network kamal --env-file .kamal/apps/shop/env/roles/web.env --log-opt max-size="10m" --cap-add "SYS_PTRACE" acme/shop:77 bin/check all'] }, never: { "10.0.0.1": ["--restart"] } },
      { argv: `app exec "bin/check all" -r web`, runs: { "10.0.0.1": ['docker run --rm --name shop-web-exec-latest-XXXXXX --network kamal --env-file .kamal/apps/shop/env/roles/web.env --log-opt max-size="10m" acme/shop:latest bin/check all'] } },
      { argv: `app exec --detach --version 77 "bin/check all" -r web`, runs: { "10.0.0.1": ['docker run --detach --name shop-web-exec-77-XXXXXX --network kamal --env-file .kamal/apps/shop/env/roles/web.env --log-opt max-size="10m" acme/shop:77 bin/check all'] }, never: { "10.0.0.1": ["--rm"] } },
    ],
  },
  { name: "F2 existing container with env", tries: [{ argv: "app exec --reuse --version 77 -r web -e A:1 B:two env", runs: { "10.0.0.1": ['docker exec --env A="1" --env B="two" shop-web-77 env'] } }, { argv: "app exec --reuse --version 77 -r web -e A:1 rake db:migrate", runs: { "10.0.0.1": ['docker exec --env A="1" shop-web-77 rake db:migrate'] } }] },
  {
    name: "F3 interactive",
    tries: [{ yaml: "ssh: {user: deploy, port: 2222}", argv: "app exec -i --version 77 bash", runs: { "10.0.0.1": ['docker run -i --rm --name shop-web-exec-77-XXXXXX --network kamal --env-file .kamal/apps/shop/env/roles/web.env --log-opt max-size="10m" acme/shop:77 bash'] } }],
    better: ["Kamal becomes `ssh -t`; here the session runs over the connection that is open already. With a terminal it is `docker run -it`: test/lab/interactive.test.ts."],
  },
  {
    name: "F4 logs",
    tries: [
      { argv: "app logs -r web", runs: { "10.0.0.1": [`sh -c '${current("--quiet", "", "latest")}' | head -1 | xargs docker logs --timestamps --tail 100 2>&1`] } },
      { argv: `app logs -r web -g ERR --grep-options "-A 1"`, runs: { "10.0.0.1": [`sh -c '${current("--quiet", "", "latest")}' | head -1 | xargs docker logs --timestamps 2>&1 | grep 'ERR' -A 1`] } },
      { argv: "app logs -r web -s 5m -n 20 -T", runs: { "10.0.0.1": [`sh -c '${current("--quiet", "", "latest")}' | head -1 | xargs docker logs --since 5m --tail 20 2>&1`] } },
      { argv: "app logs -r web --container-id abc", runs: { "10.0.0.1": ["docker logs --timestamps --tail 100 abc 2>&1"] } },
    ],
    better: ["The id of a container needs no shell around it: `docker logs … abc` for `sh -c 'echo abc' | xargs docker logs …`."],
  },
  {
    name: "F6 ssh command line", tries: [],
    elsewhere: ["test/config/yaml/fixtures.ts: F6", "test/world/host-config.test.ts: keysOnly leaves no other files", "test/world/sshd.test.ts: a host behind the jump host"],
    better: ["There is no `ssh` program behind a session: keys, jump hosts and config files count for every connection alike."],
  },
];
