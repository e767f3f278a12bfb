/** Names of the entry points that arguments of Traefik define, in small letters. */
export const entryPointsOf = (args: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.keys(args).flatMap((name) => /^entrypoints\.([^.]+)\.address$/i.exec(name)?.[1]?.toLowerCase() ?? []);
