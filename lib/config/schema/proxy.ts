import { z } from "zod";
import { list, options, seconds, secretInput, text } from "./common.ts";
import { port } from "./ssh.ts";

const bytes = z.int({ error: "a number of bytes" }).min(0, { error: "a number of bytes" });

/** In force where neither root nor role says otherwise. */
export const proxyDefaults = {
  appPort: 80,
  bufferRequests: true,
  bufferResponses: true,
  requestHeaders: ["Cache-Control", "Last-Modified", "User-Agent"],
  run: { httpPort: 80, httpsPort: 443, debug: false, logMaxSize: "10m", publish: true, repository: "basecamp/kamal-proxy", version: "v0.9.2" },
} as const;

const pem = z.union([text("the name of a secret"), secretInput], { error: `secret("NAME") or the name of a secret` });

const OwnCertificate = z
  .strictObject({
    certificatePem: pem.meta({ description: "The certificate with its chain: a secret, or its name.", example: `secret("CERTIFICATE")` }),
    privateKeyPem: pem.meta({ description: "Its private key: a secret, or its name.", example: `secret("PRIVATE_KEY")` }),
  })
  .meta({ typeName: "CertificateConfig", description: "A certificate of your own." });

const Healthcheck = z
  .strictObject({
    interval: seconds.optional().meta({ description: "Pause between two tries.", fallback: "the proxy's own: 1 second" }),
    timeout: seconds.optional().meta({ description: "How long one answer may take.", fallback: "the proxy's own: 5 seconds" }),
    path: text("a path").regex(/^\//, { error: "a path that begins with \"/\"" }).optional().meta({ description: "Asked with GET; any 2xx is healthy.", example: `"/healthz"`, fallback: `the proxy's own: "/up"` }),
  })
  .meta({ typeName: "HealthcheckConfig", description: "How a new container shows that it is ready." });

const Buffering = z
  .strictObject({
    requests: z.boolean().optional().meta({ description: "Read a request whole before it is passed on.", fallback: String(proxyDefaults.bufferRequests) }),
    responses: z.boolean().optional().meta({ description: "Read a response whole before it is passed on. Turn it off for streaming.", fallback: String(proxyDefaults.bufferResponses) }),
    memory: bytes.optional().meta({ description: "Bytes of a body kept in memory, the rest goes to disk.", example: "1_000_000", fallback: "the proxy's own" }),
    maxRequestBody: bytes.optional().meta({ description: "Longest request body in bytes; 0 is no limit.", example: "20_000_000", fallback: "no limit" }),
    maxResponseBody: bytes.optional().meta({ description: "Longest response body in bytes; 0 is no limit.", example: "20_000_000", fallback: "no limit" }),
  })
  .meta({ typeName: "BufferingConfig", description: "What the proxy reads whole before it passes it on." });

const ProxyLogging = z
  .strictObject({
    requestHeaders: list(text("the name of a header")).optional().meta({ description: "Request headers in the proxy's log.", example: `["X-Request-Id"]`, fallback: JSON.stringify(proxyDefaults.requestHeaders) }),
    responseHeaders: list(text("the name of a header")).optional().meta({ description: "Response headers in the proxy's log.", example: `["Content-Type"]`, fallback: "[]" }),
  })
  .meta({ typeName: "ProxyLoggingConfig", description: "What the proxy logs of each request." });

const { run } = proxyDefaults;
const ProxyRun = z
  .strictObject({
    httpPort: port.optional().meta({ description: "Port on the host for HTTP.", example: "8080", fallback: String(run.httpPort) }),
    httpsPort: port.optional().meta({ description: "Port on the host for HTTPS.", example: "8443", fallback: String(run.httpsPort) }),
    metricsPort: port.optional().meta({ description: "Port of the proxy's metrics on the shared network.", example: "9090" }),
    debug: z.boolean().optional().meta({ description: "Detailed log.", fallback: String(run.debug) }),
    logMaxSize: z.string().regex(/^(\d+[kmg]?)?$/, { error: "a size such as \"10m\", or \"\" for no limit" }).optional().meta({ description: "When the proxy's log file is rotated; empty: never.", example: `"50m"`, fallback: `"${run.logMaxSize}"` }),
    publish: z.boolean().optional().meta({ description: "Publish the ports on the host.", fallback: String(run.publish) }),
    bindIps: list(text("an IP address")).optional().meta({ description: "Addresses of the host to publish on.", example: `["10.0.0.5"]`, fallback: "all" }),
    registry: text("a registry").optional().meta({ description: "Registry of the proxy's image.", example: `"registry.example"`, fallback: "Docker Hub" }),
    repository: text("an image").optional().meta({ description: "The proxy's image without tag.", example: `"acme/kamal-proxy"`, fallback: `"${run.repository}"` }),
    version: z.union([text("a tag"), z.number()]).optional().meta({ description: "Tag of the proxy's image.", example: `"v0.9.3"`, fallback: `"${run.version}"` }),
    options: options.optional().meta({ description: "Further options of the proxy's `docker run`.", example: `{ memory: "256m" }` }),
  })
  .meta({ typeName: "ProxyRunConfig", description: "How the proxy container itself is run. The same for all hosts." });

export const Proxy = z
  .strictObject({
    host: text("a host name").optional().meta({ description: "Name the app answers to, or several with commas.", example: `"shop.example"`, fallback: "every name" }),
    hosts: list(text("a host name")).optional().meta({ description: "Names the app answers to. Not together with `host`.", example: `["shop.example", "www.shop.example"]`, fallback: "every name" }),
    appPort: port.optional().meta({ description: "Port the app listens on in its container.", example: "3000", fallback: String(proxyDefaults.appPort) }),
    ssl: z.union([z.boolean(), OwnCertificate]).optional().meta({ description: "HTTPS: `true` gets certificates by itself, for a role on one host; or a certificate of your own.", fallback: "false" }),
    sslRedirect: z.boolean().optional().meta({ description: "Send HTTP to HTTPS.", fallback: "the proxy's own: true" }),
    forwardHeaders: z.boolean().optional().meta({ description: "Pass X-Forwarded-* headers of clients on. Only behind another proxy.", fallback: "the proxy's own: true unless ssl" }),
    responseTimeout: seconds.optional().meta({ description: "How long the app may take to answer.", example: `"10s"`, fallback: "the proxy's own: 30 seconds" }),
    pathPrefix: text("a path").optional().meta({ description: "Paths the app answers, with commas.", example: `"/api,/auth"`, fallback: "all" }),
    pathPrefixes: list(text("a path")).optional().meta({ description: "Paths the app answers. Not together with `pathPrefix`.", example: `["/api", "/auth"]`, fallback: "all" }),
    stripPathPrefix: z.boolean().optional().meta({ description: "Take the prefix away before the app sees the request.", fallback: "the proxy's own: true" }),
    healthcheck: Healthcheck.optional().meta({ description: "How a new container shows that it is ready.", example: `{ path: "/healthz" }` }),
    buffering: Buffering.optional().meta({ description: "What the proxy reads whole before it passes it on." }),
    logging: ProxyLogging.optional().meta({ description: "What the proxy logs of each request." }),
    run: ProxyRun.optional().meta({ description: "How the proxy container itself is run.", example: `{ httpPort: 8080 }`, fallback: "as the files on each host say" }),
  })
  .meta({ typeName: "ProxyConfig", description: "How requests reach the app." });

export type ProxyInput = z.output<typeof Proxy>;
export type ProxyRunInput = z.output<typeof ProxyRun>;
