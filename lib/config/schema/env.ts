import { z } from "zod";
import { map, scalar, secretMap } from "./common.ts";

export const EnvGroups = z
  .strictObject({
    clear: map(scalar).optional().meta({ description: "Variables that everybody may see.", example: `{ PORT: 3000 }` }),
    secret: secretMap.optional().meta({
      description: `Variables filled from secrets: names, "VARIABLE:SECRET", or a map from variable to secret. They reach the container in a file that only the SSH user can read.`,
      example: `["DATABASE_URL", "KEY:SHOP_KEY"]`,
    }),
  })
  .meta({ typeName: "EnvConfig", description: "Environment of a container." });

/** Variables may be called "clear" and "secret" too: what stands behind them decides. */
const grouped = z
  .custom<z.input<typeof EnvGroups>>((value) => typeof value === "object" && value !== null && ["clear", "secret"].some((key) => typeof Reflect.get(value, key) === "object"), { abort: true, error: "a map" })
  .meta({ typeText: "EnvConfig" });

/** Either groups, or simply a map of clear variables. */
export const Env = z.union([grouped.pipe(EnvGroups), map(scalar)]);
