import { homedir } from "node:os";
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
}

/** A path with `~` and the tokens of ssh_config(5) in place: `%d %h %n %p %r %u %%`. Relative ones stand in the home directory. */
export function expandPath(path: string, tokens: Tokens): string {
  const text = path.replaceAll(/%([dhnpru%])/g, (_, token: string) => {
    switch (token) {
      case "d": return tokens.home;
      case "h": return tokens.hostName;
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
