/** An archive with one file, as `docker cp CONTAINER:FILE -` prints it. Source: POSIX ustar. */
export function tarOf(name: string, text: string): string {
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, "0")}\0`;
  const header = (sum: string): string => [
    name.padEnd(100, "\0"), octal(0o644, 8), octal(0, 8), octal(0, 8), octal(Buffer.byteLength(text), 12), octal(0, 12), sum, "0", "\0".repeat(100), "ustar\0", "00", "\0".repeat(247),
  ].join("");
  const sum = [...Buffer.from(header(" ".repeat(8)), "latin1")].reduce((total, byte) => total + byte, 0);
  const padding = (512 - (Buffer.byteLength(text) % 512)) % 512;
  return `${header(`${sum.toString(8).padStart(6, "0")}\0 `)}${text}${"\0".repeat(padding + 1024)}`;
}
