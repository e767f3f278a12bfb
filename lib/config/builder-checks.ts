import type { Problem } from "./problems.ts";
import { isLocalRegistry } from "./roles.ts";
import type { ParsedConfig } from "./schema.ts";

/** What in `builder` does not go together. */
export function builderProblems({ builder, registry }: ParsedConfig): Problem[] {
  const { arch, remote, local, pack, cache, driver } = builder;
  const several = typeof arch === "object" && arch.length > 1;
  const beyondDocker = [...(several ? ["several architectures"] : []), ...(remote === undefined ? [] : ["a remote builder"]), ...(cache === undefined ? [] : ["a build cache"])];
  return [
    ...(driver === "docker" && pack === undefined && beyondDocker.length > 0 ? [{ path: ["builder", "driver"], text: `expected "docker-container" for ${beyondDocker.join(" and ")}, found "docker"` }] : []),
    ...(driver.startsWith("cloud") && remote !== undefined ? [{ path: ["builder", "remote"], text: `expected either a remote builder or the driver ${JSON.stringify(driver)}, found both` }] : []),
    ...(!local && remote === undefined ? [{ path: ["builder", "local"], text: "expected builder.remote too: without it nothing is left to build on" }] : []),
    ...(pack !== undefined && several ? [{ path: ["builder", "arch"], text: `expected one architecture with builder.pack, found ${arch.length}` }] : []),
    ...(pack !== undefined && remote !== undefined ? [{ path: ["builder", "remote"], text: "expected nothing with builder.pack: buildpacks are built by the Docker of this machine" }] : []),
    ...(cache?.image !== undefined && registry.server !== undefined && cache.image.startsWith(`${registry.server}/`)
      ? [{ path: ["builder", "cache", "image"], text: `expected an image without the registry, found ${JSON.stringify(cache.image)}: it is added from registry.server` }]
      : []),
    ...(remote !== undefined && !remote.startsWith("ssh://") && isLocalRegistry(registry.server)
      ? [{ path: ["builder", "remote"], text: `expected "ssh://[USER@]HOST" with a registry on this machine: the builder reaches it through SSH only, found ${JSON.stringify(remote)}` }]
      : []),
  ];
}
