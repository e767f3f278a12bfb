/** How often code has run before the engine spends time on making it faster: 1000 times where it is not told. */
const setting = "BUN_JSC_thresholdForOptimizeAfterWarmUp";
const times = "1000000";

/**
 * Begins this process anew, once, with an engine that compiles only what runs very often: a deploy is over before the rest has paid, and it is a
 * fifth of the CPU time of a deploy to 20 hosts. The engine hears of it by its environment alone, before it starts; what this process starts does
 * not. For the compiled program, where it takes 3 ms. Nothing happens where a process cannot become another one.
 */
export function compileLate(): void {
  const isTold = process.env[setting] !== undefined;
  delete process.env[setting];
  if (isTold || !import.meta.path.startsWith("/$bunfs/") || process.execve === undefined) return;
  try {
    process.execve(process.execPath, [process.execPath, ...process.argv.slice(2)], { ...process.env, [setting]: times });
  } catch {
    // As it is, it is only slower.
  }
}
