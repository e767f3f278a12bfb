import type { Step } from "./step.ts";

/** A moment of a run. Reporters turn it into text; `--json` prints it as it is, one a line. */
export type Event = { /** ISO 8601, UTC. */ readonly at: string } & (
  | { readonly type: "start"; readonly command: string; readonly service: string; readonly destination: string | undefined; readonly version: string | undefined; readonly hosts: readonly string[] }
  | { readonly type: "connect"; readonly host: string; readonly state: "opening" | "ready" | "failed"; readonly durationMs: number; readonly text?: string }
  | { readonly type: "phase-start"; readonly phase: string; readonly hosts: readonly string[] }
  | { readonly type: "phase-end"; readonly phase: string; readonly ok: boolean; readonly durationMs: number }
  | { readonly type: "step-start"; readonly phase: string; readonly host: string | undefined; readonly role: string | undefined; readonly title: string; readonly kind: Step["kind"]; readonly command: string }
  | { readonly type: "step-end"; readonly phase: string; readonly host: string | undefined; readonly role: string | undefined; readonly title: string; readonly kind: Step["kind"]; readonly ok: boolean; readonly durationMs: number }
  | { readonly type: "output"; readonly host: string | undefined; readonly title: string; readonly stream: "stdout" | "stderr"; readonly line: string; /** Shown even when not verbose: builds. */ readonly loud: boolean }
  | { readonly type: "probe"; readonly host: string; readonly role: string | undefined; readonly container: string; readonly attempt: number; readonly ok: boolean; readonly answer: string; readonly durationMs: number }
  | { readonly type: "transfer"; readonly host: string; readonly title: string; readonly image: string; /** `end`: the host has the image. */ readonly state: "progress" | "end"; /** Bytes sent so far, and of how many. */ readonly sentBytes: number; readonly totalBytes: number; /** Bytes of layers that need not be sent, since the host had them. */ readonly thereBytes: number; /** The host that hands it on: then nothing is sent from here, and progress is what came from there. */ readonly from?: string; readonly durationMs: number }
  | { /** What is in work takes long; told after ten seconds, then ever more rarely. */ readonly type: "waiting"; readonly host: string | undefined; readonly role: string | undefined; readonly title: string; readonly elapsedMs: number; /** From the begin of what is waited for: then it is ended. */ readonly deadlineMs: number; /** What was heard of it last: `last output: …`. */ readonly text?: string }
  | { readonly type: "lock"; readonly host: string; readonly state: "taken" | "released" | "lost"; readonly text?: string }
  | { readonly type: "hook"; readonly name: string; readonly state: "start" | "end" | "failed" | "skipped"; readonly durationMs: number; /** True: its start is shown too. False: neither start nor end are, unless verbose. */ readonly loud?: boolean | undefined }
  | { readonly type: "audit"; readonly host: string; readonly line: string }
  | { readonly type: "undo"; readonly host: string | undefined; readonly title: string; readonly ok: boolean; readonly text?: string }
  | { readonly type: "notice"; readonly level: "info" | "warn"; readonly host?: string; readonly text: string; /** False: shown only when verbose. */ readonly loud?: boolean | undefined }
  | { readonly type: "summary"; readonly command: string; readonly service: string; readonly destination: string | undefined; readonly ok: boolean; readonly from: readonly string[]; readonly to: string | undefined; readonly hosts: readonly string[]; readonly durationMs: number; readonly phases: readonly { readonly phase: string; readonly durationMs: number }[]; /** What hosts were sent of images, in bytes, and what they had already; left out where nothing was delivered. */ readonly delivered?: { readonly sentBytes: number; readonly thereBytes: number } | undefined; /** With --if-changed: what was left alone, each with its container and the version in its name. */ readonly unchanged?: readonly { readonly host: string; readonly role: string; readonly container: string; readonly version: string }[] | undefined }
);

/** An event as the logic writes it: the time is added where it is reported. */
export type EventBody = Event extends infer E ? (E extends Event ? Omit<E, "at"> : never) : never;
