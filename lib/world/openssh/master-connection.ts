import { rm } from "node:fs/promises";
import type { Client } from "ssh2";
import { Connection } from "../ssh/connection.ts";
import type { Master } from "./master.ts";

/** A connection that a master holds: when one of the two is gone, so is the other. */
export class MasterConnection extends Connection {
  /** Path of the master's socket. */
  readonly socket: string;
  readonly #master: Master;
  readonly #cleaned: Promise<void>;
  #isSilent = false;

  constructor(host: string, client: Client, { forwardAgent, isDistrusted, master, folder, socket }: { readonly forwardAgent: boolean; readonly isDistrusted: boolean; readonly master: Master; readonly folder: string; readonly socket: string }) {
    super(host, client, { forwardAgent, isDistrusted });
    this.#master = master;
    this.socket = socket;
    const clean = async (): Promise<void> => {
      await master.stop();
      await rm(folder, { recursive: true, force: true });
    };
    this.#cleaned = this.gone.then(clean);
    void master.ended.then(() => client.destroy());
  }

  /** Takes a line of the master's. @returns true when it is one that matters */
  heard(line: string): boolean {
    this.#isSilent ||= /^Timeout, server .* not responding/.test(line);
    return this.#isSilent;
  }

  override get reason(): string {
    return this.#isSilent ? "the host does not answer any more" : "the host closed it";
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#master.stop();
    await this.#cleaned;
  }
}
