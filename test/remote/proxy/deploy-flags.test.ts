import { expect, test } from "bun:test";
import { Secret } from "../../../lib/ground/secret.ts";
import type { KamalProxySettings, Settings } from "../../../lib/config/settings.ts";
import { ownCertificateSteps } from "../../../lib/remote/proxy/kamal-proxy.ts";
import { switchStep } from "../../../lib/remote/proxy/kamal-switch.ts";
import { defaultProxy, roleOf, settingsOf } from "../../support/settings.ts";
import { words } from "../../support/words.ts";

const headers = `--log-request-header="Cache-Control" --log-request-header="Last-Modified" --log-request-header="User-Agent"`;
const call = `docker exec kamal-proxy kamal-proxy deploy`;
const buffers = "--buffer-requests --buffer-responses";
const timeouts = `--deploy-timeout="30s" --drain-timeout="30s"`;

/** The line of the switch that speaks to the proxy, the id put in its place. */
function deployLine(role: string, proxy: Partial<KamalProxySettings>, settings: Partial<Settings> = {}): string[] {
  const { command } = switchStep(settingsOf(settings), roleOf(role, { proxy: { ...defaultProxy, ...proxy } }), { id: "0a1b2c3d4e5f" }, undefined);
  const line = command.text.split("\n").find((one) => one.startsWith(call)) ?? "";
  return words(line.replace("$id", "0a1b2c3d4e5f"));
}

const cases: readonly (readonly [string, string[], string])[] = [
  ["C1: defaults", deployLine("web", {}), `${call} shop-web --target="0a1b2c3d4e5f:80" ${timeouts} ${buffers} ${headers}`],
  ["C2: every scalar option",
    deployLine("web", {
      hosts: ["shop.example"], appPort: 3000, responseTimeoutSeconds: 20, forwardHeaders: true, tls: "off", tlsRedirect: false,
      healthcheck: { path: "/ping", intervalSeconds: 2, timeoutSeconds: 4 },
      buffering: { requests: true, responses: false, memory: 100, maxRequestBody: 200, maxResponseBody: 0 },
      logging: { requestHeaders: ["X-A"], responseHeaders: ["X-B", "X-C"] },
    }, { deployTimeoutSeconds: 12, drainTimeoutSeconds: 8 }),
    `${call} shop-web --target="0a1b2c3d4e5f:3000" --host="shop.example" --deploy-timeout="12s" --drain-timeout="8s" --health-check-interval="2s" --health-check-timeout="4s" --health-check-path="/ping" --target-timeout="20s" --buffer-requests --buffer-responses="false" --buffer-memory="100" --max-request-body="200" --max-response-body="0" --forward-headers --tls-redirect="false" --log-request-header="X-A" --log-response-header="X-B" --log-response-header="X-C"`],
  ["C3: SSL with several names", deployLine("web", { tls: "automatic", hosts: ["a.example", "b.example"] }), `${call} shop-web --target="0a1b2c3d4e5f:80" --host="a.example" --host="b.example" --tls ${timeouts} ${buffers} ${headers}`],
  ["C4: root map", deployLine("web", { hosts: ["shop.example"], responseTimeoutSeconds: 10, healthcheck: { path: "/up", intervalSeconds: 5, timeoutSeconds: undefined } }),
    `${call} shop-web --target="0a1b2c3d4e5f:80" --host="shop.example" ${timeouts} --health-check-interval="5s" --health-check-path="/up" --target-timeout="10s" ${buffers} ${headers}`],
  ["C4: role map over it", deployLine("api", { hosts: ["api.example"], responseTimeoutSeconds: 10, healthcheck: { path: "/api/up", intervalSeconds: 5, timeoutSeconds: undefined } }),
    `${call} shop-api --target="0a1b2c3d4e5f:80" --host="api.example" ${timeouts} --health-check-interval="5s" --health-check-path="/api/up" --target-timeout="10s" ${buffers} ${headers}`],
  ["C5: path prefixes", deployLine("web", { hosts: ["shop.example"], pathPrefixes: ["/api", "/auth"], stripPathPrefix: false }),
    `${call} shop-web --target="0a1b2c3d4e5f:80" --host="shop.example" ${timeouts} ${buffers} --path-prefix="/api" --path-prefix="/auth" --strip-path-prefix="false" ${headers}`],
  ["C6: own certificate", deployLine("web", { hosts: ["shop.example"], tls: { certificate: new Secret("CERT", "c"), privateKey: new Secret("KEY", "k") } }),
    `${call} shop-web --target="0a1b2c3d4e5f:80" --host="shop.example" --tls --tls-certificate-path="/home/kamal-proxy/.apps-config/shop/tls/web/cert.pem" --tls-private-key-path="/home/kamal-proxy/.apps-config/shop/tls/web/key.pem" ${timeouts} ${buffers} ${headers}`],
  ["a destination is part of the route and of the certificate's path", deployLine("web", { hosts: ["qa.example"], tls: { certificate: new Secret("CERT", "c"), privateKey: new Secret("KEY", "k") } }, { destination: "qa" }),
    `${call} shop-web-qa --target="0a1b2c3d4e5f:80" --host="qa.example" --tls --tls-certificate-path="/home/kamal-proxy/.apps-config/shop-qa/tls/web/cert.pem" --tls-private-key-path="/home/kamal-proxy/.apps-config/shop-qa/tls/web/key.pem" ${timeouts} ${buffers} ${headers}`],
];

test.each(cases)("%s", (_title, line, expected) => expect(line).toEqual(words(expected)));

test("C6: ownCertificateSteps() makes the folder for all to read, then writes certificate and key", () => {
  const own = { ...defaultProxy, tls: { certificate: new Secret("CERT", "c"), privateKey: new Secret("KEY", "k") } };
  expect(ownCertificateSteps(settingsOf(), "web", own).map((step) => (step.kind === "upload" ? [step.path, step.mode, String(step.content)] : step.kind === "run" ? step.command.text : step.kind))).toEqual([
    "mkdir -p .kamal/proxy/apps-config/shop/tls/web",
    [".kamal/proxy/apps-config/shop/tls/web/cert.pem", "0644", "‹secret CERT›"],
    [".kamal/proxy/apps-config/shop/tls/web/key.pem", "0644", "‹secret KEY›"],
  ]);
  expect(ownCertificateSteps(settingsOf(), "web", defaultProxy)).toEqual([]);
});
