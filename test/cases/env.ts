import type { Case } from "./case.ts";

const start = (role: string, host: string, clear: string, image: string): string =>
  `docker run --detach --restart unless-stopped --name shop-${role}-77 --network kamal --hostname ${host}-HEX12 --env KAMAL_CONTAINER_NAME="shop-${role}-77" --env KAMAL_VERSION="77" --env KAMAL_HOST="${host}" ${clear} --env-file .kamal/apps/shop/env/roles/${role}.env --log-opt max-size="10m" --label service="shop" --label role="${role}" --label destination ${image}`;
const web = (clear: string, host = "10.0.0.1"): string => start("web", host, clear, "acme/shop:77");
const boot = "app boot --version 77";

export const envCases: readonly Case[] = [
  {
    name: "B1 scalars",
    tries: [{
      argv: "app boot --version 77 -r web",
      files: { "config/deploy.yml": `service: shop\nimage: acme/shop\nregistry: {username: bot, password: pw}\nbuilder: {arch: amd64}\nservers: {web: [10.0.0.1]}\nenv: {PORT: 3000, FLAG: true, OFF: false, NAME: "a b", EMPTY: ""}\n` },
      runs: { "10.0.0.1": [web(`--env PORT="3000" --env FLAG="true" --env OFF=false --env NAME="a b" --env EMPTY=`)] },
    }],
    better: ["A bare `--env EMPTY` would take the value from the environment of the host's login shell: here an empty variable is empty."],
  },
  {
    name: "B3 role and tag layering",
    tries: [{
      argv: boot, files: {
        ".kamal/secrets": "API_KEY=k1\nEU_KEY=e1\n",
        "config/deploy.yml": `service: shop
image: acme/shop
registry: {username: bot, password: pw}
builder: {arch: amd64}
env:
  clear: {MODE: base, CACHE: "off", LEVEL: "1"}
  secret: [API_KEY]
  tags:
    big: {LEVEL: "2", SIZE: xl}
    eu: {clear: {SIZE: eu, ZONE: eu}, secret: [EU_KEY]}
servers:
  web: [{10.0.0.1: [big, eu]}, 10.0.0.3]
  jobs: {hosts: [{10.0.0.2: eu}], cmd: bin/work, env: {CACHE: "on", ZONE: none}}
`,
      },
      runs: {
        "10.0.0.1": [web(`--env MODE="base" --env CACHE="off" --env LEVEL="2" --env SIZE="eu" --env ZONE="eu"`)],
        "10.0.0.3": [web(`--env MODE="base" --env CACHE="off" --env LEVEL="1"`, "10.0.0.3")],
        "10.0.0.2": [start("jobs", "10.0.0.2", `--env MODE="base" --env CACHE="on" --env LEVEL="1" --env ZONE="eu" --env SIZE="eu"`, "acme/shop:77 bin/work")],
      },
    }],
  },
  {
    name: "B6 shell metacharacters in clear values",
    tries: [{
      argv: `${boot} -r web`,
      yaml: "env: {clear: {A: '${REGION}-x', B: '$HOME', C: '`id`', D: 'say \"hi\"', E: 'a\\b', F: '$(id)'}}",
      runs: { "10.0.0.1": [web('--env A="${REGION}-x" --env B="\\$HOME" --env C="\\`id\\`" --env D="say \\"hi\\"" --env E="a\\\\b" --env F="\\$(id)"')] },
    }],
  },
  { name: "B7 env file text", tries: [{ argv: `${boot}`, files: { ".kamal/secrets": undefined, ".kamal/secrets-common": "API_KEY=k1\n" }, writes: { "10.0.0.1": [".kamal/apps/shop/env/roles/web.env 0600"], "10.0.0.2": [".kamal/apps/shop/env/roles/jobs.env 0600"] }, never: { "10.0.0.1": ["k1"] } }], elsewhere: ["test/remote/files.test.ts: B7: lines are escaped like C strings"] },
];
