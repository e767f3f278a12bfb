/** The bytes of shell code as it is sent to a host: as one word for any shell, in which a quote and a backslash take four. */
export const sentBytes = (code: string): number => Buffer.byteLength(code) + 3 * (code.length - code.replaceAll(/['\\]/g, "").length);
