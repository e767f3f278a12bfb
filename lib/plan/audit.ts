import type { RunStep } from "../ground/step.ts";
import { appendAudit, auditLine, hasAudit } from "../remote/audit.ts";
import type { Order } from "./order.ts";
import { quickMs } from "./hosts.ts";

/** Records what is being done in the host's audit log. @param role undefined when it concerns the whole service */
export function auditStep(order: Order, role: string | undefined, text: string): RunStep {
  const { settings, recordedAt, performer } = order;
  const line = auditLine({ recordedAt, performer, destination: settings.destination, role, text });
  return { kind: "run", title: `Record "${text}"`, ...(role === undefined ? {} : { role }), command: appendAudit(settings, line), doneIf: hasAudit(settings, line), timeoutMs: quickMs, audit: { line, text } };
}
