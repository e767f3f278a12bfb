#!/usr/bin/env -S bun --no-install
/**
 * Deploys web apps to your own servers: a typed config, typed hooks, a plan you can read first.
 *
 * ```ts
 * // deploy.config.ts
 * import { defineConfig, secret } from "capstan";
 *
 * export default defineConfig({
 *   service: "shop",
 *   image: "acme/shop",
 *   servers: ["192.0.2.10", "192.0.2.11"],
 *   registry: { server: "registry.example", username: "deploy", password: secret("REGISTRY_PASSWORD") },
 *   proxy: { host: "shop.example", ssl: true },
 * });
 * ```
 *
 * Run as a program it is the command line: `capstan deploy`. Imported, it is the library:
 *
 * ```ts
 * import { createDeployer } from "capstan";
 *
 * await using deployer = await createDeployer({ config, onEvent: console.log });
 * const { from, to } = await deployer.deploy();
 * ```
 *
 * @module
 */
if (import.meta.main) {
  const { start } = await import("./lib/cli/start.ts");
  await start();
}
