import { readFileSync } from "node:fs";
import type { Ran } from "../shell.ts";

/** What a run of the program cost this side. */
export interface Cost extends Ran {
  readonly wallMs: number;
  /** Of the program and all it started: user and system. */
  readonly cpuMs: number;
  /** The most memory that the program itself had, in MB. */
  readonly peakMb: number;
}

/** How often memory is looked at. The kernel keeps the peak, so that only what is added in the last moment is missed. */
const lookMs = 10;

/** Runs a program and measures it. The peak is read from /proc: what `wait4` tells of it includes this process, from which the program was forked. */
export async function measure(argv: readonly string[], options: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> }): Promise<Cost> {
  const started = performance.now();
  const child = Bun.spawn([...argv], { ...options, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  let peakKb = 0;
  const looking = setInterval(() => {
    peakKb = Math.max(peakKb, peakOf(child.pid));
  }, lookMs);
  try {
    const outputs = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    await child.exited;
    const wallMs = performance.now() - started;
    const [stdout, stderr] = await outputs;
    return { status: child.exitCode ?? 128, stdout, stderr, wallMs, cpuMs: Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1000, peakMb: peakKb / 1024 };
  } finally {
    clearInterval(looking);
  }
}

/** In KB; 0 when the process is gone. */
function peakOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
