import { isIPv6 } from "node:net";
import { DeployError } from "../../ground/errors.ts";

/** The parts of `[user@]host[:port]`. */
export interface Address {
  readonly user: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
}

/**
 * Takes `[user@]host[:port]` apart. IPv6 stands in brackets when a port follows: `[2001:db8::1]:2222`.
 * Characters that mean something to a shell are refused as OpenSSH does: names end up in a ProxyCommand.
 * @throws DeployError (config) for anything else
 */
export function parseAddress(text: string): Address {
  const match = /^(?:ssh:\/\/)?(?:([^@\s]+)@)?(?:\[([^\]\s]+)\]|([^\s@[\]]+?))(?::(\d+))?$/.exec(text);
  const [, user, bracketed, bare, digits] = match ?? [];
  const whole = digits === undefined ? bare : `${bare}:${digits}`;
  if (whole !== undefined && bare !== undefined && isIPv6(whole)) return { user, host: whole, port: undefined };
  const host = bracketed ?? bare;
  const port = digits === undefined ? undefined : Number(digits);
  if (host === undefined || /^-|['"`$\\;&<>|(){}]/.test(host) || /^-|['"`;&<>|(){}]/.test(user ?? "") || bare?.includes(":") === true || (port !== undefined && (port < 1 || port > 65_535))) {
    throw new DeployError("config", `Cannot read "${text}" as a host`, { hint: "Write it as [user@]host[:port], an IPv6 address with a port as [address]:port." });
  }
  return { user, host, port };
}
