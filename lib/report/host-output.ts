import { printableText } from "./printable.ts";
import type { Style } from "./style.ts";

/**
 * What a command answered on one host, under a header: `App Host: web-1`. The header is left out when quiet.
 * @param subject what was asked: `App`, `Proxy`, `Audit`
 * @param raw pass the output through byte by byte, without header and empty line
 */
export function hostOutput(subject: string, host: string, output: string, options: { readonly style: Style; readonly quiet: boolean; readonly raw?: boolean }): string {
  if (options.raw === true) return output;
  const text = printableText(output.replace(/\n+$/, ""));
  return options.quiet ? text : `${options.style.bold(`${subject} Host: ${host}`)}\n${text}\n`;
}
