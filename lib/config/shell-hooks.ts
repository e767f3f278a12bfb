import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DeployError, isDeployError } from "../ground/errors.ts";
import { Secret } from "../ground/secret.ts";
import type { Exit } from "../ground/world.ts";
import type { HookContext, HookContexts, HookName, Hooks } from "./hooks.ts";
import { placesOf } from "./place.ts";

/** How executable files are called as hooks. */
export interface ShellHookOptions {
  /** What their variables begin with. Default: `KAMAL`. */
  readonly prefix?: "KAMAL" | "MRSK";
  /** A command line that gets every line of the audit log as its last argument: MRSK's `audit_broadcast_cmd`. */
  readonly auditBroadcast?: string;
}

/** The files of Kamal and MRSK, and the hooks they are. Those named first go first. */
const files = {
  preConnect: ["pre-connect"],
  dockerSetup: ["docker-setup"],
  preBuild: ["pre-build"],
  preDeploy: ["pre-deploy"],
  preAppBoot: ["pre-app-boot"],
  postAppBoot: ["post-app-boot"],
  preProxyReboot: ["pre-proxy-reboot", "pre-traefik-reboot"],
  postProxyReboot: ["post-proxy-reboot", "post-traefik-reboot"],
  postDeploy: ["post-deploy"],
} as const satisfies Partial<Record<HookName, readonly string[]>>;

/** Source: Kamal hands secrets to these; MRSK has them in the environment of all. */
const withSecrets: readonly HookName[] = ["preConnect", "preDeploy", "postDeploy"];

/**
 * The executable files of a folder as hooks, called as Kamal and MRSK call them: `hooks: shellHooks(".kamal/hooks")`. A file that ends with
 * another status than 0, or is not executable, stops the run. Hooks of one's own go beside them: `{ ...shellHooks(".kamal/hooks"), onFailure() {} }`.
 * @param folder relative to the file that calls this
 */
export function shellHooks(folder: string, options: ShellHookOptions = {}): Hooks {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, shellHooks);
  return shellHooksBelow(dirname(placesOf(holder.stack)[0]?.file ?? ""), folder, options);
}

/** {@link shellHooks} of a folder below `root`. */
export function shellHooksBelow(root: string, folder: string, { prefix = "KAMAL", auditBroadcast }: ShellHookOptions): Hooks {
  const found = Object.entries(files).flatMap(([name, candidates]) => {
    const file = candidates.map((candidate) => join(folder, candidate)).find((path) => existsSync(resolve(root, path)));
    return file === undefined ? [] : [[name as keyof typeof files, file] as const];
  });
  const hooks = found.map(([name, file]) => [name, async (context: HookContexts[typeof name]): Promise<void> => {
    const secrets = prefix === "MRSK" || withSecrets.includes(name) ? await context.secrets() : {};
    const hidden = Object.entries(secrets).map(([variable, value]) => [variable, new Secret(variable, value)] as const);
    await callFile(context, root, file, { ...Object.fromEntries(hidden), ...hookVariables(context, prefix) });
  }] as const);
  const broadcast = auditBroadcast === undefined ? {} : { auditBroadcast: (context: HookContexts["auditBroadcast"]) => broadcastLine(context, auditBroadcast) };
  return { ...(Object.fromEntries(hooks) as Hooks), ...broadcast };
}

/** What a hook is told by its environment. Source: Kamal 2.12; MRSK 0.15 has no SERVICE and ROLES. */
export function hookVariables(context: HookContext & { readonly runtimeSeconds?: number }, prefix: "KAMAL" | "MRSK"): Readonly<Record<string, string>> {
  const { service, serviceVersion, destination, version, performer, hosts, roles, rolesNamed, command, subcommand, recordedAt, locked, runtimeSeconds } = context;
  const kamal = { SERVICE: service, ROLES: rolesNamed ? roles.join(",") : undefined };
  const all: Readonly<Record<string, string | undefined>> = {
    RECORDED_AT: recordedAt, PERFORMER: performer, VERSION: version === "" ? undefined : version, SERVICE_VERSION: version === "" ? undefined : serviceVersion, HOSTS: hosts.join(","),
    COMMAND: command, SUBCOMMAND: subcommand, DESTINATION: destination, RUNTIME: runtimeSeconds === undefined ? undefined : String(runtimeSeconds),
    ...(prefix === "KAMAL" ? kamal : {}),
  };
  const told = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[`${prefix}_${name}`, value] as const]));
  // By this name whatever the prefix: it lets a hook call the tool again under the lock of this run.
  return { ...Object.fromEntries(told), KAMAL_LOCK: String(locked) };
}

/** Source: `env` ends with 126 for a file that it cannot execute. It also runs a script without a first line that names its shell. */
async function callFile(context: HookContext, root: string, file: string, env: Readonly<Record<string, string | Secret>>): Promise<void> {
  await context.local(["/usr/bin/env", resolve(root, file)], { env }).catch((error: unknown): never => {
    if (!isDeployError(error) || !("exit" in error)) throw error;
    const { status, signal } = error.exit as Exit;
    if (status === 126) throw new DeployError("hook", `${file} is not executable`, { hint: `Run "chmod +x ${file}", or take the file away.` });
    // Not with the error as its cause: it names the whole environment.
    throw new DeployError("hook", `${file} ended with ${status === undefined ? `signal ${signal ?? "unknown"}` : `status ${status}`}`, { details: error.details });
  });
}

/** Source: MRSK 0.12: one argument, `[performer] [destination] text`. */
async function broadcastLine(context: HookContexts["auditBroadcast"], command: string): Promise<void> {
  const { performer, destination, role, text, recordedAt } = context.event;
  const line = [performer, destination, role].flatMap((part) => (part === undefined ? [] : [`[${part}]`])).join(" ");
  const about = { MRSK_PERFORMER: performer, MRSK_RECORDED_AT: recordedAt, MRSK_EVENT: text, ...(destination === undefined ? {} : { MRSK_DESTINATION: destination }), ...(role === undefined ? {} : { MRSK_ROLE: role }) };
  await context.local(["sh", "-c", `${command} "$1"`, "sh", `${line} ${text}`], { env: about });
}
