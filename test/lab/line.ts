import { fileURLToPath } from "node:url";
import type { Lab } from "./lab.ts";
import { must } from "./shell.ts";

/** A second way to all hosts of a lab, which takes its time. */
export interface Line extends AsyncDisposable {
  /** An address for each host, in order. */
  readonly addresses: readonly string[];
}

/**
 * Lays a line with latency to all hosts of a lab; their own addresses stay without.
 * @param delayMs one way
 */
export async function layLine(lab: Lab, delayMs: number): Promise<Line> {
  const number = /\d+$/.exec(lab.folder)?.[0] ?? "";
  const subnet = `10.98.${number}`;
  const hosts = lab.hosts.map((_, i) => i + 1);
  const line = Bun.spawn([process.execPath, fileURLToPath(new URL("./delay-line.ts", import.meta.url)), String(delayMs), `cap${number}`, subnet, ...hosts.map(String)], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const { done } = await line.stdout.getReader().read();
  // A line does not wait for a processor.
  await must(["renice", "-n", "-10", "-p", String(line.pid)]);
  if (done) throw new Error(`The line did not come up: it ended with status ${await line.exited}`);
  return {
    addresses: hosts.map((host) => `${subnet}.${10 + host}`),
    async [Symbol.asyncDispose]() {
      await line.stdin.end();
      await line.exited;
    },
  };
}
