import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { writeApp } from "./app.ts";
import type { LabHost } from "./host.ts";
import { startLab, type Lab } from "./lab.ts";
import { makeLoadApp } from "./load-app.ts";
import { makeProject, type Project, type ProjectOptions } from "./project.ts";
import { until } from "./shell.ts";

/** The Traefik part of MRSK's README, deployed and answered through. */
let lab: Lab;

beforeAll(async () => {
  lab = await startLab({ hosts: 2, proxies: ["traefik"] });
}, 1_800_000);
afterAll(() => lab?.stop());

/** A project without kamal-proxy whose app listens on those ports, and answers on 9000 to whoever connects. */
async function appOn(ports: readonly number[], options: ProjectOptions): Promise<Project> {
  const project = await makeProject(lab, { proxy: "undefined", ...options });
  const listen = ports.map((port) => `/busybox httpd -p ${port} -h /www`).join("; ");
  await writeApp(project.folder, "Dockerfile", `FROM scratch
COPY busybox /busybox
COPY www /www
ARG VERSION=unknown
RUN ["/busybox", "sh", "-c", "mkdir /bin; /busybox --install -s /bin; echo \\"$VERSION\\" > /www/index.html; mkdir -p /www/api; echo \\"api $VERSION\\" > /www/api/index.html"]
ENV PATH=/bin VERSION=$VERSION
EXPOSE ${ports.join(" ")}
STOPSIGNAL SIGKILL
CMD ["/busybox", "sh", "-c", "${listen}; exec nc -ll -p 9000 -e echo tcp-$VERSION"]
`);
  await project.commit();
  return project;
}

async function get(host: LabHost, path = "/", name = host.address, port = 80): Promise<string> {
  const answer = await fetch(`http://${host.address}:${port}${path}`, { headers: { host: name }, signal: AbortSignal.timeout(5_000), keepalive: false, redirect: "manual" });
  return `${answer.status} ${(await answer.text()).trim()}`;
}

/** What a TCP server says by itself. */
const hear = (host: LabHost, port: number): Promise<string> => new Promise((done, fail) => {
  let text = "";
  const socket = connect(port, host.address);
  socket.setTimeout(5_000, () => socket.destroy(new Error("timeout")));
  socket.on("data", (data) => (text += data.toString())).on("end", () => done(text.trim())).on("error", fail);
});

/** What a UDP server answers. */
const askUdp = (host: LabHost, port: number): Promise<string> => new Promise((done, fail) => {
  const socket = createSocket("udp4");
  const timer = setTimeout(() => {
    socket.close();
    fail(new Error("timeout"));
  }, 5_000);
  socket.on("message", (message) => {
    clearTimeout(timer);
    socket.close();
    done(message.toString().trim());
  });
  socket.send("?\n", port, host.address);
});

const removeProxy = async (): Promise<void> => void (await Promise.all(lab.hosts.map((host) => host.exec("docker rm -f $(docker ps -aq); rm -rf .kamal"))));

describe("MRSK's README behind Traefik", () => {
  afterEach(removeProxy, 60_000);

  test("a custom rule, with several apps on one host and port", async () => {
    const hey = await appOn([3000], { service: "hey", hosts: [lab.host(1).address], more: 'labels: { "traefik.http.routers.hey.rule": "Host(`app.hey.com`)" },' });
    const shop = await appOn([3000], { service: "shop", hosts: [lab.host(1).address], more: 'labels: { "traefik.http.routers.shop.rule": "Host(`shop.example`) || Host(`www.shop.example`)" },' });
    await hey.must(["setup", "--version", "h1"], { VERSION: "h1" });
    await shop.must(["setup", "--version", "s1"], { VERSION: "s1" });
    expect([await get(lab.host(1), "/", "app.hey.com"), await get(lab.host(1), "/", "www.shop.example"), await get(lab.host(1), "/", "nobody.example")]).toEqual(["200 h1", "200 s1", "404 404 page not found"]);
    await hey.deploy("h2");
    expect([await get(lab.host(1), "/", "app.hey.com"), await get(lab.host(1), "/", "shop.example")]).toEqual(["200 h2", "200 s1"]);
    const { stdout } = await hey.must(["traefik", "details"]);
    expect(stdout).toMatch(/hey-web: [0-9a-f]{12}:3000\n/);
    expect(stdout).toMatch(/shop-web: [0-9a-f]{12}:3000/);
    expect((await hey.run(["proxy", "remove"])).stderr).toContain("Other services use the proxy: shop-web on");
  }, 180_000);

  test("several apps that are deployed at the same time", async () => {
    const names = ["red", "green", "blue"];
    const apps = await Promise.all(names.map((name) => appOn([3000], { service: name, hosts: [lab.host(1).address], more: `labels: { "traefik.http.routers.${name}.rule": "Host(\`${name}.example\`)" },` })));
    for (const version of ["p1", "p2", "p3"]) {
      await Promise.all(apps.map((project) => project.must(["setup", "--version", version], { VERSION: version })));
      expect(await Promise.all(names.map((name) => get(lab.host(1), "/", `${name}.example`)))).toEqual(names.map(() => `200 ${version}`));
    }
    expect((await lab.host(1).exec("ls .kamal/traefik/dynamic")).stdout.trim().split("\n").sort()).toEqual(["blue-web.yml", "green-web.yml", "red-web.yml"]);
  }, 180_000);

  test("labels of a role, traefik: true on a second role, and labels that are not Traefik's", async () => {
    const [one, two] = lab.hosts.map((host) => host.address);
    const project = await appOn([3000], {
      service: "roles",
      servers: JSON.stringify({ web: [one], web2: { traefik: true, hosts: [two] }, job: { hosts: [two], cmd: "sleep 1000", labels: { "my-label": "50" } } }),
      more: 'labels: { "traefik.http.middlewares.hide.stripprefix.prefixes": "/hidden", "traefik.http.routers.roles.middlewares": "hide" }, readinessDelay: 1,',
    });
    await project.must(["setup", "--version", "r1"], { VERSION: "r1" });
    expect([await get(lab.host(1), "/hidden/"), await get(lab.host(2), "/hidden/")]).toEqual(["200 r1", "200 r1"]);
    const label = await lab.host(2).docker("inspect", "--format", '{{index .Config.Labels "my-label"}} {{index .Config.Labels "traefik.enable"}}', "roles-job-r1");
    expect(label.stdout.trim()).toBe("50 false");
  }, 120_000);

  test("arguments, host port 8080, and a health check by path, port and attempts", async () => {
    const project = await appOn([3000, 4000], {
      service: "args", hosts: [lab.host(1).address],
      more: 'traefik: { hostPort: 8080, args: { accesslog: true, "accesslog.format": "json" } }, healthcheck: { path: "/up", port: 4000, maxAttempts: 7 },',
    });
    await project.must(["setup", "--version", "a1"], { VERSION: "a1" });
    expect(await get(lab.host(1), "/", "any.example", 8080)).toBe("200 a1");
    const { stdout } = await project.must(["traefik", "logs", "-T"]);
    expect(stdout).toContain('"RequestHost":"any.example"');
    expect((await lab.host(1).docker("inspect", "--format", "{{range .Mounts}}{{.Source}} {{end}}", "traefik")).stdout).not.toContain("docker.sock");
  }, 120_000);

  test("options with publish, volumes and memory", async () => {
    await lab.host(1).exec("echo '{}' > /tmp/example.json");
    const project = await appOn([3000], {
      service: "opts", hosts: [lab.host(1).address],
      more: `traefik: { options: { publish: ["8080:8080"], volumes: ["/tmp/example.json:/tmp/example.json"], memory: "512m" }, args: { "api.insecure": true, "api.dashboard": true }, env: { clear: { A: "b" }, secret: ["APP_SECRET"] } },`,
    });
    await project.must(["setup", "--version", "o1"], { VERSION: "o1" });
    expect(await get(lab.host(1))).toBe("200 o1");
    expect(await get(lab.host(1), "/api/version", "x", 8080)).toContain('"Version":"3.7.9"');
    expect((await lab.host(1).docker("exec", "traefik", "cat", "/tmp/example.json")).stdout.trim()).toBe("{}");
    expect((await lab.host(1).docker("inspect", "--format", "{{.HostConfig.Memory}}", "traefik")).stdout.trim()).toBe(String(512 * 1024 * 1024));
    expect((await lab.host(1).exec("stat -c %a .kamal/traefik/traefik.env")).stdout.trim()).toBe("600");
    expect((await lab.host(1).docker("exec", "traefik", "sh", "-c", 'test -n "$APP_SECRET" && echo $A')).stdout.trim()).toBe("b");
  }, 120_000);

  test("a second entry point with a TCP router on 9000", async () => {
    const project = await appOn([8080], {
      service: "myservice", hosts: [lab.host(1).address],
      more: `labels: {
    "traefik.tcp.routers.other.rule": "HostSNI(\`*\`)",
    "traefik.tcp.routers.other.entrypoints": "otherentrypoint",
    "traefik.tcp.services.other.loadbalancer.server.port": 9000,
    "traefik.http.routers.myservice.entrypoints": "web",
    "traefik.http.services.myservice.loadbalancer.server.port": 8080,
  },
  traefik: {
    options: { publish: ["9000:9000"] },
    args: { "entrypoints.web.address": ":80", "entrypoints.otherentrypoint.address": ":9000" },
  },`,
    });
    await project.must(["setup", "--version", "t1"], { VERSION: "t1" });
    expect([await get(lab.host(1)), await hear(lab.host(1), 9000)]).toEqual(["200 t1", "tcp-t1"]);
    await project.deploy("t2");
    expect([await get(lab.host(1)), await hear(lab.host(1), 9000)]).toEqual(["200 t2", "tcp-t2"]);
  }, 120_000);

  test("an entry point of UDP", async () => {
    const project = await makeProject(lab, {
      service: "dns", hosts: [lab.host(1).address], app: makeLoadApp, proxy: "undefined", clear: `{ UDP_PORTS: "9053" }`,
      more: `labels: { "traefik.udp.routers.dns.entrypoints": "dns", "traefik.udp.services.dns.loadbalancer.server.port": 9053 },
  traefik: { options: { publish: ["53:5353/udp"] }, args: { "entrypoints.web.address": ":80", "entrypoints.dns.address": ":5353/udp" } },`,
    });
    for (const version of ["u1", "u2"]) {
      await project.must(["setup", "--version", version], { VERSION: version });
      expect([await get(lab.host(1)), await askUdp(lab.host(1), 53)]).toEqual([`200 ${version}`, `udp-${version}`]);
    }
  }, 120_000);

  test("a certificate resolver, HTTPS and a redirect to it", async () => {
    const project = await appOn([3000], {
      service: "tls", hosts: [lab.host(1).address],
      more: `labels: { "traefik.http.routers.tls.rule": "Host(\`tls.example\`)", "traefik.http.routers.tls.entrypoints": "websecure", "traefik.http.routers.tls.tls.certresolver": "le" },
  traefik: {
    options: { publish: ["443:443"], volumes: ["letsencrypt:/letsencrypt"] },
    args: {
      "entrypoints.web.address": ":80", "entrypoints.websecure.address": ":443", "entrypoints.web.http.redirections.entrypoint.to": "websecure",
      "certificatesresolvers.le.acme.email": "ops@tls.example", "certificatesresolvers.le.acme.storage": "/letsencrypt/acme.json",
      "certificatesresolvers.le.acme.httpchallenge.entrypoint": "web", "certificatesresolvers.le.acme.caserver": "https://127.0.0.1:1/directory",
    },
  },`,
    });
    await project.must(["setup", "--version", "c1"], { VERSION: "c1" });
    expect(await get(lab.host(1), "/", "tls.example")).toMatch(/^30[18] /);
    const answer = await fetch(`https://${lab.host(1).address}/`, { headers: { host: "tls.example" }, tls: { rejectUnauthorized: false, serverName: "tls.example" } } as RequestInit);
    expect((await answer.text()).trim()).toBe("c1");
  }, 120_000);

  test("the docker provider beside ours, for a container of the user's own", async () => {
    const project = await appOn([3000], {
      service: "mixed", hosts: [lab.host(1).address],
      more: 'labels: { "traefik.http.routers.mixed.rule": "Host(`app.example`)" }, traefik: { args: { "providers.docker": true }, options: { volumes: ["/run/docker.sock:/var/run/docker.sock"] } },',
    });
    await project.must(["setup", "--version", "d1"], { VERSION: "d1" });
    const image = `${lab.registry.address}/acme/mixed:d1`;
    await lab.host(1).docker("run", "-d", "--name", "own", "--network", "kamal", "--label", "traefik.http.routers.own.rule=Host(`own.example`)", "--label", "traefik.http.services.own.loadbalancer.server.port=3000", image, "/busybox", "sh", "-c", "echo own > /www/index.html; exec /busybox httpd -f -p 3000 -h /www");
    await until("the container is routed to", async () => (await get(lab.host(1), "/", "own.example")) === "200 own");
    await project.deploy("d2");
    expect([await get(lab.host(1), "/", "own.example"), await get(lab.host(1), "/", "app.example")]).toEqual(["200 own", "200 d2"]);
    // Nothing routes to our containers but our file.
    expect(await get(lab.host(1), "/", "mixed-web-d2")).toStartWith("404");
  }, 120_000);

  test("a route to the dashboard, by labels of Traefik itself", async () => {
    const project = await appOn([3000], {
      service: "dash", hosts: [lab.host(1).address],
      more: 'labels: { "traefik.http.routers.dash.rule": "Host(`app.example`)" }, traefik: { args: { "api.dashboard": true }, labels: { "traefik.http.routers.board.rule": "Host(`board.example`)", "traefik.http.routers.board.service": "api@internal", "traefik.http.routers.board.middlewares": "door", "traefik.http.middlewares.door.basicauth.users": "ann:$apr1$nBLZ0NZB$0WZ4cNhVZsE0xBK9RZ3XF0" } },',
    });
    await project.must(["setup", "--version", "b1"], { VERSION: "b1" });
    expect([await get(lab.host(1), "/api/version", "board.example"), await get(lab.host(1), "/", "app.example")]).toEqual(["401 401 Unauthorized", "200 b1"]);
    await project.must(["proxy", "reboot", "-y"]);
    expect(await get(lab.host(1), "/api/version", "board.example")).toStartWith("401");
  }, 120_000);

  test("a Traefik of MRSK's own is told apart, and replaced by a reboot", async () => {
    await lab.host(1).exec("docker run -d --name traefik --restart unless-stopped --publish 80:80 --volume /run/docker.sock:/var/run/docker.sock traefik:v3.7.9 --providers.docker");
    const project = await appOn([3000], { service: "old", hosts: [lab.host(1).address], more: "traefik: {}," });
    const { status, stderr } = await project.run(["setup", "--version", "m1"], { VERSION: "m1" });
    expect(status).toBe(5);
    expect(stderr).toContain("was not started by capstan");
    expect(await lab.host(1).containers("old")).toEqual([]);
    await project.must(["traefik", "reboot", "-y"]);
    await project.must(["deploy", "--skip-push", "--version", "m1"], { VERSION: "m1" });
    expect(await get(lab.host(1))).toBe("200 m1");
    const other = await appOn([3000], { service: "new", hosts: [lab.host(1).address], more: 'labels: { "traefik.http.routers.new.rule": "Host(`new.example`)" }, traefik: { args: { accesslog: true } },' });
    const second = await other.must(["setup", "--version", "n1"], { VERSION: "n1" });
    expect(second.stderr).toContain("Traefik runs with other arguments than the config asks for: --accesslog is missing");
    expect([await get(lab.host(1)), await get(lab.host(1), "/", "new.example")]).toEqual(["200 m1", "200 n1"]);
  }, 120_000);

  test("stop, start, rollback and the proxy's own commands", async () => {
    const project = await appOn([3000], { service: "life", hosts: [lab.host(1).address], more: "traefik: {}, retainContainers: 2," });
    await project.must(["setup", "--version", "l1"], { VERSION: "l1" });
    await project.deploy("l2");
    await project.must(["app", "stop"]);
    expect(await get(lab.host(1))).toStartWith("404");
    const { stderr } = await project.must(["app", "start"]);
    expect(stderr).not.toMatch(/cannot open|No such file/);
    expect(await get(lab.host(1))).toBe("200 l2");
    await project.must(["rollback"]);
    expect(await get(lab.host(1))).toBe("200 l1");
    for (const command of ["restart", "stop", "start"]) await project.must(["traefik", command]);
    expect(await get(lab.host(1))).toBe("200 l1");
    expect((await project.must(["traefik", "logs", "-n", "5"])).status).toBe(0);
    await project.must(["traefik", "remove"]);
    expect((await lab.host(1).docker("ps", "-aq", "--filter", "name=traefik")).stdout).toBe("");
    expect((await lab.host(1).exec("ls .kamal")).stdout).not.toContain("traefik");
  }, 120_000);
});
