/** Name of the variable that marks every process of a run. */
const mark = "CAPSTAN_RUN";

/**
 * The line to send for a command: a POSIX shell runs it whatever the login shell is, with messages in English.
 * @param run hex digits by which {@link stopLine} finds the processes again
 */
export function wrap(text: string, run: string): string {
  return `exec env LC_ALL=C ${mark}=${run} sh -c ${quoteForAnyShell(text)}`;
}

/**
 * The line to send for a command of the user's own session: in the language of the host, since the user reads it.
 * @param run as for {@link wrap}; undefined: it has a terminal, and ends when that hangs up
 */
export function wrapSession(text: string, run: string | undefined): string {
  return `exec ${run === undefined ? "" : `env ${mark}=${run} `}sh -c ${quoteForAnyShell(text)}`;
}

/** One word for bash, dash, zsh and fish alike: fish reads backslashes within single quotes, so they stand outside. */
const quoteForAnyShell = (text: string): string => `'${text.replaceAll(/['\\]/g, "'\\$&'")}'`;

/**
 * The command that ends all processes of a run. Closing the channel would not: without a terminal sshd leaves them running. They are found by
 * their environment, by three programs for all of them: a host may have thousands. Not every `grep` reads past a NUL. Asks first, kills a second later.
 */
export function stopLine(run: string): string {
  const find = `head -c 4000000 /proc/[0-9]*/environ | tr '\\0' '\\n' | sed -n '/^==> /h; /^${mark}=${run}$/{g;s/[^0-9]*\\([0-9]*\\).*/\\1/p;}'`;
  const each = (signal: string): string => `for p in $(${find}); do kill -${signal} "$p"; done`;
  return `{ ${each("TERM")}; sleep 1; ${each("KILL")}; } 2>/dev/null`;
}
