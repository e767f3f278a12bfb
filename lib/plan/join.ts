import type { Plan } from "../ground/step.ts";

/** Several plans that are carried out one after the other, as one: for printing. */
export function joinPlans(plans: readonly Plan[]): Plan {
  return { notes: plans.flatMap((plan) => plan.notes), phases: plans.flatMap((plan) => plan.phases) };
}
