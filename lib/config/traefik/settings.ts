import type { EnvSettings, TraefikRouteSettings, TraefikSettings } from "../settings.ts";
import { texts } from "../schema/common.ts";
import type { HealthcheckInput, TraefikInput } from "../schema/traefik.ts";
import { traefikDefaults } from "../schema/traefik.ts";
import { majorOf } from "./fields.ts";
import { isTraefikLabel } from "./labels.ts";
import { routeOf, type RouteOwner } from "./route.ts";

/** How Traefik's container is run, every default filled in. */
export function traefikSettings(input: TraefikInput, env: EnvSettings): TraefikSettings {
  const image = input.image ?? traefikDefaults.image;
  const labels = texts(input.labels ?? {});
  const own = Object.keys(labels).some(isTraefikLabel);
  return {
    image,
    major: majorOf(image),
    hostPort: input.hostPort ?? traefikDefaults.hostPort,
    args: Object.fromEntries(Object.entries(input.args ?? {}).map(([name, value]) => [name, typeof value === "object" ? value.join(",") : value])),
    options: input.options ?? {},
    labels: withoutRoutes(labels),
    env,
    route: own ? routeOf(labels, { service: "traefik", prefix: "traefik", answers: false }, majorOf(image)).route : undefined,
  };
}

/**
 * How requests reach a role behind Traefik.
 * @param labels root labels, then the role's
 * @param image of Traefik; undefined: the default
 * @returns undefined when `traefik.enable` is false
 */
export function traefikRouteSettings(labels: Readonly<Record<string, string>>, owner: RouteOwner, image: string | undefined, health: HealthcheckInput): TraefikRouteSettings | undefined {
  const { route } = routeOf(labels, owner, majorOf(image ?? traefikDefaults.image));
  if (route === undefined) return undefined;
  const standard = traefikDefaults.health;
  const attempts = health.maxAttempts;
  return {
    kind: "traefik",
    appPort: health.port,
    healthcheck: {
      path: health.path ?? standard.path,
      port: health.port,
      intervalSeconds: health.interval ?? standard.interval,
      timeoutSeconds: health.timeout ?? standard.timeout,
      // Attempts came with pauses of 1, 2, 3, … seconds in MRSK.
      deadlineSeconds: attempts === undefined ? undefined : (attempts * (attempts + 1)) / 2,
    },
    route,
    ignored: Object.keys(labels).filter((name) => /^traefik\.docker\./i.test(name)),
  };
}

/** Labels without those that became routes. */
export const withoutRoutes = (labels: Readonly<Record<string, string>>): Record<string, string> => Object.fromEntries(Object.entries(labels).filter(([name]) => !isTraefikLabel(name)));
