import { describe, expect, test } from "bun:test";
import type { Boundary } from "../lab/campaign/boundary.ts";
import { faultNames, faultsOf, operationNames, wayNames, type Operation } from "../lab/campaign/kinds.ts";
import { campaignOptions } from "../lab/campaign/options.ts";
import { pickPoints, pickSlice, type AllBoundaries, type Boundaries } from "../lab/campaign/points.ts";
import { seeded, shuffled } from "../lab/campaign/random.ts";

const some = (count: number): readonly Boundary[] => Array.from({ length: count }, (_, i) => ({ key: `step-start.${i}`, host: i % 2 === 0 ? 1 : undefined }));
const those: Boundaries = new Map<Operation, readonly Boundary[]>([["deploy", some(130)], ["rollback", some(40)], ["setup", some(160)], ["accessory-reboot", some(12)], ["proxy-reboot", some(30)]]);

const all: AllBoundaries = new Map([["registry", those], ["ssh", those]]);
const one = (boundaries: Boundaries): AllBoundaries => new Map([["registry", boundaries]]);

describe("picking points", () => {
  const points = pickPoints(all, 7, 320);

  test("covers every boundary and every fault of every operation, no point twice", () => {
    expect(new Set(points.map(({ id }) => id)).size).toBe(points.length);
    expect(points.length).toBeGreaterThanOrEqual(320);
    for (const operation of operationNames) {
      const of = points.filter((point) => point.operation === operation);
      expect(new Set(of.map(({ boundary }) => boundary.key))).toEqual(new Set(those.get(operation)?.map(({ key }) => key)));
      for (const way of wayNames) expect(new Set(of.filter((point) => point.way === way).map(({ fault }) => fault))).toEqual(new Set(faultsOf(operation, way)));
    }
  });

  test("strikes half of them without a registry, and what is told only there is struck there", () => {
    const share = points.filter(({ way }) => way === "ssh").length / points.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.05);
    for (const count of [4, 12, 100]) expect(Math.abs(points.slice(0, count).filter(({ way }) => way === "ssh").length - count / 2)).toBeLessThanOrEqual(count * 0.05 + 1);
    const more: AllBoundaries = new Map([["registry", new Map([["deploy", some(40)]])], ["ssh", new Map([["deploy", [...some(40), { key: "transfer.end.h1", host: 1 }]]])]]);
    expect(pickPoints(more, 7, 40).filter(({ boundary }) => boundary.key === "transfer.end.h1").map(({ way }) => way)).toEqual(["ssh"]);
  });

  test("strikes a registry only where one is asked", () => {
    const down = points.filter(({ fault, way }) => fault === "registry-down" && way === "ssh");
    expect(new Set(down.map(({ operation }) => operation))).toEqual(new Set(["setup", "accessory-reboot"]));
  });

  test("is the same for the same seed, and another for another", () => {
    expect(pickPoints(all, 7, 320)).toEqual(points);
    expect(pickPoints(all, 8, 320)).not.toEqual(points);
  });

  test("grows to as many as are wanted, as long as there are other ones", () => {
    const few = one(new Map([["deploy", some(30)]]));
    expect(pickPoints(few, 1, 300)).toHaveLength(300);
    expect(pickPoints(one(new Map([["deploy", some(2)]])), 1, 1_000)).toHaveLength(2 * faultNames.length);
  });

  test("picks of some faults only when told to", () => {
    expect(new Set(pickPoints(all, 7, 10, ["reset"]).map(({ fault }) => fault))).toEqual(new Set(["reset"]));
    expect(pickPoints(one(new Map([["proxy-reboot", some(3)]])), 7, 10, ["new-crash"])).toEqual([]);
  });

  test("names a point by way, operation, fault and boundary", () => {
    expect(points.every(({ id, way, operation, fault, boundary }) => id === `${way}/${operation}/${fault}/${boundary.key}`)).toBe(true);
  });
});

test("a slice has each fault once", () => {
  const slice = pickSlice(all, 7, 12, faultNames);
  expect(slice).toHaveLength(12);
  expect(new Set(slice.map(({ fault }) => fault)).size).toBe(12);
  expect(new Set(slice.map(({ operation }) => operation)).size).toBeGreaterThan(2);
  for (const way of wayNames) expect(slice.filter((point) => point.way === way).length).toBeGreaterThanOrEqual(4);
  expect(pickSlice(all, 7, 12, faultNames)).toEqual(slice);
});

test("the generator is the one of the page that is named, and a shuffle keeps every item", () => {
  const random = seeded(1);
  expect([random(), random(), random()].map((value) => Math.round(value * 1e6))).toEqual([627074, 2736, 527447]);
  expect(shuffled([1, 2, 3, 4, 5], seeded(3)).toSorted()).toEqual([1, 2, 3, 4, 5]);
});

describe("the command line", () => {
  test("has a usual seed, three lanes, all operations and faults", () => {
    expect(campaignOptions([])).toEqual({ seed: 2026, points: undefined, lanes: 3, operations: operationNames, ways: wayNames, faults: undefined, point: undefined, minutes: undefined, write: false, record: undefined });
  });

  test("names one point, which one lane repeats", () => {
    expect(campaignOptions(["--point", "ssh/deploy/sigint/step-start.switch.switch-app-web-v.h1"])).toMatchObject({
      lanes: 1, operations: ["deploy"], ways: ["ssh"], point: { way: "ssh", operation: "deploy", fault: "sigint", key: "step-start.switch.switch-app-web-v.h1" },
    });
  });

  test.each([
    [["--operation", "fly"], "fly is no operation: deploy"], [["--fault", "rain"], "rain is no fault: kill-9"], [["--seed", "x"], "--seed is a whole number of at least 0, not x"],
    [["--lanes", "0"], "--lanes is a whole number of at least 1, not 0"], [["--point", "deploy/sigint/x"], "A point is WAY/OPERATION/FAULT/BOUNDARY"], [["--way", "air"], "air is no way: registry"], [["--minutes", "0.5"], "--minutes is a whole number of at least 1, not 0.5"], [["--pt"], "--pt"],
  ])("refuses %p", (args, message) => expect(() => campaignOptions(args)).toThrow(message));
});
