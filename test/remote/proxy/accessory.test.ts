import { describe, expect, test } from "bun:test";
import { Secret } from "../../../lib/ground/secret.ts";
import type { HostStep } from "../../../lib/ground/step.ts";
import type { Accessory, KamalProxySettings } from "../../../lib/config/settings.ts";
import { accessorySwitch, accessoryUnroute } from "../../../lib/remote/proxy/accessory.ts";
import { switchStep } from "../../../lib/remote/proxy/kamal-switch.ts";
import { accessoryOf, defaultProxy, roleOf, settingsOf } from "../../support/settings.ts";
import { words } from "../../support/words.ts";

const call = "docker exec kamal-proxy kamal-proxy deploy";
const search = (proxy: Partial<KamalProxySettings> = {}): Accessory => accessoryOf("search", { proxy: { ...defaultProxy, appPort: 7700, ...proxy } });
const deployLine = (steps: readonly HostStep[]): string => steps.flatMap((step) => (step.kind === "run" ? step.command.text.split("\n") : [])).find((line) => line.startsWith(call)) ?? "";
const rest = `--deploy-timeout="30s" --drain-timeout="30s" --buffer-requests --buffer-responses --log-request-header="Cache-Control" --log-request-header="Last-Modified" --log-request-header="User-Agent"`;

describe("accessorySwitch()", () => {
  test.each<[string, Partial<KamalProxySettings>, string]>([
    ["without a host answers every name", {}, `${call} shop-search --target="$id:7700" ${rest}`],
    ["with a host", { hosts: ["search.example"] }, `${call} shop-search --target="$id:7700" --host=search.example ${rest}`],
    ["with a certificate of its own", { hosts: ["a.example"], tls: { certificate: new Secret("C", "c"), privateKey: new Secret("K", "k") } },
      `${call} shop-search --target="$id:7700" --host=a.example --tls --tls-certificate-path=/home/kamal-proxy/.apps-config/shop/tls/search/cert.pem --tls-private-key-path=/home/kamal-proxy/.apps-config/shop/tls/search/key.pem ${rest}`],
  ])("%s", (_title, proxy, expected) => expect(words(deployLine(accessorySwitch(settingsOf(), search(proxy))))).toEqual(words(expected)));

  test("finds its container by name, and takes the route away to undo it", () => {
    const [step] = accessorySwitch(settingsOf(), search());
    expect(step).toMatchObject({ kind: "run", title: "Switch shop-search to shop-search", undoTitle: "Take the route shop-search away", timeoutMs: 145_000 });
    expect(step?.role).toBeUndefined();
    expect(step?.kind === "run" ? step.command.text.split("\n")[0] : "").toBe("id=$(docker container ls --all --filter 'name=^shop-search$' --quiet)");
  });

  test("shows no error pages of the app, whatever the config says of them", () => expect(deployLine(accessorySwitch(settingsOf({ errorPagesPath: "/app/pages" }), search()))).not.toContain("--error-pages"));

  test("writes certificate and key before it", () => {
    const steps = accessorySwitch(settingsOf({ destination: "qa" }), search({ tls: { certificate: new Secret("C", "c"), privateKey: new Secret("K", "k") } }));
    expect(steps.map((step) => (step.kind === "upload" ? `${step.path} ${step.mode}` : step.title))).toEqual(["Make the folder of search's certificate", ".kamal/proxy/apps-config/shop-qa/tls/search/cert.pem 0644", ".kamal/proxy/apps-config/shop-qa/tls/search/key.pem 0644", "Switch shop-search to shop-search"]);
  });

  test("is nothing for one that is not behind the proxy", () => {
    expect(accessorySwitch(settingsOf(), accessoryOf("cache"))).toEqual([]);
    expect(accessoryUnroute(accessoryOf("cache"))).toEqual([]);
  });
});

test("accessoryUnroute() takes its route away", () => {
  const [step] = accessoryUnroute(search());
  expect(step).toMatchObject({ kind: "run", title: "Take the route shop-search away" });
  expect(step?.kind === "run" ? step.command.text.split("\n")[1] : "").toBe("docker exec kamal-proxy kamal-proxy remove shop-search && exit 0");
});

describe("the error pages of a switch", () => {
  const pages = settingsOf({ errorPagesPath: "/app/pages" });
  const flag = "--error-pages=/home/kamal-proxy/.apps-config/shop/error_pages/77";
  test.each([
    ["are those of the version", pages, { container: "shop-web-77", version: "77" }, flag],
    ["lie in the folder of the destination", settingsOf({ errorPagesPath: "/app/pages", destination: "qa" }), { container: "shop-web-qa-77", version: "77" }, flag.replace("shop", "shop-qa")],
    ["are the proxy's own where the config has none", settingsOf(), { container: "shop-web-77", version: "77" }, undefined],
    ["are the proxy's own where the version is not known", pages, { id: "0a1b2c3d4e5f" }, undefined],
  ] as const)("%s", (_title, settings, to, expected) => {
    const line = deployLine([switchStep(settings, roleOf("web"), to, undefined)]);
    expect(words(line).find((word) => word.startsWith("--error-pages"))).toBe(expected);
    if (expected !== undefined) expect(line).toEndWith(expected);
  });

  test("stay on the way back: those of the version before may be gone", () => {
    const { undo } = switchStep(pages, roleOf("web"), { container: "shop-web-77", version: "77" }, { id: "ffffffffffff" });
    expect(undo?.text.split("\n").filter((line) => line.startsWith(call)).every((line) => line.includes(` ${flag} `))).toBe(true);
  });
});
