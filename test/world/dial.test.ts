import { afterAll, describe, expect, test } from "bun:test";
import { createServer, Socket, type AddressInfo, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { defaultSshOptions } from "../../lib/ground/ssh-options.ts";
import { dial, systemNetwork, type Network } from "../../lib/world/ssh/dial.ts";
import { createTargets, type Target } from "../../lib/world/ssh/target.ts";
import { freePort } from "./sshd.ts";
import { failureOf, never } from "./transport.ts";

const servers: Server[] = [];
afterAll(() => servers.forEach((server) => server.close()));

/** Listens on a loopback address and tells where the connections came from. */
async function listen(host: string): Promise<{ port: number; from: string[] }> {
  const from: string[] = [];
  const server = createServer((socket) => {
    from.push(socket.remoteAddress ?? "");
    socket.on("error", () => undefined);
  });
  servers.push(server);
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, host, resolve);
  await promise;
  return { port: (server.address() as AddressInfo).port, from };
}

async function target(more: Partial<Target> = {}): Promise<Target> {
  await using targets = createTargets({ ...defaultSshOptions, config: false }, "/home/me", "/", {});
  return { ...(await targets.find("web", "host")), ...more };
}

const failing = (code: string): Error => Object.assign(new Error(code), { code });
/** A resolver with answers to give in turn, and sockets by address: real ones to a port here, or ones that never answer. */
function network(answers: readonly (readonly string[] | Error)[], sockets: Readonly<Record<string, number | "dead">> = {}): Network & { readonly asked: string[]; readonly tried: string[] } {
  const [asked, tried, left]: [string[], string[], (readonly string[] | Error)[]] = [[], [], [...answers]];
  return {
    asked,
    tried,
    lookup: async (name, family) => {
      asked.push(`${name} ${family}`);
      const answer = left.length > 1 ? left.shift() : left[0];
      if (answer instanceof Error) throw answer;
      return answer ?? [];
    },
    connect: (host, port, from) => {
      tried.push(host);
      const where = sockets[host] ?? port;
      return where === "dead" ? new Socket() : systemNetwork.connect(host.includes(":") ? "::1" : "127.0.0.1", where, from);
    },
  };
}
/** Pauses that are told and not waited for. */
const clock = () => {
  const pauses: number[] = [];
  return { pauses, now: () => 0, sleep: async (ms: number) => void pauses.push(ms) };
};

describe("looking a name up", () => {
  test("is tried again with a widening pause while the resolver does not answer", async () => {
    const { port } = await listen("127.0.0.1");
    const [time, net] = [clock(), network([failing("EAI_AGAIN"), failing("EAI_AGAIN"), failing("EAI_AGAIN"), ["10.0.0.1"]])];
    (await dial(await target({ port }), time, never, net)).destroy();
    expect(time.pauses).toEqual([100, 200, 400]);
    expect(net.asked).toEqual(Array(4).fill("web undefined"));
  });

  test.each([
    ["EAI_AGAIN", "Cannot connect to web: the name server does not answer for web", "Check the network of this machine and its name servers, or write an address instead; ssh.dnsRetries says how often to ask."],
    ["ENOTFOUND", "Cannot connect to web: the name web has no address", "Check the spelling in the config, and that this machine can look names up."],
  ])("that ends with %s says so", async (code, message, hint) => {
    const [time, net] = [clock(), network([failing(code)])];
    expect(await failureOf(dial(await target({ dnsRetries: 7 }), time, never, net))).toMatchObject({ reason: "resolve", message, hint });
    expect(time.pauses).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
    expect(await failureOf(dial(await target({ dnsRetries: 0 }), time, never, net))).toMatchObject({ reason: "resolve" });
    expect(net.asked.length).toBe(9);
  });

  test("asks for one family where the SSH config wants one", async () => {
    const net = network([failing("ENOTFOUND")]);
    expect(await failureOf(dial(await target({ dnsRetries: 0, addressFamily: 6 }), clock(), never, net))).toMatchObject({ message: "Cannot connect to web: the name web has no address of IPv6", hint: "Check AddressFamily in the SSH config." });
    expect(net.asked).toEqual(["web 6"]);
  });

  test.each(["10.0.0.1", "2001:db8::1", "fe80::1%eth0"])("is not needed for %s", async (hostName) => {
    const net = network([failing("ENOTFOUND")], { [hostName]: freePort() });
    expect(await failureOf(dial(await target({ hostName }), clock(), never, net))).toMatchObject({ reason: "refused" });
    expect([net.asked, net.tried]).toEqual([[], [hostName]]);
  });
});

describe("a name with several addresses", () => {
  test("goes on to the next at once when one refuses", async () => {
    const { port } = await listen("127.0.0.1");
    const net = network([["10.0.0.1", "10.0.0.2", "10.0.0.3"]], { "10.0.0.1": freePort(), "10.0.0.2": port });
    (await dial(await target({ port }), clock(), never, net)).destroy();
    expect(net.tried).toEqual(["10.0.0.1", "10.0.0.2"]);
  });

  test("does not wait for one that never answers", async () => {
    const { port } = await listen("127.0.0.1");
    const net = network([["10.0.0.1", "10.0.0.2"]], { "10.0.0.1": "dead" });
    const startedAt = performance.now();
    (await dial(await target({ port }), clock(), never, net)).destroy();
    expect(performance.now() - startedAt).toBeGreaterThan(200);
    expect(performance.now() - startedAt).toBeLessThan(3000);
  });

  test("tries the families in turn, each address once", async () => {
    const closed = freePort();
    const all = ["2001:db8::1", "2001:db8::2", "2001:db8::1", "10.0.0.1", "2001:db8::3", "10.0.0.2"];
    const net = network([all], Object.fromEntries(all.map((address) => [address, closed])));
    expect(await failureOf(dial(await target({ port: closed }), clock(), never, net))).toMatchObject({ reason: "refused", message: `Cannot connect to web (web:${closed}): nothing listens on port ${closed}` });
    expect(net.tried).toEqual(["2001:db8::1", "10.0.0.1", "2001:db8::2", "10.0.0.2", "2001:db8::3"]);
  });

  test("is told as too slow when none answers in time", async () => {
    const net = network([["10.0.0.1", "10.0.0.2"]], { "10.0.0.1": "dead", "10.0.0.2": "dead" });
    expect(await failureOf(dial(await target({ timeoutMs: 400 }), clock(), never, net))).toMatchObject({ reason: "timeout", message: "Cannot connect to web: it did not answer within 400ms" });
    expect(net.tried).toEqual(["10.0.0.1", "10.0.0.2"]);
  });
});

test("ConnectionAttempts has a second between them", async () => {
  const closed = freePort();
  const [time, net] = [clock(), network([["10.0.0.1"]], { "10.0.0.1": closed })];
  expect(await failureOf(dial(await target({ connectionAttempts: 3 }), time, never, net))).toMatchObject({ reason: "refused" });
  expect([net.tried.length, time.pauses]).toEqual([3, [1000, 1000]]);
});

describe("where a connection comes from", () => {
  const loopback = Object.entries(networkInterfaces()).find(([, addresses]) => addresses?.some(({ address }) => address === "127.0.0.1"))?.[0] ?? "lo";

  test.each<[string, Partial<Target>, string]>([
    // Linux has the whole of 127.0.0.0/8; elsewhere there may be one address only.
    ["BindAddress", { bindAddress: process.platform === "linux" ? "127.0.0.9" : "127.0.0.1" }, process.platform === "linux" ? "127.0.0.9" : "127.0.0.1"],
    ["BindInterface", { bindInterface: loopback }, "127.0.0.1"],
  ])("is said by %s", async (_, more, from) => {
    const server = await listen("127.0.0.1");
    const socket = await dial(await target({ hostName: "127.0.0.1", port: server.port, ...more }), clock(), never);
    while (server.from.length === 0) await Bun.sleep(5);
    socket.destroy();
    expect(server.from).toEqual([from]);
  });

  test("an interface that is not there is named", async () => {
    expect(await failureOf(dial(await target({ hostName: "127.0.0.1", bindInterface: "nope0" }), clock(), never))).toMatchObject({ message: "Cannot connect to web (127.0.0.1): the network interface nope0 has no IPv4 address", hint: "Check BindInterface in the SSH config." });
  });
});
