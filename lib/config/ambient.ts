import text from "./ambient.txt" with { type: "text" };

/**
 * Types of the module `capstan` in one file that needs nothing else, for editors where only the executable is installed:
 * the first line `/// <reference path="./.capstan/types.d.ts" />` of a config makes them known.
 * Generated from the types of this code by test/config/generate.ts.
 */
export function ambientTypes(): string {
  return text;
}
