import { expect, test } from "bun:test";
import { nearest } from "../../lib/cli/suggest.ts";

test.each<[string, string[], string | undefined]>([
  ["hsots", ["hosts", "roles"], "hosts"],
  ["destinaton", ["destination", "dry-run"], "destination"],
  ["LOCK_WAIT", ["lock-wait", "lock-wait-timeout"], "lock-wait"],
  ["follow", ["facts", "roles"], undefined],
  ["x", ["y"], "y"],
  ["", ["yes"], undefined],
])("nearest() finds for %p among %p: %p", (typed, known, expected) => expect(nearest(typed, known)).toBe(expected));
