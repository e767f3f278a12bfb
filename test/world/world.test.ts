import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Event } from "../../lib/ground/event.ts";
import { Secret } from "../../lib/ground/secret.ts";
import { createWorld } from "../../lib/world/create.ts";
import { Slots } from "../../lib/world/slots.ts";
import { failureOf, limits, never } from "./transport.ts";

describe("createWorld()", () => {
  test("scrubs what it is told and what programs were given from all events", async () => {
    const events: Event[] = [];
    await using open = createWorld({ report: (event) => void events.push(event) });
    const { world } = open;
    world.conceal("api-token-1");
    await world.programs.run({ argv: ["true"], input: new Secret("INPUT", "stdin-secret") }, limits);
    world.report({ type: "notice", level: "info", text: "api-token-1 stdin-secret", at: "2030-01-02T03:04:05.000Z" });
    expect(events).toEqual([{ type: "notice", level: "info", text: "‹secret value› ‹secret INPUT›", at: "2030-01-02T03:04:05.000Z" }]);
  });

  test("stamps the events of connections and takes SSH options late", async () => {
    const events: Event[] = [];
    await using open = createWorld({ report: (event) => void events.push(event), env: { HOME: "/nonexistent", PATH: process.env["PATH"] } });
    open.useSsh({ transport: "ssh2", user: "u", port: 1, keys: [], keyData: [], keysOnly: false, proxy: undefined, proxyCommand: undefined, strictHostKeyChecking: "yes", config: false, connectTimeoutSeconds: 1, dnsRetries: 3, forwardAgent: false, maxConcurrentStarts: 1 });
    expect(await failureOf(open.world.transport.connect("127.0.0.1", never))).toMatchObject({ reason: "refused" });
    expect(events.map((event) => (event.type === "connect" ? event.state : event.type))).toEqual(["opening", "failed"]);
    expect(events[0]?.at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  test("does not load the SSH library before the first connection", () => {
    const script = `import { createWorld } from ${JSON.stringify(join(import.meta.dir, "../../lib/world/create.ts"))}; createWorld({ report() {} }); console.log(Object.keys(require.cache).some((path) => path.includes("ssh2")));`;
    const { stdout } = Bun.spawnSync([process.execPath, "-e", script]);
    expect(stdout.toString()).toBe("false\n");
  });

  test("gives random hex digits", async () => {
    await using open = createWorld({ report: () => undefined });
    expect(open.world.randomHex(6)).toMatch(/^[0-9a-f]{12}$/);
    expect(open.world.randomHex(6)).not.toBe(open.world.randomHex(6));
  });
});

describe("stopSignals()", () => {
  const start = (after: string) => {
    const script = `
      import { stopSignals } from ${JSON.stringify(join(import.meta.dir, "../../lib/world/signals.ts"))};
      { using stop = stopSignals((text) => console.log(text));
        stop.signal.addEventListener("abort", () => console.log(stop.signal.reason.failure));
        console.log("ready");
        ${after} }
    `;
    return Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "pipe" });
  };
  /** Reads on until the child has said `text`; gives all it has said. */
  const listen = (child: ReturnType<typeof start>) => {
    const reader = child.stdout.getReader();
    const decoder = new TextDecoder();
    let said = "";
    return async (text: string): Promise<string> => {
      while (!said.includes(text)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`It never said ${text}, but ${said}`);
        said += decoder.decode(value);
      }
      return said;
    };
  };

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s asks for an orderly stop first", async (signal) => {
    const child = start("await new Promise((resolve) => stop.signal.addEventListener('abort', () => setTimeout(resolve, 50))); process.exitCode = 7;");
    const until = listen(child);
    await until("ready");
    child.kill(signal);
    expect(await until("Stopped")).toStartWith("ready\ncancelled\nStopped");
    expect(await child.exited).toBe(7);
  });

  test("the second signal leaves at once with status 130", async () => {
    const child = start("await new Promise(() => setInterval(() => {}, 1000));");
    const until = listen(child);
    await until("ready");
    child.kill("SIGINT");
    await until("Stopped");
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
  });

  test("gives the signals back", async () => {
    const child = start("} console.log('given back'); await new Promise(() => setInterval(() => {}, 1000)); {");
    await listen(child)("given back");
    child.kill("SIGINT");
    await child.exited;
    expect(child.signalCode).toBe("SIGINT");
  });
});

describe("Slots", () => {
  test("are given in turn, and a waiter who cancels loses nothing for the others", async () => {
    const slots = new Slots(1);
    const order: string[] = [];
    const first = await slots.take(never);
    const aborter = new AbortController();
    const cancelled = slots.take(aborter.signal);
    const third = slots.take(never).then((slot) => { order.push("third"); return slot; });
    aborter.abort();
    expect(await failureOf(cancelled)).toMatchObject({ failure: "cancelled" });
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    (await third)[Symbol.dispose]();
    expect([order, slots.taken]).toEqual([["third"], 0]);
  });

  test("shrink to what there is", async () => {
    const slots = new Slots(3);
    const taken = await Promise.all([slots.take(never), slots.take(never)]);
    slots.shrink(1);
    let given = 0;
    const waiting = [slots.take(never), slots.take(never)].map((turn) => turn.then((slot) => { given++; return slot; }));
    taken[0][Symbol.dispose]();
    await Bun.sleep(1);
    expect(given).toBe(0);
    taken[1][Symbol.dispose]();
    (await waiting[0])?.[Symbol.dispose]();
    (await waiting[1])?.[Symbol.dispose]();
    expect([given, slots.taken]).toEqual([2, 0]);
  });
});
