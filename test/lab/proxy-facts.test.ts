import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Agent, request } from "node:http";
import { connect } from "node:http2";
import type { LabHost } from "./host.ts";
import { startLab, type Lab } from "./lab.ts";

/** What the drivers take for granted of the two programs, asked of the programs themselves. */
let lab: Lab;
let host: LabHost;

const sh = async (code: string): Promise<string> => {
  const ran = await host.exec(code);
  if (ran.status !== 0) throw new Error(`${code}\n${ran.stdout}\n${ran.stderr}`);
  return ran.stdout.trim();
};
const get = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
  const answer = await fetch(`http://${host.address}${path}`, { headers, signal: AbortSignal.timeout(15_000), keepalive: false });
  return `${answer.status} ${(await answer.text()).trim()}`;
};
const app = (name: string): Promise<string> => sh(`docker run -d --name app-${name} --network kamal --entrypoint sh traefik:v3.7.9 -c 'mkdir -p /www/cgi-bin; echo ${name} > /www/index.html; printf "#!/bin/sh\\necho\\nsleep 2\\necho slow\\n" > /www/cgi-bin/slow; chmod +x /www/cgi-bin/slow; exec httpd -f -p 80 -h /www' | cut -c 1-12`);

beforeAll(async () => {
  lab = await startLab({ hosts: 1, proxies: ["kamal-proxy", "traefik"] });
  host = lab.host(1);
  await sh("docker network create kamal; mkdir -p t/dynamic t/stage");
}, 1_800_000);
afterAll(() => lab?.stop());

describe("Traefik 3.7.9 with files", () => {
  let ids: Record<"a" | "b", string>;
  const run = (throttle: string): Promise<string> => sh(`docker rm -f traefik > /dev/null 2>&1; docker run -d --name traefik --network kamal -p 80:80 -p 443:443 -v "$PWD"/t/dynamic:/files:ro traefik:v3.7.9 --providers.file.directory=/files ${throttle} --api.insecure --api.dashboard=false --entrypoints.http.address=:80 --entrypoints.tls.address=:443 --entrypoints.traefik.address=127.0.0.1:48080; until docker exec traefik wget -q -O /dev/null http://127.0.0.1:48080/api/version 2> /dev/null; do sleep 0.1; done`);
  const route = (id: string, more = ""): string => `http: {routers: {r: {rule: "PathPrefix(\`/\`)", service: s}}, services: {s: {loadBalancer: {serversTransport: t, servers: [${id === "" ? "" : `{url: "http://${id}:80"}`}]}}}, serversTransports: {t: {forwardingTimeouts: {idleConnTimeout: 1s}}}${more}}`;
  /** Renames a file into place and tells after how many milliseconds the API shows `marker`. */
  const place = async (name: string, text: string, marker: string): Promise<number> => Number(await sh(`cat > t/stage/x <<'EOF'
${text}
EOF
( docker exec traefik sh -c 'n=0; until wget -q -O - http://127.0.0.1:48080/api/http/services 2> /dev/null | grep -q "${marker}" || [ $n -gt 400 ]; do n=$((n+1)); sleep 0.01; done'; date +%s%3N > t/seen ) &
sleep 0.4; from=$(date +%s%3N); mv t/stage/x t/dynamic/${name}; wait; echo $(($(cat t/seen) - from))`));

  beforeAll(async () => {
    ids = { a: await app("a"), b: await app("b") };
    await run("--providers.providersThrottleDuration=100ms");
  }, 60_000);

  test("shows a renamed file in its API within a fraction of a second, with its own throttle after a while too", async () => {
    const first = await place("r.yml", route(ids.a), ids.a);
    const second = await place("r.yml", route(ids.b), ids.b);
    await run("");
    await place("r.yml", route(ids.a), ids.a);
    const slow = await place("r.yml", route(ids.b), ids.b);
    console.log(`Traefik: rename to API ${first} and ${second} ms with a throttle of 100 ms; with its default of 2 s, soon after another change ${slow} ms`);
    expect(Math.max(first, second)).toBeLessThan(500);
    expect(slow).toBeLessThan(2_500);
    await run("--providers.providersThrottleDuration=100ms");
    // Its API answers before it has read the files.
    await Bun.sleep(500);
    expect(await get("/")).toBe("200 b");
  }, 60_000);

  test("keeps all routes when one file has an unknown field, takes no changes, and has lost all after a restart", async () => {
    await sh(`echo 'http: {routers: {x: {rul: "a"}}}' > t/stage/x; mv t/stage/x t/dynamic/broken.yml; sleep 1`);
    expect(await get("/")).toBe("200 b");
    await sh(`cat > t/stage/x <<'EOF'
${route(ids.a)}
EOF
mv t/stage/x t/dynamic/r.yml; sleep 1`);
    expect(await get("/")).toBe("200 b");
    expect(await sh("docker logs traefik 2>&1 | tail -n 3")).toContain("broken.yml");
    await sh("docker restart -t 1 traefik; sleep 1");
    expect(await get("/")).toStartWith("404");
    await sh("rm t/dynamic/broken.yml; sleep 1");
    expect(await get("/")).toBe("200 a");
  }, 60_000);

  test("has a router with a header in its rule that nobody else reaches", async () => {
    await place("next.yml", `http: {routers: {n: {rule: "(PathPrefix(\`/\`)) && Header(\`X-Deploy-Probe\`, \`k\`)", service: n}}, services: {n: {loadBalancer: {servers: [{url: "http://${ids.b}:80"}]}}}}`, "n@file");
    expect([await get("/"), await get("/", { "x-deploy-probe": "k" }), await get("/", { "x-deploy-probe": "other" })]).toEqual(["200 a", "200 b", "200 a"]);
    await sh("rm t/dynamic/next.yml; sleep 0.5");
  }, 60_000);

  test("has no connection to the old server a second after its last request, and keeps one that is in use", async () => {
    const open = async (name: string): Promise<number> => Number(await sh(`hex=$(printf '%02X%02X%02X%02X' $(docker inspect -f '{{.NetworkSettings.Networks.kamal.IPAddress}}' app-${name} | tr . '\\n' | sed -n '1!G;h;$p')); docker exec traefik cat /proc/net/tcp /proc/net/tcp6 | grep -c "$hex:[0-9A-F]* 01 " || true`));
    await Promise.all(Array.from({ length: 8 }, () => get("/")));
    const slow = get("/cgi-bin/slow");
    await Bun.sleep(300);
    await place("r.yml", route(ids.b), ids.b);
    expect(await open("a")).toBeGreaterThan(0);
    expect(await slow).toBe("200 slow");
    await Bun.sleep(1_500);
    expect(await open("a")).toBe(0);
  }, 60_000);

  test("breaks no connection of HTTP/1.1 or HTTP/2 in 100 switches", async () => {
    await sh("rm -f t/dynamic/*");
    for (const name of ["a", "b"] as const) await sh(`cat > t/${name} <<'EOF'
${route(ids[name]).replace('service: s}', 'service: s}, h2: {rule: "PathPrefix(`/`)", service: s, entryPoints: [tls], tls: {}}')}
EOF`);
    await sh("cp t/a t/stage/x; mv t/stage/x t/dynamic/r.yml; sleep 0.5");
    const session = connect(`https://${host.address}`, { rejectUnauthorized: false });
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const counts: Record<string, number> = {};
    const over = new AbortController();
    const count = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1);
    const ask = (how: "1.1" | "2"): Promise<void> => new Promise((done) => {
      let body = "";
      const end = (what: string): void => {
        count(`${how}: ${what}`);
        done();
      };
      if (how === "1.1") {
        request({ host: host.address, path: "/", agent }, (answer) => answer.on("data", (chunk: Buffer) => (body += chunk.toString())).on("end", () => end(`${answer.statusCode} ${body.trim()}`))).on("error", (error: Error) => end(error.message)).end();
        return;
      }
      const stream = session.request({ ":path": "/" });
      let status = 0;
      stream.on("response", (headers) => (status = Number(headers[":status"]))).on("data", (chunk: Buffer) => (body += chunk.toString())).on("end", () => end(`${status} ${body.trim()}`)).on("error", (error: Error) => end(error.message)).end();
    });
    session.on("close", () => count("2: closed")).on("error", () => count("2: error"));
    const workers = [..."1111", ..."2222"].map(async (how) => {
      while (!over.signal.aborted) {
        await ask(how === "1" ? "1.1" : "2");
        await Bun.sleep(5);
      }
    });
    await sh("for i in $(seq 50); do for x in b a; do cp t/$x t/stage/x; mv t/stage/x t/dynamic/r.yml; sleep 0.12; done; done");
    over.abort();
    await Promise.all(workers);
    console.log(`100 switches of Traefik: ${JSON.stringify(counts)}`);
    expect(Object.keys(counts).sort()).toEqual(["1.1: 200 a", "1.1: 200 b", "2: 200 a", "2: 200 b"]);
    session.destroy();
    agent.destroy();
  }, 90_000);

  test("answers 503 for a service without servers", async () => {
    await place("r.yml", route(""), '"servers":\\[\\]');
    await Bun.sleep(300);
    expect(await get("/")).toBe("503 no available server");
  }, 60_000);

  test("takes `true` for an empty block and texts for numbers, booleans and lists", async () => {
    await place("r.yml", `http: {routers: {r: {rule: "PathPrefix(\`/\`)", service: s, entryPoints: "http", middlewares: "c,h", priority: "7"}, tls: {rule: "Host(\`a\`)", service: s, tls: true}}, services: {s: {loadBalancer: {passHostHeader: "true", servers: [{url: "http://${ids.a}:80"}]}}}, middlewares: {c: {compress: true}, h: {headers: {stsSeconds: "5", customResponseHeaders: {X-Test: yes}}}}}`, ids.a);
    expect(await get("/")).toBe("200 a");
    const routers = JSON.parse(await sh("docker exec traefik wget -q -O - http://127.0.0.1:48080/api/http/routers")) as readonly { readonly name: string; readonly status: string; readonly priority: number; readonly middlewares?: readonly string[] }[];
    expect(routers.find(({ name }) => name === "r@file")).toMatchObject({ status: "enabled", priority: 7, middlewares: ["c@file", "h@file"] });
    expect(routers.find(({ name }) => name === "tls@file")?.status).toBe("enabled");
    await sh("docker rm -f traefik");
  }, 60_000);
});

describe("kamal-proxy 0.9.2", () => {
  const list = (): Promise<string> => sh("docker exec kamal-proxy kamal-proxy list | tr -d '\\033' | sed 's/\\[[0-9;]*m//g'");
  let ids: Record<"k" | "l", string>;
  beforeAll(async () => {
    ids = { k: await app("k"), l: await app("l") };
    await sh("docker run -d --name kamal-proxy --network kamal -p 80:80 -v kp:/home/kamal-proxy/.config/kamal-proxy basecamp/kamal-proxy:v0.9.2; sleep 1");
  }, 60_000);
  const deploy = (id: string): string => `docker exec kamal-proxy kamal-proxy deploy s --target=${id}:80 --health-check-path=/`;

  test("finishes a deploy whose client was killed", async () => {
    await sh(deploy(ids.k));
    await sh(`docker exec -d kamal-proxy sh -c 'kamal-proxy deploy s --target=${ids.l}:80 --health-check-path=/ --drain-timeout=3s & sleep 0.05; kill -9 $!'; sleep 2`);
    expect(await list()).toContain(`${ids.l}:80`);
    expect(await get("/")).toBe("200 l");
  }, 60_000);

  test("takes the same target again without harm", async () => {
    await sh(deploy(ids.l));
    expect(await get("/")).toBe("200 l");
  }, 60_000);

  test("has no routes after a restart with a broken state file", async () => {
    await sh("docker exec kamal-proxy sh -c 'echo broken > /home/kamal-proxy/.config/kamal-proxy/kamal-proxy.state'; docker restart -t 2 kamal-proxy; sleep 1");
    expect(await get("/")).toStartWith("404");
    await sh(deploy(ids.k));
    expect(await get("/")).toBe("200 k");
  }, 60_000);

  test("listens on any free port with --http-port 0", async () => {
    const log = await sh("docker run -d --name kp0 basecamp/kamal-proxy:v0.9.2 kamal-proxy run --http-port 0 --https-port 0 > /dev/null; sleep 1; docker logs kp0 2>&1; docker rm -f kp0 > /dev/null");
    console.log(`kamal-proxy --http-port 0: ${log.split("\n").find((line) => line.includes("tarted"))}`);
    expect(log).toContain("tarted");
  }, 60_000);
});
