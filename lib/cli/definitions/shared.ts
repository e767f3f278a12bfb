import type { Args } from "../command.ts";

/** Options of everything that shows logs. */
export const logArgs = {
  since: { type: "string", alias: "s", valueHint: "TIME", description: "Lines since a moment or for a time, such as 42m" },
  lines: { type: "number", alias: "n", min: 1, valueHint: "COUNT", description: "How many of the last lines; default: 100, all with --since or --grep" },
  grep: { type: "string", alias: "g", valueHint: "PATTERN", description: "Only lines with this pattern" },
  follow: { type: "boolean", alias: "f", description: "Go on with new lines until Ctrl-C" },
  skipTimestamps: { type: "boolean", alias: "T", description: "Leave out the time of each line" },
} as const satisfies Args;

/** Options of everything that builds or pulls the image. */
export const buildArgs = {
  skipPush: { type: "boolean", alias: "P", description: "Build nothing: the image is in the registry already, or without one in the Docker of this machine" },
  cache: { type: "boolean", default: true, description: "Use the build cache", negativeDescription: "Build every layer anew" },
} as const satisfies Args;

/** Leaves alone what would not change. */
export const ifChangedArg = { ifChanged: { type: "boolean", description: "Switch only where the image or the settings differ from what serves" } } as const satisfies Args;

/** Leaves out the question before something that interrupts service. */
export const confirmedArg = { confirmed: { type: "boolean", alias: "y", description: "Do not ask" } } as const satisfies Args;

/** Joins the user's terminal to a command. */
export const interactiveArg = { interactive: { type: "boolean", alias: "i", description: "Join your terminal to it, on one host" } } as const satisfies Args;
export const interactiveNote = "-i runs on the primary host, or on the first one that -h or -r choose. Its exit status is the command's. Input that is piped in is passed on: the command gets a terminal only where you have one.";
