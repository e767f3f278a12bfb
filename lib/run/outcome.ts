import type { Kept } from "../plan/order.ts";
import type { PhaseTimes } from "./apply.ts";

/** What a change that came to its end did. */
export interface Outcome {
  readonly command: string;
  readonly service: string;
  readonly destination: string | undefined;
  /** Versions that served before; several when hosts differed, none on the first deploy. */
  readonly from: readonly string[];
  /** Undefined for commands that have no version. */
  readonly to: string | undefined;
  readonly hosts: readonly string[];
  readonly durationMs: number;
  readonly phases: PhaseTimes;
  /** What hosts were sent of images in all, in bytes, and what they had already. Undefined: nothing was delivered. */
  readonly delivered?: { readonly sentBytes: number; readonly thereBytes: number } | undefined;
  /** What was left alone, since a switch would have changed nothing. Undefined: nothing was, or nobody asked for it. */
  readonly unchanged?: readonly Kept[] | undefined;
}
