import { sh, type Command } from "../ground/command.ts";
import { auditLogPath, runDirectory, type Named } from "../ground/names.ts";

/** What a line of the audit log says. */
export interface AuditEntry {
  /** ISO 8601, UTC. */
  readonly recordedAt: string;
  readonly performer: string;
  readonly destination: string | undefined;
  readonly role: string | undefined;
  readonly text: string;
}

/** `[time] [performer] [destination] [role] text`, absent parts left out. Source: Kamal's audit log. */
export function auditLine({ recordedAt, performer, destination, role, text }: AuditEntry): string {
  const tags = [recordedAt, performer, destination, role].filter((tag) => tag !== undefined && tag !== "");
  return [...tags.map((tag) => `[${tag}]`), text].join(" ").replaceAll(/[\x00-\x1f\x7f]+/g, " ");
}

/** Appends a line to the host's audit log. */
export function appendAudit(of: Named, line: string): Command {
  // Some shells' echo takes backslashes apart.
  const print = line.includes("\\") ? sh`printf ${"%s\\n"} ${line}` : sh`echo ${line}`;
  return sh`mkdir -p ${runDirectory} && ${print} >> ${auditLogPath(of)}`;
}

/** Whether a line stands in the host's audit log: it bears the time of its run. */
export const hasAudit = (of: Named, line: string): Command => sh`tail -n 200 ${auditLogPath(of)} | grep -q -x -F -e ${line}`;

/** The last 50 lines of the host's audit log; nothing when there is none. */
export const tailAudit = (of: Named): Command => sh`[ ! -e ${auditLogPath(of)} ] || tail -n 50 ${auditLogPath(of)}`;
