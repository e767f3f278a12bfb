/** What an OpenTelemetry collector was told. */
export interface Collector extends AsyncDisposable {
  /** Its address. */
  readonly url: string;
  readonly requests: readonly CollectorRequest[];
  /** The log records of all requests, in their order. */
  records(): readonly CollectedRecord[];
}

export interface CollectorRequest {
  readonly method: string;
  readonly path: string;
  /** Its content type. */
  readonly type: string | null;
  readonly headers: Headers;
  readonly resource: Attributes;
  /** Log records in it. */
  readonly count: number;
  readonly text: string;
}

export interface CollectedRecord {
  readonly event: string | undefined;
  readonly severity: string;
  readonly body: string;
  readonly attributes: Attributes;
}

type Attributes = Readonly<Record<string, unknown>>;
interface OtlpAttribute { readonly key: string; readonly value: Readonly<Record<string, unknown>> }
interface OtlpLogs {
  readonly resourceLogs: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeLogs: readonly { readonly logRecords: readonly { readonly eventName?: string; readonly severityText: string; readonly body: { readonly stringValue: string }; readonly attributes: readonly OtlpAttribute[] }[] }[];
  }[];
}

const plainly = (attributes: readonly OtlpAttribute[]): Attributes => Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

/** A collector in this process. @param answer to every request; default: all is well */
export function collector(answer: () => Response | Promise<Response> = () => Response.json({})): Collector {
  const requests: CollectorRequest[] = [];
  const collected: CollectedRecord[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const text = await request.text();
      const [logs, ...others] = (JSON.parse(text) as OtlpLogs).resourceLogs;
      if (logs === undefined || others.length > 0) throw new Error("more or less than one resource");
      const records = logs.scopeLogs.flatMap(({ logRecords }) => logRecords);
      collected.push(...records.map(({ eventName, severityText, body, attributes }) => ({ event: eventName, severity: severityText, body: body.stringValue, attributes: plainly(attributes) })));
      requests.push({ method: request.method, path: new URL(request.url).pathname, type: request.headers.get("content-type"), headers: request.headers, resource: plainly(logs.resource.attributes), count: records.length, text });
      return answer();
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, requests, records: () => collected, [Symbol.asyncDispose]: () => server.stop(true) };
}
