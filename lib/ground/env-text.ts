/** What a line of docker's env file cannot hold, or is written there as Kamal writes it: escaped, which docker does not undo. */
export const escaped = /[\\\x00-\x1f\x7f]/;

const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f", "\v": "\\v", "\b": "\\b", "\x07": "\\a", "\x1b": "\\e" };

/** A value as it stands in an env file: ASCII as in a C string without its quotes, so that it stays on its line; anything else as it is. */
export function escapeValue(value: string): string {
  return value.replaceAll(new RegExp(escaped, "g"), (char) => escapes[char] ?? `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/** Names that a shell keeps for itself, or by which it, the loader of programs or docker's own program are told what to do. */
const taken = /^(?:_|PATH|HOME|IFS|PWD|OLDPWD|E?UID|PPID|GROUPS|S?RANDOM|SECONDS|LINENO|HISTCMD|FUNCNAME|DIRSTACK|SHELLOPTS|LANG|LANGUAGE|XDG_RUNTIME_DIR|(?:HTTPS?|NO|ALL)_PROXY|(?:https?|no|all)_proxy|(?:OPTIND|OPTARG|OPTERR|EPOCH|BASH|LC_|LD_|DOCKER_|GODEBUG|GOGC|GOMAXPROCS|GOMEMLIMIT|GOTRACEBACK|OTEL_|SSL_CERT_).*)$/;

/** Why docker's own program may not find a variable of this name in its environment, set there by a shell; undefined: it may. */
export function obstacleTo(variable: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable)) return `a shell cannot set a variable called ${variable}`;
  return taken.test(variable) ? `${variable} would tell the shell or Docker itself what to do` : undefined;
}
