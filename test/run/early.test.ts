import { describe, expect, test } from "bun:test";
import { sh } from "../../lib/ground/command.ts";
import type { RunStep } from "../../lib/ground/step.ts";
import type { Limits, World } from "../../lib/ground/world.ts";
import { EarlyBatches } from "../../lib/run/early.ts";
import type { Mark } from "../../lib/run/batch.ts";
import type { HostPlanned } from "../../lib/run/progress.ts";
import { batchParts, fakeWorld } from "../support/world.ts";

const step = (text: string): RunStep => ({ kind: "run", title: text, command: sh`${text}`, repeatable: true, onCancel: "abandon" });
const pull = [step("login"), step("pull")];
const lane = (...steps: readonly RunStep[]): HostPlanned[] => steps.map((one) => ({ phase: "Pull image", host: "h1", step: one, optional: false, committed: false }));

/** A host that says what it is told to say, and ends its batch when that is asked for. */
function slowHost(): { readonly world: World; readonly say: (text: (mark: string) => string, stream?: "stdout" | "stderr") => void; readonly isStopped: () => boolean; readonly end: () => void } {
  const { world } = fakeWorld();
  const over = Promise.withResolvers<void>();
  let limits: Limits | undefined;
  let mark = "";
  return {
    world: {
      ...world,
      transport: {
        ...world.transport,
        run: async (_host, command, given) => {
          limits = given;
          mark = batchParts(command.text)?.mark ?? "";
          const stopped = Promise.withResolvers<never>();
          given.signal.addEventListener("abort", () => stopped.reject(given.signal.reason));
          await Promise.race([over.promise, stopped.promise]);
          return { status: 0, signal: undefined, stdout: "", stderr: "", durationMs: 0 };
        },
      },
    },
    say: (text, stream = "stdout") => limits?.onOutput?.(stream, text(mark)),
    isStopped: () => limits?.signal.aborted === true,
    end: () => over.resolve(),
  };
}

const heardBy = (said: (string | Mark)[]) => (_stream: "stdout" | "stderr", piece: string | Mark): void => void said.push(piece);

describe("EarlyBatches", () => {
  test("gives a lane what its host has begun already: all that it said, then what it says", async () => {
    const host = slowHost();
    using batches = new EarlyBatches(host.world, new Map([["h1", pull], ["h2", []]]));
    expect(batches.take("h2", lane(...pull))).toBeUndefined();
    host.say((mark) => `Login Succeeded\n\x1e${mark} 0 0\x1e`);
    const batch = batches.take("h1", lane(...pull, step("check")));
    const said: (string | Mark)[] = [];
    const sent = batch?.follow(new AbortController().signal, heardBy(said));
    expect(said).toEqual(["Login Succeeded\n", { kind: "end", index: 0, status: 0 }]);
    host.say((mark) => `done\n\x1e${mark} 1 0\x1e`);
    expect(said.slice(2)).toEqual(["done\n", { kind: "end", index: 1, status: 0 }]);
    host.end();
    expect((await sent)?.exit.status).toBe(0);
    expect(batches.take("h1", lane(...pull))).toBeUndefined();
  });

  test.each([["begins with something else", lane(step("tag"), step("check"))], ["is shorter", lane(step("login"))], ["does not need it", []]])("ends what is at work where the lane %s", (_title, planned) => {
    const host = slowHost();
    using batches = new EarlyBatches(host.world, new Map([["h1", pull]]));
    expect(batches.take("h1", planned)).toBeUndefined();
    expect(host.isStopped()).toBe(true);
  });

  test("ends what nobody took, and what was taken with its follower", async () => {
    const [left, taken] = [slowHost(), slowHost()];
    new EarlyBatches(left.world, new Map([["h1", pull]]))[Symbol.dispose]();
    expect(left.isStopped()).toBe(true);
    const batches = new EarlyBatches(taken.world, new Map([["h1", pull]]));
    const cancel = new AbortController();
    const sent = batches.take("h1", lane(...pull))?.follow(cancel.signal, () => undefined);
    batches[Symbol.dispose]();
    expect(taken.isStopped()).toBe(false);
    cancel.abort(new Error("enough"));
    expect(taken.isStopped()).toBe(true);
    expect(sent).rejects.toThrow("enough");
  });

  test("lets what counts no more go on, and gives it to nobody", () => {
    const host = slowHost();
    using batches = new EarlyBatches(host.world, new Map([["h1", pull]]));
    batches.outdate();
    expect([batches.take("h1", lane(...pull)), host.isStopped()]).toEqual([undefined, false]);
  });
});
