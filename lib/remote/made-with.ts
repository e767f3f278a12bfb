import { envOn } from "../config/host-env.ts";
import type { Role, Settings } from "../config/settings.ts";
import { Command, sh } from "../ground/command.ts";
import { derivedHex } from "../ground/derive.ts";
import { goQuoted } from "../ground/go-quoted.ts";
import { madeWithPath } from "../ground/names.ts";
import { isSecret, Secret } from "../ground/secret.ts";
import type { HostStep } from "../ground/step.ts";
import { containerId, runContainer } from "./container.ts";

/**
 * What a switch would put in place beside the image, as 32 hex digits: the container's flags and command, what the proxy is told, the error pages. Secrets are in it
 * by their names alone: their values are compared on the host, by {@link compareServing}, and no digest of one is kept anywhere.
 * @param pages what the proxy answers errors with, by name
 */
export function settingsDigest(settings: Settings, role: Role, host: string, pages: readonly (readonly [string, string])[]): string {
  const env = envOn(role, host);
  const bare: Role = { ...role, env: { clear: env.clear, secret: {} }, hostEnv: {} };
  const { proxy } = role;
  const parts = [
    runContainer({ settings, role: bare, host, version: "VERSION", hostnameHex: "HEX" }).text, Object.keys(env.secret),
    ...(proxy === undefined ? [] : [proxy, settings.deployTimeoutSeconds, settings.drainTimeoutSeconds, pages]),
  ];
  return derivedHex(JSON.stringify(parts), "made with", 32);
}

/**
 * Notes what the container that serves now was made with. The note goes before anything of that changes, so one that is there is true.
 * @param identity tells the container from any other of its name: the hex digits of its host name; undefined: the user named the host, and its ID is noted
 */
export function noteMadeWith(settings: Settings, role: string, container: string, identity: string | undefined, digest: string): Command {
  return sh`echo ${identity ?? sh`"$(${containerId(container)})"`} ${digest} > ${madeWithPath(settings, role)}`;
}

/** Takes the note away: what comes next changes what the proxy was told. */
export const forgetMadeWith = (settings: Settings, role: string): Command => sh`rm -f ${madeWithPath(settings, role)}`;

/** What is compared with what a switch would put in place. */
export interface ServingOrder {
  readonly settings: Settings;
  readonly role: Role;
  readonly host: string;
  /** ID of the container that serves. */
  readonly container: string;
  /** With its tag: what hosts have under that name counts where nothing better is known. */
  readonly image: string;
  /** Files with secrets that the switch brings: certificates. */
  readonly files: readonly HostStep[];
}

/** What a host says of the container that serves. */
export interface ServingAnswer {
  /** What {@link noteMadeWith} noted: of which container, and its digest. */
  readonly note: readonly [string, string] | undefined;
  readonly id: string;
  readonly hostname: string;
  /** `running`, or with Docker's own healthcheck `running/healthy`, `running/starting`. */
  readonly state: string;
  /** `sha256:…` of its image: the ID, and what registries know it by. */
  readonly image: readonly string[];
  /** The same of the image under the version's name on the host; empty: there is none. */
  readonly named: readonly string[];
  /** The secrets in its environment, and the files with secrets, are those of now. */
  readonly secretsSame: boolean;
}

/**
 * Looks at the container that serves. The values of secrets come by standard input and are compared by the shell itself, so that no process list has them; the
 * host says only whether all of them are in the container's environment as they are now. Changes nothing.
 */
export function compareServing({ settings, role, host, container, image, files }: ServingOrder): Command {
  // A name that Docker's own type does not have sends it to the bare JSON, where a container without a healthcheck has no Health to ask for: ID, not Id.
  const identity = "{{.Id}}{{range .RepoDigests}} {{.}}{{end}}";
  const script = sh`note=$(cat ${madeWithPath(settings, role.name)} 2> /dev/null)
is=$(docker container inspect --format ${"{{.ID}} {{.Config.Hostname}} {{.State.Status}}{{with .State.Health}}/{{.Status}}{{end}} {{.Image}}"} ${container}) || exit
of=$(docker image inspect --format ${identity} ${imageOf}) || exit
named=$(docker image inspect --format ${identity} ${image} 2> /dev/null)
env=$(docker container inspect --format ${'{{range .Config.Env}}{{printf "%+q\\n" .}}{{end}}'} ${container}) || exit
secrets=same
while IFS= read -r line; do
case $line in
file\ *) ${fileSame} || secrets=changed ;;
*) case "
$env
" in *"
$line
"*) ;; *) secrets=changed ;; esac ;;
esac
done
printf '%s\n' "$note" "$is" "$of" "$named" "$secrets"`;
  return script.stdin(expectedSecrets(role, host, files));
}

/** The last word of what is said of the container. */
const imageOf = new Command('"${is##* }"');
/** `file PATH BASE64` is what the host has. */
const fileSame = new Command(String.raw`line=${"${line#file }"}; [ "${"${line#* }"}" = "$(base64 < "${"${line%% *}"}" | tr -d '\n')" ]`);

/** A line for each secret: as Docker shows the variable, or the file's path and content. */
function expectedSecrets(role: Role, host: string, files: readonly HostStep[]): Secret {
  const { clear, secret } = envOn(role, host);
  const variables = Object.entries(secret).filter(([name]) => !Object.hasOwn(clear, name));
  return Secret.join(`secrets of ${role.name}`, [
    ...variables.flatMap(([name, value]) => [value.map(name, (text) => goQuoted(`${name}=${text}`)), "\n"]),
    ...files.flatMap((step) => (step.kind === "upload" && isSecret(step.content) ? [`file ${step.path} `, step.content.map(step.content.name, (text) => Buffer.from(text).toString("base64")), "\n"] : [])),
  ]);
}

/** Reads the answer to {@link compareServing}. Undefined for one of another shape. */
export function parseServing(stdout: string): ServingAnswer | undefined {
  const [note = "", is = "", of = "", named = "", secrets = ""] = stdout.split("\n");
  const [id = "", hostname = "", state = ""] = is.split(" ");
  const [identity, digest] = note.split(" ");
  if (id === "" || state === "") return undefined;
  const digests = (line: string): readonly string[] => line.split(" ").map((name) => name.slice(name.indexOf("@") + 1)).filter((name) => name !== "");
  return { note: identity === undefined || identity === "" || digest === undefined ? undefined : [identity, digest], id, hostname, state, image: digests(of), named: digests(named), secretsSame: secrets === "same" };
}
