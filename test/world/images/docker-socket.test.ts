import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { CancelledError } from "../../../lib/ground/errors.ts";
import type { Exit, Programs } from "../../../lib/ground/world.ts";
import { localDocker, socketPath } from "../../../lib/world/images/docker-socket.ts";
import { sha256 } from "../../../lib/world/images/store.ts";
import { temporaryHome } from "../sshd.ts";

const limits = { timeoutMs: 5_000, signal: new AbortController().signal };

test.each<[what: string, env: Record<string, string>, path: string | undefined]>([
  ["nobody said", {}, "/var/run/docker.sock"],
  ["the default context is chosen", { DOCKER_CONTEXT: "default" }, "/var/run/docker.sock"],
  ["DOCKER_HOST is a socket, whatever the context", { DOCKER_HOST: "unix:///run/user/1000/docker.sock", DOCKER_CONTEXT: "far" }, "/run/user/1000/docker.sock"],
  ["DOCKER_HOST is elsewhere", { DOCKER_HOST: "ssh://builder" }, undefined],
  ["the context is a socket", { DOCKER_CONTEXT: "rootless" }, "/run/user/1/docker.sock"],
  ["the context is elsewhere", { DOCKER_CONTEXT: "far" }, undefined],
  ["the context is not known", { DOCKER_CONTEXT: "other" }, undefined],
])("where Docker is when %s", async (_, env, path) => {
  using home = temporaryHome();
  for (const [name, Host] of [["rootless", "unix:///run/user/1/docker.sock"], ["far", "ssh://far"]] as const) {
    const folder = `${home.path}/.docker/contexts/meta/${sha256(name).slice(7)}`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/meta.json`, JSON.stringify({ Name: name, Endpoints: { docker: { Host } } }));
  }
  expect(await socketPath({ HOME: home.path, ...env })).toBe(path);
  if (env["DOCKER_CONTEXT"] === undefined || env["DOCKER_HOST"] !== undefined) return;
  writeFileSync(`${home.path}/.docker/config.json`, JSON.stringify({ currentContext: env["DOCKER_CONTEXT"] }));
  expect(await socketPath({ HOME: home.path })).toBe(path);
});

/** A Docker behind a socket, and a program that knows one image. */
function machine(answer: (request: string) => Response | Promise<Response>) {
  const home = temporaryHome();
  const asked: string[] = [];
  const server = Bun.serve({
    unix: `${home.path}/docker.sock`,
    fetch: (request) => {
      const { pathname, search } = new URL(request.url);
      const line = `${request.method} ${pathname}${decodeURIComponent(search)}`;
      if (pathname === "/_ping") return new Response("OK");
      asked.push(line);
      return answer(line);
    },
  });
  const programs: Programs = { run: async ({ argv }): Promise<Exit> => (asked.push(argv.join(" ")), { status: argv.at(-1) === "only/there:1" ? 0 : 1, signal: undefined, stdout: "sha256:there\n", stderr: "Error: No such image", durationMs: 0 }) };
  return {
    asked,
    docker: () => localDocker(programs, { DOCKER_HOST: `unix://${home.path}/docker.sock` }, limits.signal),
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      home[Symbol.dispose]();
    },
  };
}

const tag = "127.0.0.1:20001/capstan/shop:delivery";

test("asks Docker through its socket", async () => {
  await using here = machine((line) => (line.includes("/json?") ? Response.json([{ RepoTags: [tag, "127.0.0.1:2/capstan/x:delivery"] }, { RepoTags: null }]) : line.endsWith("/json") ? Response.json({ Id: "sha256:config" }) : new Response("{}")));
  const docker = await here.docker();
  expect(await docker.isBehindSocket(limits)).toBe(true);
  expect(await docker.idOf("acme/shop:77", limits)).toEqual({ ok: true, text: "sha256:config" });
  expect(await docker.tag("acme/shop:77", tag, limits)).toMatchObject({ ok: true });
  expect(await docker.names("127.0.0.1:*/capstan/*:delivery", limits)).toEqual([tag, "127.0.0.1:2/capstan/x:delivery"]);
  await docker.untag([tag], limits);
  expect(here.asked).toEqual([
    "GET /images/acme/shop%3A77/json", "POST /images/acme/shop%3A77/tag?repo=127.0.0.1:20001/capstan/shop&tag=delivery", `GET /images/json?filters={"reference":["127.0.0.1:*/capstan/*:delivery"]}`,
    "DELETE /images/127.0.0.1%3A20001/capstan/shop%3Adelivery?noprune=1",
  ]);
});

test("tells what Docker says of a push, but not how far each layer is", async () => {
  const said = [{ status: "The push refers to repository [127.0.0.1:20001/capstan/shop]" }, { id: "0f", status: "Preparing", progressDetail: {} }, { id: "0f", status: "Pushing", progressDetail: { current: 5, total: 9 } }, { status: "delivery: digest: sha256:a size: 7" }, { aux: { Tag: "delivery" } }];
  await using here = machine(() => new Response(said.map((line) => `${JSON.stringify(line)}\r\n`).join("")));
  const heard: string[] = [];
  expect(await (await here.docker()).push(tag, { ...limits, onOutput: (_, text) => void heard.push(text) })).toEqual({ ok: true, text: "" });
  expect(heard).toEqual(["The push refers to repository [127.0.0.1:20001/capstan/shop]\n", "0f: Preparing\n", "delivery: digest: sha256:a size: 7\n"]);
  expect(here.asked).toEqual(["POST /images/127.0.0.1%3A20001/capstan/shop/push?tag=delivery"]);
});

test.each<[what: string, answer: () => Response, text: string]>([
  ["in what it streams", () => new Response(`{"status":"Preparing"}\n{"errorDetail":{"message":"refused"},"error":"refused"}\n`), "refused"],
  ["at once", () => Response.json({ message: "no such image" }, { status: 404 }), "no such image"],
  ["in no known form", () => new Response("it is down", { status: 502 }), "it is down"],
])("a push fails when Docker complains %s", async (_, answer, text) => {
  await using here = machine(answer);
  expect(await (await here.docker()).push(tag, limits)).toEqual({ ok: false, text });
});

test("a Docker that is told to pull what is not there says so", async () => {
  await using here = machine(() => Response.json({ message: "manifest unknown" }, { status: 404 }));
  expect(await (await here.docker()).pull("127.0.0.1:20001/capstan/probe:0f", limits)).toEqual({ ok: false, text: "manifest unknown" });
  expect(here.asked).toEqual(["POST /images/create?fromImage=127.0.0.1:20001/capstan/probe&tag=0f"]);
});

test("an image that it does not have is looked for by the program too", async () => {
  await using here = machine(() => Response.json({ message: "No such image" }, { status: 404 }));
  const docker = await here.docker();
  expect(await docker.idOf("only/there:1", limits)).toEqual({ ok: true, text: "sha256:there" });
  expect(await docker.idOf("nowhere:1", limits)).toEqual({ ok: false, text: "Error: No such image" });
});

test.each(["", "<html>", "[]", "{}", `{"Id":7}`, "null"])("an answer that makes no sense (%p) is none", async (text) => {
  await using here = machine(() => new Response(text));
  const docker = await here.docker();
  expect(await docker.idOf("only/there:1", limits)).toEqual({ ok: true, text: "sha256:there" });
  expect(await docker.names("a/*", limits)).toEqual([]);
  expect(await docker.push(tag, limits)).toMatchObject(text === "" || text === "{}" || text === `{"Id":7}` ? { ok: true } : { ok: false });
});

test("a socket where nobody answers leaves it to the program", async () => {
  const asked: string[] = [];
  const programs: Programs = { run: async ({ argv }) => (asked.push(argv.join(" ")), { status: 0, signal: undefined, stdout: "sha256:a\n", stderr: "", durationMs: 0 }) };
  const docker = await localDocker(programs, { DOCKER_HOST: "unix:///nowhere/docker.sock" }, limits.signal);
  expect(await docker.idOf("acme/shop:77", limits)).toEqual({ ok: true, text: "sha256:a" });
  expect(asked).toEqual(["docker image inspect --format {{.Id}} acme/shop:77"]);
});

test("Ctrl-C ends what is asked", async () => {
  const stop = new AbortController();
  await using here = machine(() => {
    stop.abort(new CancelledError());
    return new Promise<Response>(() => undefined);
  });
  const docker = await here.docker();
  await expect(docker.push(tag, { ...limits, signal: stop.signal })).rejects.toBeInstanceOf(CancelledError);
});
