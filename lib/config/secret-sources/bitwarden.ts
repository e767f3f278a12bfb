import { Secret } from "../../ground/secret.ts";
import { type Adapter, type Found, isRecord, qualified, recordsOf, textOf } from "./adapter.ts";
import type { Cli, Unread } from "./cli.ts";

/** Bitwarden, by `bw`. Names are `ITEM` for the login's password or, where there is none, all fields of the item, or `ITEM/FIELD`. */
export const bitwarden: Adapter = {
  name: "bitwarden",
  title: "Bitwarden",
  program: "bw",
  account: "required",
  async login(cli, account) {
    let status = await statusOf(cli);
    if (status === "unauthenticated") {
      await cli.login(["login", account]);
      status = await statusOf(cli);
    }
    let session: string | undefined;
    if (status === "locked") {
      session = (await cli.login(["unlock", "--raw"], cli.text(["unlock"]), "ask")) || undefined;
      status = await statusOf(cli, session);
    }
    if (status !== "unlocked") throw cli.notLoggedIn(cli.text(["unlock"]), ["The vault is still locked"]);
    const sync = await cli.tryRun(["sync"], { env: sessionEnv(session) });
    if (sync !== undefined) throw cli.notLoggedIn(cli.text(["sync"]), ["The vault cannot be synchronised", ...sync]);
    return session;
  },
  async read(cli, request) {
    const wanted = qualified(request).map((name) => ({ name, item: name.split("/")[0] ?? name, field: name.includes("/") ? name.slice(name.indexOf("/") + 1) : undefined }));
    const found: Found[] = [];
    const missing: Unread[] = [];
    for (const item of new Set(wanted.map((one) => one.item))) {
      const read = await cli.tryJson(["get", "item", item], { env: sessionEnv(request.session) });
      for (const { name, field } of wanted.filter((one) => one.item === item)) {
        const values = read.why !== undefined || !isRecord(read.data) ? [] : field === undefined ? valuesOf(read.data, item) : fieldOf(read.data, name, field);
        found.push(...values);
        if (values.length === 0) missing.push({ name, why: read.why ?? [field === undefined ? "the item has neither a password nor fields" : `the item has no field ${field}`] });
      }
    }
    if (missing.length > 0) throw cli.unread(missing);
    return found;
  },
};

const sessionEnv = (session: string | undefined): Record<string, Secret> => (session === undefined ? {} : { BW_SESSION: new Secret("BW_SESSION", session) });

async function statusOf(cli: Cli, session?: string): Promise<unknown> {
  const read = await cli.tryJson(["status"], { env: sessionEnv(session) });
  return read.why === undefined && isRecord(read.data) ? read.data["status"] : undefined;
}

type Item = Readonly<Record<string, unknown>>;

function valuesOf(data: Item, item: string): readonly Found[] {
  const password = isRecord(data["login"]) ? textOf(data["login"]["password"]) : undefined;
  if (password !== undefined) return [{ key: item, value: password, name: item }];
  return recordsOf(data["fields"]).map((field) => ({ key: `${item}/${String(field["name"])}`, value: textOf(field["value"]) ?? "" }));
}

/** A field the user made, else one that every item has. */
function fieldOf(data: Item, name: string, field: string): readonly Found[] {
  const own = recordsOf(data["fields"]).find((one) => one["name"] === field);
  const login = isRecord(data["login"]) ? data["login"] : {};
  const value = own === undefined ? textOf(field === "notes" ? data["notes"] : /^(username|password|totp)$/.test(field) ? login[field] : undefined) : (textOf(own["value"]) ?? "");
  return value === undefined ? [] : [{ key: name, value, name }];
}
