import { z } from "zod";
import { hookNames, type HooksOutput } from "../hooks.ts";
import { text } from "./common.ts";

const endpointError = "an address such as \"http://collector:4318\", without user and password";
/** A name and a password would be printed; the SDK has a variable for headers. */
const isEndpoint = (value: string): boolean => {
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
};

export const Output = z
  .strictObject({
    file: z
      .strictObject({ path: text("a folder").meta({ description: "Folder of the log files, relative to the config file. It is made when it is missing, with a `.gitignore` in it.", example: `"log"` }) })
      .meta({ typeName: "FileOutputConfig", description: "One log file for each command that changes something: `2026-03-01T14-03-07_staging_deploy.log`, in local time." })
      .optional()
      .meta({ description: "A log file for each command that changes something, with every event whatever `-q` and `-v` say, every command and its output.", example: `{ path: "log" }` }),
    otel: z
      .strictObject({ endpoint: text(endpointError).refine(isEndpoint, { error: endpointError }).meta({ description: "Address of an OpenTelemetry collector that speaks OTLP over HTTP; `/v1/logs` is added. Headers for it come from the variable OTEL_EXPORTER_OTLP_HEADERS.", example: `"http://collector:4318"` }) })
      .meta({ typeName: "OtelOutputConfig", description: "An OpenTelemetry collector." })
      .optional()
      .meta({ description: "Send the same events to an OpenTelemetry collector as log records. One that does not answer is told once and delays a run by at most 5 seconds.", example: `{ endpoint: "http://collector:4318" }` }),
  })
  .meta({ typeName: "OutputConfig", description: "Where the events of a run go besides the screen." });

const hookOutput = z.enum(["quiet", "verbose"]);
/** One word for all hooks, or a map from the names of hooks.ts. */
export const HookOutputs = z.union([hookOutput, z.strictObject(Object.fromEntries(hookNames.map((name) => [name, hookOutput.optional()]))).meta({ typeText: "HooksOutput" })]).meta({ typeText: "HooksOutput" }) as z.ZodType as z.ZodType<HooksOutput, HooksOutput>;
