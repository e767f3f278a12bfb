import type { Scope } from "../config/scope.ts";
import type { Settings } from "../config/settings.ts";
import type { BuiltImage } from "../ground/image.ts";
import type { Secret } from "../ground/secret.ts";

/** What a planner needs to know beside what was observed. Equal arguments give equal plans: time and chance come in here. */
export interface Order {
  readonly settings: Settings;
  readonly scope: Scope;
  /** The version to put in place. */
  readonly version: string;
  /** Hex digits of this run, from which names are derived. */
  readonly seed: string;
  /** ISO 8601, UTC. */
  readonly recordedAt: string;
  readonly performer: string;
  /** False with `-H`. */
  readonly hooks: boolean;
  /** What of this machine goes to hosts. */
  readonly content: LocalContent;
  /** The image of the version, where this run has built it. */
  readonly built?: BuiltImage | undefined;
  /** What goes on serving, since a switch would change nothing; default: nothing. */
  readonly kept?: readonly Kept[];
}

/** A role on a host that is left alone: what serves there is the image of the version, with the settings of now. */
export interface Kept {
  readonly host: string;
  readonly role: string;
  /** Its container and the version in that one's name. */
  readonly container: string;
  readonly version: string;
}

/** The content of a file that goes to a host. */
export interface FileBody {
  readonly content: string | Secret;
  readonly encoding?: "base64";
}

/** Files of this machine that a run brings to hosts. */
export interface LocalContent {
  /** By {@link fileKey}. */
  readonly files: ReadonlyMap<string, FileBody>;
  /** By name, such as `502.html`. */
  readonly errorPages: ReadonlyMap<string, FileBody>;
}

/** A run that brings no files. */
export const noContent: LocalContent = { files: new Map(), errorPages: new Map() };

/** The key of an accessory's file: its content may differ from host to host. */
export const fileKey = (accessory: string, host: string, remote: string): string => `${accessory} ${host} ${remote}`;
