import { checkedVersion } from "../build/version.ts";
import { selectScope, type Filter } from "../config/scope.ts";
import type { ConfigExport } from "../config/define.ts";
import { loadConfig, resolveConfig } from "../config/load.ts";
import { publicWords, type Settings } from "../config/settings.ts";
import type { Event } from "../ground/event.ts";
import type { Plan } from "../ground/step.ts";
import type { World } from "../ground/world.ts";
import { observe as observeHosts } from "../run/observe.ts";
import { planChange, runChange, type Change, type Offline, type Outcome } from "../run/change.ts";
import { changes, type DeployOptions } from "../run/changes.ts";
import { performerOf } from "../run/local.ts";
import { serving, type Serving } from "../run/looks.ts";
import { checkStarts } from "../run/start-size.ts";
import type { LockWait, Task } from "../run/task.ts";
import type { FleetFacts } from "../remote/facts.ts";
import { createWorld } from "../world/create.ts";
import { recorded, type Source } from "./recording.ts";
import { commands } from "./commands.ts";

/** How a {@link Deployer} is made. */
export interface DeployerOptions extends Filter {
  /** What `deploy.config.ts` would export. Left out: the file is loaded, as the command line does. */
  readonly config?: ConfigExport;
  /** The folder of the project; default: the current one. */
  readonly cwd?: string;
  /** The config file; default: `deploy.config.ts`. */
  readonly configFile?: string;
  readonly destination?: string;
  /** The version to work on; default: the commit that is checked out. */
  readonly version?: string;
  /** Call no hooks. */
  readonly skipHooks?: boolean;
  /** Wait for a lock that another run holds; default: fail at once. */
  readonly lockWait?: LockWait;
  /** Called for everything that happens. */
  readonly onEvent?: (event: Event) => void;
  /** Aborting it ends a run as Ctrl-C does: what can be taken back is taken back. */
  readonly signal?: AbortSignal;
  /** The environment for secrets, SSH agent and programs; default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Asks the user for the passphrase of a key; default: encrypted keys are refused unless the agent has them. */
  readonly prompt?: (question: string) => Promise<string>;
  /** Called before a program asks the user something, such as a password manager at login: take your own output off the screen. @returns called behind it */
  readonly pause?: () => () => void;
  /** Name of the command for hooks, lock and events; default: the method's. */
  readonly command?: string;
}

/** What a deployer holds besides its world. */
export interface Held extends Source {
  /** Closes all connections. */
  close(): Promise<void>;
}

/** Deploys one service: what the command line does, for programs. Give it back with `await using` or `close()`. */
export class Deployer implements AsyncDisposable {
  readonly settings: Settings;
  readonly world: World;
  readonly #options: DeployerOptions;
  readonly #held: Held;

  constructor(settings: Settings, world: World, options: DeployerOptions, held: Held) {
    this.settings = settings;
    this.world = world;
    this.#options = options;
    this.#held = held;
  }

  /** Builds, pushes and deploys. @throws DeployError */
  async deploy(options: DeployOptions = {}): Promise<Outcome> {
    return this.run(changes.deploy(options), "deploy");
  }

  /** Deploys without looking after proxy and old images. @throws DeployError */
  async redeploy(options: DeployOptions = {}): Promise<Outcome> {
    return this.run(changes.redeploy(options), "redeploy");
  }

  /** Installs Docker where it is missing, then deploys. @throws DeployError */
  async setup(options: DeployOptions = {}): Promise<Outcome> {
    return this.run(changes.setup(options), "setup");
  }

  /** Puts an earlier version back; default: the one before. @throws DeployError */
  async rollback(version?: string): Promise<Outcome> {
    return this.run(changes.rollback(version), "rollback");
  }

  /** What a deploy would do now, without doing it. @param offline plan from these facts instead of asking the hosts */
  async plan(options: DeployOptions = {}, offline?: Offline): Promise<Plan> {
    return this.planFor(changes.deploy(options), "deploy", undefined, offline);
  }

  /** What is on the hosts. */
  async observe(): Promise<FleetFacts> {
    const task = await this.task("observe");
    return observeHosts(this.world, this.settings, task.scope.hosts);
  }

  /** Which version serves where. */
  async serving(): Promise<readonly Serving[]> {
    return serving(this.world, await this.task("app", "version"));
  }

  /** Carries out any change of {@link changes}, and records it as the config's `output` says. @throws DeployError */
  async run(change: Change, command: string, subcommand?: string): Promise<Outcome> {
    const task = await this.task(command, subcommand);
    return recorded(this.world, task, this.#held, () => runChange(this.world, task, change));
  }

  /** Plans any change of {@link changes}. @throws DeployError */
  async planFor(change: Change, command: string, subcommand?: string, offline?: Offline): Promise<Plan> {
    return planChange(this.world, await this.task(command, subcommand), change, offline);
  }

  /** What use cases need to know. */
  async task(command: string, subcommand?: string): Promise<Task> {
    const { skipHooks, lockWait } = this.#options;
    const version = this.#options.version === undefined ? undefined : checkedVersion(this.#options.version);
    const { performer, performerName } = await performerOf(this.world, this.settings);
    return {
      settings: this.settings, scope: selectScope(this.settings, this.#options), command: this.#options.command ?? command, subcommand,
      version, performer, performerName, hooks: skipHooks !== true, lockWait,
    };
  }

  /** The text without the secrets that were used: for errors of hooks, which may name any value. Events have none. */
  scrub(text: string): string {
    return this.#held.scrub(text);
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await this.#held.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.close();
  }
}

/**
 * Makes a deployer from a config object, or from the project's `deploy.config.ts`.
 * @throws DeployError (config) with every problem of the config
 */
export async function createDeployer(options: DeployerOptions = {}): Promise<Deployer> {
  const listeners = new Set<(event: Event) => void>();
  const { world, close, scrub, allow, useSsh } = createWorld({
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }), ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.signal === undefined ? {} : { signal: options.signal }), ...(options.prompt === undefined ? {} : { prompt: options.prompt }),
    ...(options.pause === undefined ? {} : { pause: options.pause }),
    report(event) {
      for (const listener of listeners) listener(event);
      options.onEvent?.(event);
    },
  });
  const from = { files: world.files, programs: world.programs, clock: world.clock, cwd: world.cwd, env: world.env, destination: options.destination, command: options.command ?? "deploy", version: options.version, signal: world.signal, conceal: world.conceal, commands: Object.keys(commands) };
  const settings = options.config === undefined ? await loadConfig({ ...from, configFile: options.configFile }) : await resolveConfig(options.config, from);
  checkStarts(settings);
  useSsh(settings.ssh);
  allow(publicWords(settings));
  const listen = (listener: (event: Event) => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return new Deployer(settings, world, options, { close, scrub, listen });
}
