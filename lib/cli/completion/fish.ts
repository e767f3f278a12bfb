import { everywhere, kindOfValue, offersOfOption, type Offer, type Place } from "./places.ts";
import type { ShownOption } from "../option-list.ts";

/** Functions for fish that know the commands: what is offered at a place, what an option's value is. */
export function fishData(places: readonly Place[]): string {
  return [
    "# Words at a place, each with its meaning behind a tab.",
    fishFunction("__capstan_words", switchOf("$argv[1]", places.flatMap(({ at, words }) => (words.length === 0 ? [] : [[[at], printed(words)] as const])))),
    "# Options at a place.",
    fishFunction("__capstan_options", [
      ...switchOf("$argv[1]", places.flatMap(({ at, options }) => (options.length === 0 ? [] : [[[at], printed(options.flatMap(offersOfOption))] as const]))),
      ...switchOf("$argv[1]", [[places.filter(({ plans }) => plans).map(({ at }) => at), printed(everywhere.planning.flatMap(offersOfOption))]]),
      printed([...everywhere.options.flatMap(offersOfOption), ["--help", "Show what the command does and takes"]]),
    ]),
    "# What the value of an option at a place is; fails where it takes none.",
    fishFunction("__capstan_kind", [
      ...switchOf("$argv[2]", kinds([...everywhere.options, ...everywhere.planning], "")),
      ...switchOf("$argv[1] $argv[2]", places.flatMap(({ at, options }) => kinds(options, `${at} `))),
      "return 1",
    ]),
    "# True for a place.",
    fishFunction("__capstan_known", [`contains -- "$argv[1]" ${places.map(({ at }) => quoted(at)).join(" ")}`]),
    "# True where all that follows belongs to the other side.",
    fishFunction("__capstan_passes", [`contains -- "$argv[1]" ${places.flatMap(({ at, passes }) => (passes ? [quoted(at)] : [])).join(" ")}`]),
  ].join("\n");
}

type Branch = readonly [patterns: readonly string[], command: string];

const fishFunction = (name: string, lines: readonly string[]): string => [`function ${name}`, ...lines.map((line) => `    ${line}`), "end"].join("\n");
const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
const printed = (offers: readonly Offer[]): string => `printf '%s\\n' ${offers.map(([word, description]) => quoted(`${word}\t${description}`)).join(" ")}`;

function switchOf(subject: string, branches: readonly Branch[]): string[] {
  const filled = branches.filter(([patterns]) => patterns.length > 0);
  return filled.length === 0 ? [] : [`switch "${subject}"`, ...filled.flatMap(([patterns, command]) => [`    case ${patterns.map(quoted).join(" ")}`, `        ${command}`]), "end"];
}

/** Branches that print the kind of each option's value, `before` in front of the option. */
function kinds(options: readonly ShownOption[], before: string): readonly Branch[] {
  return options.flatMap((option): Branch[] => {
    const kind = kindOfValue(option);
    return kind === undefined ? [] : [[offersOfOption(option).map(([word]) => before + word), `echo ${kind}; return 0`]];
  });
}
