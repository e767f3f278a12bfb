import { sh, type Query } from "../ground/command.ts";
import { auditLogPath, type Named } from "../ground/names.ts";

/** A version that was put in place on a host once all hosts of its run served it. */
export interface Release {
  readonly version: string;
  /** ISO 8601, UTC, by the clock of who deployed it. */
  readonly at: string;
  /** Its run was about every host of the app, and all of them had switched. */
  readonly whole?: true;
  /** Its run was about these roles of the host only. */
  readonly roles?: readonly string[];
  /** The versions in the names of containers that went on serving, by role: their images are that of this one. */
  readonly kept?: Readonly<Record<string, string>>;
}

/** As many lines are read: a host that prints more is not asked for more. */
const mostLines = 200;

/** What the audit log says of a release that every host of the app serves. */
export const wholeRelease = (version: string): string => `Released version ${version} on all hosts`;

/** What the audit log says of an image that was put in place on a host. Source: Kamal's audit log; it does not name roles. @param roles those of the run, where the host has more */
export const taggedLatest = (image: string, roles: readonly string[] | undefined): string => `Tagging ${image} as the latest image${roles === undefined ? "" : ` for ${roles.join(", ")}`}`;

/** What the audit log says, for a role, of a container that was left in place since a switch would have changed nothing. */
export const keptAs = (before: string, version: string): string => `Kept version ${before} as version ${version}`;

/** What a tag may be made of. The text comes from a host: nothing else becomes a version. */
const version = String.raw`\w[\w.-]{0,127}`;
const tagged = new RegExp(String.raw`^\[(\d[\w:.+-]*)\](?: .*\])? Tagging \S+:(${version}) as the latest image(?: for ([\w.-]+(?:, [\w.-]+)*))?$`);
const whole = new RegExp(String.raw`^\[(\d[\w:.+-]*)\](?: .*\])? Released version (${version}) on all hosts$`);

const kept = new RegExp(String.raw`^\[(\d[\w:.+-]*)\](?: .*)? \[([\w.-]+)\] Kept version (${version}) as version (${version})$`);

/**
 * The releases that the audit log of the host tells of, oldest first. Kamal writes the same line after a boot, so those
 * of its time are among them.
 */
export function releasesOn(of: Named): Query<readonly Release[]> {
  return {
    command: sh`[ ! -e ${auditLogPath(of)} ] || grep -e ${"] Tagging .* as the latest image$"} -e ${"] Tagging .* as the latest image for "} -e ${"] Released version .* on all hosts$"} -e ${"] Kept version .* as version "} ${auditLogPath(of)} | tail -n ${mostLines}`,
    parse: (stdout) => stdout.trimEnd().split("\n").slice(-mostLines).reduce(withLine, []),
  };
}

function withLine(before: readonly Release[], line: string): readonly Release[] {
  const [, keptAt, role, was, is] = kept.exec(line) ?? [];
  if (role !== undefined && was !== undefined) return before.map((release, i) => (i === before.length - 1 && release.version === is && release.at === keptAt ? { ...release, kept: { ...release.kept, [role]: was } } : release));
  const isWhole = whole.exec(line);
  const [, at, found, roles] = isWhole ?? tagged.exec(line) ?? [];
  if (at === undefined || found === undefined) return before;
  const last = before.at(-1);
  const same = last?.version === found && last.at === at;
  return [...(same ? before.slice(0, -1) : before), {
    version: found, at,
    ...(isWhole !== null || (same && last.whole === true) ? { whole: true as const } : {}),
    ...(roles === undefined ? {} : { roles: roles.split(", ") }),
  }];
}
