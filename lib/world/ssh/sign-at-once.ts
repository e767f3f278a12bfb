import type { Client, ParsedKey } from "ssh2";
import type { Hash, Identity } from "./identity.ts";

/** The inside of an ssh2 client, version 1.17.0: sends a request to log in with a key, signed or as a question whether the key would do. */
interface ClientInside {
  readonly _protocol: { authPK(user: string, key: ParsedKey, algorithm: string | undefined, sign?: Sign): void };
}
type Sign = (data: Buffer, send: (signature: Buffer) => void) => void;

const hashes: Readonly<Record<string, Hash>> = { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512", "ssh-rsa": "sha1" };

/**
 * Saves a round trip at login: a key that lies open in a file is offered with its signature, instead of asking first whether it would do.
 * Call it after `connect`, before the host is asked.
 */
export function signAtOnce(client: Client, identities: readonly Identity[]): void {
  const { _protocol: protocol } = client as unknown as ClientInside;
  const send = protocol.authPK.bind(protocol);
  protocol.authPK = (user, key, algorithm, sign) => {
    const signNow = identities.find(({ publicKey }) => publicKey === key)?.signNow;
    const now: Sign | undefined = signNow && ((data, done) => done(signNow(data, hashes[algorithm ?? ""])));
    send(user, key, algorithm, sign ?? now);
  };
}
