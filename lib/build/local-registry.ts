import type { LocalStep } from "../ground/step.ts";
import type { RegistrySettings } from "../config/settings.ts";

const container = "kamal-docker-registry";

/** The port of a registry on this machine. */
export const registryPort = ({ server }: RegistrySettings): string => server?.split(/[:/]/)[1] ?? "5000";

/** Starts the registry on the user's own machine, or makes it. */
export function startRegistrySteps(registry: RegistrySettings): readonly LocalStep[] {
  const port = registryPort(registry);
  return [
    { kind: "local", title: "Start the local registry", optional: true, program: { argv: ["docker", "start", container] } },
    {
      kind: "local", title: "Run the local registry", fallback: true, hint: `Check that Docker runs, and that port ${port} is free.`,
      program: { argv: ["docker", "run", "--detach", "-p", `127.0.0.1:${port}:5000`, "--name", container, "registry:3"] },
    },
  ];
}

/**
 * Removes it, with all images in it. Harmless when it is not there: `docker rm --force` (20.10 and later) fails only when Docker does not answer or the
 * container cannot go, which the optional stop before it does not tell apart.
 */
export function removeRegistrySteps(): readonly LocalStep[] {
  return [
    { kind: "local", title: "Stop the local registry", optional: true, program: { argv: ["docker", "stop", container] } },
    { kind: "local", title: "Remove the local registry", hint: "Check that Docker runs: `docker info`.", program: { argv: ["docker", "rm", "--force", "--volumes", container] } },
  ];
}
