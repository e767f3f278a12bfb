import { DeployError } from "../../ground/errors.ts";
import { settle } from "../../ground/settle.ts";
import { type Adapter, type Found, isRecord, qualified, textOf } from "./adapter.ts";
import type { Cli, Unread } from "./cli.ts";

/** gcloud takes a second or two for each secret. */
const together = 4;

/**
 * Google Cloud Secret Manager, by `gcloud`. Names are `SECRET`, `PROJECT/SECRET` or `PROJECT/SECRET/VERSION`; the account is `default` or an address,
 * and behind a `|` the service accounts to act as.
 */
export const gcpSecretManager: Adapter = {
  name: "gcp",
  aliases: ["gcp_secret_manager"],
  title: "Google Cloud Secret Manager",
  program: "gcloud",
  account: "required",
  async login(cli) {
    if (await isLoggedIn(cli)) return undefined;
    await cli.login(["auth", "login"]);
    if (!(await isLoggedIn(cli))) throw cli.notLoggedIn(cli.text(["auth", "login"]), ["There is still no account"]);
    return undefined;
  },
  async read(cli, request) {
    const [user = "default", as] = (request.account ?? "").split("|");
    const access = [
      ...(user === "default" ? [] : [`--account=${user}`]),
      ...(as === undefined ? [] : [`--impersonate-service-account=${as}`]),
      "--format=json",
    ];
    const found: Found[] = [];
    const missing: Unread[] = [];
    for (const result of await settle(qualified(request).map(parse), together, (wanted) => readOne(cli, wanted, access))) {
      if (!result.ok) throw result.error;
      if ("why" in result.value) missing.push(result.value);
      else found.push(result.value);
    }
    if (missing.length > 0) throw cli.unread(missing);
    return found;
  },
};

async function isLoggedIn(cli: Cli): Promise<boolean> {
  const read = await cli.tryJson(["auth", "list", "--format=json"]);
  return read.why === undefined && Array.isArray(read.data) && read.data.length > 0;
}

interface Wanted {
  readonly name: string;
  readonly project: string;
  readonly secret: string;
  readonly version: string;
}

async function readOne(cli: Cli, { name, project, secret, version }: Wanted, access: readonly string[]): Promise<Found | Unread> {
  const got = await cli.tryJson(["secrets", "versions", "access", version, `--secret=${secret}`, ...(project === "default" ? [] : [`--project=${project}`]), ...access]);
  const payload = got.why === undefined && isRecord(got.data) && isRecord(got.data["payload"]) ? textOf(got.data["payload"]["data"]) : undefined;
  if (payload === undefined) return { name, why: got.why ?? ["gcloud gave no payload"] };
  // gcloud writes base64 in the alphabet for addresses; Buffer reads both.
  return { name, key: `${project}/${secret}`, value: Buffer.from(payload, "base64").toString("utf8") };
}

function parse(name: string): Wanted {
  const parts = name.split("/");
  const [project = "", secret = "", version = "latest", ...more] = parts.length === 1 ? ["default", ...parts] : parts;
  if (project === "" || secret === "" || version === "" || more.length > 0) throw new DeployError("usage", `Cannot read "${name}" from Google Cloud Secret Manager: expected SECRET, PROJECT/SECRET or PROJECT/SECRET/VERSION`);
  return { name, project, secret, version };
}
