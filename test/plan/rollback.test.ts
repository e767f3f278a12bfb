import { describe, expect, test } from "bun:test";
import { selectScope } from "../../lib/config/scope.ts";
import { rollbackHint, rollbackVersion, versionsToRollBackTo, versionToBoot } from "../../lib/plan/rollback.ts";
import type { FleetFacts } from "../../lib/remote/facts.ts";
import { containerOf, fleetOf, hostOf, proxyOf } from "../support/facts.ts";
import { roleOf, settingsOf } from "../support/settings.ts";

const shop = settingsOf({ roles: [roleOf("web")] });
const scope = selectScope(shop, {});
const web = (version: string, id: string, state?: string) => containerOf(shop, "web", version, id, state);
const on = (...containers: Parameters<typeof hostOf>): FleetFacts => fleetOf({ "10.0.0.1": hostOf(...containers) });

const three = on([web("3", "a3"), web("2", "a2", "exited"), web("1", "a1", "exited")]);

describe("rollbackVersion()", () => {
  test("is the one that is named, wherever it is", () => {
    expect(rollbackVersion(shop, scope, three, "77")).toBe("77");
  });

  test("is the one before the one in place", () => {
    expect(rollbackVersion(shop, scope, three, undefined)).toBe("2");
  });

  test("is never the one that serves, though an interrupted deploy left a newer container", () => {
    const interrupted = on([web("3", "a3"), web("2", "a2"), web("1", "a1", "exited")], { proxy: proxyOf(["shop-web", "a2"]) });
    expect(versionsToRollBackTo(shop, scope, interrupted)).toEqual(["3", "1"]);
  });

  test("names a version once, without the mark of a container that made place", () => {
    expect(versionsToRollBackTo(shop, scope, on([web("3", "a3"), web("2_replaced_0011223344556677", "a9", "exited"), web("2", "a2", "exited")]))).toEqual(["2"]);
  });

  test("refuses with a hint when there is no earlier version", () => {
    expect(() => rollbackVersion(shop, scope, on([web("3", "a3")]), undefined)).toThrow(expect.objectContaining({
      failure: "missing", message: "There is no earlier version to roll back to", state: ["Nothing was changed."], hint: "Name one: `capstan rollback VERSION`. Its image is pulled when no container of it is left.",
    }));
  });
});

test("rollbackHint() names what is still there", () => {
  expect(rollbackHint(shop, scope, three)).toBe("Name one that is still on the hosts: 2, 1.");
  expect(rollbackHint(shop, scope, on([]))).toBe("No earlier version is left on the hosts: deploy one.");
});

test("versionToBoot() is the version in place, else the one that ran last", () => {
  expect(versionToBoot(shop, scope, three)).toBe("3");
  expect(versionToBoot(shop, scope, on([web("2", "a2", "exited"), web("1", "a1", "exited")]))).toBe("2");
  expect(versionToBoot(shop, scope, new Map())).toBe("latest");
  expect(versionToBoot({ ...shop, destination: "qa" }, scope, new Map())).toBe("latest-qa");
  expect(() => versionToBoot(shop, scope, on([]))).toThrow(expect.objectContaining({ failure: "missing", message: "Nothing of this service is on the hosts" }));
});
