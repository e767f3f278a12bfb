import { everywhere, kindOfValue, offersOfOption, type Offer, type Place } from "./places.ts";
import type { ShownOption } from "../option-list.ts";

/** Functions for bash and zsh that know the commands: what is offered at a place, what an option's value is. */
export function posixData(places: readonly Place[]): string {
  return [
    "# Words at a place, each with its meaning behind a tab.",
    shellFunction("_capstan_words", caseOf("$1", places.flatMap(({ at, words }) => (words.length === 0 ? [] : [[[at], printed(words)] as const])))),
    "# Options at a place.",
    shellFunction("_capstan_options", [
      ...caseOf("$1", places.flatMap(({ at, options }) => (options.length === 0 ? [] : [[[at], printed(options.flatMap(offersOfOption))] as const]))),
      ...caseOf("$1", [[places.filter(({ plans }) => plans).map(({ at }) => at), printed(everywhere.planning.flatMap(offersOfOption))]]),
      printed([...everywhere.options.flatMap(offersOfOption), ["--help", "Show what the command does and takes"]]),
    ]),
    "# What the value of an option at a place is; fails where it takes none.",
    shellFunction("_capstan_kind", [
      ...caseOf("$2", kinds([...everywhere.options, ...everywhere.planning], "")),
      ...caseOf("$1 $2", kindsBy(places)),
      "return 1",
    ]),
    "# True for a place.",
    shellFunction("_capstan_known", [...caseOf("$1", [[places.map(({ at }) => at), "return 0"]]), "return 1"]),
    "# True where all that follows belongs to the other side.",
    shellFunction("_capstan_passes", [...caseOf("$1", [[places.filter(({ passes }) => passes).map(({ at }) => at), "return 0"]]), "return 1"]),
  ].join("\n");
}

type Branch = readonly [patterns: readonly string[], command: string];

const shellFunction = (name: string, lines: readonly string[]): string => [`${name}() {`, ...lines.map((line) => `  ${line}`), "}"].join("\n");
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const printed = (offers: readonly Offer[]): string => `printf '%s\\n' ${offers.map(([word, description]) => quoted(`${word}\t${description}`)).join(" ")}`;

function caseOf(subject: string, branches: readonly Branch[]): string[] {
  const filled = branches.filter(([patterns]) => patterns.length > 0);
  return filled.length === 0 ? [] : [`case "${subject}" in`, ...filled.map(([patterns, command]) => `  ${patterns.map(quoted).join("|")}) ${command} ;;`), "esac"];
}

/** Branches that give the kind of each option's value, `before` in front of the option. */
function kinds(options: readonly ShownOption[], before: string): readonly Branch[] {
  const known = options.flatMap((option) => {
    const kind = kindOfValue(option);
    return kind === undefined ? [] : offersOfOption(option).map(([word]) => ({ kind, word: before + word }));
  });
  return [...Map.groupBy(known, ({ kind }) => kind)].map(([kind, members]) => [members.map(({ word }) => word), `_capstan_reply=${kind}; return 0`] as const);
}

function kindsBy(places: readonly Place[]): readonly Branch[] {
  const all = places.flatMap(({ at, options }) => kinds(options, `${at} `));
  return [...Map.groupBy(all, ([, command]) => command)].map(([command, branches]) => [branches.flatMap(([patterns]) => patterns), command] as const);
}
