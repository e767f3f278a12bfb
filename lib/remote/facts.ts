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
  /** Tags of the service's images on the host, such as `reg.example/acme/shop:77`. */
  readonly images: readonly string[];
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
}

export interface ProxyFacts {
  readonly running: boolean;
  /** Such as `basecamp/kamal-proxy:v0.9.2`. */
  readonly image: string;
  readonly routes: readonly Route[];
}

/** What the proxy does with the requests of one service. */
export interface Route {
  /** Name of the service at the proxy: `shop-web`. */
  readonly name: string;
  /** `<container id>:<port>`. */
  readonly targets: readonly string[];
  readonly mode: "live" | "paused" | "maintenance";
}

/** Facts of a host that nothing is known of: a fresh one with Docker installed. */
export const freshFacts: HostFacts = { docker: "unknown", network: false, proxy: undefined, containers: [], images: [] };

/** Facts by host. */
export type FleetFacts = ReadonlyMap<string, HostFacts>;
