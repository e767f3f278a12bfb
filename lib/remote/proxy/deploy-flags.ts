import { Command } from "../../ground/command.ts";
import { errorPagesDirectory, proxyAppsDirectory, tlsDirectory, type Named } from "../../ground/names.ts";
import type { KamalProxySettings, Settings } from "../../config/settings.ts";
import { expandable } from "../shell-value.ts";

/** Where the proxy sees {@link proxyAppsDirectory}. */
export const appsConfig = "/home/kamal-proxy/.apps-config";

type Value = string | number | boolean | undefined | readonly string[];

/**
 * What `kamal-proxy deploy` is told beside name and target, in Kamal's order. Every call must carry all of it: the
 * proxy keeps nothing of the call before.
 * @param owner the role or accessory: its own certificate lies in a folder of that name
 * @param errorPagesVersion whose error pages it shows; undefined: the proxy's own
 */
export function deployFlags(settings: Pick<Settings, "service" | "destination" | "deployTimeoutSeconds" | "drainTimeoutSeconds">, owner: string, proxy: KamalProxySettings, errorPagesVersion?: string): readonly Command[] {
  const { healthcheck, buffering, logging, tls } = proxy;
  const ownCertificate = typeof tls === "object";
  return flags({
    host: proxy.hosts,
    tls: tls === "off" ? undefined : true,
    "tls-certificate-path": ownCertificate ? `${tlsPathInProxy(settings, owner)}/cert.pem` : undefined,
    "tls-private-key-path": ownCertificate ? `${tlsPathInProxy(settings, owner)}/key.pem` : undefined,
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
    "error-pages": errorPagesVersion === undefined ? undefined : inProxy(errorPagesDirectory(settings, errorPagesVersion)),
  });
}

const seconds = (count: number | undefined): string | undefined => (count === undefined ? undefined : `${count}s`);

/** A folder of the host as the proxy sees it. */
const inProxy = (path: string): string => path.replace(proxyAppsDirectory, appsConfig);
const tlsPathInProxy = (of: Named, owner: string): string => inProxy(tlsDirectory(of, owner));

/** `--key=value`; `true` is the bare flag, `false` is said, a list repeats the flag. */
function flags(values: Readonly<Record<string, Value>>): readonly Command[] {
  return Object.entries(values).flatMap(([key, value]) => {
    if (value === undefined) return [];
    if (value === true) return [new Command(`--${key}`)];
    return [value].flat().map((one) => expandable(`--${key}=${one}`));
  });
}
