import { basename, dirname, extname, join } from "node:path";
import { DeployError } from "../../ground/errors.ts";
import type { Files, Programs } from "../../ground/world.ts";
import type { Path } from "../locate.ts";
import { isMap, overlay } from "../merge.ts";
import type { ConfigPlace } from "../parse.ts";
import { fileText } from "../place.ts";
import type { Problem } from "../problems.ts";
import { type ShellHookOptions, shellHooksBelow } from "../shell-hooks.ts";
import { convertProject, type Converted } from "./convert.ts";
import { type Flavour, type ProjectFiles, projectFiles } from "./flavour.ts";
import { locateNode, type Node, plain, writtenPath } from "./node.ts";
import { parseYaml, type Source } from "./parse.ts";
import { renderErb } from "./render.ts";
import { yamlWords } from "./words.ts";

/** What a project of Kamal or MRSK is read with. */
export interface YamlSource {
  readonly files: Files;
  readonly programs: Programs;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder of the project: absolute. All paths of the config are relative to it. */
  readonly cwd: string;
  readonly destination?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Names that aliases must not take. */
  readonly commands?: readonly string[] | undefined;
}

/**
 * What a project of Kamal 2, Kamal 1 or MRSK says as it stands, unchecked, with what was found wrong while it was read.
 * @param file `config/deploy.yml`, absolute; with a destination `config/deploy.DESTINATION.yml` beside it goes over it
 * @throws DeployError (config) when a file is missing, is no YAML, or has ERB that cannot be evaluated
 */
export async function loadYaml(file: string, source: YamlSource): Promise<{ readonly config: unknown; readonly place: ConfigPlace }> {
  const { files, programs, env, cwd, destination, signal } = source;
  const project = await projectFiles(files, cwd, destination === undefined ? [] : [destination]);
  const over = destination === undefined ? undefined : destinationFile(file, destination);
  if (over !== undefined && !(await files.exists(over))) throw new DeployError("config", `Cannot find ${fileText(over, cwd)}`, { hint: `Write it with what differs for ${destination}, or correct the destination after -d` });
  const read = async (path: string): Promise<{ readonly source: Source; readonly node: Node }> => {
    const text = { file: path, text: (await files.read(path)) ?? "", cwd };
    const node = parseYaml(await renderErb(text, { files, programs, env, cwd, destination, signal, dotenv: project.dotenv }), text);
    if (node.kind !== "map" && !(path === over && node.kind === "scalar" && node.value === null)) throw new DeployError("config", `Cannot use ${fileText(path, cwd)}: expected a map`, { hint: "Begin with a line such as `service: shop`" });
    return { source: text, node };
  };
  const parsed = [await read(file), ...(over === undefined ? [] : [await read(over)])];
  const { flavour, converted } = convertProject(parsed.map(({ node }) => node), project);
  const config = converted.map(({ root }) => plain(root)).reduce((under, above) => overlay(under, above));
  const hooks = hooksOf(flavour, project, converted);
  const roots = converted.map(({ root }) => root).toReversed();
  const place: ConfigPlace = {
    files, programs, env, cwd, root: cwd, destination, signal, commands: source.commands,
    sources: parsed.map(({ source: { file: path, text } }, i) => {
      const root = converted[i]?.root;
      return { file: path, text, defined: { file: path, line: 1, column: 1 }, locate: (way: Path) => (root === undefined ? undefined : locateNode(root, way)) };
    }).toReversed(),
    problems: [...converted.flatMap(({ problems }) => problems), ...archProblems(flavour, config)],
    words: { path: (way) => writtenPath(roots, way), text: yamlWords },
  };
  return { config: { ...(isMap(config) ? config : {}), ...(hooks === undefined ? {} : { hooks: shellHooksBelow(cwd, hooks.folder, hooks.options) }) }, place };
}

/** `config/deploy.qa.yml` for `config/deploy.yml`. */
export const destinationFile = (file: string, destination: string): string => join(dirname(file), `${basename(file, extname(file))}.${destination}${extname(file)}`);

/** The call of {@link shellHooks} that stands for a project's hooks. */
export interface ShellHooksCall {
  /** Relative to the project, or absolute. */
  readonly folder: string;
  readonly options: ShellHookOptions;
}

/** The hooks of a project: executable files, and MRSK's command for audit lines. Undefined: it has none. */
export function hooksOf(flavour: Flavour, project: ProjectFiles, converted: readonly Converted[]): ShellHooksCall | undefined {
  const own = converted.findLast(({ hooksPath }) => hooksPath !== undefined)?.hooksPath;
  const auditBroadcast = converted.findLast((one) => one.auditBroadcast !== undefined)?.auditBroadcast;
  // Kamal 2 does not look into MRSK's folder.
  const folder = own ?? (flavour === "kamal" && project.hooks === ".mrsk/hooks" ? undefined : project.hooks);
  if (folder === undefined && auditBroadcast === undefined) return undefined;
  const standard = flavour === "mrsk" ? ".mrsk/hooks" : ".kamal/hooks";
  const mrsk = flavour === "mrsk" && project.hooks !== ".kamal/hooks";
  return { folder: folder ?? standard, options: { ...(mrsk ? { prefix: "MRSK" as const } : {}), ...(auditBroadcast === undefined ? {} : { auditBroadcast }) } };
}

/** What every Kamal 2 config says, and has to say here too. */
function archProblems(flavour: Flavour, config: unknown): Problem[] {
  const builder = isMap(config) ? config["builder"] : undefined;
  if (flavour !== "kamal" || (builder !== undefined && !isMap(builder)) || builder?.["arch"] !== undefined) return [];
  return [{ path: ["builder", "arch"], text: `is missing: expected the architecture of the hosts, such as "amd64"` }];
}
