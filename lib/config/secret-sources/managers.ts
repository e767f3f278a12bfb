import { DeployError } from "../../ground/errors.ts";
import { suggest } from "../suggest.ts";
import type { Adapter, Found, VaultRequest } from "./adapter.ts";
import { awsSecretsManager } from "./aws.ts";
import { bitwardenSecretsManager } from "./bitwarden-sm.ts";
import { bitwarden } from "./bitwarden.ts";
import { Cli, type CliPort } from "./cli.ts";
import { doppler } from "./doppler.ts";
import { enpass } from "./enpass.ts";
import { gcpSecretManager } from "./gcp.ts";
import { lastpass } from "./lastpass.ts";
import { onePassword } from "./one-password.ts";
import { passbolt } from "./passbolt.ts";
import { testAdapter } from "./test-adapter.ts";

/** All adapters, in the order of the docs. */
export const adapters: readonly Adapter[] = [onePassword, lastpass, bitwarden, bitwardenSecretsManager, awsSecretsManager, gcpSecretManager, doppler, enpass, passbolt, testAdapter];

/** @throws DeployError (usage) for a name that no adapter has */
export function adapterNamed(name: string): Adapter {
  const plain = (text: string): string => text.toLowerCase().replaceAll("-", "_");
  const namesOf = (adapter: Adapter): readonly string[] => [adapter.name, ...(adapter.aliases ?? [])];
  const found = adapters.find((adapter) => namesOf(adapter).some((one) => plain(one) === plain(name)));
  if (found !== undefined) return found;
  const near = suggest(name, adapters.flatMap(namesOf));
  throw new DeployError("usage", `Cannot read secrets with "${name}": there is no such adapter`, {
    details: [`Adapters: ${adapters.map((adapter) => adapter.name + (adapter.aliases === undefined ? "" : ` (${adapter.aliases.join(", ")})`)).join(", ")}`],
    hint: near === undefined ? "Name one of them" : `Did you mean ${near}?`,
  });
}

/** Reads secrets from password managers. */
export interface Managers {
  /**
   * Reads several secrets at once.
   * @throws DeployError (usage) when the request cannot be made so; (config) when the manager's program is not there, nobody is logged in, or with all names that cannot be read
   */
  read(request: VaultRequest & { readonly adapter: string }): Promise<readonly Found[]>;
}

/** Password managers for one run: each account is logged in to at most once, and each manager asked one thing at a time. */
export function passwordManagers(port: CliPort): Managers {
  const sessions = new Map<string, Promise<string | undefined>>();
  const installed = new Map<Adapter, Promise<void>>();
  const queues = new Map<Adapter, Promise<unknown>>();
  const answer = async (adapter: Adapter, request: VaultRequest): Promise<readonly Found[]> => {
    const cli = new Cli(adapter.program ?? adapter.name, adapter.title, port);
    if (adapter.program !== undefined) await memoised(installed, adapter, () => cli.checkInstalled(adapter.version ?? ["--version"]));
    const { login } = adapter;
    const account = request.account ?? "";
    const session = login === undefined ? undefined : await memoised(sessions, `${adapter.name} ${account}`, () => login(cli, account));
    return adapter.read(cli, { ...request, session });
  };
  return {
    async read({ adapter: name, ...request }) {
      const adapter = adapterNamed(name);
      check(adapter, request);
      const turn = (queues.get(adapter) ?? Promise.resolve()).then(() => answer(adapter, request));
      queues.set(adapter, turn.catch(() => undefined));
      return turn;
    },
  };
}

function check({ title, account, allOf }: Adapter, request: VaultRequest): void {
  if (account === "required" && !request.account) throw new DeployError("usage", `Cannot read secrets from ${title}: it needs an account`, { hint: "Add --account ACCOUNT; in a config `account`" });
  if (request.names.length > 0 || (allOf === true && request.from !== undefined)) return;
  throw new DeployError("usage", `Cannot read secrets from ${title}: there is no name of a secret`, { hint: allOf === true ? "Add names, or --from for all that is there" : "Add the names of the secrets" });
}

function memoised<K, V>(known: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

/** The values by key. @throws DeployError (config) when two different ones have the same key */
export function byKey(found: readonly Found[]): Readonly<Record<string, string>> {
  const unclear = [...new Set(found.filter(({ key, value }) => found.some((other) => other.key === key && other.value !== value)).map(({ key }) => key))];
  if (unclear.length > 0) throw new DeployError("config", `Cannot tell secrets apart: several are called ${unclear.join(", ")}`, { hint: "Fetch them one by one" });
  return Object.fromEntries(found.map(({ key, value }) => [key, value]));
}
