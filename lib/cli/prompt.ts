import { CancelledError } from "../ground/errors.ts";

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
export async function confirm(question: string, pause: () => () => void): Promise<boolean> {
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
