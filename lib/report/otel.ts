import { connect } from "node:net";
import { SeverityNumber, type Attributes, type LogRecord } from "@opentelemetry/api";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import type { Event } from "../ground/event.ts";
import type { Clock } from "../ground/world.ts";
import { entryOf, type Entry } from "./lines.ts";
import { seconds, type Ending, type Recorder } from "./recorder.ts";
import { plain } from "./style.ts";

/** What a collector is told of a run. */
export interface OtelOptions {
  /** Without `/v1/logs`. */
  readonly endpoint: string;
  /** Version of capstan. */
  readonly toolVersion: string;
  /** Tells this run from all others: a UUID. */
  readonly runId: string;
  readonly service: string;
  readonly destination: string | undefined;
  /** Such as `deploy` or `app boot`. */
  readonly command: string;
  readonly performer: string;
  readonly clock: Clock;
  /** Told what went wrong while sending, once. */
  readonly warn: (why: unknown) => void;
}

const batchSize = 100;
const batchEveryMs = 5_000;
const openMs = 2_000;
const answerMs = 5_000;
/** At the end of a run, for all that was not sent yet. */
const flushMs = 5_000;
/** Records that wait while the collector is slow; more are dropped. */
const queueSize = 20_000;

/** Commands that bring a version to hosts: their records bear the attributes of a deployment. */
const deployments: readonly string[] = ["setup", "deploy", "redeploy", "rollback"];

/**
 * Sends a run to an OpenTelemetry collector: OTLP over HTTP with JSON, in batches. Sending goes on beside the run and never
 * holds it up, but for at most five seconds at its end. Names of attributes: OpenTelemetry's semantic conventions, and
 * `capstan.` where Kamal has `kamal.`.
 */
export function openOtel(options: OtelOptions): Recorder {
  const { endpoint, clock } = options;
  let told = false;
  const fail = (why: unknown): void => {
    if (!told) options.warn(why);
    told = true;
  };
  let provider: LoggerProvider | undefined;
  /** The version is known once the run has started, and stands in the resource of every record. */
  const emit = (record: LogRecord, version?: string): void => {
    try {
      provider ??= createProvider(options, version, fail);
      provider.getLogger("capstan", options.toolVersion).emit(record);
    } catch (error) {
      fail(error);
    }
  };
  let version: string | undefined;
  return {
    report(event) {
      if (event.type === "start" || event.type === "summary") version = (event.type === "start" ? event.version : event.to) ?? version;
      for (const record of recordsOf(event)) emit(event.type === "start" ? { ...record, eventName: "capstan.start", attributes: { ...record.attributes, ...commandAttributes(options) } } : record, version);
    },
    async end(ending) {
      emit(endRecord(options, ending, version), version);
      await within(clock, flushMs, provider?.shutdown() ?? Promise.resolve()).catch(fail);
      return told ? undefined : `Logs sent to ${endpoint}`;
    },
  };
}

/** The log records of an event: one a line. */
export function recordsOf(event: Event): LogRecord[] {
  const entry = entryOf(event, "verbose", plain);
  if (entry === undefined) return [];
  const attributes: Attributes = { ...(entry.host === undefined || !("host" in event) || event.host === undefined ? {} : { "server.address": event.host }), ...(event.type === "output" ? { "log.iostream": event.stream } : {}) };
  return entry.text.split("\n").filter((line) => line !== "").map((body) => ({ timestamp: new Date(event.at), ...severityOf(event, entry), body, attributes }));
}

const severities = {
  debug: { severityNumber: SeverityNumber.DEBUG, severityText: "DEBUG" },
  info: { severityNumber: SeverityNumber.INFO, severityText: "INFO" },
  warn: { severityNumber: SeverityNumber.WARN, severityText: "WARN" },
  error: { severityNumber: SeverityNumber.ERROR, severityText: "ERROR" },
} as const;

/** What failed is an error, a probe that will be tried again and what was taken back a warning, what only -v shows is for debugging. */
function severityOf(event: Event, { from }: Entry): (typeof severities)[keyof typeof severities] {
  if (event.type === "notice" && event.level === "warn") return severities.warn;
  if (event.type === "undo" && event.ok) return severities.warn;
  if ("ok" in event && !event.ok) return event.type === "probe" ? severities.warn : severities.error;
  if ("state" in event && (event.state === "failed" || event.state === "lost")) return severities.error;
  return from === "verbose" ? severities.debug : severities.info;
}

function endRecord(options: OtelOptions, { at, durationMs, failure }: Ending, version: string | undefined): LogRecord {
  return {
    timestamp: new Date(at),
    eventName: failure === undefined ? "capstan.complete" : "capstan.failed",
    ...(failure === undefined ? severities.info : severities.error),
    body: failure === undefined ? `Completed in ${seconds(durationMs)}` : `FAILED: ${failure.type}: ${failure.message} (${seconds(durationMs)})`,
    attributes: {
      ...commandAttributes(options),
      "capstan.runtime": Math.round(durationMs / 100) / 10,
      ...(version === undefined ? {} : { "capstan.deploy_version": version }),
      ...(failure === undefined ? {} : { "exception.type": failure.type, "exception.message": failure.message }),
      ...(isDeployment(options) ? { "deployment.status": failure === undefined ? "succeeded" : "failed" } : {}),
    },
  };
}

const isDeployment = ({ command }: OtelOptions): boolean => deployments.includes(command);

const commandAttributes = (options: OtelOptions): Attributes => ({
  "capstan.command": options.command,
  ...(isDeployment(options) ? { "deployment.id": options.runId, "deployment.name": `${options.command} ${options.service}` } : {}),
});

function createProvider(options: OtelOptions, version: string | undefined, fail: (why: unknown) => void): LoggerProvider {
  const { endpoint, toolVersion, runId, service, destination, performer } = options;
  const resource = resourceFromAttributes({
    "service.name": "capstan",
    "service.version": toolVersion,
    "service.namespace": service,
    "capstan.run_id": runId,
    "capstan.performer": performer,
    ...(version === undefined ? {} : { "capstan.deploy_version": version }),
    ...(destination === undefined ? {} : { "deployment.environment.name": destination }),
  });
  // The SDK's own deadline is the later one: the exporter's says why.
  const batches = { maxExportBatchSize: batchSize, maxQueueSize: queueSize, scheduledDelayMillis: batchEveryMs, exportTimeoutMillis: 2 * (openMs + answerMs) };
  return new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter: new Exporter(endpoint, options.clock, fail), ...batches })] });
}

type Export = Parameters<OTLPLogExporter["export"]>;
/** `ExportResultCode.FAILED` of the SDK's core. */
const failedCode = 1;

/** Tells its failures. Tries first whether the collector can be reached: the SDK would go on trying for as long as an answer may take. */
class Exporter extends OTLPLogExporter {
  readonly #url: URL;
  readonly #clock: Clock;
  readonly #fail: (why: unknown) => void;
  #reached = false;

  constructor(endpoint: string, clock: Clock, fail: (why: unknown) => void) {
    super({ url: `${endpoint}/v1/logs`, timeoutMillis: answerMs });
    this.#url = new URL(endpoint);
    this.#clock = clock;
    this.#fail = fail;
  }

  override export(records: Export[0], done: Export[1]): void {
    const reached = this.#reached ? Promise.resolve() : within(this.#clock, openMs, reach(this.#url));
    reached.then(() => {
      this.#reached = true;
      super.export(records, (result) => {
        if (result.error !== undefined) this.#fail(refusal(result.error));
        done(result);
      });
    }, (error: unknown) => {
      this.#fail(error);
      done({ code: failedCode });
    });
  }
}

/** The SDK's error of an HTTP answer says only what stands beside the status. */
const refusal = (error: Error): Error => ("code" in error && typeof error.code === "number" ? new Error(`it answers ${error.code} ${error.message}`, { cause: error }) : error);

/** Opens a connection and closes it again. */
function reach(url: URL): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  const socket = connect({ host: url.hostname.replaceAll(/[[\]]/g, ""), port, timeout: openMs });
  socket.once("connect", resolve).once("error", reject).once("timeout", () => reject(new Error(`no connection within ${openMs / 1000} seconds`)));
  return promise.finally(() => socket.destroy());
}

/** The work, unless it takes longer. */
async function within(clock: Clock, ms: number, work: Promise<void>): Promise<void> {
  const over = new AbortController();
  const late = clock.sleep(ms, over.signal).then(() => { throw new Error(`no answer within ${ms / 1000} seconds`); });
  late.catch(() => undefined);
  try {
    await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}
