import type { Event, EventBody } from "../ground/event.ts";
import type { World } from "../ground/world.ts";

/** The time now: ISO 8601, UTC, whole seconds, as Kamal writes it. */
export function timestamp(world: Pick<World, "clock">): string {
  return new Date(world.clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
}

/** Reports an event with the time it happened. */
export function tell(world: Pick<World, "clock" | "report">, event: EventBody): void {
  world.report({ ...event, at: new Date(world.clock.now()).toISOString() } as Event);
}
