import type { LogOptions } from "../remote/proxy/driver.ts";

/** Options of `app logs` and `proxy logs` as they were typed. */
export interface LogArgs {
  readonly since: string | undefined;
  readonly lines: number | undefined;
  readonly grep: string | undefined;
  readonly grepOptions?: string | undefined;
  readonly follow: boolean;
  readonly skipTimestamps: boolean;
}

export function logOptions({ since, lines, grep, grepOptions, follow, skipTimestamps }: LogArgs): LogOptions {
  return {
    follow, timestamps: !skipTimestamps,
    ...(since === undefined ? {} : { since }), ...(lines === undefined ? {} : { lines }), ...(grep === undefined ? {} : { grep }), ...(grepOptions === undefined ? {} : { grepOptions }),
  };
}
