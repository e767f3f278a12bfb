import { Command, sh, type Program } from "../ground/command.ts";
import { isSecret, Secret } from "../ground/secret.ts";
import { isLocalRegistry } from "../config/roles.ts";
import type { RegistrySettings } from "../config/settings.ts";

/** Docker Hub when no server is named. */
const serverOf = ({ server }: RegistrySettings): readonly string[] => (server === undefined ? [] : [server]);

/** A login of which the user name is a secret too: it comes as the first line of standard input, the password after it. */
const loginWithSecretName = (registry: RegistrySettings): Command => sh`IFS= read -r user && docker login ${serverOf(registry)} --username "$user" --password-stdin`;

/** Logs a host in. The password is on standard input, never on the command line. Undefined without credentials, and for a registry of the user's own machine, which asks for none. */
export function login(registry: RegistrySettings): Command | undefined {
  const { server, username, password } = registry;
  if (username === undefined || password === undefined || isLocalRegistry(server)) return undefined;
  if (isSecret(username)) return loginWithSecretName(registry).stdin(Secret.join("registry login", [username, "\n", password]));
  return sh`docker login ${serverOf(registry)} --username ${username} --password-stdin`.stdin(password);
}

/** The key of Docker Hub in Docker's file. */
const hub = "https://index.docker.io/v1/";

/**
 * Fails unless Docker's own file on the host has just these credentials already: it reads the same input as {@link login}. It fails too where the file is
 * not as Docker writes it, where a helper of the host keeps credentials, and for a Docker of Snap's, which has its file elsewhere. Undefined where there is nothing to log in to.
 */
export function isLoggedIn(registry: RegistrySettings): Command | undefined {
  const { server, username } = registry;
  if (login(registry) === undefined) return undefined;
  const user = isSecret(username) ? sh`IFS= read -r user` : sh`user=${username ?? ""}`;
  const file = new Command('"${DOCKER_CONFIG:-$HOME/.docker}"/config.json');
  return sh`[ -r ${file} ] && [ ! -e "$HOME"/snap/docker ] || exit
${user}
IFS= read -r password
if IFS= read -r more || [ -n "$more" ]; then exit 1; fi
[ -n "$password" ] && auth=$(printf %s:%s "$user" "$password" | base64 -w 0) || exit
here= found=
while IFS= read -r line; do
case $line in
*credsStore* | *credHelpers*) exit 1 ;;
*}*) here= ;;
*${`"${server === undefined || server === "docker.io" ? hub : server}": {`}*) here=1 ;;
*{*) here= ;;
*'"auth": "'"$auth"'"'*) [ -z "$here" ] || found=1 ;;
esac
done < ${file}
[ -n "$found" ]`;
}

/** Logs the user's own machine in. A secret user name needs an `sh` there. Undefined in the same cases. */
export function loginHere(registry: RegistrySettings): Program | undefined {
  const { server, username, password } = registry;
  if (username === undefined || password === undefined || isLocalRegistry(server)) return undefined;
  if (isSecret(username)) return { argv: ["sh", "-c", loginWithSecretName(registry).text], input: Secret.join("registry login", [username, "\n", password]) };
  return { argv: ["docker", "login", ...serverOf(registry), "--username", username, "--password-stdin"], input: password };
}

/** Logs a host out. */
export const logout = (registry: RegistrySettings): Command => sh`docker logout ${serverOf(registry)}`;
/** Logs the user's own machine out. */
export const logoutHere = (registry: RegistrySettings): Program => ({ argv: ["docker", "logout", ...serverOf(registry)] });
