import type { Case } from "./case.ts";

const secrets = { ".kamal/secrets": "API_KEY=k1\nREDIS_PW=r1\n" };
const cache = `accessories:
  cache:
    image: redis:7
    host: 10.0.0.9
    port: 6379
    env: {clear: {MODE: x}, secret: [REDIS_PW]}
    directories: ["data:/data"]
    options: {memory: 256m}`;
const runCache = `docker run --name shop-cache --detach --restart unless-stopped --network kamal --log-opt max-size="10m" --publish 6379:6379 --env KAMAL_HOST="10.0.0.9" --env MODE="x" --env-file .kamal/apps/shop/env/accessories/cache.env --volume $PWD/shop-cache/data:/data --label service="shop-cache" --memory "256m" redis:7`;
const host = (accessories: readonly unknown[]) => ({ docker: "20.10.24", network: true, containers: [], accessories, images: [] });

export const accessoryCases: readonly Case[] = [
  { name: "E1 run", tries: [{ argv: "accessory boot cache", yaml: cache, files: secrets, hosts: ["10.0.0.9"], runs: { "10.0.0.9": ["mkdir -p $PWD/shop-cache/data", runCache] }, writes: { "10.0.0.9": [".kamal/apps/shop/env/accessories/cache.env 0600"] } }] },
  {
    name: "E2 files and directories",
    tries: [{
      argv: "accessory boot db", files: { "config/my.cnf": "[mysqld]\n", "k.pem": "key\n" },
      yaml: `accessories:
  db:
    image: mysql:8
    host: 10.0.0.9
    volumes: ["extra:/extra"]
    files:
      - config/my.cnf:/etc/mysql/my.cnf:ro
      - {local: k.pem, remote: /etc/k.pem, mode: "0600", owner: "999:999"}
    directories:
      - /var/db:/var/lib/mysql
      - {local: logs, remote: /var/log/mysql, mode: "0750", owner: "999:999", options: z}`,
      runs: {
        "10.0.0.9": [
          "mkdir -p /var/db", "mkdir -p $PWD/shop-db/logs", "chmod 0750 $PWD/shop-db/logs", "chown 999:999 $PWD/shop-db/logs", "mkdir -p shop-db/etc/mysql", "mkdir -p shop-db/etc", "chown 999:999 $PWD/shop-db/etc/k.pem",
          `docker run --name shop-db --detach --restart unless-stopped --network kamal --log-opt max-size="10m" --env KAMAL_HOST="10.0.0.9" --env-file .kamal/apps/shop/env/accessories/db.env --volume extra:/extra --volume $PWD/shop-db/etc/mysql/my.cnf:/etc/mysql/my.cnf:ro --volume $PWD/shop-db/etc/k.pem:/etc/k.pem --volume /var/db:/var/lib/mysql --volume $PWD/shop-db/logs:/var/log/mysql:z --label service="shop-db" mysql:8`,
        ],
      },
      writes: { "10.0.0.9": ["shop-db/etc/mysql/my.cnf 755", "shop-db/etc/k.pem 0600", ".kamal/apps/shop/env/accessories/db.env 0600"] },
    }],
  },
  {
    name: "E3 own name, registry, network, restart",
    tries: [{
      argv: "accessory boot box",
      yaml: `accessories:
  box:
    service: toolbox
    image: acme/box:1
    host: 10.0.0.9
    registry: {server: reg.other, username: u, password: p}
    network: back
    cmd: sleep 99
    labels: {app: x}
    options: {restart: "no", init: true}`,
      runs: { "10.0.0.9": ["docker login reg.other --username u --password-stdin", `docker run --name toolbox --detach --restart no --network back --log-opt max-size="10m" --env KAMAL_HOST="10.0.0.9" --env-file .kamal/apps/shop/env/accessories/box.env --label service="toolbox" --label app="x" --init reg.other/acme/box:1 sleep 99`] },
    }],
    better: ["The password is on standard input: `docker login -p` shows it to every user of the host."],
  },
  {
    name: "E4 booting twice",
    tries: [{
      argv: "accessory boot cache", yaml: cache, files: secrets, facts: { "10.0.0.9": host([{ id: "aaaaaaaaaaaa", service: "shop-cache", state: "exited", status: "Exited (0)", image: "redis:7" }]) },
      runs: { "10.0.0.9": ["mkdir -p $PWD/shop-cache/data"] }, never: { "10.0.0.9": ["docker run"] }, prints: [/"type":"note","text":"[^"]*cache[^"]*10\.0\.0\.9/],
    }],
  },
  {
    name: "E5 reboot order",
    tries: [{
      argv: "accessory reboot cache", yaml: cache, files: secrets,
      runs: { "10.0.0.9": ["docker login --username bot --password-stdin", "docker image pull redis:7", "docker container stop shop-cache", "docker container prune --force --filter label=service=shop-cache", runCache] },
    }],
  },
  {
    name: "a template as a file",
    tries: [{
      argv: "accessory boot db", yaml: "accessories: {db: {image: mysql:8, host: 10.0.0.9, env: {clear: {PORT: 1}}, files: [config/my.cnf.erb:/etc/mysql/my.cnf]}}", files: { "config/my.cnf.erb": 'port=<%= ENV["PORT"] %>\n' },
      writes: { "10.0.0.9": ["shop-db/etc/mysql/my.cnf 755", ".kamal/apps/shop/env/accessories/db.env 0600"] }, runs: { "10.0.0.9": ["mkdir -p shop-db/etc/mysql"] },
    }],
  },
  {
    name: "log and details",
    tries: [
      { argv: "accessory logs cache", yaml: cache, files: secrets, runs: { "10.0.0.9": ["docker logs shop-cache --tail 100 --timestamps 2>&1"] } },
      { argv: 'accessory logs cache -s 1h -g ERR --grep_options "-A 1" -T', yaml: cache, files: secrets, runs: { "10.0.0.9": ["docker logs shop-cache --since 1h 2>&1 | grep 'ERR' -A 1"] } },
      { argv: "accessory logs cache -f", yaml: cache, files: secrets, runs: { "10.0.0.9": ["docker logs shop-cache --timestamps --tail 10 --follow 2>&1"] } },
      { argv: "accessory details cache", yaml: cache, files: secrets, runs: { "10.0.0.9": ["docker ps --filter label=service=shop-cache"] } },
    ],
  },
  {
    name: "E7 host selection errors",
    tries: [
      { argv: "accessory boot cache", yaml: "accessories: {cache: {image: redis:7, host: 10.0.0.9, roles: [web]}}", status: 3, complains: ["accessories.cache.roles: expected only one of host, hosts, role, roles, tag or tags, found host and roles"] },
      { argv: "accessory boot cache", yaml: "accessories: {cache: {image: redis:7}}", status: 3, complains: ["accessories.cache.host: is missing: expected one of host, hosts, role, roles, tag or tags"] },
      { argv: "accessory boot cache", yaml: "accessories: {cache: {image: redis:7, role: ghosts}}", status: 3, complains: [/accessories\.cache.*ghosts/] },
    ],
  },
];
