import { describe, expect, test } from "bun:test";
import {
  abbreviated, appDirectory, auditLogPath, containerHostname, containerName, envFilePath, execName, latestTag, lockDirectory, replacedName, rolePrefix, serviceWithDestination, tlsDirectory, versionOf,
} from "../../lib/ground/names.ts";

const shop = { service: "shop", destination: undefined };
const staging = { service: "shop", destination: "staging" };

describe("names on a host are Kamal's", () => {
  test.each([
    ["service", serviceWithDestination(shop), "shop"],
    ["service and destination", serviceWithDestination(staging), "shop-staging"],
    ["role prefix", rolePrefix(staging, "web"), "shop-web-staging"],
    ["container", containerName(staging, "web", "abc123"), "shop-web-staging-abc123"],
    ["container without destination", containerName(shop, "web", "abc123"), "shop-web-abc123"],
    ["displaced container", replacedName("shop-web-77", "0011223344556677"), "shop-web-77_replaced_0011223344556677"],
    ["one-off container", execName(staging, "web", "77", "00ff00"), "shop-web-staging-exec-77-00ff00"],
    ["app directory", appDirectory(staging), ".kamal/apps/shop-staging"],
    ["env file", envFilePath(staging, "web"), ".kamal/apps/shop-staging/env/roles/web.env"],
    ["lock", lockDirectory(staging), ".kamal/lock-shop-staging"],
    ["audit log", auditLogPath(staging), ".kamal/shop-staging-audit.log"],
    ["certificates", tlsDirectory(staging, "web"), ".kamal/proxy/apps-config/shop-staging/tls/web"],
    ["latest tag", latestTag(staging), "latest-staging"],
    ["latest tag without destination", latestTag(shop), "latest"],
    ["empty destination", containerName({ service: "shop", destination: "" }, "web", "77"), "shop-web-77"],
  ])("%s", (_title, name, expected) => expect(name).toBe(expected));
});

test.each([
  ["shop-web-77", "77"], ["shop-web-77_replaced_0011223344556677", "77_replaced_0011223344556677"], ["shop-web-v1.2-rc.3", "v1.2-rc.3"],
  ["shop-web-", undefined], ["shop-webber-77", undefined], ["other-web-77", undefined],
])("versionOf() finds in %s the version %p", (name, version) => expect(versionOf(shop, "web", name)).toBe(version));

test.each([["0123456789abcdef0123456789abcdef01234567", "0123456"], ["v9", "v9"], ["0123456789_uncommitted_0011223344556677", "0123456789_uncommitted_0011223344556677"]])("abbreviated() makes of %s %s", (version, short) => expect(abbreviated(version)).toBe(short));

test("A8: containerHostname() keeps 51 characters and no dot at the end", () => {
  expect(containerHostname("frontend-node-seventeen.cluster-nine.eu-central.example.net", "0123456789ab")).toBe("frontend-node-seventeen.cluster-nine.eu-central.exa-0123456789ab");
  expect(containerHostname("worker-pool-alpha-number-twenty-three.internal-net.example.org", "0123456789ab")).toBe("worker-pool-alpha-number-twenty-three.internal-net-0123456789ab");
  expect(containerHostname("10.0.0.1", "0123456789ab")).toBe("10.0.0.1-0123456789ab");
});
