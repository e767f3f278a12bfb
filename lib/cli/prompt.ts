import { CancelledError, DeployError } from "../ground/errors.ts";
import type { CommandContext } from "./command.ts";

/**
 * Asks for something that is not shown while it is typed.
 * @param pause takes the live view off the screen; what it returns puts it back
 * @throws CancelledError on Ctrl-C
 */
export async function askSecret(question: string, pause: () => () => void): Promise<string> {
  const resume = pause();
  process.stderr.write(`${question} `);
  process.stdin.setRawMode(true);
  process.stdin.resume();
  try {
    return await new Promise<string>((answer, refuse) => {
      let typed = "";
      const onData = (data: Buffer): void => {
        for (const key of data.toString("utf8")) {
          if (key === "\r" || key === "\n") return done(() => answer(typed));
          if (key === "\x03") return done(() => refuse(new CancelledError()));
          typed = key === "\x7f" ? typed.slice(0, -1) : typed + key;
        }
      };
      const done = (settle: () => void): void => {
        process.stdin.off("data", onData);
        settle();
      };
      process.stdin.on("data", onData);
    });
  } finally {
    process.stdin.setRawMode(false);
    process.stdin.pause();
    process.stderr.write("\n");
    resume();
  }
}

/** Asks a question that is no unless it is answered with yes. @throws CancelledError on Ctrl-C */
async function confirm(question: string, pause: () => () => void): Promise<boolean> {
  const resume = pause();
  try {
    const { createConsola } = await import("consola");
    return await createConsola({ stdout: process.stderr }).prompt(question, { type: "confirm", initial: false, cancel: "reject" });
  } catch (cause) {
    throw new CancelledError("Cancelled", { cause });
  } finally {
    resume();
  }
}

/**
 * Asks before something that cannot be taken back, unless -y or a dry run says that there is nothing to ask.
 * @throws DeployError (usage) where nobody can be asked, (cancelled) when the answer is no
 */
export async function confirmed({ options, io, pause }: Pick<CommandContext, "options" | "io" | "pause">, already: boolean, what: string): Promise<void> {
  if (already || options.dryRun) return;
  if (!io.interactive) throw new DeployError("usage", `This needs a yes: ${what}`, { state: ["Nothing was changed."], hint: "Add -y to do it without a question." });
  if (!(await confirm(`${what} Go on?`, pause))) throw new DeployError("cancelled", "Not confirmed", { state: ["Nothing was changed."] });
}
