import type { Path } from "./locate.ts";
import type { Problem } from "./problems.ts";
import { isLocalRegistry } from "./roles.ts";
import type { ParsedConfig } from "./schema.ts";
import { suggest } from "./suggest.ts";

/** What images for Linux can be made for: the names of GOARCH, which the OCI image specification takes over. */
const architectures = ["amd64", "arm64", "arm", "386", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64", "s390x"];
/** What others call them. */
const otherNames: Readonly<Record<string, string>> = { x86_64: "amd64", x64: "amd64", aarch64: "arm64", armv7: "arm/v7", armv7l: "arm/v7", armhf: "arm/v7", armv6l: "arm/v6", i386: "386", i686: "386", x86: "386" };

/** What in `builder` does not go together. */
export function builderProblems({ builder, registry: given }: ParsedConfig): Problem[] {
  const registry = given ?? {};
  const { arch, remote, local, pack, cache, driver } = builder;
  const several = typeof arch === "object" && arch.length > 1;
  const beyondDocker = [...(several ? ["several architectures"] : []), ...(remote === undefined ? [] : ["a remote builder"]), ...(cache === undefined ? [] : ["a build cache"])];
  return [
    ...(typeof arch === "string" ? archProblems(arch, ["builder", "arch"]) : arch.flatMap((one, i) => archProblems(one, ["builder", "arch", i]))),
    ...(driver === "docker" && pack === undefined && beyondDocker.length > 0 ? [{ path: ["builder", "driver"], text: `expected "docker-container" for ${beyondDocker.join(" and ")}, found "docker"` }] : []),
    ...(driver.startsWith("cloud") && remote !== undefined ? [{ path: ["builder", "remote"], text: `expected either a remote builder or the driver ${JSON.stringify(driver)}, found both` }] : []),
    ...(!local && remote === undefined ? [{ path: ["builder", "local"], text: "expected builder.remote too: without it nothing is left to build on" }] : []),
    ...(pack !== undefined && several ? [{ path: ["builder", "arch"], text: `expected one architecture with builder.pack, found ${arch.length}` }] : []),
    ...(pack !== undefined && remote !== undefined ? [{ path: ["builder", "remote"], text: "expected nothing with builder.pack: buildpacks are built by the Docker of this machine" }] : []),
    ...(cache?.type === "registry" && given === undefined ? [{ path: ["builder", "cache", "type"], text: `expected "gha", or a registry in the config, found "registry"` }] : []),
    ...(cache?.image !== undefined && registry.server !== undefined && cache.image.startsWith(`${registry.server}/`)
      ? [{ path: ["builder", "cache", "image"], text: `expected an image without the registry, found ${JSON.stringify(cache.image)}: it is added from registry.server` }]
      : []),
    ...(remote !== undefined && !remote.startsWith("ssh://") && isLocalRegistry(registry.server)
      ? [{ path: ["builder", "remote"], text: `expected "ssh://[USER@]HOST" with a registry on this machine: the builder reaches it through SSH only, found ${JSON.stringify(remote)}` }]
      : []),
  ];
}

/** Nobody else would tell: an image for an architecture that no host has just never gets healthy. */
function archProblems(arch: string, path: Path): Problem[] {
  const [family = ""] = arch.split("/");
  if (architectures.includes(family)) return [];
  const meant = otherNames[family] ?? suggest(family, architectures);
  return [{ path, text: `expected an architecture such as "amd64" or "arm64", found ${JSON.stringify(arch)}${meant === undefined ? "" : `: did you mean ${JSON.stringify(meant)}?`}` }];
}
