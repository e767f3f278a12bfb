import { aliasesOf } from "../aliases.ts";
import { overlay } from "../merge.ts";
import { parseErb, renderPieces } from "./erb.ts";
import { destinationFile, type YamlSource } from "./load.ts";
import { at, plain } from "./node.ts";
import { parseYaml, type Source } from "./parse.ts";

/** Stands for what Ruby would give. */
const unknown = "\u{FFFC}";

/**
 * The aliases of a project, read without running any of its Ruby: it may ask the user, and the command that an alias stands for runs it anyway.
 * @param file `config/deploy.yml`, absolute
 * @returns undefined when they cannot be told without Ruby, or the files cannot be read
 */
export async function yamlAliases(file: string, { files, cwd, destination }: YamlSource): Promise<Readonly<Record<string, string | undefined>> | undefined> {
  try {
    const paths = [file, ...(destination === undefined ? [] : [destinationFile(file, destination)])];
    const sources = await Promise.all(paths.map(async (path): Promise<Source> => ({ file: path, text: (await files.read(path)) ?? "", cwd })));
    const found = sources.map((source) => {
      const pieces = parseErb(source.text);
      const aliases = at(parseYaml(renderPieces(pieces, pieces.map(({ kind }) => (kind === "output" ? unknown : ""))), source), "aliases");
      return aliases === undefined ? {} : { aliases: plain(aliases) };
    });
    return JSON.stringify(found).includes(unknown) ? undefined : aliasesOf(found.reduce((under, over) => overlay(under, over) as typeof under));
  } catch {
    return undefined;
  }
}
