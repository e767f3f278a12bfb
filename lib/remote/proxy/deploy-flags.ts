import { Command } from "../../ground/command.ts";
import { proxyAppsDirectory, tlsDirectory, type Named } from "../../ground/names.ts";
import type { KamalProxySettings, Settings } from "../../config/settings.ts";
import { expandable } from "../shell-value.ts";

/** Where the proxy sees {@link proxyAppsDirectory}. */
export const appsConfig = "/home/kamal-proxy/.apps-config";

type Value = string | number | boolean | undefined | readonly string[];

/**
 * What `kamal-proxy deploy` is told beside name and target, in Kamal's order. Every call must carry all of it: the
 * proxy keeps nothing of the call before.
 */
export function deployFlags(settings: Pick<Settings, "service" | "destination" | "deployTimeoutSeconds" | "drainTimeoutSeconds">, role: string, proxy: KamalProxySettings): readonly Command[] {
  const { healthcheck, buffering, logging, tls } = proxy;
  const ownCertificate = typeof tls === "object";
  return flags({
    host: proxy.hosts,
    tls: tls === "off" ? undefined : true,
    "tls-certificate-path": ownCertificate ? `${tlsPathInProxy(settings, role)}/cert.pem` : undefined,
    "tls-private-key-path": ownCertificate ? `${tlsPathInProxy(settings, role)}/key.pem` : undefined,
    "deploy-timeout": seconds(settings.deployTimeoutSeconds),
    "drain-timeout": seconds(settings.drainTimeoutSeconds),
    "health-check-interval": seconds(healthcheck.intervalSeconds),
    "health-check-timeout": seconds(healthcheck.timeoutSeconds),
    "health-check-path": healthcheck.path,
    "target-timeout": seconds(proxy.responseTimeoutSeconds),
    "buffer-requests": buffering.requests,
    "buffer-responses": buffering.responses,
    "buffer-memory": buffering.memory,
    "max-request-body": buffering.maxRequestBody,
    "max-response-body": buffering.maxResponseBody,
    "path-prefix": proxy.pathPrefixes,
    "strip-path-prefix": proxy.stripPathPrefix,
    "forward-headers": proxy.forwardHeaders,
    "tls-redirect": proxy.tlsRedirect,
    "log-request-header": logging.requestHeaders,
    "log-response-header": logging.responseHeaders,
  });
}

const seconds = (count: number | undefined): string | undefined => (count === undefined ? undefined : `${count}s`);

/** Folder of a role's own certificate as the proxy sees it. */
const tlsPathInProxy = (of: Named, role: string): string => tlsDirectory(of, role).replace(proxyAppsDirectory, appsConfig);

/** `--key=value`; `true` is the bare flag, `false` is said, a list repeats the flag. */
function flags(values: Readonly<Record<string, Value>>): readonly Command[] {
  return Object.entries(values).flatMap(([key, value]) => {
    if (value === undefined) return [];
    if (value === true) return [new Command(`--${key}`)];
    return [value].flat().map((one) => expandable(`--${key}=${one}`));
  });
}
