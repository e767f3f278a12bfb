import type { Command, Program, Query } from "./command.ts";
import type { Named } from "./names.ts";
import type { Secret } from "./secret.ts";

interface Titled {
  /** What the step does, for people: `Start shop-web-77`. */
  readonly title: string;
  /** The role the step serves, where it serves one. */
  readonly role?: string;
  /** What to do when it fails: one imperative sentence. */
  readonly hint?: string;
}

/** A change on a host. */
export interface RunStep extends Titled {
  readonly kind: "run";
  readonly command: Command;
  /** Takes the change back; run on failure, newest first. Must be harmless when the change never happened. */
  readonly undo?: Command;
  /** What the undo does, for people: `Remove shop-web-77`. */
  readonly undoTitle?: string;
  /** True: the undo tidies up after a failure of this very step. What succeeded stays. */
  readonly undoIfFailed?: true;
  /** How long the command may take; default 10 minutes. Then it is ended on the host. */
  readonly timeoutMs?: number;
  /** True: to run it a second time is harmless and comes to the same end, also when the first time was cut off half way. */
  readonly repeatable?: true;
  /** Asked after a lost connection, when nobody saw how the command ended. Status 0: what this very step is for is there. */
  readonly doneIf?: Command;
  /** Asked on the host before the command, with the same input. Status 0: what it is for is there, and it is left out. */
  readonly unless?: Command;
  /** Asked on the host when the command failed. Status 0: what it is for is there all the same, and it counts as done. */
  readonly passIf?: Command;
  /** On Ctrl-C: let it finish (default), or leave it alone because stopping half way is harmless. */
  readonly onCancel?: "finish" | "abandon";
  /** Show its output line by line even when not verbose: what only the host can tell. */
  readonly loud?: boolean;
  /** What the SSH user may do has changed with it: what comes next goes over a new connection. */
  readonly renews?: true;
  /** It may take minutes, in which the lock may be lost: where it does, what comes in a later phase is begun only once it is done and the lock is held still. */
  readonly lasts?: true;
  /** The command appends this to the audit log; told to reporters and to the auditBroadcast hook once it did. */
  readonly audit?: { readonly line: string; readonly text: string };
}

/** A file on a host, written beside its place and renamed into it. */
export interface UploadStep extends Titled {
  readonly kind: "upload";
  /** Relative to the SSH user's home directory, or absolute. */
  readonly path: string;
  readonly content: string | Secret;
  /** Content is base64 of the file's bytes; default: the text itself. */
  readonly encoding?: "base64";
  /** Octal, such as `0600`. */
  readonly mode: string;
  /** Files beside it from an earlier time that go once this one is there. */
  readonly outdates?: readonly string[];
}

/** How to see whether a container is ready. */
export type Readiness =
  | {
      /** An HTTP GET from the host's network to the container, any 2xx is healthy. */
      readonly kind: "http";
      /** Undefined: the lowest port that the container exposes, else 3000. */
      readonly port: number | undefined;
      readonly path: string;
      /** The keys of the config that say path and port: errors name them. */
      readonly keys: { readonly path: string; readonly port: string };
      readonly intervalMs: number;
      /** Of one probe. */
      readonly timeoutMs: number;
    }
  | {
      /** Docker's own healthcheck where the image has one, else still running after a while. */
      readonly kind: "running";
      readonly readinessDelayMs: number;
    };

/** Waits until a container is ready. */
export interface WaitStep extends Titled {
  readonly kind: "wait";
  readonly container: string;
  readonly readiness: Readiness;
  readonly deadlineMs: number;
  /** State of the container: asked at every try. */
  readonly state: Query<ContainerState>;
  /** Asked on failure: the last lines of the container's log. */
  readonly logs: Command;
}

/** What `docker inspect` says of a container, as far as readiness needs it. */
export interface ContainerState {
  /** `created`, `running`, `restarting`, `exited`, `dead`, … or `missing`. */
  readonly status: string;
  /** Docker's healthcheck, where the image has one. */
  readonly health: "starting" | "healthy" | "unhealthy" | undefined;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly restartCount: number;
  /** Address on the shared network; empty when not running. */
  readonly address: string;
  /** Ports the image or the run exposes, such as `3000`. */
  readonly exposedPorts: readonly number[];
}

/** The port that is asked: MRSK's own where nothing says another one. */
export const probedPort = (readiness: Extract<Readiness, { kind: "http" }>, { exposedPorts }: Pick<ContainerState, "exposedPorts">): number => readiness.port ?? (exposedPorts.length === 0 ? 3000 : Math.min(...exposedPorts));

/** Calls a hook of the config. */
export interface HookStep extends Titled {
  readonly kind: "hook";
  readonly hook: string;
  readonly hosts: readonly string[];
}

/** A program on the user's own machine: build, push, local login. */
export interface LocalStep extends Titled {
  readonly kind: "local";
  readonly program: Program;
  /** Show its output line by line even when not verbose: builds. */
  readonly loud?: boolean;
  /** A failure is not a failure: clean-ups, probes. */
  readonly optional?: boolean;
  /** Carried out only when the optional step before it failed: the other way to the same end. */
  readonly fallback?: boolean;
  /** Asked before: where it says yes there is nothing to do. */
  readonly unless?: Unless;
  /** Finds the digest of what it pushed in a line that it prints. */
  readonly digestIn?: (line: string) => string | undefined;
}

/** Programs on the user's own machine that tell together whether a step has anything to do. They change nothing. */
export interface Unless {
  /** Asked one after another, as long as each says yes. One that fails says no. */
  readonly asks: readonly { /** @param before what those before it printed */ program(before: readonly string[]): Program; yes(stdout: string, before: readonly string[]): boolean }[];
  /** What is true then, and what is left out: a sentence without a full stop. */
  readonly because: string;
}

/** Brings the layers of an image out of the Docker of this machine, for hosts that get it without a registry. */
export interface CollectStep extends Titled {
  readonly kind: "collect";
  /** With its tag: `acme/shop:77`. */
  readonly image: string;
  /** A file that holds it, which goes then. Default: Docker has it. */
  readonly archive?: string;
  /** Every host has it: it is no failure that this machine does not. */
  readonly isSpare?: boolean;
}

/** Sends an image through the connection: the layers that the host does not have. */
export interface DeliverStep extends Titled {
  readonly kind: "deliver";
  /** As collected: `acme/shop:77`. */
  readonly image: string;
  /** Says what the host has, is told what comes, and loads it. */
  readonly command: Command;
  /** Removes what came so far: of no use where the host could not load it. */
  readonly forget: Command;
  /** Every host has it: nothing is sent where this machine does not. */
  readonly isSpare?: boolean;
  /** Hosts hand it on to each other: so many get it from this machine. `of`: whose folder on hosts it passes through. */
  readonly handOn?: { readonly width: number; readonly of: Named };
}

/** A pause between the groups of a rolling boot. */
export interface PauseStep extends Titled {
  readonly kind: "pause";
  readonly durationMs: number;
}

/** One change, or one wait for something to become true. */
export type Step = RunStep | UploadStep | WaitStep | DeliverStep | HookStep | LocalStep | CollectStep | PauseStep;
/** Steps that happen on a host. */
export type HostStep = RunStep | UploadStep | WaitStep | DeliverStep;

/** Steps of a lane run in order. `host` is undefined for the user's own machine. */
export interface Lane {
  readonly host: string | undefined;
  readonly steps: readonly Step[];
}

/** Lanes run side by side, at most `limit` at once; a phase ends when all its lanes have ended. */
export interface Phase {
  readonly title: string;
  readonly lanes: readonly Lane[];
  readonly limit?: number;
  /** Nothing before this phase is taken back once it has begun: traffic is on the new version. */
  readonly committed?: boolean;
  /** A failure here is told and does not fail the run: housekeeping. */
  readonly optional?: boolean;
  /** A host begins with it once it is done with the phase before, however far the others are. Where a host fails, the others come to the end of the phase that they are in at most. */
  readonly follows?: true;
  /** Held open from its begin to its end. */
  readonly tunnels?: readonly Tunnel[];
  /** A file of this machine that one run at a time may hold: from its begin to its end. Others wait for it. */
  readonly claims?: string;
}

/** A port of this machine that a host reaches as its own while a phase runs, at 127.0.0.1 on both sides. */
export interface Tunnel {
  readonly host: string;
  readonly port: number;
}

/** Phases run one after another, those that follow on each host by itself. A plan is plain data: it prints, compares and serialises. */
export interface Plan {
  readonly phases: readonly Phase[];
  /** What the reader of the plan should know: `nothing to do`, an assumption made offline. */
  readonly notes: readonly string[];
  /** What is true after a failure, once everything was taken back; and once a committed phase has begun. */
  readonly afterFailure?: { readonly takenBack: string; readonly committed: string };
}
