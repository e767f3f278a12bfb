import type { Filter } from "../config/scope.ts";
import { DeployError } from "../ground/errors.ts";
import type { Args, ArgValues } from "./command.ts";

const where = "Which hosts";
const output = "Output";
/** Options of commands that change something only. */
export const planning = "Planning";
const running = "Hooks and lock";

/** The options of every command. */
export const globalArgs = {
  destination: { type: "string", alias: "d", valueHint: "NAME", description: "Destination: merges deploy.NAME.config.ts, such as staging", group: where },
  hosts: { type: "string", alias: "h", multiple: true, valueHint: "HOSTS", description: "Only these hosts: comma separated, * and ? allowed", group: where },
  roles: { type: "string", alias: "r", multiple: true, valueHint: "ROLES", description: "Only these roles: comma separated, * and ? allowed", group: where },
  primary: { type: "boolean", alias: "p", description: "Only the primary host", group: where },
  configFile: { type: "string", alias: "c", valueHint: "FILE", description: "Config file, also a deploy.yml of Kamal or MRSK; default: deploy.config.ts", group: where },
  version: { type: "string", valueHint: "VERSION", description: "Version of the application; default: the commit that is checked out", group: where },
  quiet: { type: "boolean", alias: "q", description: "Show errors only", group: output },
  verbose: { type: "boolean", alias: "v", description: "Show every command with its output and time", group: output },
  json: { type: "boolean", description: "Print events and results as JSON, one a line", group: output },
  dryRun: { type: "boolean", description: "Print what would be done and change nothing", group: planning },
  offline: { type: "boolean", description: "With --dry-run: connect to nothing, plan for fresh hosts", group: planning },
  facts: { type: "string", valueHint: "FILE", description: "With --dry-run: connect to nothing, plan from what `observe --json` printed", group: planning },
  skipHooks: { type: "boolean", alias: "H", description: "Call no hooks", group: running },
  lockWait: { type: "boolean", description: "Wait while another run holds the deploy lock", group: running },
  lockWaitTimeout: { type: "number", default: 900, valueHint: "SECONDS", description: "How long to wait for it", group: running },
  lockWaitInterval: { type: "number", default: 15, min: 1, valueHint: "SECONDS", description: "How often to look", group: running },
} as const satisfies Args;

/** The options of every command, as parsed. Times are in seconds, as typed. */
export interface GlobalOptions {
  readonly destination: string | undefined;
  /** Glob patterns; empty: all. */
  readonly hosts: readonly string[];
  /** Glob patterns; empty: all. */
  readonly roles: readonly string[];
  readonly primary: boolean;
  readonly configFile: string | undefined;
  /** Of the application. */
  readonly version: string | undefined;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly offline: boolean;
  /** A file as `observe --json` prints it. */
  readonly facts: string | undefined;
  readonly skipHooks: boolean;
  readonly lockWait: boolean;
  readonly lockWaitTimeout: number;
  readonly lockWaitInterval: number;
}

/** Splits the lists. @throws DeployError (usage) for a list without a name: it would mean everything */
export function globalOptions(values: ArgValues<typeof globalArgs>): GlobalOptions {
  return { ...values, hosts: names("--hosts", values.hosts), roles: names("--roles", values.roles) };
}

function names(option: string, lists: readonly string[]): string[] {
  return lists.flatMap((list) => {
    const words = list.split(",").map((word) => word.trim()).filter((word) => word !== "");
    if (words.length === 0) throw new DeployError("usage", `Cannot tell what ${option} "${list}" chooses: it has no name in it`, { hint: `Leave out ${option} to choose everything.` });
    return words;
  });
}

/** What -h, -r and -p narrow a run to. */
export function filterOf({ hosts, roles, primary }: GlobalOptions): Filter {
  return { ...(hosts.length === 0 ? {} : { hosts }), ...(roles.length === 0 ? {} : { roles }), primary };
}
