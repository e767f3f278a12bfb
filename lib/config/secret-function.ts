import { DeployError } from "../ground/errors.ts";
import type { Found } from "./secret-sources/adapter.ts";
import { secretName } from "./secret-ref.ts";

/** Names of password managers, as `secrets fetch --adapter` takes them. */
export type AdapterName =
  | "1password" | "one_password" | "lastpass" | "last_pass" | "bitwarden" | "bitwarden-sm" | "bitwarden_secrets_manager" | "aws_secrets_manager" | "aws"
  | "gcp" | "gcp_secret_manager" | "doppler" | "enpass" | "passbolt" | "test";

/** What functions in `secrets` of the config may use. */
export interface SecretReader {
  /**
   * What a program of this machine prints, without line ends behind it. It is started without a shell in the folder of the config, and may ask the user.
   * @throws DeployError when it cannot be started or ends with another status than 0
   */
  output(program: string, ...args: string[]): Promise<string>;
  /** What a password manager has. @throws DeployError that lists all names that cannot be read */
  vault(request: { readonly adapter: string; readonly account?: string | undefined; readonly from?: string | undefined; readonly names: readonly string[] }): Promise<readonly Found[]>;
}

/** Gives the value of a secret: from a password manager, a program, a service. */
export type SecretFunction = (reader: SecretReader) => string | Promise<string>;

/** Secrets that a password manager has. */
export interface FetchSecretsOptions<Name extends string> {
  readonly adapter: AdapterName;
  /** The account, as the manager calls it. */
  readonly account?: string;
  /** What stands before each name there: a vault and an item, a folder, a project. */
  readonly from?: string;
  /** The secrets: names that are the same here and there, or a map from the name here to the one there. */
  readonly names: readonly Name[] | Readonly<Record<Name, string>>;
  /**
   * What to ask the manager for, where one thing there holds several of the secrets: a JSON object of AWS, `all` of a Bitwarden project,
   * nothing for all fields of a 1Password item that `from` names. Default: the names.
   */
  readonly items?: readonly string[];
}

/**
 * Secrets from a password manager, for `secrets` of the config: `secrets: fetchSecrets({ adapter: "1password", account: "acme", from: "Work/Shop", names: ["DATABASE_URL"] })`.
 * The manager is asked when one of them is needed, once, for all of them together; the user logs in then if need be.
 * @throws TypeError for a name that no secret can have
 */
export function fetchSecrets<const Name extends string>(options: FetchSecretsOptions<Name>): Record<Name, SecretFunction> {
  const { names, items, ...source } = options;
  const pairs = (Array.isArray(names) ? names.map((name: string) => [name, name] as const) : Object.entries<string>(names as Readonly<Record<string, string>>));
  for (const [name] of pairs) if (!secretName.test(name)) throw new TypeError(`Cannot call a secret ${JSON.stringify(name)}: write { NAME: ${JSON.stringify(name)} }`);
  const asked = new WeakMap<SecretReader, Promise<readonly Found[]>>();
  const ask = (reader: SecretReader): Promise<readonly Found[]> => {
    const answer = asked.get(reader) ?? reader.vault({ ...source, names: items ?? pairs.map(([, there]) => there) });
    asked.set(reader, answer);
    return answer;
  };
  const read = async (reader: SecretReader, there: string): Promise<string> => {
    const found = await ask(reader);
    const full = source.from === undefined ? there : `${source.from}/${there}`;
    const one = found.find(({ name }) => name === full || name === there) ?? found.find(({ key }) => key === full || key === there) ?? found.find(({ key }) => key.endsWith(`/${there}`));
    if (one !== undefined) return one.value;
    throw new DeployError("config", `Cannot find ${there} in what ${source.adapter} has`, { details: [`It has ${found.map(({ key }) => key).join(", ") || "nothing"}`], hint: "Correct the name in the config, or what `items` asks for" });
  };
  return Object.fromEntries(pairs.map(([name, there]) => [name, (reader: SecretReader) => read(reader, there)])) as Record<Name, SecretFunction>;
}

/**
 * A secret that a program of this machine prints, for `secrets` of the config: `secrets: { GHCR_TOKEN: fromCommand("gh", "auth", "token") }`.
 * It is started without a shell, once, when the secret is needed.
 */
export function fromCommand(program: string, ...args: string[]): SecretFunction {
  return ({ output }) => output(program, ...args);
}
