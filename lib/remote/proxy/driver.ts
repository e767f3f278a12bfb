import type { Command, Query } from "../../ground/command.ts";
import type { HostStep, RunStep } from "../../ground/step.ts";
import type { ProxyKind, Role, Settings } from "../../config/settings.ts";
import type { ProxyFacts, Route } from "../facts.ts";

/** Exit statuses of everything that changes where requests go. */
export const switchStatus = {
  /** The proxy did not take the target; its own words stand on stderr and the old route is in force. */
  refused: 76,
  /** What the proxy does and what it has saved could not be seen to be what was asked for. */
  unconfirmed: 77,
} as const;

/** A target to switch to: a container of ours, found by its name on the host, or by the id it is known to have. The port is the role's, unless the target is known to listen on another one. */
export type Target = { readonly container: string; /** Its version: the proxy shows error pages of that one. */ readonly version?: string; /** Sets `id` as the name does, where this very run started it: the undo of a switch touches no other. */ readonly own?: Command } | { readonly id: string; readonly port?: number };

/** Where requests go before a switch. */
export interface Before {
  /** Where they go back to when the switch is undone. */
  readonly from: Target | undefined;
  /** What the proxy says of the role. */
  readonly route: Route | undefined;
}

/** One kind of proxy. Everything is pure: commands and steps for the planner, queries for the observer. */
export interface ProxyDriver {
  readonly name: ProxyKind;
  /** Its container, its version, its routes. Reads the proxy's own state; undefined when there is no such container. */
  facts(): Query<ProxyFacts | undefined>;
  /** In what the container that is there differs from what the config asks for, a sentence each. */
  differences(settings: Settings, facts: ProxyFacts): readonly string[];
  /** Names of the role's route that other services on the host have already. Found out by the proxy itself where that is no matter of files. */
  collisions(settings: Settings, role: Role, routes: readonly Route[]): readonly { readonly name: string; readonly of: string }[];
  /** Makes the proxy run. Harmless when it runs already. @param proxy what was seen of it: what that makes needless is left out */
  boot(settings: Settings, proxy?: ProxyFacts): readonly HostStep[];
  /** Replaces the container by a fresh one, routes kept, and waits until they are served again. */
  reboot(settings: Settings): readonly HostStep[];
  /** Starts the stopped container and waits until its routes are served. */
  start(settings: Settings): readonly HostStep[];
  stop(): readonly HostStep[];
  /** Takes away the container, its image and what it keeps. */
  remove(): readonly HostStep[];
  /**
   * Sends the role's traffic to `to`, waits until the proxy has drained the old target, and confirms by the proxy's own state, live and persisted.
   * Ends with status 76 when the proxy refused (the old route is kept), 77 when the state could not be confirmed.
   * The undo sends it back to where it went, or removes the route when there was none. A canary of the role ends with it.
   */
  switch(settings: Settings, role: Role, to: Target, before: Before): readonly HostStep[];
  /** Takes the role's route away; harmless when there is none. */
  unroute(settings: Settings, role: Role): RunStep;
  /** Answers the role's requests with 503 and a page that says `message`. */
  maintain(settings: Settings, role: Role, route: Route, message: string): readonly HostStep[];
  /** Ends what {@link maintain} began. */
  live(settings: Settings, role: Role, route: Route): readonly HostStep[];
  /** Sends a share of the requests to `canary`, the rest to where they go; again with another share, changes the share. */
  canary(settings: Settings, role: Role, route: Route, canary: Target, percent: number): readonly HostStep[];
  /** Sends all requests to where most of them go, and drains the canary. */
  endCanary(settings: Settings, role: Role, route: Route): readonly HostStep[];
  /** What the share of a canary is a share of: one sentence. */
  readonly canaryShare: string;
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
