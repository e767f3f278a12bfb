import type { Command } from "../ground/command.ts";
import type { DeployError } from "../ground/errors.ts";
import type { Secret } from "../ground/secret.ts";
import type { Exit } from "../ground/world.ts";

/** What every hook gets. */
export interface HookContext {
  readonly service: string;
  /** `service@version`, the version shortened when it is a commit. */
  readonly serviceVersion: string;
  readonly destination: string | undefined;
  readonly version: string;
  /** Who runs the tool: git's user.email, else the login name. */
  readonly performer: string;
  /** The hosts this run works on, or the group, for hooks around a group. */
  readonly hosts: readonly string[];
  /** The roles this run works on. */
  readonly roles: readonly string[];
  /** True when `-r` named them. */
  readonly rolesNamed: boolean;
  /** Such as `deploy`, or `app` with the subcommand `boot`. */
  readonly command: string;
  readonly subcommand: string | undefined;
  /** When the run began: ISO 8601, UTC. */
  readonly recordedAt: string;
  /** True while this run holds the deploy lock. */
  readonly locked: boolean;
  /** Aborted by Ctrl-C and by the hook's own deadline. */
  readonly signal: AbortSignal;
  /** Writes a line to the run's output. */
  log(text: string): void;
  /** Runs a program on this machine. Throws unless it ends with status 0. */
  local(argv: readonly string[], options?: { readonly cwd?: string; readonly env?: Readonly<Record<string, string | Secret>>; readonly input?: string }): Promise<Exit>;
  /** The value of a secret, for handing it to an API. It is scrubbed from all output. Throws when it is missing. */
  secret(name: string): Promise<string>;
  /** The values of all secrets in files and config, by name. They are scrubbed from all output. */
  secrets(): Promise<Readonly<Record<string, string>>>;
}

/** What hooks get once there are connections. */
export interface ConnectedHookContext extends HookContext {
  /** Runs `command` on one of the hosts. Throws unless it ends with status 0. */
  run(host: string, command: Command | string): Promise<Exit>;
  /** Runs `command` in the service's running container. The default is the primary role on its first host. Throws unless it ends with status 0. */
  exec(command: Command | string, options?: { readonly role?: string; readonly host?: string }): Promise<Exit>;
}

/** One line of the audit log. */
export interface AuditEvent {
  readonly recordedAt: string;
  readonly performer: string;
  readonly destination: string | undefined;
  readonly role: string | undefined;
  readonly host: string;
  /** Such as `Booted app version 4f2c1a9`. */
  readonly text: string;
  /** The line as it stands in the log. */
  readonly line: string;
}

/** The one list of hooks. The config type, the dispatch and the docs follow it. */
export interface HookContexts {
  /** Before the first connection. */
  preConnect: HookContext;
  /** After `server bootstrap` has made hosts ready. */
  dockerSetup: ConnectedHookContext;
  /** Before the image is built. The lock is held. */
  preBuild: ConnectedHookContext;
  /** After build and pull, before anything changes on a host. */
  preDeploy: ConnectedHookContext;
  /** Before each group of hosts boots; `hosts` is the group. */
  preAppBoot: ConnectedHookContext;
  /** After each group of hosts has booted and switched; `hosts` is the group. */
  postAppBoot: ConnectedHookContext;
  /** After a deploy, redeploy or rollback that succeeded. */
  postDeploy: ConnectedHookContext & { readonly runtimeSeconds: number };
  /** Before the proxies of a group are rebooted. */
  preProxyReboot: ConnectedHookContext;
  /** After the proxies of a group were rebooted. */
  postProxyReboot: ConnectedHookContext;
  /** For every line of the audit log, as it is recorded. Never delays the run and never fails it. */
  auditBroadcast: HookContext & { readonly event: AuditEvent };
  /** After a run failed that had reached its hosts, or whose build failed, once what could be taken back was taken back. */
  onFailure: ConnectedHookContext & { readonly error: DeployError; readonly runtimeSeconds: number };
}

export type HookName = keyof HookContexts;

/** Functions called at fixed points of a run. A throw stops the run, except in `auditBroadcast` and `onFailure`. */
export type Hooks = { readonly [Name in HookName]?: (context: HookContexts[Name]) => void | Promise<void> };

/** How much of a hook is shown: nothing unless it fails, or all. */
export type HookOutput = "quiet" | "verbose";

/** How much is shown of all hooks, or of some by name. */
export type HooksOutput = HookOutput | { readonly [Name in HookName]?: HookOutput };

/** When each hook is called, for the reference: the sentences of {@link HookContexts}. A missing or misspelt one does not compile. */
export const hookDescriptions: Readonly<Record<HookName, string>> = {
  preConnect: "Before the first connection.",
  dockerSetup: "After `server bootstrap` has made hosts ready.",
  preBuild: "Before the image is built. The lock is held.",
  preDeploy: "After build and pull, before anything changes on a host.",
  preAppBoot: "Before each group of hosts boots; `hosts` is the group.",
  postAppBoot: "After each group of hosts has booted and switched; `hosts` is the group.",
  postDeploy: "After a deploy, redeploy or rollback that succeeded.",
  preProxyReboot: "Before the proxies of a group are rebooted.",
  postProxyReboot: "After the proxies of a group were rebooted.",
  auditBroadcast: "For every line of the audit log, as it is recorded. Never delays the run and never fails it.",
  onFailure: "After a run failed that had reached its hosts, or whose build failed, once what could be taken back was taken back.",
};

/** The names of {@link HookContexts}. */
export const hookNames = Object.keys(hookDescriptions) as readonly HookName[];
