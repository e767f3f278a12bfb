import type { Role } from "../config/settings.ts";
import { sh } from "../ground/command.ts";
import { errorPagesDirectory, proxyAppDirectory } from "../ground/names.ts";
import type { HostStep, Phase } from "../ground/step.ts";
import { extractAssets, removeOldAssets, shareAssets, type AssetOrder } from "../remote/assets.ts";
import type { Container } from "../remote/facts.ts";
import { plainVersion } from "./current.ts";
import { quickMs, rolesOn } from "./hosts.ts";
import type { Order } from "./order.ts";

/** A role on a host, and what serves there. */
interface Place {
  readonly role: Role;
  readonly current: Container | undefined;
}

/** True for hosts where kamal-proxy answers for a role. */
const hasPages = (order: Order, host: string): boolean => order.content.errorPages.size > 0 && rolesOn(order, host).some(({ proxy }) => proxy?.kind === "kamal-proxy");

/**
 * Brings the pages that the proxy answers errors with. It refuses a switch to a version whose pages are missing.
 * @param versionsOn whose pages a host needs; default: those of the version to put in place
 */
export function errorPagePhases(order: Order, hosts: readonly string[], versionsOn: (host: string) => readonly string[] = () => [order.version]): readonly Phase[] {
  const steps = (version: string): HostStep[] => {
    const folder = errorPagesDirectory(order.settings, version);
    return [
      { kind: "run", title: "Make the folder of error pages", command: sh`mkdir -p ${folder}`, repeatable: true, timeoutMs: quickMs },
      ...[...order.content.errorPages].map(([name, body]): HostStep => ({ kind: "upload", title: `Write error page ${name}`, path: `${folder}/${name}`, mode: "0644", ...body })),
    ];
  };
  const lanes = hosts.filter((host) => hasPages(order, host)).map((host) => ({ host, steps: [...new Set(versionsOn(host))].flatMap(steps) }));
  return lanes.length === 0 ? [] : [{ title: "Bring error pages", lanes }];
}

const assetOrder = (order: Order, { role }: Place): AssetOrder | undefined => (role.assets === undefined ? undefined : { settings: order.settings, role: role.name, assets: role.assets, version: order.version });

/** Puts the assets of the new version beside those of the one that serves. */
export function assetSteps(order: Order, place: Place): readonly HostStep[] {
  const assets = assetOrder(order, place);
  if (assets === undefined) return [];
  const role = place.role.name;
  return [
    { kind: "run", role, title: `Copy assets of ${role} out of the image`, command: extractAssets(assets), repeatable: true, hint: `Check assetPath in the config: the image must have ${assets.assets.path}.` },
    { kind: "run", role, title: `Share assets of ${role} with the version before`, command: shareAssets(assets, place.current === undefined ? undefined : plainVersion(place.current.version)), repeatable: true },
  ];
}

/** Removes error pages and assets of versions that serve no more. */
export function oldFileSteps(order: Order, host: string, places: readonly Place[]): readonly HostStep[] {
  return [
    ...places.flatMap((place): HostStep[] => {
      const assets = assetOrder(order, place);
      return assets === undefined ? [] : [{ kind: "run", role: place.role.name, title: `Remove older assets of ${place.role.name}`, command: removeOldAssets(assets), repeatable: true }];
    }),
    ...(hasPages(order, host) ? [{ kind: "run" as const, title: "Remove older error pages", command: sh`find ${`${proxyAppDirectory(order.settings)}/error_pages`} -mindepth 1 -maxdepth 1 ! -name ${order.version} -exec rm -rf '{}' +`, repeatable: true as const }] : []),
  ];
}
