import { describe, expect, test } from "bun:test";
import { batchScript } from "../../lib/run/batch.ts";
import { checkStarts } from "../../lib/run/start-size.ts";
import { runContainer } from "../../lib/remote/container.ts";
import { checkCommand } from "../../lib/world/ssh/execution.ts";
import { accessoryOf, roleOf, settingsOf } from "../support/settings.ts";

const long = (bytes: number): string => "x".repeat(bytes);
const env = (clear: Readonly<Record<string, string>>) => ({ clear, secret: {} });
const message = "Cannot start containers with this config: what it says of one is too long for a command line";

describe("checkStarts()", () => {
  test("names what is too long together, though each text is short enough", () => {
    const settings = settingsOf({
      roles: [roleOf("web", { env: env({ A: long(50_000), B: long(40_000), C: "c" }), labels: { team: long(40_000) } }), roleOf("jobs", { env: env({ A: long(50_000) }) })],
      accessories: [accessoryOf("db", { cmd: "'".repeat(30_500), options: { memory: "1g" } })],
    });
    expect(() => checkStarts(settings)).toThrow(expect.objectContaining({
      failure: "config", message, state: ["Nothing was changed."],
      details: [
        expect.stringMatching(/^role web on 10\.0\.0\.1: 13\d{4} bytes, and 120832 at most; the largest: env\.A 50000, env\.B 40000, labels\.team 40000$/),
        expect.stringMatching(/^accessory db on 10\.0\.0\.9: 12\d{4} bytes, and 120832 at most; the largest: cmd 122000$/),
      ],
    }));
  });

  test("looks at each host whose tags make an environment of their own", () => {
    const settings = settingsOf({ roles: [roleOf("web", { hosts: ["10.0.0.1", "10.0.0.2"], env: env({ A: long(70_000) }), hostEnv: { "10.0.0.2": env({ A: long(70_000), B: long(70_000) }) } })] });
    expect(() => checkStarts(settings)).toThrow(expect.objectContaining({ details: [expect.stringContaining("role web on 10.0.0.2: ")] }));
  });

  test("lets pass only what a host can be sent", () => {
    for (let bytes = 100_000; bytes < 125_000; bytes += 250) {
      const settings = settingsOf({ roles: [roleOf("web", { env: env({ A: long(bytes / 2), B: long(bytes / 2) }) })] });
      const [role = roleOf("web")] = settings.roles;
      const passes = (check: () => void): boolean => {
        try {
          check();
          return true;
        } catch {
          return false;
        }
      };
      const start = batchScript([{ command: runContainer({ settings, role, host: "10.0.0.1", version: "0".repeat(128), hostnameHex: "0".repeat(12) }), optional: false }], "0".repeat(16));
      if (passes(() => checkStarts(settings))) expect(passes(() => checkCommand("10.0.0.1", start))).toBe(true);
    }
  });
});
