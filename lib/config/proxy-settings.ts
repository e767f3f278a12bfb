import type { Secret } from "../ground/secret.ts";
import { secretOf } from "./env-settings.ts";
import { namesOf } from "./roles.ts";
import { type ProxyInput, type ProxyRunInput, proxyDefaults } from "./schema/proxy.ts";
import type { SecretInput } from "./secret-ref.ts";
import type { KamalProxySettings, ProxyRunSettings, SecretStore } from "./settings.ts";

/** A text is the name of a secret, or the certificate itself. */
const pemOf = (input: string | SecretInput, label: string, secrets: SecretStore): Secret =>
  typeof input === "string" && !input.includes("-----BEGIN ") ? secrets.get(input) : secretOf(input, label, secrets);

/** A kamal-proxy section with its defaults filled in. */
export function proxySettings(proxy: ProxyInput, secrets: SecretStore): KamalProxySettings {
  const { ssl, healthcheck, buffering, logging } = proxy;
  return {
    kind: "kamal-proxy",
    hosts: namesOf(proxy.host, proxy.hosts),
    appPort: proxy.appPort ?? proxyDefaults.appPort,
    tls: typeof ssl === "object" ? { certificate: pemOf(ssl.certificatePem, "certificate", secrets), privateKey: pemOf(ssl.privateKeyPem, "private key", secrets) } : ssl === true ? "automatic" : "off",
    tlsRedirect: proxy.sslRedirect,
    forwardHeaders: proxy.forwardHeaders,
    responseTimeoutSeconds: proxy.responseTimeout,
    pathPrefixes: namesOf(proxy.pathPrefix, proxy.pathPrefixes),
    stripPathPrefix: proxy.stripPathPrefix,
    healthcheck: { intervalSeconds: healthcheck?.interval, timeoutSeconds: healthcheck?.timeout, path: healthcheck?.path },
    buffering: {
      requests: buffering?.requests ?? proxyDefaults.bufferRequests,
      responses: buffering?.responses ?? proxyDefaults.bufferResponses,
      memory: buffering?.memory,
      maxRequestBody: buffering?.maxRequestBody,
      maxResponseBody: buffering?.maxResponseBody,
    },
    logging: { requestHeaders: logging?.requestHeaders ?? proxyDefaults.requestHeaders, responseHeaders: logging?.responseHeaders ?? [] },
  };
}

/** How kamal-proxy's container is run, with its defaults filled in. */
export function proxyRunSettings(run: ProxyRunInput): ProxyRunSettings {
  const standard = proxyDefaults.run;
  const image = `${run.repository ?? standard.repository}:${run.version ?? standard.version}`;
  return {
    httpPort: run.httpPort ?? standard.httpPort,
    httpsPort: run.httpsPort ?? standard.httpsPort,
    metricsPort: run.metricsPort,
    debug: run.debug ?? standard.debug,
    logMaxSize: run.logMaxSize ?? standard.logMaxSize,
    publish: run.publish ?? standard.publish,
    bindIps: run.bindIps ?? [],
    image: run.registry === undefined ? image : `${run.registry}/${image}`,
    options: run.options ?? {},
  };
}
