import { isIP } from "node:net";

/** A port that a container has on its host, as for `docker run --publish`. */
export interface Published {
  /** As written, IPv6 in brackets; undefined: all addresses. */
  readonly ip: string | undefined;
  /** First and last. */
  readonly host: readonly [number, number];
  /** As written. */
  readonly container: string;
  readonly protocol: string;
}

const shape = /^(?:(\[[\da-f:.]+\]|\d+(?:\.\d+){3}):)?(?:(\d+(?:-\d+)?):)?(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?$/i;

/** Reads `[ip:][host:]container[/protocol]`, where ports may be ranges. Undefined: it is none. */
export function readPublish(text: string): Published | undefined {
  const [, ip, host, container = "", protocol = "tcp"] = shape.exec(text) ?? [];
  const [outside, inside] = [range(host ?? container), range(container)];
  if (outside === undefined || inside === undefined || (inside[0] !== inside[1] && outside[1] - outside[0] !== inside[1] - inside[0])) return undefined;
  if (ip !== undefined && isIP(ip.replace(/^\[|\]$/g, "")) === 0) return undefined;
  return { ip, host: outside, container, protocol: protocol.toLowerCase() };
}

function range(text: string): readonly [number, number] | undefined {
  const [first = 0, last = first] = text.split("-").map(Number);
  return first >= 1 && last >= first && last <= 65_535 ? [first, last] : undefined;
}

/** The value of `--publish`. One port alone is the same on both sides: docker would choose one of its own on the host. */
export function publishText(port: string | number): string {
  const published = readPublish(String(port));
  if (published === undefined) return String(port);
  const { ip, host: [first, last], container, protocol } = published;
  return `${ip === undefined ? "" : `${ip}:`}${first === last ? first : `${first}-${last}`}:${container}${protocol === "tcp" ? "" : `/${protocol}`}`;
}

const everywhere = ["0.0.0.0", "[::]"];

/** True when both cannot be on one host. */
export function sharesPort(a: Published, b: Published): boolean {
  const any = (ip: string | undefined): boolean => ip === undefined || everywhere.includes(ip);
  return a.protocol === b.protocol && a.host[0] <= b.host[1] && b.host[0] <= a.host[1] && (any(a.ip) || any(b.ip) || a.ip === b.ip);
}
