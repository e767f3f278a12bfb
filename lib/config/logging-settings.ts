import type { z } from "zod";
import { type Logging, texts } from "./schema/common.ts";
import type { LoggingSettings } from "./settings.ts";

/** Where the output of a container goes: what its own section says over that of the root. Logs are cut at 10 MB unless either says anything. */
export function loggingSettings(root: z.output<typeof Logging> | undefined, own: z.output<typeof Logging> | undefined): LoggingSettings {
  const driver = own?.driver ?? root?.driver;
  const options = texts({ ...root?.options, ...own?.options });
  return driver === undefined && Object.keys(options).length === 0 ? { driver, options: { "max-size": "10m" } } : { driver, options };
}
