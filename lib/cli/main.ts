import { CancelledError, DeployError, isDeployError } from "../ground/errors.ts";
import { errorJson, errorText, exitStatusOf } from "../report/error.ts";
import { harmless } from "../report/printable.ts";
import { jsonLine, type JsonRecord, jsonReporter, resultLine } from "../report/json.ts";
import { lineReporter } from "../report/lines.ts";
import type { Reporter, Verbosity } from "../report/reporter.ts";
import { createStyle, wantsColour } from "../report/style.ts";
import { liveReporter } from "../report/tty.ts";
import { withoutAliases, type Expanded } from "./alias.ts";
import type { CommandContext, Tree } from "./command.ts";
import { helpText } from "./help.ts";
import type { Io, Sink } from "./io.ts";
import type { GlobalOptions } from "./options.ts";
import { parseCommandLine, type Invocation } from "./parse.ts";
import { toolVersion } from "./version.ts";

/**
 * The command line. Never rejects: whatever goes wrong is told, on standard error or with --json as the last line of standard output.
 * @param argv the words after the program's name
 * @returns the exit status: by kind of failure as `exitStatus` says, 1 for a bug
 */
export async function main(argv: readonly string[], io: Io, tree: Tree): Promise<number> {
  let line = argv;
  try {
    const expanded = await withoutAliases(tree, argv, io);
    line = expanded.argv;
    const invocation = parseExpanded(tree, expanded);
    switch (invocation.kind) {
      case "help":
        io.stdout.write(helpText(tree, invocation.path, { columns: io.stdout.size().columns, style: styleOf(io, io.stdout) }));
        return 0;
      case "version":
        io.stdout.write(`${toolVersion}\n`);
        return 0;
      case "run":
        return await run(invocation, io);
    }
  } catch (error) {
    const ours = line.includes("--") ? line.slice(0, line.indexOf("--")) : line;
    return tell(error, ours.includes("--json"), io);
  }
}

/** Reads a command line; what an alias stands for is told with what is wrong in it. @throws DeployError (usage) */
function parseExpanded(tree: Tree, { argv, notes }: Expanded): Invocation {
  try {
    return parseCommandLine(tree, argv);
  } catch (error) {
    if (!isDeployError(error) || notes.length === 0) throw error;
    throw new DeployError(error.failure, error.message, { details: [...error.details, ...notes], hint: error.hint });
  }
}

async function run({ path, node, options, args, rest }: Extract<Invocation, { kind: "run" }>, io: Io): Promise<number> {
  const startedMs = io.clock.now();
  let scrub = (text: string): string => text;
  const reporter = reporterFor(options, io);
  const stayVisible = io.atExit(() => reporter.close());
  // Left to the runtime it would be printed with all the secrets in it.
  const giveBack = io.onStray((error) => {
    reporter.close();
    tell(error, options.json, io, scrub);
  });
  const context: CommandContext = {
    path, options, args, rest, io,
    style: styleOf(io, io.stdout),
    report: reporter.report,
    pause: reporter.pause,
    scrubWith: (given) => void (scrub = given),
    print(text, record, exact) {
      const resume = reporter.pause();
      io.stdout.write(`${options.json ? jsonLine(record ?? { type: "text", text }) : exact === undefined ? harmless(text) : text}\n`);
      resume();
    },
  };
  try {
    const carryOut = await node.load();
    const status = (await carryOut(context)) ?? 0;
    reporter.close();
    if (options.json) io.stdout.write(`${resultLine({ command: path.join(" "), status, durationMs: io.clock.now() - startedMs })}\n`);
    return status;
  } catch (error) {
    reporter.close();
    return tell(io.signal.aborted && !isDeployError(error) ? new CancelledError("Cancelled", { cause: error }) : error, options.json, io, scrub);
  } finally {
    stayVisible();
    giveBack();
  }
}

/** Chosen once: JSON when asked for, the live view on a terminal that is not CI's, else lines. */
function reporterFor(options: GlobalOptions, io: Io): Reporter {
  const verbosity: Verbosity = options.quiet ? "quiet" : options.verbose ? "verbose" : "normal";
  const style = styleOf(io, io.stderr);
  if (options.json) return jsonReporter((line) => io.stdout.write(`${line}\n`));
  if (io.stderr.terminal && !isCi(io) && io.env["TERM"] !== "dumb" && verbosity !== "quiet") return liveReporter(io.stderr, io.clock, { verbosity, style });
  return lineReporter((line) => io.stderr.write(`${line}\n`), { verbosity, style });
}

const isCi = (io: Io): boolean => !["", "0", "false"].includes(io.env["CI"] ?? "");
const styleOf = (io: Io, sink: Sink) => createStyle(wantsColour(io.env, sink.terminal));

function tell(error: unknown, json: boolean, io: Io, scrub = (text: string): string => text): number {
  if (json) io.stdout.write(`${jsonLine(scrubbed(errorJson(error), scrub))}\n`);
  else io.stderr.write(`${harmless(scrub(errorText(error, styleOf(io, io.stderr))))}\n`);
  return exitStatusOf(error);
}

/** A record with every text in it scrubbed. Scrubbing the line itself could tear an escape apart. */
function scrubbed(record: JsonRecord, scrub: (text: string) => string): JsonRecord {
  return JSON.parse(JSON.stringify(record, (_, value: unknown) => (typeof value === "string" ? scrub(value) : value))) as JsonRecord;
}
