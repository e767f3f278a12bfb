import type { Case } from "./case.ts";

const project = (more = ""): { readonly files: Record<string, string | undefined> } => ({
  files: {
    ".kamal/secrets": undefined, ".kamal/secrets.qa": undefined, ".env": "API_KEY=k1\n", ".env.qa": "API_KEY=k2\n",
    "config/deploy.yml": `service: shop\nimage: acme/shop\nregistry: {username: bot, password: pw}\nservers:\n  web: [10.0.0.1]\n  jobs: {hosts: [10.0.0.2], cmd: bin/work}\nenv: {secret: [API_KEY]}\nstop_wait_time: 30\nhealthcheck: {path: /healthz, port: 4000}\n${more}`,
  },
});

export const mrskCases: readonly Case[] = [
  {
    name: "M1 Traefik with defaults",
    tries: [
      { ...project(), argv: "traefik boot", prints: [/docker run --detach --name traefik --restart unless-stopped --network kamal --publish 80:80 .*--log-opt max-size=10m traefik:v2\.11 /], never: { "10.0.0.1": ["docker.sock"] } },
      { ...project("traefik: {image: 'traefik:v2.9', host_port: 8080, args: {accesslog: true, accesslog.format: json}, options: {cpus: 2}}\n"), argv: "traefik boot", prints: [/--publish 8080:80 /, /--cpus 2 /, / traefik:v2\.9 /, / --accesslog --accesslog\.format=json /] },
    ],
    better: ["Traefik does not get Docker's socket, which is root on the host: capstan writes its routes as files and sees in its API that they are taken. The default is the last Traefik of version 2."],
  },
  {
    name: "healthcheck alone is healthcheck perform",
    tries: [{ ...project(), argv: "healthcheck --version 77", hosts: ["10.0.0.1"], prints: ["healthcheck-shop-77"] }],
  },
  {
    name: "M3 app container",
    tries: [{
      ...project(), argv: "app boot --version 77",
      runs: {
        "10.0.0.1": ["docker run --detach --restart unless-stopped --name shop-web-77 --network kamal --hostname 10.0.0.1-HEX12 --env KAMAL_CONTAINER_NAME=shop-web-77 --env KAMAL_VERSION=77 --env KAMAL_HOST=10.0.0.1 --env-file .kamal/apps/shop/env/roles/web.env --log-opt max-size=10m --label service=shop --label role=web --label destination --label traefik.enable=false acme/shop:77"],
        "10.0.0.2": ["docker run --detach --restart unless-stopped --name shop-jobs-77 --network kamal --hostname 10.0.0.2-HEX12 --env KAMAL_CONTAINER_NAME=shop-jobs-77 --env KAMAL_VERSION=77 --env KAMAL_HOST=10.0.0.2 --env-file .kamal/apps/shop/env/roles/jobs.env --log-opt max-size=10m --label service=shop --label role=jobs --label destination --label traefik.enable=false acme/shop:77 bin/work"],
      },
      prints: ["GET http://shop-web-77:4000/healthz"], never: { "10.0.0.1": ["k1"], "10.0.0.2": ["k1"] },
    }],
    better: ["Secrets are in a file of mode 0600 instead of the command line, and capstan asks the container for its health itself: the image needs no curl."],
  },
  {
    name: "M4 healthcheck container",
    tries: [{ ...project(), argv: "healthcheck perform -d qa --version 77", files: { ...project().files, "config/deploy.qa.yml": "" }, runs: { "10.0.0.1": ["docker run --detach --name healthcheck-shop-qa-77 --network kamal --label service=healthcheck-shop-qa --env KAMAL_CONTAINER_NAME=healthcheck-shop-qa --env KAMAL_VERSION=77 --env KAMAL_HOST=10.0.0.1 --env KAMAL_DESTINATION=qa --env-file .kamal/apps/shop-qa/env/roles/web.env acme/shop:77"] }, prints: ["GET http://healthcheck-shop-qa-77:4000/healthz"], never: { "10.0.0.1": ["--publish"] } }],
    better: ["No port of the host is taken: the container is asked in its network. It knows version, host and destination as the app's own does."],
  },
  {
    name: "M5 lock and audit",
    tries: [
      { ...project(), argv: "app stop --version 70", runs: { "10.0.0.1": ["docker container ls --all --filter 'name=^shop-web-70$' --quiet | xargs docker stop -t 30"] } },
      { ...project(), argv: "app boot --version 77 -r web", prints: [".kamal/shop-audit.log"] },
    ],
    better: ["Lock and audit log have Kamal 2's places. `capstan upgrade` moves a host over."],
  },
];
