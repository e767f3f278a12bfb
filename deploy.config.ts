/**
 * Deploys the sample app to the hosts of the lab: `bun run demo` brings both up and says how to go on by hand.
 * The hosts and the registry are the lab's, so they come from the environment.
 */
import { defineConfig, secret } from "capstan";

export default defineConfig(({ env }) => {
  const app = env["LAB_APP"] ?? "test/lab/app";
  return {
    service: "sample",
    image: "acme/sample",
    servers: (env["LAB_HOSTS"] ?? "192.0.2.10").split(","),
    registry: { server: env["LAB_REGISTRY"] ?? "registry.example", username: "lab", password: secret("REGISTRY_PASSWORD") },
    env: { clear: { GREETING: "hello" }, secret: ["APP_SECRET"] },
    builder: { context: app, dockerfile: `${app}/Dockerfile`, driver: "docker", args: { VERSION: env["VERSION"] ?? "unknown" } },
    proxy: { buffering: { responses: false } },
  };
});
