import { describe, expect, test } from "bun:test";
import { boundariesOf, boundaryOf, normalised } from "../lab/campaign/boundary.ts";

const hosts = ["10.97.100.11", "10.97.100.12"];

describe("a title without what differs from run to run", () => {
  test.each([
    ["Start app-web-r1x23", "Start app-web-V"],
    ["Rename app-web-r1x23_replaced_deadbeef12345678", "Rename app-web-V_replaced_H"],
    ["Tag 10.97.100.1:5000/acme/app:r12x3 as latest", "Tag A:5000/acme/app:V as latest"],
    ["Ask 10.97.100.12", "Ask h2"],
    ["Wait 30 s for cafe, facade and decade", "Wait 30 s for cafe, facade and decade"],
    ["Note image and volumes of app-store", "Note image and volumes of app-store"],
  ])("%s", (title, wanted) => expect(normalised(title, hosts)).toBe(wanted));
});

describe("the boundary of an event", () => {
  test.each([
    [{ type: "start", host: undefined }, "start", undefined],
    [{ type: "connect", host: hosts[0], state: "ready" }, "connect.ready.h1", 1],
    [{ type: "phase-start", phase: "Look at hosts" }, "phase-start.look-at-hosts", undefined],
    [{ type: "phase-end", phase: "Switch" }, "phase-end.switch", undefined],
    [{ type: "step-start", phase: "Boot web", title: "Start app-web-r1x2", host: hosts[1] }, "step-start.boot-web.start-app-web-v.h2", 2],
    [{ type: "step-end", phase: "Build and push", title: "Build" }, "step-end.build-and-push.build", undefined],
    [{ type: "lock", state: "taken", host: hosts[0] }, "lock.taken.h1", 1],
    [{ type: "hook", name: "preDeploy", state: "start" }, "hook.predeploy.start", undefined],
    [{ type: "probe", ok: true, host: hosts[0], attempt: 4 }, "probe.ok.h1", 1],
    [{ type: "transfer", state: "end", host: hosts[1], image: "acme/app:r1x2" }, "transfer.end.h2", 2],
    [{ type: "summary" }, "summary", undefined],
  ] as const)("%p", (event, key, host) => expect(boundaryOf(event, hosts)).toEqual({ key, host }));

  test.each([{ type: "output", line: "x" }, { type: "probe", ok: false, host: hosts[0] }, { type: "transfer", state: "progress", host: hosts[0] }, { type: "notice", text: "x" }, { type: "audit" }, { type: "undo" }, { type: "result" }, { type: "error" }])("%p is none", (event) => expect(boundaryOf(event, hosts)).toBeUndefined());
});

test("every boundary of a run once, whatever the order of the hosts", () => {
  const ready = (host: string | undefined) => ({ type: "connect", state: "ready", host });
  const forth = boundariesOf([{ type: "start" }, ready(hosts[0]), ready(hosts[1]), ready(hosts[0])], hosts);
  expect(forth).toEqual(boundariesOf([ready(hosts[1]), ready(hosts[0]), { type: "start" }], hosts));
  expect(forth.map(({ key }) => key)).toEqual(["connect.ready.h1", "connect.ready.h2", "start"]);
});
