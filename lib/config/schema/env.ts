import { z } from "zod";
import { map, scalar, secretMap, tagName } from "./common.ts";

const groups = {
  clear: map(scalar).optional().meta({ description: "Variables that everybody may see.", example: `{ PORT: 3000 }` }),
  secret: secretMap.optional().meta({
    description: `Variables filled from secrets: names, "VARIABLE:SECRET", or a map from variable to secret. They reach the container in a file that only the SSH user can read.`,
    example: `["DATABASE_URL", "KEY:SHOP_KEY"]`,
  }),
};
export const EnvGroups = z.strictObject(groups).meta({ typeName: "EnvConfig", description: "Environment of a container." });

/** Variables may be called "clear", "secret" and "tags" too: what stands behind them decides. */
const isGrouped = (value: unknown): boolean => typeof value === "object" && value !== null && ["clear", "secret", "tags"].some((key) => typeof Reflect.get(value, key) === "object");
const grouped = z.custom<z.input<typeof EnvGroups>>(isGrouped, { abort: true, error: "a map" }).meta({ typeText: "EnvConfig" });

/** Either groups, or simply a map of clear variables. */
export const Env = z.union([grouped.pipe(EnvGroups), map(scalar)]);

const RootEnvGroups = z
  .strictObject({ ...groups, tags: z.record(tagName, Env).optional().meta({ description: "Variables of the hosts that have a tag in `servers`, over those of root and role, in the order in which a host lists its tags.", example: `{ big: { POOL: 32 }, eu: { clear: { ZONE: "eu" }, secret: ["EU_KEY"] } }` }) })
  .meta({ typeName: "RootEnvConfig", description: "Environment of all containers." });
const groupedRoot = z.custom<z.input<typeof RootEnvGroups>>(isGrouped, { abort: true, error: "a map" }).meta({ typeText: "RootEnvConfig" });

/** The environment at the root, where tags are told. */
export const RootEnv = z.union([groupedRoot.pipe(RootEnvGroups), map(scalar)]);
