import { appendFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Lab } from "../lab.ts";
import type { Kind } from "./fleet.ts";

/** Number in the lab of the machine that is all stand-in hosts. */
export const standInNumber = 201;

/** The delays that can be had at once, in the order in which they were asked for. */
const known: number[] = [];

/** The first three parts of the stand-in hosts' addresses. */
export const subnetOf = (lab: Lab): string => `10.96.${100 + lab.place.number}`;

/** The same of hosts behind a line. */
export function delayedSubnet(lab: Lab, kind: Kind, delayMs: number): string {
  if (!known.includes(delayMs)) known.push(delayMs);
  return `10.${64 + 2 * known.indexOf(delayMs) + (kind === "real" ? 0 : 1)}.${100 + lab.place.number}`;
}

/** Tells the deploying side the keys of hosts. @param lines `ADDRESS TYPE KEY` */
export const knowHosts = (lab: Lab, lines: readonly string[]): Promise<void> => appendFile(`${lab.folder}/home/.ssh/known_hosts`, lines.map((line) => `${line}\n`).join(""));

const program = fileURLToPath(new URL("../delay-line.ts", import.meta.url));

/** Puts a line with latency before hosts; it ends with the returned value's disposal. @param numbers of hosts in the lab, `201x20` for twenty stand-ins */
export async function startLine(lab: Lab, kind: Kind, delayMs: number, numbers: readonly string[]): Promise<AsyncDisposable> {
  const child = Bun.spawn([process.execPath, program, String(delayMs), lab.place.prefix, delayedSubnet(lab, kind, delayMs), ...numbers], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  const { value } = await child.stdout.getReader().read();
  if (value === undefined) throw new Error(`The line of ${delayMs} ms ended at once: ${await new Response(child.stderr).text()}`);
  return {
    async [Symbol.asyncDispose]() {
      await child.stdin.end();
      await child.exited;
    },
  };
}
