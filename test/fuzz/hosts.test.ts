import { expect, test } from "bun:test";
import fc from "fast-check";
import { isSecret, Secret } from "../../lib/ground/secret.ts";
import type { Plan } from "../../lib/ground/step.ts";
import { planDeploy } from "../../lib/plan/deploy.ts";
import { printPlan } from "../../lib/plan/print.ts";
import { containersOf } from "../../lib/remote/container.ts";
import { containerOf, fleetOf, hostOf, orderOf } from "../support/facts.ts";
import { accessoryOf, roleOf, settingsOf } from "../support/settings.ts";

const parts = { proxy: true, prune: true, pull: "always" } as const;
const hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3"] as const;
const someHosts = fc.subarray([...hosts], { minLength: 1 });

/** Everything a host is sent: commands and what they read. */
function sentTo(plan: Plan, host: string): string {
  const steps = plan.phases.flatMap(({ lanes }) => lanes).filter((lane) => lane.host === host).flatMap((lane) => lane.steps);
  const opened = (value: unknown): string => {
    if (isSecret(value)) return value.reveal();
    if (typeof value === "string") return value;
    if (typeof value !== "object" || value === null) return "";
    return ("text" in value && typeof value.text === "string" ? `${value.text}\n` : "") + Object.values(value).map(opened).join("\n");
  };
  return steps.map(opened).join("\n");
}

test("a host is sent the secrets of what runs on it, and no others", () => {
  fc.assert(fc.property(someHosts, someHosts, someHosts, (web, jobs, db) => {
    const env = (name: string) => ({ clear: {}, secret: { [name]: new Secret(name, `secret-of-${name}-`) } });
    const settings = settingsOf({
      roles: [roleOf("web", { hosts: web, env: env("WEB") }), roleOf("jobs", { hosts: jobs, env: env("JOBS") })], accessories: [accessoryOf("db", { hosts: db, env: env("DB") })], primaryHost: web[0] ?? "",
    });
    const plan = planDeploy(orderOf(settings, "77"), fleetOf(Object.fromEntries(hosts.map((host) => [host, hostOf([])]))), parts);
    for (const host of hosts) {
      const sent = sentTo(plan, host);
      expect([sent.includes("secret-of-WEB-"), sent.includes("secret-of-JOBS-"), sent.includes("secret-of-DB-") && !db.includes(host)]).toEqual([web.includes(host), jobs.includes(host), false]);
    }
  }), { numRuns: 40, seed: 31 });
});

test("what one host says of itself is in no command of another one", () => {
  fc.assert(fc.property(fc.stringMatching(/^[a-z0-9]{6,12}$/), (word) => {
    const mark = `evil${word}`;
    const settings = settingsOf({ roles: [roleOf("web", { hosts: ["10.0.0.1", "10.0.0.2"] })] });
    const liar = { ...containerOf(settings, "web", mark, "aa"), id: `${mark}0`, image: `${mark}:1`, status: mark };
    const facts = fleetOf({
      "10.0.0.1": hostOf([liar], { images: [`acme/shop:${mark}`], docker: `28-${mark}`, proxy: { running: true, image: mark, routes: [{ name: "shop-web", targets: [`${mark}0:80`], mode: "live" }] } }),
      "10.0.0.2": hostOf([containerOf(settings, "web", "76", "bb")]),
    });
    const plan = planDeploy(orderOf(settings, "77"), facts, parts);
    expect(printPlan(plan)).toContain(mark);
    expect(sentTo(plan, "10.0.0.2")).not.toContain(mark);
  }), { numRuns: 40, seed: 32 });
});

test.each(["a;id", "--privileged", "$(id)", "a b", "a\x1b]0;x\x07", "a".repeat(129), "a/b"])("a version %j is refused where the host names it", (version) => {
  expect(() => containersOf(settingsOf()).parse(`aaaaaaaaaaaa\tshop-web-${version}\tweb\t\trunning\tUp\tacme/shop:1\tkamal`)).toThrow(/^Cannot read/);
});
