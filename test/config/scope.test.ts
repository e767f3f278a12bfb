import { expect, test } from "bun:test";
import { type Filter, primaryOf, selectScope } from "../../lib/config/scope.ts";
import type { DeployConfig } from "../../lib/config/types.ts";
import { base, failure, settingsOf } from "./project.ts";

const fleet = settingsOf({ ...base, servers: { web: ["10.0.0.1", "10.0.0.3"], jobs: ["10.0.0.2"] } });

const cases: readonly (readonly [Filter, hosts: readonly string[], roles: Readonly<Record<string, readonly string[]>>, primary: string])[] = [
  [{}, ["10.0.0.1", "10.0.0.3", "10.0.0.2"], { web: ["10.0.0.1", "10.0.0.3"], jobs: ["10.0.0.2"] }, "10.0.0.1"],
  [{ hosts: ["10.0.0.[12]"] }, ["10.0.0.2", "10.0.0.1"], { jobs: ["10.0.0.2"], web: ["10.0.0.1"] }, "10.0.0.2"],
  [{ hosts: ["10.0.0.3", "10.0.0.1"] }, ["10.0.0.1", "10.0.0.3"], { web: ["10.0.0.3", "10.0.0.1"] }, "10.0.0.3"],
  [{ roles: ["j*"] }, ["10.0.0.2"], { jobs: ["10.0.0.2"] }, "10.0.0.2"],
  [{ roles: ["web"], hosts: ["10.0.0.3", "10.0.0.2"] }, ["10.0.0.3"], { web: ["10.0.0.3"] }, "10.0.0.3"],
  [{ primary: true }, ["10.0.0.1"], { web: ["10.0.0.1"] }, "10.0.0.1"],
  [{ roles: ["*"], hosts: ["*"] }, ["10.0.0.2", "10.0.0.1", "10.0.0.3"], { jobs: ["10.0.0.2"], web: ["10.0.0.1", "10.0.0.3"] }, "10.0.0.2"],
];

test.each(cases)("selectScope(%p)", (filter, hosts, roles, primaryHost) => {
  const scope = selectScope(fleet, filter);
  expect([...scope.hosts]).toEqual([...hosts]);
  expect(scope.roles.map((role): [string, readonly string[]] => [role.name, role.hosts])).toEqual(Object.entries(roles));
  expect(scope.primaryHost).toBe(primaryHost);
});

test("selectScope orders hosts by role name, those of the primary role first", () => {
  const servers: DeployConfig["servers"] = { zeta: ["h3"], web: ["h1", "h2"], api: ["h2", "h4"] };
  const scope = selectScope(settingsOf({ ...base, servers }), {});
  expect([...scope.hosts]).toEqual(["h2", "h1", "h4", "h3"]);
  expect(scope.roles.map(({ name }) => name)).toEqual(["web", "api", "zeta"]);
  expect(scope.primaryHost).toBe("h1");
});

test("selectScope takes the configured primary role where it is on the first host named", () => {
  const settings = settingsOf({ ...base, servers: { web: ["h1", "h2"], api: ["h2", "h4"] } });
  expect(selectScope(settings, { hosts: ["h2"] }).roles.map(({ name, hosts }) => [name, [...hosts]])).toEqual([["web", ["h2"]], ["api", ["h2"]]]);
  expect(selectScope(settings, { hosts: ["h4"] }).roles.map(({ name }) => name)).toEqual(["api"]);
});

test("selectScope matches brackets of an IPv6 address as they are written", () => {
  expect(selectScope(settingsOf({ ...base, servers: ["[::1]:2222", "a"] }), { hosts: ["[::1]:2222"] }).hosts).toEqual(["[::1]:2222"]);
});

test("selectScope leaves roles without hosts out", () => {
  expect(selectScope(settingsOf({ ...base, allowEmptyRoles: true, servers: { web: ["a"], jobs: [] } }), {}).roles.map(({ name }) => name)).toEqual(["web"]);
});

test.each<[Filter, string, string]>([
  [{ hosts: ["nope*"] }, `Cannot find a host for "nope*"`, "The hosts are: 10.0.0.2, 10.0.0.1, 10.0.0.3"],
  [{ hosts: ["10.0.0.1", "10.0.0.9"] }, `Cannot find a host for "10.0.0.9"`, "The hosts are: 10.0.0.2, 10.0.0.1, 10.0.0.3"],
  [{ roles: ["worker"] }, `Cannot find a role for "worker"`, "The roles are: web, jobs"],
  [{ roles: ["jobs"], hosts: ["10.0.0.1"] }, `Cannot work on host "10.0.0.1" and role "jobs": no host is left`, "The hosts are: web (10.0.0.1, 10.0.0.3), jobs (10.0.0.2)"],
  [{ roles: ["jobs"], primary: true }, `Cannot work on the primary host and role "jobs": no host is left`, "The hosts are: web (10.0.0.1, 10.0.0.3), jobs (10.0.0.2)"],
])("selectScope(%p) is a mistake of the user", async (filter, message, hint) => {
  expect(await failure(() => selectScope(fleet, filter))).toMatchObject({ failure: "usage", message, hint });
});

test.each<[Filter, host: string, role: string]>([
  [{}, "10.0.0.1", "web"],
  [{ hosts: ["10.0.0.3", "10.0.0.1"] }, "10.0.0.3", "web"],
  [{ hosts: ["10.0.0.2"] }, "10.0.0.2", "jobs"],
  [{ roles: ["jobs"] }, "10.0.0.2", "jobs"],
])("primaryOf() leaves one host and one role of %p", (filter, host, role) => {
  const scope = primaryOf(selectScope(fleet, filter));
  expect([scope.hosts, scope.primaryHost, scope.roles.map(({ name, hosts }) => [name, hosts])]).toEqual([[host], host, [[role, [host]]]]);
});
