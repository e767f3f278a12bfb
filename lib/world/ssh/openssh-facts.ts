import { access, readFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { readKey } from "./key-format.ts";
import { keyType, parseKnownHosts } from "./known-hosts.ts";
import type { HostFacts, KeyFact } from "./needs-openssh.ts";
import type { Target } from "./target.ts";

/** Collects what decides over the transport of a host, from files and the agent. Asks nobody for a passphrase. Never rejects. */
export async function factsOf(target: Target): Promise<HostFacts> {
  const files = [...target.keys, ...target.identityFiles];
  const [knownHosts, named, certificates, agent] = await Promise.all([
    Promise.all(target.knownHostsFiles.map(async (file) => parseKnownHosts(await readFile(file, "utf8").catch(() => ""), file))),
    Promise.all(files.map(fileFact)),
    Promise.all([...target.certificateFiles, ...files.map((file) => `${file}-cert.pub`)].map(certificateFact)),
    target.agent === undefined || target.identitiesOnly ? [] : agentFacts(target.agent),
  ]);
  return { knownHosts: knownHosts.flat(), keys: [...certificates, ...named, ...agent].filter((fact) => fact !== undefined) };
}

async function fileFact(path: string): Promise<KeyFact | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const security = securityType(text) ?? securityType(await readFile(`${path}.pub`, "utf8").catch(() => ""));
  if (security !== undefined) return { label: path, place: "file", kind: "security-key", type: security };
  const file = readKey(text);
  if (file.kind === "unusable") return { label: path, place: "file", kind: "unreadable", type: file.why };
  return { label: path, place: "file", kind: "ordinary", type: file.kind === "encrypted" ? (file.publicKey?.type ?? "encrypted") : file.key.type };
}

async function certificateFact(path: string): Promise<KeyFact | undefined> {
  const isThere = await access(path).then(() => true, () => false);
  return isThere ? { label: path, place: "file", kind: "certificate", type: "certificate" } : undefined;
}

/** The type of a security key, in a public file or in the clear part of a private one. */
function securityType(text: string): string | undefined {
  const [, base64] = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text) ?? [];
  const clear = base64 === undefined ? text.slice(0, 200) : Buffer.from(base64, "base64").subarray(0, 300).toString("latin1");
  return /\bsk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com/.exec(clear)?.[0];
}

/** How long an agent may take to list its keys. */
const agentMs = 2000;

/**
 * The keys an agent lists, of any type: ssh2 leaves out those that it does not know.
 * Source of the messages: draft-ietf-sshm-ssh-agent, SSH_AGENTC_REQUEST_IDENTITIES (11) and its answer (12).
 */
async function agentFacts(path: string): Promise<KeyFact[]> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  let answer: Buffer = Buffer.alloc(0);
  const socket = createConnection(path);
  const timer = setTimeout(() => socket.destroy(), agentMs);
  socket.on("error", () => undefined);
  socket.on("close", () => resolve(answer));
  socket.on("data", (chunk: Buffer) => {
    answer = Buffer.concat([answer, chunk]);
    if (answer.length >= 4 && answer.length >= 4 + answer.readUInt32BE(0)) socket.destroy();
  });
  socket.write(Buffer.from([0, 0, 0, 1, 11]));
  const bytes = await promise;
  clearTimeout(timer);
  try {
    return identitiesIn(bytes);
  } catch {
    return [];
  }
}

function identitiesIn(bytes: Buffer): KeyFact[] {
  if (bytes[4] !== 12) return [];
  let at = 9;
  const next = (): Buffer => {
    const length = bytes.readUInt32BE(at);
    at += 4 + length;
    return bytes.subarray(at - length, at);
  };
  return Array.from({ length: Math.min(bytes.readUInt32BE(5), 1000) }, () => {
    const type = keyType(next());
    const comment = next().toString("utf8");
    const kind = type.includes("-cert-v01@") ? "certificate" : type.startsWith("sk-") ? "security-key" : "ordinary";
    return { label: comment === "" ? type : comment, place: "agent", kind, type };
  });
}
