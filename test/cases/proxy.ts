import type { Case } from "./case.ts";

const target = `--target="$id:80"`;
const rest = `--deploy-timeout="30s" --drain-timeout="30s" --buffer-requests --buffer-responses --log-request-header="Cache-Control" --log-request-header="Last-Modified" --log-request-header="User-Agent"`;
const deploy = (flags: string, name = "shop-web"): string => `docker exec kamal-proxy kamal-proxy deploy ${name} ${flags}`;
const boot = "app boot --version 77";
const id = ["C: the id of the new container is asked for on the host, in the same command."];

export const proxyCases: readonly Case[] = [
  { name: "C1 defaults", tries: [{ argv: boot, runs: { "10.0.0.1": ["id=$(docker container ls --all --filter 'name=^shop-web-77$' --quiet)", deploy(`${target} ${rest}`)] } }], better: id },
  {
    name: "C2 every scalar option",
    tries: [{
      argv: boot,
      yaml: `deploy_timeout: 12
drain_timeout: 8
proxy:
  host: shop.example
  app_port: 3000
  response_timeout: 20
  forward_headers: true
  ssl: false
  ssl_redirect: false
  healthcheck: {path: /ping, interval: 2, timeout: 4}
  buffering: {requests: true, responses: false, memory: 100, max_request_body: 200, max_response_body: 0}
  logging: {request_headers: [X-A], response_headers: [X-B, X-C]}`,
      runs: { "10.0.0.1": [deploy(`--target="$id:3000" --host="shop.example" --deploy-timeout="12s" --drain-timeout="8s" --health-check-interval="2s" --health-check-timeout="4s" --health-check-path="/ping" --target-timeout="20s" --buffer-requests --buffer-responses="false" --buffer-memory="100" --max-request-body="200" --max-response-body="0" --forward-headers --tls-redirect="false" --log-request-header="X-A" --log-response-header="X-B" --log-response-header="X-C"`)] },
    }],
  },
  {
    name: "C3 SSL with several names",
    tries: [`proxy: {ssl: true, host: "a.example,b.example"}`, "proxy: {ssl: true, hosts: [a.example, b.example]}"].map((yaml) => ({ argv: boot, yaml, runs: { "10.0.0.1": [deploy(`${target} --host="a.example" --host="b.example" --tls ${rest}`)] } })),
  },
  {
    name: "C4 role map over root map",
    tries: [{
      argv: boot, files: { "config/deploy.yml": `service: shop
image: acme/shop
registry: {username: bot, password: pw}
builder: {arch: amd64}
proxy: {host: shop.example, response_timeout: 10, healthcheck: {path: /up, interval: 5}}
servers:
  web: [10.0.0.1]
  api: {hosts: [10.0.0.2], proxy: {host: api.example, healthcheck: {path: /api/up}}}
` },
      runs: {
        "10.0.0.1": [deploy(`${target} --host="shop.example" --deploy-timeout="30s" --drain-timeout="30s" --health-check-interval="5s" --health-check-path="/up" --target-timeout="10s" --buffer-requests --buffer-responses --log-request-header="Cache-Control" --log-request-header="Last-Modified" --log-request-header="User-Agent"`)],
        "10.0.0.2": [deploy(`${target} --host="api.example" --deploy-timeout="30s" --drain-timeout="30s" --health-check-interval="5s" --health-check-path="/api/up" --target-timeout="10s" --buffer-requests --buffer-responses --log-request-header="Cache-Control" --log-request-header="Last-Modified" --log-request-header="User-Agent"`, "shop-api")],
      },
    }],
  },
  { name: "C5 path prefixes", tries: [{ argv: boot, yaml: `proxy: {host: shop.example, path_prefix: "/api,/auth", strip_path_prefix: false}`, runs: { "10.0.0.1": [deploy(`${target} --host="shop.example" --deploy-timeout="30s" --drain-timeout="30s" --buffer-requests --buffer-responses --path-prefix="/api" --path-prefix="/auth" --strip-path-prefix="false" --log-request-header="Cache-Control" --log-request-header="Last-Modified" --log-request-header="User-Agent"`)] } }] },
  {
    name: "C7 labels of Traefik that stayed are labels like any other",
    tries: [
      { argv: boot, yaml: 'labels: {"traefik.http.routers.x.rule": "Host(`a.example`)"}', runs: { "10.0.0.1": [deploy(`${target} ${rest}`)] }, prints: ["--label 'traefik.http.routers.x.rule=Host(`a.example`)'"] },
      { argv: boot, yaml: 'servers: {web: {hosts: [10.0.0.1], labels: {"traefik.odd": "1"}}, jobs: {labels: {"traefik.http.routers.j.rule": "PathPrefix(`/j`)"}}}', runs: { "10.0.0.1": [deploy(`${target} ${rest}`)] }, never: { "10.0.0.2": ["kamal-proxy"] }, prints: ["--label traefik.odd=1"] },
      { argv: `${boot} -d qa`, yaml: 'labels: {"traefik.http.routers.x.rule": "Host(`a.example`)"}', files: { "config/deploy.qa.yml": "servers: {web: [10.0.0.7]}\n" }, hosts: ["10.0.0.7", "10.0.0.2"], prints: ["kamal-proxy deploy shop-web-qa "] },
      { argv: boot, files: { "config/deploy.yml": 'service: shop\nimage: acme/shop\nregistry: {username: bot, password: pw}\nbuilder: {arch: amd64}\nservers: [10.0.0.1]\nlabels: {"traefik.http.routers.x.rule": "Host(`a.example`)"}\n' }, runs: { "10.0.0.1": [deploy(`${target} ${rest}`)] } },
    ],
  },
  {
    name: "C6 own certificate",
    tries: [{
      argv: boot, yaml: "servers: {web: [10.0.0.1, 10.0.0.3]}\nproxy: {host: shop.example, ssl: {certificate_pem: CERT, private_key_pem: KEY}}", files: { ".kamal/secrets": "API_KEY=k1\nCERT=c\nKEY=k\n" },
      runs: Object.fromEntries(["10.0.0.1", "10.0.0.3"].map((host) => [host, [
        "mkdir -p .kamal/proxy/apps-config/shop/tls/web",
        deploy(`${target} --host="shop.example" --tls --tls-certificate-path="/home/kamal-proxy/.apps-config/shop/tls/web/cert.pem" --tls-private-key-path="/home/kamal-proxy/.apps-config/shop/tls/web/key.pem" ${rest}`),
      ]])),
      writes: { "10.0.0.1": [".kamal/apps/shop/env/roles/web.env 0600", ".kamal/proxy/apps-config/shop/tls/web/cert.pem 0644", ".kamal/proxy/apps-config/shop/tls/web/key.pem 0644"] },
    }],
  },
  {
    name: "D1 boot without proxy.run",
    tries: [{
      argv: "proxy boot",
      runs: {
        "10.0.0.1": [
          "docker login --username bot --password-stdin",
          "mkdir -p .kamal/proxy/apps-config",
          `docker container start kamal-proxy || echo $(cat .kamal/proxy/options 2> /dev/null || echo "--publish 80:80 --publish 443:443 --log-opt max-size=10m") $(cat .kamal/proxy/image 2> /dev/null || echo "basecamp/kamal-proxy"):$(cat .kamal/proxy/image_version 2> /dev/null || echo "v0.9.2") $(cat .kamal/proxy/run_command 2> /dev/null || echo "") | xargs docker run --name kamal-proxy --network kamal --detach --restart unless-stopped --volume kamal-proxy-config:/home/kamal-proxy/.config/kamal-proxy --volume $PWD/.kamal/proxy/apps-config:/home/kamal-proxy/.apps-config`,
        ],
      },
    }],
  },
  {
    name: "D2 boot with proxy.run",
    tries: [{
      argv: "proxy boot",
      yaml: `proxy:
  run:
    http_port: 8080
    https_port: 8443
    log_max_size: 5m
    debug: true
    metrics_port: 9100
    registry: reg.example:5000
    options: {cpus: 2, label: [a=b, c=d]}`,
      runs: { "10.0.0.1": [`docker container start kamal-proxy || docker run --name kamal-proxy --network kamal --detach --restart unless-stopped --volume kamal-proxy-config:/home/kamal-proxy/.config/kamal-proxy --volume $PWD/.kamal/proxy/apps-config:/home/kamal-proxy/.apps-config --publish 8080:80 --publish 8443:443 --log-opt max-size=5m --expose=9100 --cpus "2" --label "a=b" --label "c=d" reg.example:5000/basecamp/kamal-proxy:v0.9.2 kamal-proxy run --debug --metrics-port "9100"`] },
    }],
  },
  {
    name: "a proxy run in another way on another host",
    tries: [
      {
        argv: "proxy boot", yaml: "servers: {web: {hosts: [10.0.0.1], proxy: {run: {http_port: 8080}}}, api: {hosts: [10.0.0.5], proxy: {host: b.example, run: {http_port: 81, bind_ips: [\"::1\"]}}}}",
        runs: Object.fromEntries([["10.0.0.1", "--publish 8080:80 --publish 443:443"], ["10.0.0.5", "--publish '[::1]:81:80' --publish '[::1]:443:443'"]].map(([host = "", publish]) => [host, [
          `docker container start kamal-proxy || docker run --name kamal-proxy --network kamal --detach --restart unless-stopped --volume kamal-proxy-config:/home/kamal-proxy/.config/kamal-proxy --volume $PWD/.kamal/proxy/apps-config:/home/kamal-proxy/.apps-config ${publish} --log-opt max-size=10m basecamp/kamal-proxy:v0.9.2 kamal-proxy run`,
        ]])),
      },
      { argv: "proxy boot", status: 3, yaml: "servers: {web: {hosts: [10.0.0.1], proxy: {run: {http_port: 8080}}}, api: {hosts: [10.0.0.1], proxy: {host: b.example, run: {http_port: 81}}}}", complains: ["servers.api.proxy.run: expected the same as for web: there is one proxy on 10.0.0.1"] },
    ],
  },
  {
    name: "stop, restart and removal where nothing is known",
    tries: [
      { argv: "proxy stop", runs: { "10.0.0.1": ["docker container stop kamal-proxy"] }, hosts: ["10.0.0.1"] },
      { argv: "proxy restart", runs: { "10.0.0.1": ["docker container stop kamal-proxy", "docker container start kamal-proxy"] } },
      { argv: "proxy remove --force", runs: { "10.0.0.1": ["docker container stop kamal-proxy && docker container rm kamal-proxy || exit"] } },
      { argv: "proxy reboot -y", runs: { "10.0.0.1": ["docker login --username bot --password-stdin"] } },
    ],
  },
  {
    name: "the proxy's log",
    tries: [
      { argv: "proxy logs", runs: { "10.0.0.1": ["docker logs kamal-proxy --tail 100 --timestamps 2>&1"] } },
      { argv: "proxy logs -s 5m -n 10 -g 'x y' -T", runs: { "10.0.0.1": ["docker logs kamal-proxy --since 5m --tail 10 2>&1 | grep 'x y'"] } },
      { argv: "proxy logs -f", runs: { "10.0.0.1": ["docker logs kamal-proxy --timestamps --tail 10 --follow 2>&1"] } },
    ],
  },
  {
    name: "D5 boot_config set",
    tries: [{
      argv: "proxy boot_config set --docker-options label=x=y add-host=a:1 --debug",
      writes: { "10.0.0.1": [".kamal/proxy/options 0644", ".kamal/proxy/run_command 0644"] },
    }, {
      argv: `proxy boot_config set --publish-host-ip 127.0.0.1 --http-port 8080 --docker-options "label=x=y" --metrics-port 9000 --debug`,
      writes: { "10.0.0.1": [".kamal/proxy/options 0644", ".kamal/proxy/run_command 0644"] },
      runs: { "10.0.0.1": ["mkdir -p .kamal/proxy"] },
    }],
  },
];
