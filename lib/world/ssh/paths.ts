import { homedir, hostname } from "node:os";
import { isAbsolute, join } from "node:path";

/** The home directory of the user who runs us. */
export const homeOf = (env: Readonly<Record<string, string | undefined>>): string => env["HOME"] ?? homedir();

/** What the tokens of ssh_config stand for. */
export interface Tokens {
  readonly home: string;
  /** The login name on this machine. */
  readonly login: string;
  /** The name as written by the user. */
  readonly alias: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  /** The name its host key is known by in ssh_config, else the name as written. */
  readonly keyAlias: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A path with `~`, the tokens and the `${VARIABLES}` of ssh_config(5) in place. Relative ones stand in the home directory. */
export function expandPath(path: string, tokens: Tokens): string {
  const text = path.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => tokens.env[name] ?? whole).replaceAll(/%([dhiklLnpru%])/g, (_, token: string) => {
    switch (token) {
      case "d": return tokens.home;
      case "h": return tokens.hostName;
      case "i": return String(process.getuid?.() ?? "");
      case "k": return tokens.keyAlias;
      case "l": return hostname();
      case "L": return hostname().replace(/\..*$/, "");
      case "n": return tokens.alias;
      case "p": return String(tokens.port);
      case "r": return tokens.user;
      case "u": return tokens.login;
      default: return "%";
    }
  });
  return expandHome(text, tokens.home);
}

/** A path with `~` in place. Relative ones stand in the home directory. */
export function expandHome(path: string, home: string): string {
  if (path === "~" || path.startsWith("~/")) return join(home, path.slice(1));
  return isAbsolute(path) ? path : join(home, path);
}
