import { DeployError } from "../../ground/errors.ts";
import { type Adapter, type Found, isRecord, qualified, recordsOf, textOf } from "./adapter.ts";
import type { Cli, Unread } from "./cli.ts";

interface Wanted {
  readonly name: string;
  readonly vault: string;
  readonly item: string;
  /** `FIELD` or `SECTION.FIELD`. */
  readonly field: string;
}
type Field = Readonly<Record<string, unknown>>;

/** 1Password, by `op`. Names are `VAULT/ITEM[/SECTION][/FIELD]`, with or without `op://`; the field is `password` unless it is named. */
export const onePassword: Adapter = {
  name: "1password",
  aliases: ["one_password"],
  title: "1Password",
  program: "op",
  account: "required",
  allOf: true,
  async login(cli, account) {
    if ((await cli.run(["account", "get", "--account", account])).status === 0) return undefined;
    return cli.login(["signin", "--account", account, "--force", "--raw"], cli.text(["signin", "--account", account]), "ask");
  },
  async read(cli, request) {
    const access = ["--format", "json", "--account", request.account ?? "", ...(request.session ? ["--session", request.session] : [])];
    return request.names.length === 0 ? allOf(cli, request.from ?? "", access) : some(cli, qualified(request).map(parse), access);
  },
};

function parse(name: string): Wanted {
  const [vault = "", item = "", ...fields] = name.replace(/^op:\/\//, "").split("/");
  if (vault === "" || item === "") throw new DeployError("usage", `Cannot read "${name}" from 1Password: expected VAULT/ITEM or VAULT/ITEM/FIELD`, { hint: "Name the vault and the item, such as --from Work/Shop" });
  return { name, vault, item, field: fields.length === 0 ? "password" : fields.join(".") };
}

async function allOf(cli: Cli, from: string, access: readonly string[]): Promise<readonly Found[]> {
  const { vault, item } = parse(from);
  const data = await cli.json(["item", "get", item, "--vault", vault, ...access], [from]);
  return recordsOf(isRecord(data) ? data["fields"] : []).flatMap((field) => {
    const value = textOf(field["value"]);
    return value === undefined ? [] : [{ key: keyOf(field) ?? `${vault}/${item}/${textOf(field["label"]) ?? ""}`, value }];
  });
}

async function some(cli: Cli, wanted: readonly Wanted[], access: readonly string[]): Promise<readonly Found[]> {
  const found: Found[] = [];
  const missing: Unread[] = [];
  for (const items of Object.values(Object.groupBy(wanted, ({ vault, item }) => `${vault}/${item}`))) {
    const [{ vault, item } = { vault: "", item: "" }] = items ?? [];
    const fields = [...new Set(items?.map(({ field }) => field))];
    const read = await cli.tryJson(["item", "get", item, "--vault", vault, ...access, "--fields", fields.map((field) => `label=${field}`).join(",")]);
    const given = read.why !== undefined ? [] : isRecord(read.data) ? [read.data] : recordsOf(read.data);
    for (const { name, field } of items ?? []) {
      const one = given.find((candidate) => isCalled(candidate, field)) ?? (fields.length === 1 ? given[0] : undefined);
      if (one === undefined) missing.push({ name, why: read.why ?? [`the item has no field ${field}`] });
      else found.push({ key: keyOf(one) ?? name, value: textOf(one["value"]) ?? "", name });
    }
  }
  if (missing.length > 0) throw cli.unread(missing);
  return found;
}

/** True for the field `FIELD` or `SECTION.FIELD`. */
function isCalled({ id, label, section }: Field, field: string): boolean {
  const sections = isRecord(section) ? [section["label"], section["id"]] : [];
  return [label, id].some((own) => own === field || sections.some((one) => `${String(one)}.${String(own)}` === field));
}

const keyOf = (field: Field): string | undefined => textOf(field["reference"])?.replace(/^op:\/\//, "").replace(/\/password$/, "");
