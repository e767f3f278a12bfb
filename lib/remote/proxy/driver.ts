import type { Command, Query } from "../../ground/command.ts";
import type { HostStep, RunStep } from "../../ground/step.ts";
import type { Role, Settings } from "../../config/settings.ts";
import type { ProxyFacts } from "../facts.ts";

/** A target to switch to: a container of ours, found by its name on the host, or by the id it is known to have. The port is the role's, unless the target is known to listen on another one. */
export type Target = { readonly container: string } | { readonly id: string; readonly port?: number };

/** One kind of proxy. Everything is pure: commands and steps for the planner, queries for the observer. */
export interface ProxyDriver {
  readonly name: "kamal-proxy" | "traefik";
  /** Its container, its version, its routes. Reads the proxy's own state; undefined when there is no such container. */
  facts(): Query<ProxyFacts | undefined>;
  /** Makes the proxy run. Harmless when it runs already. */
  boot(settings: Settings): readonly HostStep[];
  /** Replaces the container by a fresh one, routes kept. */
  reboot(settings: Settings): readonly HostStep[];
  start(): readonly HostStep[];
  stop(): readonly HostStep[];
  /** Takes away the container, its image and what it keeps. */
  remove(): readonly HostStep[];
  /** Files a role needs at the proxy before it can switch: certificates. */
  prepare(settings: Settings, role: Role): readonly HostStep[];
  /**
   * Sends the role's traffic to `to`, waits until the proxy has drained the old target, and confirms by the proxy's own state, live and persisted.
   * Ends with status 76 when the proxy refused (the old route is kept), 77 when the state could not be confirmed.
   * The undo sends it back to `from`, or removes the route when there was none.
   */
  switch(settings: Settings, role: Role, to: Target, from: Target | undefined): RunStep;
  /** Takes the role's route away; harmless when there is none. */
  unroute(settings: Settings, role: Role): RunStep;
  details(): Command;
  logs(options: LogOptions): Command;
}

export interface LogOptions {
  readonly since?: string;
  readonly lines?: number;
  readonly grep?: string;
  readonly grepOptions?: string;
  readonly follow?: boolean;
  readonly timestamps: boolean;
}
