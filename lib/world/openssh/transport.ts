import type { Transport } from "../../ground/world.ts";
import { SshTransport, type TransportOptions } from "../ssh/transport.ts";
import { MasterPool } from "./pool.ts";

/** Reaches hosts by the system's own `ssh`, which must be on PATH. Dispose it to close all connections. */
export function createOpensshTransport(options: TransportOptions): Transport & AsyncDisposable {
  return new SshTransport(new MasterPool(options), options);
}
