#!/usr/bin/env -S bun --no-install --no-env-file
/**
 * Deploys web apps to your own servers: a typed config, typed hooks, a plan you can read first.
 *
 * ```ts
 * // deploy.config.ts
 * import { defineConfig, secret } from "capstan";
 *
 * export default defineConfig({
 *   service: "shop",
 *   image: "acme/shop",
 *   servers: ["192.0.2.10", "192.0.2.11"],
 *   registry: { server: "registry.example", username: "deploy", password: secret("REGISTRY_PASSWORD") },
 *   proxy: { host: "shop.example", ssl: true },
 * });
 * ```
 *
 * Run as a program it is the command line: `capstan deploy`. Imported, it is the library:
 *
 * ```ts
 * import { createDeployer } from "capstan";
 *
 * await using deployer = await createDeployer({ config, onEvent: console.log });
 * const { from, to } = await deployer.deploy();
 * ```
 *
 * @module
 */
export { createDeployer, Deployer, type DeployerOptions } from "./lib/cli/deployer.ts";
export { defineConfig, defineDestination, type ConfigExport, type DestinationConfig, type DestinationExport } from "./lib/config/define.ts";
export type { ConfigEnv } from "./lib/config/config-env.ts";
export type { HostList, HostsContext, HostsFunction, ServersFunction } from "./lib/config/host-functions.ts";
export { shellHooks, type ShellHookOptions } from "./lib/config/shell-hooks.ts";
export { fetchSecrets, fromCommand, type AdapterName, type FetchSecretsOptions, type SecretFunction, type SecretReader } from "./lib/config/secret-function.ts";
export { secret, type SecretInput, type SecretRef } from "./lib/config/secret-ref.ts";
export type * from "./lib/config/types.ts";
export type { AuditEvent, ConnectedHookContext, HookContext, HookContexts, HookName, HookOutput, Hooks, HooksOutput } from "./lib/config/hooks.ts";
export type { Role, Settings } from "./lib/config/settings.ts";
export type { Filter, Scope } from "./lib/config/scope.ts";
export { Command, sh, quote, type Query, type Word } from "./lib/ground/command.ts";
export { Secret } from "./lib/ground/secret.ts";
export { CommandError, ConnectError, DeployError, exitStatus, isDeployError, type ConnectFailure, type Failure } from "./lib/ground/errors.ts";
export type { Event } from "./lib/ground/event.ts";
export type { Lane, Phase, Plan, Step } from "./lib/ground/step.ts";
export type { Exit, World } from "./lib/ground/world.ts";
export { planLines, printPlan, type PlanLine } from "./lib/plan/print.ts";
export type { Container, FleetFacts, HostFacts, ProxyFacts, Route } from "./lib/remote/facts.ts";
export type { Change, Offline, Outcome } from "./lib/run/change.ts";
export { changes, type DeployOptions } from "./lib/run/changes.ts";
export type { Serving } from "./lib/run/looks.ts";
export type { LockWait } from "./lib/run/task.ts";

// Not awaited: the command line serves this very module to the config, which must have been evaluated by then.
if (import.meta.main) void import("./lib/cli/start.ts").then(({ start }) => start());
