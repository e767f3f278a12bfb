/** The bytes of shell code as it is sent to a host: as one word for any shell, in which a quote and a backslash take four. */
export const sentBytes = (code: string): number => Buffer.byteLength(code) + 3 * (code.length - code.replaceAll(/['\\]/g, "").length);

/** The most that can be sent so: the longest text of one argument on Linux is 128 KiB, less what the transport puts around it. */
export const mostSentBytes = 120 * 1024;
