import { expect, test } from "bun:test";
import { ConnectError, TimeoutError } from "../../lib/ground/errors.ts";
import type { CollectedImage, ImageArchive } from "../../lib/ground/image.ts";
import type { DeliverStep } from "../../lib/ground/step.ts";
import type { Channel, Exit, Images, Limits, World } from "../../lib/ground/world.ts";
import { forgetParts, receiveImage } from "../../lib/remote/delivery.ts";
import { deliver } from "../../lib/run/deliver.ts";
import { handOn, HandOns } from "../../lib/run/hand-on.ts";
import { fakeWorld } from "../support/world.ts";

const of = { service: "shop", destination: undefined };
const step: DeliverStep = { kind: "deliver", title: "Deliver acme/shop:77", image: "acme/shop:77", command: receiveImage(of, "acme/shop:77", []), forget: forgetParts(of), handOn: { width: 1, of } };
const image: CollectedImage = { name: "acme/shop:77", variants: [{ platform: "linux/amd64", config: "sha256:config", configSize: 2, layers: [{ diffId: "sha256:a", digest: "sha256:a", size: 2_000_000 }] }] };
const size = 2_000_000;
const archive: ImageArchive = { id: "0f", manifest: "sha256:manifest", size, digest: async () => "d1", async *read(offset) { yield new Uint8Array(size - offset); } };
const never = new AbortController().signal;

/** Hosts that answer each line they are told. */
function fleet(handed: "same" | "differs") {
  let read = 0;
  const images: Images = { collect: async () => image, collected: async () => image, verify: async () => 0, archive: async () => ({ ...archive, digest: async () => (read++, "d1") }) };
  const fake = fakeWorld({ images, answers: { web1: [[/./, ""]], web2: [[/./, ""]], web3: [[/./, ""]] } });
  const told: string[] = [];
  const open = async (host: string): Promise<Channel> => {
    const over = Promise.withResolvers<{ status: number; stderr: string; lost: boolean }>();
    const said: string[] = ["ready", "ready"];
    let wake = Promise.withResolvers<void>();
    const say = (...lines: readonly string[]): void => {
      said.push(...lines);
      wake.resolve();
    };
    return {
      write(text) {
        told.push(`${host}: ${text.trim()}`);
        if (text.startsWith("keep")) say("received", "loaded 0");
        if (text.startsWith("take")) say(handed, ...(handed === "same" ? ["received", "loaded 0"] : []));
      },
      send: async () => undefined,
      end: () => over.resolve({ status: 0, stderr: "", lost: false }),
      lines: (async function* () {
        for (;;) {
          yield* said.splice(0);
          await Promise.race([wake.promise, over.promise]);
          if (said.length === 0) return;
          wake = Promise.withResolvers<void>();
        }
      })(),
      ended: over.promise,
    };
  };
  const { run } = fake.world.transport;
  const world: World = { ...fake.world, transport: { ...fake.world.transport, open, run: (host, command, limits) => (limits.onOutput?.("stdout", "begun\n1500000\n"), run(host, command, limits)) } };
  return { world, told, events: fake.events, digests: () => read };
}

test("what a neighbour has handed on is taken where it has the digest that is known here, which is found out once", async () => {
  const { world, told, digests, events } = fleet("same");
  const handOns = new HandOns();
  expect(await deliver(world, "web1", step, handOns)).toEqual({ sentBytes: size, thereBytes: 0 });
  expect(await deliver(world, "web2", step, handOns)).toEqual({ sentBytes: 0, thereBytes: 0, from: "web1" });
  expect(await deliver(world, "web3", step, handOns)).toMatchObject({ sentBytes: 0 });
  expect(told.filter((line) => !line.includes("look"))).toEqual([`web1: keep 0f ${size} ${size}`, `web2: take 0f ${size} 0 d1`, `web3: take 0f ${size} 0 d1`]);
  expect(digests()).toBe(1);
  expect(events.filter((event) => event.type === "transfer" && event.host === "web2")).toMatchObject([{ state: "progress", sentBytes: 1_500_000, totalBytes: size, from: "web1" }, { state: "end", sentBytes: 0, from: "web1" }]);
  await handOns.close(world);
});

test("where it has another one the host gets it from here, and who handed that on is not asked again", async () => {
  const { world, told, events } = fleet("differs");
  const handOns = new HandOns();
  await deliver(world, "web1", step, handOns);
  expect(await deliver(world, "web2", step, handOns)).toEqual({ sentBytes: size, thereBytes: 0 });
  expect(told.slice(-2)).toEqual([`web2: take 0f ${size} 0 d1`, `web2: keep 0f ${size} ${size}`]);
  expect(events).toContainEqual(expect.objectContaining({ type: "notice", host: "web2", text: "web1 cannot hand acme/shop:77 on to it, so that it comes from here: what it handed on is not the image, or the host has no sha256sum to tell" }));
  expect(await handOns.turn("0f", 1, never)).toEqual({ host: "web2" });
  await handOns.close(world);
});

const exit = (status: number, stderr = ""): Exit => ({ status, signal: undefined, stdout: "", stderr, durationMs: 1 });

/** What comes of handing an archive on. */
async function handing(run: (limits: Limits) => Promise<Exit>): Promise<{ readonly how: string; readonly came: readonly number[]; readonly told: string | undefined }> {
  const fake = fakeWorld({ answers: {} });
  const came: number[] = [];
  const world: World = { ...fake.world, transport: { ...fake.world.transport, run: async (_host, _command, limits) => await run(limits) } };
  const how = await handOn(world, of, { from: "web1", to: "web2" }, step, archive, never, (bytes) => came.push(bytes));
  const notice = fake.events.find(({ type }) => type === "notice");
  return { how, came, told: notice?.type === "notice" ? notice.text.split(": ").slice(1).join(": ") : undefined };
}

test.each<[what: string, run: () => Promise<Exit>, how: string, told: string | undefined]>([
  ["well", async () => exit(0), "ok", undefined],
  ["badly without an agent", async () => exit(90), "unable", "it takes no agent (AllowAgentForwarding or MaxSessions in its sshd_config)"],
  ["badly without the archive", async () => exit(91), "unable", "it has not kept it"],
  ["badly without ssh", async () => exit(127), "unable", "it has no ssh"],
  ["badly when it is gone", async () => { throw new ConnectError("web1", "lost", "The connection to web1 was lost"); }, "unable", "The connection to web1 was lost"],
  ["badly when it takes too long", async () => { throw new TimeoutError("command", "it did not end", { host: "web1" }); }, "unable", "it did not end"],
  ["badly when the other one does not answer", async () => exit(255, "ssh: connect to host web2 port 22: No route to host\n"), "failed", "ssh: connect to host web2 port 22: No route to host"],
  ["badly when the other one has no room", async () => exit(1, "cat: write error: No space left on device\n"), "failed", "cat: write error: No space left on device"],
])("handing on goes %s", async (_, run, how, told) => {
  expect(await handing(run)).toEqual({ how, came: [], told });
});

/** A command that says what it is told to, one piece each minute, and then hangs. */
const saying = (...pieces: readonly string[]) => async ({ onOutput, signal }: Limits): Promise<Exit> => {
  for (const piece of pieces) {
    onOutput?.("stdout", piece);
    await Bun.sleep(0);
  }
  const { promise, reject } = Promise.withResolvers<Exit>();
  signal.addEventListener("abort", () => reject(signal.reason));
  return await promise;
};

test("how much is there is told as it comes, however it is cut; more than there is is not believed", async () => {
  const { came } = await handing(saying("begun\n", "12", "00\n130", "0\n", "1300\n1100\n", "nonsense\n99999999999\n", "  2000000\n"));
  expect(came).toEqual([1200, 1300, 2_000_000]);
});

test("a host that does not begin is not asked again", async () => {
  expect(await handing(saying())).toEqual({ how: "unable", came: [], told: "it did not begin within 20 s (MaxSessions in its sshd_config)" });
});

test("one that gets no further is given up", async () => {
  expect(await handing(saying("begun\n5\n"))).toEqual({ how: "failed", came: [5], told: "nothing more of it came within 120 s" });
});
