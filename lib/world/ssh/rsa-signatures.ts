import type { Client } from "ssh2";

/** The inside of an ssh2 client, version 1.17.0: what it does when the host names the signatures that it takes. */
interface ClientInside {
  readonly _protocol: { readonly _handlers: { EXT_INFO(protocol: unknown, extensions: readonly Extension[]): void } };
}
interface Extension {
  readonly name: string;
  readonly algs?: readonly string[];
}

const strong = "rsa-sha2-512";
const usual = "rsa-sha2-256";

/** How RSA keys sign on one connection. */
export interface RsaSignatures {
  /** Goes back to SHA-256 for what is tried from here on. False where that changes nothing. */
  weaken(): boolean;
}

/**
 * Makes RSA keys sign with SHA-512 where the host names it, as OpenSSH does: ssh2 would take SHA-256, which a host may name and yet refuse.
 * Call it after `connect`.
 * @param accepted PubkeyAcceptedAlgorithms of ssh_config; undefined: any
 */
export function chooseRsaSignature(client: Client, accepted: readonly string[] | undefined): RsaSignatures {
  const { _protocol: protocol } = client as unknown as ClientInside;
  const { _handlers: handlers } = protocol;
  const usualHandler = handlers.EXT_INFO;
  // ssh2 keeps the list that it is handed, and looks into it for each key.
  const named: string[] = [];
  let canWeaken = false;
  handlers.EXT_INFO = (from, extensions) => {
    const algorithms = extensions.find(({ name }) => name === "server-sig-algs")?.algs ?? [];
    named.push(...algorithms.filter((name) => accepted === undefined || !name.startsWith("rsa-") || accepted.includes(name)));
    canWeaken = named.includes(strong) && named.includes(usual);
    if (canWeaken) named.splice(named.indexOf(usual), 1);
    usualHandler(from, extensions.map((extension) => (extension.name === "server-sig-algs" ? { ...extension, algs: named } : extension)));
  };
  return {
    weaken() {
      if (!canWeaken) return false;
      canWeaken = false;
      named.splice(named.indexOf(strong), 1, usual);
      return true;
    },
  };
}
