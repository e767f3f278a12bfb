import type { ConfigEnv } from "./config-env.ts";
import { placesOf, type Place } from "./place.ts";
import type { DeployConfig } from "./types.ts";

/** What `deploy.config.ts` exports: a config, a promise of one, or a function that gives one. */
export type ConfigExport = DeployConfig | Promise<DeployConfig> | ((env: ConfigEnv) => DeployConfig | Promise<DeployConfig>);

/** The part of `T` that differs: every key of a map may be left out. Lists and functions are whole. */
export type Differing<T> = T extends readonly unknown[] | ((...args: never) => unknown) ? T : T extends object ? { [Key in keyof T]?: Differing<T[Key]> | undefined } : T;

/** What differs from `deploy.config.ts` for one destination. Maps are merged key by key, lists and single values replace. */
export type DestinationConfig = Differing<DeployConfig>;
/** What `deploy.DESTINATION.config.ts` exports. */
export type DestinationExport = DestinationConfig | Promise<DestinationConfig> | ((env: ConfigEnv) => DestinationConfig | Promise<DestinationConfig>);

/**
 * Types the default export of `deploy.config.ts`. Returns its argument.
 * @param config the config, a promise of it, or a function of {@link ConfigEnv}
 */
export function defineConfig(config: ConfigExport): ConfigExport {
  remember(config, defineConfig);
  return config;
}

/**
 * Types the default export of `deploy.staging.config.ts`: what differs when the tool runs with `-d staging`. Returns its argument.
 * @param config what differs, a promise of it, or a function of {@link ConfigEnv}
 */
export function defineDestination(config: DestinationExport): DestinationExport {
  remember(config, defineDestination);
  return config;
}

const places = new WeakMap<object, Place>();

/** Keeps where a config was written, for problems that have no better place. */
function remember(config: unknown, caller: typeof defineConfig | typeof defineDestination): void {
  if ((typeof config !== "object" && typeof config !== "function") || config === null) return;
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, caller);
  const [place] = placesOf(holder.stack);
  if (place !== undefined) places.set(config, place);
}

/** Where {@link defineConfig} was called for a config; undefined when it was not. */
export function placeOf(config: unknown): Place | undefined {
  return typeof config === "object" || typeof config === "function" ? places.get(config ?? {}) : undefined;
}
