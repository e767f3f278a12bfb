/** What is done to a deploy that goes on. */
export const faults = {
  "kill-9": { says: "kill -9 of capstan", weight: 3 },
  sigint: { says: "SIGINT", weight: 3 },
  sigterm: { says: "SIGTERM", weight: 2 },
  sighup: { says: "SIGHUP", weight: 2 },
  "terminal-gone": { says: "terminal gone: its master is closed under a real pty", weight: 2 },
  reset: { says: "SSH connections of a host reset", weight: 3 },
  "silent-short": { says: "host silent for 5 s", weight: 2 },
  "silent-long": { says: "host silent until capstan has ended", weight: 1 },
  reboot: { says: "host rebooted", weight: 1 },
  dockerd: { says: "dockerd restarted, and all containers with it", weight: 2 },
  "registry-down": { says: "registry down", weight: 2 },
  "registry-slow": { says: "registry slow: every answer held back for 2 s", weight: 2 },
  "registry-500": { says: "registry returning 500", weight: 2 },
  "disk-full": { says: "disk of a host full", weight: 2 },
  clock: { says: "clock of a host an hour off, ahead or behind", weight: 2 },
  "proxy-crash": { says: "proxy crashes: its process is killed, Docker starts it again", weight: 2 },
  "proxy-kill": { says: "proxy stopped by `docker kill`: nobody starts it again", weight: 2 },
  "new-crash": { says: "new container crashes after it was healthy", weight: 2 },
  "two-deploys": { says: "another capstan deploys at the same time", weight: 2 },
  "kamal-lock": { says: "somebody takes the lock the Kamal way", weight: 2 },
} as const satisfies Readonly<Record<string, { readonly says: string; /** How often it is picked, compared with others: what takes long is picked less. */ readonly weight: number }>>;
export type Fault = keyof typeof faults;
export const faultNames = Object.keys(faults) as readonly Fault[];

/** What is disturbed. */
export const operations = {
  deploy: "`deploy` of a new version",
  rollback: "`rollback` to the version before",
  setup: "`setup` while the first host serves and the second is as new",
  "accessory-reboot": "`accessory reboot store`",
  "proxy-reboot": "`proxy reboot`, host after host",
} as const;
export type Operation = keyof typeof operations;
export const operationNames = Object.keys(operations) as readonly Operation[];

/** How images come to the hosts. */
export const ways = {
  registry: "through a registry",
  ssh: "without a registry: layers that a host does not have go through its SSH connection",
} as const;
export type Way = keyof typeof ways;
export const wayNames = Object.keys(ways) as readonly Way[];

const ofRegistries: readonly Fault[] = ["registry-down", "registry-slow", "registry-500"];

/** The faults that mean something for an operation. */
export function faultsOf(operation: Operation, way: Way): readonly Fault[] {
  // An accessory comes from a registry whatever way the app comes.
  const asksRegistry = way === "registry" || operation === "setup" || operation === "accessory-reboot";
  return faultNames.filter((fault) => {
    // A reboot of the proxy starts no container but the proxy's, and those have faults of their own.
    if (fault === "new-crash") return operation !== "proxy-reboot";
    return asksRegistry || !ofRegistries.includes(fault);
  });
}
