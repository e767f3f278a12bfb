import type { Client, ClientChannel } from "ssh2";
import type { Clock, HttpAnswer, HttpProbe } from "../../ground/world.ts";
import { onAbort, throwIfCancelled } from "../cancel.ts";
import { reasonOf } from "./failures.ts";
import { HttpReader } from "./http.ts";

type Answer = HttpAnswer extends infer A ? (A extends HttpAnswer ? Omit<A, "durationMs"> : never) : never;

/** RFC 4254: the host's sshd does not allow it. */
const prohibited = 1;
/** After the head of an answer: how long to wait for the body, which is only shown. */
const bodyMs = 500;

/**
 * One HTTP GET from a host's own network. Never rejects but for a cancellation.
 * @param scrub applied to the body
 */
export async function httpProbe(client: Client, probe: HttpProbe, clock: Clock, signal: AbortSignal, scrub: (text: string) => string): Promise<HttpAnswer> {
  throwIfCancelled(signal);
  const startedAt = clock.now();
  const { promise, resolve } = Promise.withResolvers<Answer>();
  let channel: ClientChannel | undefined;
  const reader = new HttpReader();
  const timers = [setTimeout(() => resolve(reader.answer() ?? { ok: false, reason: "timeout", detail: `no answer within ${probe.timeoutMs} ms` }), probe.timeoutMs)];
  using _ = onAbort(signal, () => resolve({ ok: false, reason: "timeout", detail: "cancelled" }));

  const read = (chunk: Buffer): void => {
    const hadHead = reader.hasHead;
    reader.push(chunk);
    if (reader.malformed !== undefined) resolve({ ok: false, reason: "malformed", detail: reader.malformed });
    else if (reader.isComplete) resolve(reader.answer() ?? nothing);
    else if (reader.hasHead && !hadHead) timers.push(setTimeout(() => resolve(reader.answer() ?? nothing), bodyMs));
  };
  client.forwardOut("127.0.0.1", 0, probe.address, probe.port, (error, stream) => {
    if (error !== undefined) return resolve(refusal(error));
    channel = stream;
    stream.on("error", () => undefined);
    stream.on("data", read);
    stream.on("close", () => resolve(reader.answer() ?? nothing));
    stream.write(request(probe));
  });
  const answer = await promise;
  for (const timer of timers) clearTimeout(timer);
  channel?.destroy();
  throwIfCancelled(signal);
  const durationMs = clock.now() - startedAt;
  return answer.ok ? { ...answer, body: scrub(answer.body), durationMs } : { ...answer, durationMs };
}

const nothing: Answer = { ok: false, reason: "reset", detail: "it closed the connection without an answer" };

function request(probe: HttpProbe): string {
  const host = `${probe.address.includes(":") ? `[${probe.address}]` : probe.address}:${probe.port}`;
  const given = Object.entries(probe.headers);
  const defaults = Object.entries({ Host: host, "User-Agent": "capstan", Accept: "*/*", Connection: "close" }).filter(([name]) => !given.some(([other]) => other.toLowerCase() === name.toLowerCase()));
  const lines = [...defaults, ...given].map(([name, value]) => `${name}: ${value.replaceAll(/[\r\n]/g, " ")}`);
  return [`GET ${probe.path.replaceAll(/\s/g, "%20")} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}

/** sshd says in words why the connection to the container failed. */
function refusal(error: Error): Answer {
  const detail = error.message.replace("(SSH) Channel open failure: ", "");
  if (reasonOf(error) === prohibited) return { ok: false, reason: "forbidden", detail };
  if (/timed out/i.test(detail)) return { ok: false, reason: "timeout", detail };
  return { ok: false, reason: reasonOf(error) === 0 ? "reset" : "refused", detail };
}
