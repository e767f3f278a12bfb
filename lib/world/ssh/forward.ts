import type { Duplex } from "node:stream";
import type { ClientChannel } from "ssh2";
import { ConnectError } from "../../ground/errors.ts";
import type { Connection } from "./connection.ts";
import { connectFailure, reasonOf, tooSlow } from "./failures.ts";
import type { Target } from "./target.ts";

/** RFC 4254: the host does not allow it. */
const prohibited = 1;

/**
 * A connection to a host through the one we have to a jump host.
 * @throws ConnectError with the reason as the jump host sees it
 */
export async function forwardThrough(hop: Connection, target: Target): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>();
  const timer = setTimeout(() => reject(tooSlow(target, `${hop.host} could not reach it`)), target.timeoutMs);
  try {
    hop.client.forwardOut("127.0.0.1", 0, target.hostName, target.port, (error, stream) => (error === undefined ? resolve(stream) : reject(refusal(hop, target, error))));
    return await promise;
  } catch (error) {
    throw error instanceof ConnectError ? error : hop.lost(`on the way to ${target.name}`);
  } finally {
    clearTimeout(timer);
  }
}

function refusal(hop: Connection, target: Target, error: Error): ConnectError {
  const detail = error.message.replace("(SSH) Channel open failure: ", "");
  if (reasonOf(error) === prohibited) {
    return new ConnectError(target.name, "jump", `Cannot connect to ${target.name}: ${hop.host} does not let us through (${detail})`, { hint: `Set "AllowTcpForwarding yes" in sshd_config on ${hop.host}.`, cause: error });
  }
  const hint = `Check host and port as ${hop.host} sees them.`;
  if (/refused/i.test(detail)) return connectFailure(target, "refused", `nothing listens there, says ${hop.host}`, hint, error);
  if (/timed out/i.test(detail)) return connectFailure(target, "timeout", `it does not answer, says ${hop.host}`, hint, error);
  if (/name|unknown host/i.test(detail)) return connectFailure(target, "resolve", `${hop.host} finds no address for ${target.hostName}`, hint, error);
  return connectFailure(target, "unreachable", `${hop.host} cannot reach it: ${detail}`, hint, error);
}
