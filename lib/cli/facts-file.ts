import { z } from "zod";
import { DeployError } from "../ground/errors.ts";
import type { AccessoryFacts, Container, FleetFacts, HostFacts, ProxyFacts, Route } from "../remote/facts.ts";
import { SavedFile } from "../remote/proxy/traefik/file.ts";
import type { Release } from "../remote/releases.ts";

/** A schema for every field, those that may be left out included: a plan is made from all of them. */
type Fields<T> = { readonly [Name in keyof Required<T>]: z.ZodType<T[Name]> };

const target = z.object({ target: z.string(), percent: z.number() });
const routeFields = { name: z.string(), targets: z.array(z.string()), mode: z.enum(["live", "paused", "maintenance"]), canary: target.exactOptional(), file: SavedFile.exactOptional() } satisfies Fields<Route>;
const proxyFields = { running: z.boolean(), image: z.string(), args: z.array(z.string()).exactOptional(), routes: z.array(z.object(routeFields)) } satisfies Fields<ProxyFacts>;
const networks = z.array(z.string()).exactOptional();
const containerFields = { id: z.string(), name: z.string(), role: z.string(), version: z.string(), state: z.string(), status: z.string(), image: z.string(), networks } satisfies Fields<Container>;
const accessoryFields = { id: z.string(), service: z.string(), state: z.string(), status: z.string(), image: z.string(), networks } satisfies Fields<AccessoryFacts>;
const releaseFields = { version: z.string(), at: z.string(), whole: z.literal(true).exactOptional(), roles: z.array(z.string()).exactOptional(), kept: z.record(z.string(), z.string()).exactOptional() } satisfies Fields<Release>;
const hostFields = {
  docker: z.string().optional(),
  network: z.boolean(),
  proxy: z.object(proxyFields).optional(),
  containers: z.array(z.object(containerFields)),
  accessories: z.array(z.object(accessoryFields)).default([]),
  images: z.array(z.string()),
  digests: z.array(z.string()).exactOptional(),
  releases: z.array(z.object(releaseFields)).exactOptional(),
} satisfies Fields<HostFacts>;
const factsSchema: z.ZodType<HostFacts> = z.object(hostFields).transform(({ docker, proxy, ...rest }) => ({ ...rest, docker, proxy }));

/**
 * The facts that `observe --json` printed. @param name of the file
 * @throws DeployError (usage) for anything else
 */
export function readFacts(name: string, text: string): FleetFacts {
  const records = parseRecords(text);
  const record = records.find((one) => one["type"] === "facts");
  const parsed = z.record(z.string(), factsSchema).safeParse(record?.["hosts"] ?? (records.length === 1 ? records[0] : undefined));
  if (parsed.success) return new Map(Object.entries(parsed.data));
  throw new DeployError("usage", `Cannot use ${name} as facts`, { details: z.prettifyError(parsed.error).split("\n"), hint: "Write it with `capstan observe --json > facts.json`." });
}

/** One JSON document, or one a line. */
function parseRecords(text: string): readonly Readonly<Record<string, unknown>>[] {
  const parse = (part: string): Record<string, unknown>[] => {
    try {
      const value: unknown = JSON.parse(part);
      return typeof value === "object" && value !== null ? [value as Record<string, unknown>] : [];
    } catch {
      return [];
    }
  };
  const whole = parse(text);
  return whole.length > 0 ? whole : text.split("\n").filter((line) => line.startsWith("{")).flatMap(parse);
}
