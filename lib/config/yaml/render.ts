import { DeployError, isDeployError } from "../../ground/errors.ts";
import type { Files, Programs } from "../../ground/world.ts";
import { dotenvReader } from "../dotenv-reader.ts";
import { placeAt, placeText } from "../place.ts";
import { loadsDotenv, parseErb, type Piece, refuseLarge, type Rendered, renderPieces } from "./erb.ts";
import type { Source } from "./parse.ts";
import { evaluateRuby, type Surroundings } from "./ruby.ts";

/** What templates are rendered with. */
export interface Rendering {
  readonly files: Files;
  readonly programs: Programs;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly destination: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Variables that are not set come from `.env`, as MRSK loads it. */
  readonly dotenv: boolean;
}

const commandTimeoutMs = 5 * 60_000;

/**
 * Renders the Ruby of a file, without Ruby.
 * @throws DeployError (config) with every expression that cannot be evaluated, variable that is not set and command that failed, and its place
 */
export async function renderErb(source: Source, rendering: Rendering): Promise<Rendered> {
  refuseLarge(source, rendering.cwd);
  const pieces = parseErb(source.text);
  const around = surroundings({ ...rendering, dotenv: rendering.dotenv || pieces.some(loadsDotenv) });
  const failures: string[] = [];
  const outputs: string[] = [];
  for (const piece of pieces) {
    const result = await evaluate(piece, around);
    outputs.push(typeof result === "string" ? result : "");
    if (typeof result !== "string") failures.push(`${placeText(placeAt(source.file, source.text, piece.at), source.cwd)}: ${result.problem}`);
  }
  if (failures.length === 0) return renderPieces(pieces, outputs);
  const [first = ""] = failures;
  const name = placeText(placeAt(source.file, source.text, 0), source.cwd).replace(/:1:1$/, "");
  throw new DeployError("config", failures.length === 1 ? `Cannot read ${first}` : `Cannot read ${name}: it has ${failures.length} expressions without a value`, {
    details: failures.length === 1 ? [] : failures,
    hint: !pieces.some((piece) => piece.kind === "code" || (piece.kind === "output" && piece.expression === undefined)) ? "Set what is missing, or run the command by hand to see what is wrong" : `Ruby is evaluated as far as ENV["NAME"], ENV.fetch with or without a default, texts and \`command\` go. What is more becomes TypeScript: run \`capstan import\``,
  });
}

async function evaluate(piece: Piece, around: Surroundings): Promise<string | { readonly problem: string }> {
  if (piece.kind === "text") return piece.text;
  if (loadsDotenv(piece)) return "";
  if (piece.kind === "code" || piece.expression === undefined) return { problem: `${oneLine(piece.source)} cannot be evaluated without Ruby` };
  try {
    return (await evaluateRuby(piece.expression, around)) ?? "";
  } catch (error) {
    if (!isDeployError(error) || error.failure !== "config") throw error;
    return { problem: `${oneLine(piece.source)}: ${[error.message, ...error.details].join("; ")}` };
  }
}

export const oneLine = (source: string): string => source.replaceAll(/\s+/g, " ");

function surroundings({ files, programs, env, cwd, destination, signal, dotenv }: Rendering): Surroundings {
  const own: Readonly<Record<string, string>> = destination === undefined ? {} : { KAMAL_DESTINATION: destination, MRSK_DESTINATION: destination };
  const withFile = dotenvReader({ files, programs, env, root: cwd, destination, signal });
  return {
    env: async (name) => own[name] ?? (dotenv ? withFile(name) : env[name]),
    async output(command) {
      const exit = await programs.run({ argv: ["sh", "-c", command], cwd, env: own }, { timeoutMs: commandTimeoutMs, signal: signal ?? new AbortController().signal });
      if (exit.status === 0) return exit.stdout;
      throw new DeployError("config", `the command ended with ${exit.status === undefined ? `signal ${exit.signal ?? "unknown"}` : `status ${exit.status}`}`, { details: exit.stderr.trim().split("\n").filter(Boolean).slice(-3) });
    },
    missing(name) {
      throw new DeployError("config", `${name} is not set in the environment`);
    },
  };
}
