import { describe, expect, test } from "bun:test";
import { sh } from "../../lib/ground/command.ts";
import { CancelledError, ConnectError } from "../../lib/ground/errors.ts";
import { eachHost } from "../../lib/run/each-host.ts";
import { fakeWorld } from "../support/world.ts";

const errands = ["h1", "h2", "h3"].map((host) => ({ host, command: sh`uptime` }));

describe("eachHost()", () => {
  test("keeps what each host printed, in order, with its status", async () => {
    const { world } = fakeWorld({ answers: { h1: [[/./, "up 1\n"]], h2: [[/./, 3]], h3: [[/./, "up 3\n"]] } });
    expect(await eachHost(world, "App Host", errands)).toEqual([
      { title: "App Host", host: "h1", role: undefined, stdout: "up 1\n", stderr: "", status: 0 },
      { title: "App Host", host: "h2", role: undefined, stdout: "", stderr: "", status: 3 },
      { title: "App Host", host: "h3", role: undefined, stdout: "up 3\n", stderr: "", status: 0 },
    ]);
  });

  test("answers for the others when a host cannot be asked", async () => {
    const { world } = fakeWorld({ answers: { h1: [[/./, "up 1\n"]], h3: [[/./, "up 3\n"]] }, onRun: (host) => { if (host === "h2") throw new ConnectError(host, "refused", "h2 refused the connection"); } });
    const outputs = await eachHost(world, "App Host", errands);
    expect(outputs.map(({ status }) => status)).toEqual([0, undefined, 0]);
    expect(outputs[1]?.stderr).toBe("h2 refused the connection");
  });

  test("tells lines whole as they come, however they were cut, and the last one without an end", async () => {
    const fake = fakeWorld();
    const lines: string[] = [];
    const world = {
      ...fake.world,
      transport: { ...fake.world.transport, run: async (...[, , limits]: Parameters<typeof fake.world.transport.run>) => {
        for (const text of ["one\ntw", "o\nthr", "ee"]) limits.onOutput?.("stdout", text);
        limits.onOutput?.("stderr", "oops\n");
        return { status: 0, signal: undefined, stdout: "", stderr: "", durationMs: 1 };
      } },
    };
    await eachHost(world, "App Host", errands.slice(0, 1), ({ host }, stream, line) => void lines.push(`${host} ${stream} ${line}`));
    expect(lines).toEqual(["h1 stdout one", "h1 stdout two", "h1 stderr oops", "h1 stdout three"]);
  });

  test("is cancelled by Ctrl-C", async () => {
    const { world } = fakeWorld({ onRun: () => { throw new CancelledError("Stopped by Ctrl-C"); } });
    expect(await eachHost(world, "App Host", errands).catch((error: unknown) => error)).toMatchObject({ failure: "cancelled" });
  });
});
