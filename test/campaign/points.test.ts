import { describe, expect, test } from "bun:test";
import type { Boundary } from "../lab/campaign/boundary.ts";
import { faultNames, faultsOf, operationNames, type Operation } from "../lab/campaign/kinds.ts";
import { campaignOptions } from "../lab/campaign/options.ts";
import { pickPoints, pickSlice, type Boundaries } from "../lab/campaign/points.ts";
import { seeded, shuffled } from "../lab/campaign/random.ts";

const some = (count: number): readonly Boundary[] => Array.from({ length: count }, (_, i) => ({ key: `step-start.${i}`, host: i % 2 === 0 ? 1 : undefined }));
const all: Boundaries = new Map<Operation, readonly Boundary[]>([["deploy", some(130)], ["rollback", some(40)], ["setup", some(160)], ["accessory-reboot", some(12)], ["proxy-reboot", some(30)]]);

describe("picking points", () => {
  const points = pickPoints(all, 7, 320);

  test("covers every boundary and every fault of every operation, no point twice", () => {
    expect(new Set(points.map(({ id }) => id)).size).toBe(points.length);
    expect(points.length).toBeGreaterThanOrEqual(320);
    for (const operation of operationNames) {
      const those = points.filter((point) => point.operation === operation);
      expect(new Set(those.map(({ boundary }) => boundary.key))).toEqual(new Set(all.get(operation)?.map(({ key }) => key)));
      expect(new Set(those.map(({ fault }) => fault))).toEqual(new Set(faultsOf(operation)));
    }
  });

  test("is the same for the same seed, and another for another", () => {
    expect(pickPoints(all, 7, 320)).toEqual(points);
    expect(pickPoints(all, 8, 320)).not.toEqual(points);
  });

  test("grows to as many as are wanted, as long as there are other ones", () => {
    const few: Boundaries = new Map([["deploy", some(30)]]);
    expect(pickPoints(few, 1, 300)).toHaveLength(300);
    expect(pickPoints(new Map([["deploy", some(2)]]), 1, 1_000)).toHaveLength(2 * faultNames.length);
  });

  test("picks of some faults only when told to", () => {
    expect(new Set(pickPoints(all, 7, 10, ["reset"]).map(({ fault }) => fault))).toEqual(new Set(["reset"]));
    expect(pickPoints(new Map([["proxy-reboot", some(3)]]), 7, 10, ["new-crash"])).toEqual([]);
  });

  test("names a point by operation, fault and boundary", () => {
    expect(points.every(({ id, operation, fault, boundary }) => id === `${operation}/${fault}/${boundary.key}`)).toBe(true);
  });
});

test("a slice has each fault once", () => {
  const slice = pickSlice(all, 7, 12, faultNames);
  expect(slice).toHaveLength(12);
  expect(new Set(slice.map(({ fault }) => fault)).size).toBe(12);
  expect(new Set(slice.map(({ operation }) => operation)).size).toBeGreaterThan(2);
  expect(pickSlice(all, 7, 12, faultNames)).toEqual(slice);
});

test("the generator is the one of the page that is named, and a shuffle keeps every item", () => {
  const random = seeded(1);
  expect([random(), random(), random()].map((value) => Math.round(value * 1e6))).toEqual([627074, 2736, 527447]);
  expect(shuffled([1, 2, 3, 4, 5], seeded(3)).toSorted()).toEqual([1, 2, 3, 4, 5]);
});

describe("the command line", () => {
  test("has a usual seed, three lanes, all operations and faults", () => {
    expect(campaignOptions([])).toEqual({ seed: 2026, points: undefined, lanes: 3, operations: operationNames, faults: undefined, point: undefined, minutes: undefined, write: false, record: undefined });
  });

  test("names one point, which one lane repeats", () => {
    expect(campaignOptions(["--point", "deploy/sigint/step-start.switch.switch-app-web-v.h1"])).toMatchObject({
      lanes: 1, operations: ["deploy"], point: { operation: "deploy", fault: "sigint", key: "step-start.switch.switch-app-web-v.h1" },
    });
  });

  test.each([
    [["--operation", "fly"], "fly is no operation: deploy"], [["--fault", "rain"], "rain is no fault: kill-9"], [["--seed", "x"], "--seed is a whole number of at least 0, not x"],
    [["--lanes", "0"], "--lanes is a whole number of at least 1, not 0"], [["--point", "deploy/sigint"], "A point is OPERATION/FAULT/BOUNDARY"], [["--minutes", "0.5"], "--minutes is a whole number of at least 1, not 0.5"], [["--pt"], "--pt"],
  ])("refuses %p", (args, message) => expect(() => campaignOptions(args)).toThrow(message));
});
