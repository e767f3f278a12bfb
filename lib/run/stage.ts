import type { LocalFacts } from "../build/facts.ts";
import type { HostStep, Plan } from "../ground/step.ts";
import type { Order } from "../plan/order.ts";
import type { FleetFacts } from "../remote/facts.ts";

/** One part of a command that changes something, planned from fresh facts when its turn comes. */
export type Stage =
  | { readonly sees: "nothing"; plan(order: Order): Plan }
  | {
      readonly sees: "here";
      /** The working tree is built as it is: its loose files are looked for. */
      readonly dev?: boolean;
      plan(order: Order, facts: LocalFacts): Plan;
    }
  | {
      readonly sees: "hosts";
      plan(order: Order, facts: FleetFacts): Plan;
      /** What hosts may begin with before they are looked at, and before it is known that nobody else is at work: by host, what a plan begins with as a rule, and what does no harm in vain. */
      ahead?(order: Order): ReadonlyMap<string, readonly HostStep[]>;
      /** Hosts are asked where a switch would change nothing. */
      readonly compares?: true;
      /** There is nothing to do, and the hosts are not looked at: a plan leaves such a stage out. */
      skip?(order: Order): boolean;
      /** What the facts are after this stage: a dry run plans the next ones from it. Default: as before. */
      after?(facts: FleetFacts): FleetFacts;
    };
