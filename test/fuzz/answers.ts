import { dockerVersion, type Container } from "../../lib/remote/facts.ts";
import { accessoriesOn } from "../../lib/remote/accessory.ts";
import { containersOf, containerState } from "../../lib/remote/container.ts";
import { currentVersion } from "../../lib/remote/current.ts";
import { imagesOf } from "../../lib/remote/image.ts";
import { lockStatus } from "../../lib/remote/lock.ts";
import { networkExists } from "../../lib/remote/network.ts";
import { parseFacts as kamalFacts } from "../../lib/remote/proxy/kamal-state.ts";
import { fileText } from "../../lib/remote/proxy/traefik/file.ts";
import { parseFacts as traefikFacts } from "../../lib/remote/proxy/traefik/state.ts";
import { releasesOn } from "../../lib/remote/releases.ts";
import { goodReleases } from "../../lib/plan/releases.ts";
import { fleetOf, hostOf } from "../support/facts.ts";
import { parseGit } from "../../lib/build/git.ts";
import { isPushed, parseIdentity } from "../../lib/build/identity.ts";
import { builderState } from "../../lib/build/kinds.ts";
import { isDigest } from "../../lib/ground/names.ts";
import { parseServing } from "../../lib/remote/made-with.ts";
import { HttpReader } from "../../lib/world/ssh/http.ts";
import { Lines } from "../../lib/world/ssh/lines.ts";
import { describeLock } from "../../lib/run/lock.ts";
import { MarkReader } from "../../lib/run/batch.ts";
import { LineSplitter } from "../../lib/ground/line-splitter.ts";
import { quote, type Query } from "../../lib/ground/command.ts";
import { isTag } from "../../lib/ground/names.ts";
import { settingsOf } from "../support/settings.ts";
import { planFor } from "./plans.ts";
import type { Reader } from "./engine.ts";

const settings = settingsOf();
const lock = `held\ndetails ${Buffer.from("Locked by: Ann at 2030-01-02T03:04:05Z\nVersion: 77\nMessage: Automatic deploy lock").toString("base64")}\ntoken ab\nfrom laptop\ncommand deploy\ntaken 100\nstep boot\nbeat 110\nnow 112\n`;
const file = fileText({ name: "shop-web", mode: "live", main: { id: "aaaaaaaaaaaa", port: "80" }, canary: { id: "bbbbbbbbbbbb", port: "80", percent: 10 }, route: { http: { routers: { a: { rule: "Host(`a`)", service: "a" } }, services: { a: {} }, middlewares: {} }, tcp: { routers: {}, services: {}, middlewares: {} }, udp: { routers: {}, services: {}, middlewares: {} }, tls: {} } });
const state = `true basecamp/kamal-proxy:v0.9.2\n[{"name":"shop-web","active_targets":["aaaaaaaaaaaa:80"],"pause_controller":{"state":1},"rollout_targets":["bbbbbbbbbbbb:80"],"rollout_controller":{"percentage":10}}]`;
const container = "aaaaaaaaaaaa\tshop-web-77\tweb\t\trunning\tUp 3 minutes\tacme/shop:77\tkamal";

/** A parser of an answer throws what it likes about a shape it does not know: whoever asks makes a DeployError of it. That must be said on purpose. */
const refuses = (error: unknown): boolean => error instanceof Error && /^Cannot (read|see)/.test(error.message);
const ask = <T>(name: string, file: string, query: Pick<Query<T>, "parse">, tokens: readonly string[], samples: readonly string[], check: (answer: T) => void = () => undefined): Reader => ({ name, file, tokens, samples, refuses, read: (text) => check(query.parse(text)) });

const assert = (ok: boolean, what: string): void => {
  if (!ok) throw new Error(`wrong: ${what}`);
};
/** What goes into commands later, on this host or on others. */
const harmless = (what: string, text: string): void => {
  quote(text);
  assert(!/[\p{Cc}]/u.test(text) && !text.startsWith("-"), `${what} ${JSON.stringify(text)}`);
};
const checkContainers = (all: readonly Container[]): void => {
  for (const { id, name, version, image, state: what } of all) {
    for (const text of [id, name, version, image, what]) harmless("container", text);
    assert(isTag(version), `version ${version}`);
  }
};

/** What hosts and programs answer: lib must take any of it. */
export const answers: readonly Reader[] = [
  ask("containers", "lib/remote/container.ts", containersOf(settings), ["\t", "\n", "shop-web-", "shop-web-77", "aaaaaaaaaaaa", "web", "running", "Up", "kamal,bridge"], [container, `${container}\n${container}`], checkContainers),
  ask("container state", "lib/remote/container.ts", containerState("x"), ["|", "\n", "running", "healthy", "0", "true", "172.18.0.2", "80/tcp ", "missing"], ["running|healthy|0|false|0|172.18.0.2|80/tcp 443/tcp "], ({ exposedPorts, exitCode, restartCount, address }) => {
    assert([...exposedPorts, exitCode, restartCount].every((one) => Number.isInteger(one)), "numbers");
    harmless("address", address);
  }),
  ask("accessories", "lib/remote/accessory.ts", accessoriesOn(["shop-db"]), ["\t", "\n", "aaaaaaaaaaaa", "shop-db", "running"], ["aaaaaaaaaaaa\tshop-db\trunning\tUp\tmysql:8\tkamal"], (all) => { for (const { id, service, state: what, image } of all) for (const text of [id, service, what, image]) harmless("accessory", text); }),
  ask("images", "lib/remote/image.ts", imagesOf(settings), ["77", "<none>", "\n", "latest", ":"], ["77\n76\nlatest\n<none>"], ({ tagged }) => { for (const image of tagged) assert(image.startsWith("acme/shop:") && isTag(image.slice(10)), `image ${image}`); }),
  ask("current version", "lib/remote/current.ts", currentVersion(settings, "web"), ["77", "\n", " "], ["77\n"]),
  ask("releases", "lib/remote/releases.ts", releasesOn(settings), ["[2030-01-02T03:04:05Z] ", "[ann] ", "Tagging acme/shop:", "77", " as the latest image", " for web, jobs", "Released version ", " on all hosts", "\n"], ["[2030-01-02T03:04:05Z] [ann] Tagging acme/shop:77 as the latest image\n[2030-01-02T03:04:05Z] [ann] Released version 77 on all hosts\n"], (all) => {
    for (const { version } of all) assert(isTag(version), `version ${version}`);
    goodReleases(fleetOf({ a: hostOf([], { releases: all }) }), [{ name: "web", hosts: ["a"] }]);
  }),
  ask("docker version", "lib/remote/facts.ts", dockerVersion(), ["28", ".", "0", "\n", "-rc"], ["28.0.4\n"], (version) => harmless("version", version ?? "")),
  ask("network", "lib/remote/network.ts", networkExists(), ["kamal", "\n"], ["kamal\n"]),
  ask("lock", "lib/remote/lock.ts", lockStatus(settings), ["held", "\n", "details ", "beat ", "now ", "token ", "step ", "from ", "TG9ja2VkIGJ5OiBBbm4="], [lock], (held) => {
    assert(!/undefined|NaN/.test(describeLock(held)), describeLock(held));
  }),
  ask("kamal-proxy facts", "lib/remote/proxy/kamal-state.ts", { parse: kamalFacts }, ["true ", "false ", "image:1", "\n", "[{", "}]", "[]", "\"name\":", "\"active_targets\":", "[\"a:80\"]", "null", ",", "{", "}", "\"rollout_targets\":", "\"rollout_controller\":", "Service   Host   Path   Target   State   TLS\n"], [state, "true kamal-proxy:1\nService  Host  Path  Target  State  TLS\nshop-web  *  /  aaaaaaaaaaaa:80  running  no\n"], (facts) => void planFor({ proxy: facts })),
  ask("traefik facts", "lib/remote/proxy/traefik/state.ts", { parse: traefikFacts }, ["true traefik:v3\n", "arg=--", "dir=/x\n", "# capstan ", "{", "}", "\"name\":\"shop-web\"", ",", "\"main\":{\"id\":\"a\",\"port\":\"80\"}", "\"mode\":\"live\"", "\"route\":", "{}", "[]", "null", "\n"], [`true traefik:v3.1\narg=--providers.file\ndir=/x\n${file.split("\n").find((line) => line.startsWith("# capstan ")) ?? ""}\n`], (facts) => void planFor({ proxy: facts, traefik: true })),
  { name: "HTTP answer", file: "lib/world/ssh/http.ts", tokens: ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "\r\n", "\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked", ": ", "-6\r\n", "-5\r\n", "5\r\nhello\r\n", "0\r\n\r\n", "ffffffff\r\n", "x"], samples: ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"], read: (text) => {
    const bytes = Buffer.from(text, "latin1");
    const [whole, cut] = [new HttpReader(), new HttpReader()];
    whole.push(bytes);
    const step = Math.max(1, Math.ceil(bytes.length / 16));
    for (let at = 0; at < bytes.length && !cut.isComplete && cut.malformed === undefined; at += step) cut.push(bytes.subarray(at, at + step));
    assert(cut.answer()?.status === whole.answer()?.status, "an answer in pieces is the same answer");
    assert((whole.answer()?.body.length ?? 0) <= 4096, "length of the body");
  } },
  { name: "marks of a batch", file: "lib/run/batch.ts", tokens: ["\x1e", "\x1eabcd ", "\x1eabcd pid 7\x1e", "\x1eabcd 0 0\x1e", "\x1eabcd -1 0\x1e", "\x1eabcd over 0\x1e", "\x1eabcd asked 0\x1e", "ab", "text\n", "pid "], samples: ["\x1eabcd pid 7\x1eout\n\x1eabcd 0 0\x1emore\x1eabcd 1 127\x1e"], read: (text) => {
    const read = (pieces: readonly string[]): string => {
      const reader = new MarkReader("abcd");
      const found = pieces.flatMap((piece) => reader.feed(piece));
      for (const one of found) if (typeof one !== "string") assert(one.kind === "pid" ? Number.isInteger(one.pid) && one.pid > 1 : one.kind !== "end" || (Number.isInteger(one.index) && one.index >= 0 && Number.isInteger(one.status)), JSON.stringify(one));
      return found.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join("");
    };
    const step = Math.max(1, Math.ceil(text.length / 40));
    assert(read([text]) === read(Array.from({ length: Math.ceil(text.length / step) }, (_, i) => text.slice(i * step, (i + 1) * step))), "the same however it is cut");
  } },
  { name: "lines of output", file: "lib/ground/line-splitter.ts", tokens: ["\n", "\r", "a", "long line"], samples: ["a\nb\n"], read: (text) => {
    const lines = (pieces: readonly string[]): string => {
      const found: string[] = [];
      const splitter = new LineSplitter((line) => found.push(line));
      for (const piece of pieces) splitter.feed(piece);
      splitter.end();
      return found.join("\n");
    };
    const step = Math.max(1, Math.ceil(text.length / 40));
    assert(lines([text]) === lines(Array.from({ length: Math.ceil(text.length / step) }, (_, i) => text.slice(i * step, (i + 1) * step))), "the same however it is cut");
  } },
  { name: "lines of a channel", file: "lib/world/ssh/lines.ts", tokens: ["\n", "\r\n", "taken"], samples: ["taken\n"], read: (text) => {
    const lines = new Lines(() => undefined);
    for (let at = 0; at < text.length; at += Math.max(1, Math.ceil(text.length / 40))) lines.push(text.slice(at, at + Math.max(1, Math.ceil(text.length / 40))));
    lines.end();
  } },
  { name: "git", file: "lib/build/git.ts", tokens: ["/app\n", "\n", "0123456789012345678901234567890123456789", " M a\n", "?? b\n"], samples: ["/app\n\n0123456789012345678901234567890123456789\n"], refuses, read: (text) => parseGit(text, text) },
  { name: "identity of an image", file: "lib/build/identity.ts", tokens: ["sha256:", "a".repeat(64), " ", "@", "acme/shop", "{\"Descriptor\":{\"digest\":\"", "\"}}", "\n"], read: (text) => {
    const { ids, digests } = parseIdentity({ repository: "acme/shop" }, text);
    for (const id of [...ids, ...digests]) assert(isDigest(id), `digest ${id}`);
    for (const { program, yes } of isPushed({ repository: "acme/shop" }, "acme/shop:2").asks) assert(program([text, text]).argv.length > 0 && typeof yes(text, [text, text]) === "boolean", "an answer");
  } },
  { name: "what serves", file: "lib/remote/made-with.ts", tokens: ["\n", " ", "running", "sha256:", "@", "same"], read: parseServing },
  { name: "buildx", file: "lib/build/kinds.ts", tokens: ["Endpoint:", " ", "kamal-remote-x-context", "\n"], read: (text) => builderState({ kind: "remote", name: "kamal-remote-x", context: "kamal-remote-x-context", url: "ssh://x", here: [], there: ["amd64"] }, { ok: true, text }, text) },
];

