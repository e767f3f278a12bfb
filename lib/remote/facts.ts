import { sh, type Query } from "../ground/command.ts";
import type { Settings } from "../config/settings.ts";
import { accessoriesOn } from "./accessory.ts";
import { containersOf } from "./container.ts";
import { imagesOf } from "./image.ts";
import { networkExists } from "./network.ts";
import type { ProxyDriver } from "./proxy/driver.ts";
import type { RouteFile } from "./proxy/traefik/file.ts";
import { releasesOn, type Release } from "./releases.ts";

/** What was observed on one host. Plain data: `observe --json` prints it, `--facts` reads it. */
export interface HostFacts {
  /** Version of the Docker server; undefined: Docker is missing or not running. */
  readonly docker: string | undefined;
  /** The shared network exists. */
  readonly network: boolean;
  /** Undefined: there is no proxy container. */
  readonly proxy: ProxyFacts | undefined;
  /** All containers of this service and destination, running or not, newest first. */
  readonly containers: readonly Container[];
  /** Containers of the accessories that belong on this host. */
  readonly accessories: readonly AccessoryFacts[];
  /** Tags of the service's images on the host, such as `reg.example/acme/shop:77`. */
  readonly images: readonly string[];
  /** `sha256:…` under which the registry has those that came from there. Undefined: not known, or there are none. */
  readonly digests?: readonly string[];
  /** The releases that its audit log tells of, oldest first. Undefined: not known. */
  readonly releases?: readonly Release[];
}

/** The container of an accessory. */
export interface AccessoryFacts {
  /** 12 hex digits. */
  readonly id: string;
  /** Its name. */
  readonly service: string;
  /** As {@link Container.state}. */
  readonly state: string;
  readonly status: string;
  readonly image: string;
  /** As {@link Container.networks}. */
  readonly networks?: readonly string[];
}

export interface Container {
  /** 12 hex digits. */
  readonly id: string;
  readonly name: string;
  readonly role: string;
  /** As in the name: may end in `_replaced_<hex>`. */
  readonly version: string;
  /** `running`, `exited`, `created`, `restarting`, `paused`, `dead`. */
  readonly state: string;
  /** As docker prints it: `Up 3 minutes (healthy)`. */
  readonly status: string;
  readonly image: string;
  /** Names of the networks it is in; those of Kamal 1 and MRSK are not in ours. Undefined: not known. */
  readonly networks?: readonly string[];
}

export interface ProxyFacts {
  readonly running: boolean;
  /** Such as `basecamp/kamal-proxy:v0.9.2`. */
  readonly image: string;
  /** What its program was started with, where the driver compares it with the config. */
  readonly args?: readonly string[];
  readonly routes: readonly Route[];
}

/** What the proxy does with the requests of one service. */
export interface Route {
  /** Name of the service at the proxy: `shop-web`. */
  readonly name: string;
  /** `<container id>:<port>`. */
  readonly targets: readonly string[];
  readonly mode: "live" | "paused" | "maintenance";
  /** A second version that gets a share of the requests: `<container id>:<port>`. */
  readonly canary?: { readonly target: string; readonly percent: number };
  /** All that the route was made of, where the proxy's own file is the truth. */
  readonly file?: RouteFile;
}

/** Facts of a host that nothing is known of: a fresh one with Docker installed. */
export const freshFacts: HostFacts = { docker: "unknown", network: false, proxy: undefined, containers: [], accessories: [], images: [] };

/** Facts by host. */
export type FleetFacts = ReadonlyMap<string, HostFacts>;

/** The questions whose answers are the facts of a host, for one round trip. None of them fails where Docker is missing. */
export function factQueries(settings: Settings, driver: ProxyDriver, host: string) {
  const services = settings.accessories.filter(({ hosts }) => hosts.includes(host)).map(({ service }) => service);
  return {
    docker: dockerVersion(),
    network: whereDockerRuns(networkExists()),
    proxy: driver.facts(),
    containers: whereDockerRuns(containersOf(settings)),
    accessories: services.length === 0 ? noAccessories : whereDockerRuns(accessoriesOn(services)),
    images: whereDockerRuns(imagesOf(settings)),
    releases: releasesOn(settings),
  };
}

/** What the queries of {@link factQueries} answered. */
export type FactAnswers = { readonly [Name in keyof ReturnType<typeof factQueries>]: ReturnType<typeof factQueries>[Name] extends Query<infer T> ? T : never };

/** The facts that the answers make. */
export const toFacts = ({ docker, network, proxy, containers, accessories, images: { tagged, digests }, releases }: FactAnswers): HostFacts =>
  ({ docker, network, proxy, containers, accessories, images: tagged, ...(digests.length === 0 ? {} : { digests }), releases });

const noAccessories: Query<readonly AccessoryFacts[]> = { command: sh`:`, parse: () => [] };

/** Version of the Docker server; undefined when it is missing, not running or not ours to use. */
export const dockerVersion = (): Query<string | undefined> => ({
  command: sh`docker version --format ${"{{.Server.Version}}"} 2> /dev/null || true`,
  parse: (stdout) => /^\d[\w.+~-]*/m.exec(stdout)?.[0],
});

/** The same query with an empty answer where Docker does not run. A failure of a Docker that runs stays one. */
function whereDockerRuns<T>({ command, parse }: Query<T>): Query<T> {
  return { command: sh`{ ${command}; } 2> /dev/null || ! docker version > /dev/null 2>&1`, parse };
}
