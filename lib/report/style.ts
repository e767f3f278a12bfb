import { styleText } from "node:util";

/** Puts colour and weight on text, or leaves it alone. Decided once a run. */
export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly blue: Paint;
}
/** Text in, the same text in a colour or weight out. */
export type Paint = (text: string) => string;

/**
 * Whether to colour an output: never with NO_COLOR or TERM=dumb, always with FORCE_COLOR, else on a terminal.
 * NO_COLOR wins over FORCE_COLOR: who cannot read colours must be able to turn them off. An empty variable counts as unset.
 */
export function wantsColour(env: Readonly<Record<string, string | undefined>>, isTerminal: boolean): boolean {
  if (isSet(env["NO_COLOR"])) return false;
  const forced = env["FORCE_COLOR"];
  if (isSet(forced)) return forced !== "0" && forced !== "false";
  return isTerminal && env["TERM"] !== "dumb";
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== "";

/** The style of one output. @param colour see {@link wantsColour} */
export function createStyle(colour: boolean): Style {
  const paint = (format: Parameters<typeof styleText>[0]): Paint => (colour ? (text) => (text === "" ? "" : styleText(format, text, { validateStream: false })) : (text) => text);
  return { bold: paint("bold"), dim: paint("dim"), red: paint("red"), green: paint("green"), yellow: paint("yellow"), blue: paint("blue") };
}

/** A style that changes nothing. */
export const plain: Style = createStyle(false);
