import { type Adapter, type Found, isRecord, qualified, recordsOf, textOf } from "./adapter.ts";
import type { Unread } from "./cli.ts";

/** Bitwarden Secrets Manager, by `bws`. Names are ids; `all` is every secret, `PROJECT/all` those of a project. */
export const bitwardenSecretsManager: Adapter = {
  name: "bitwarden-sm",
  aliases: ["bitwarden_secrets_manager"],
  title: "Bitwarden Secrets Manager",
  program: "bws",
  async login(cli) {
    const failed = await cli.tryRun(["project", "list"]);
    if (failed !== undefined) throw cli.notLoggedIn("export BWS_ACCESS_TOKEN=…", failed);
    return undefined;
  },
  async read(cli, request) {
    const found: Found[] = [];
    const missing: Unread[] = [];
    for (const name of qualified(request)) {
      const project = name === "all" ? "" : name.endsWith("/all") ? name.slice(0, -"/all".length) : undefined;
      const read = await cli.tryJson(project === undefined ? ["secret", "get", name] : ["secret", "list", ...(project === "" ? [] : [project])]);
      const secrets = read.why !== undefined ? [] : isRecord(read.data) ? [read.data] : recordsOf(read.data);
      const values = secrets.map(({ key, value }) => ({ key: textOf(key) ?? name, value: textOf(value) ?? "", ...(project === undefined ? { name } : {}) }));
      found.push(...values);
      if (read.why !== undefined || (project === undefined && values.length === 0)) missing.push({ name, why: read.why ?? ["there is no such secret"] });
    }
    if (missing.length > 0) throw cli.unread(missing);
    return found;
  },
};
