import { Command, sh } from "../../../ground/command.ts";
import { traefikContainer, traefikDirectory } from "../../../ground/names.ts";
import type { HostStep } from "../../../ground/step.ts";
import type { Settings } from "../../../config/settings.ts";
import type { Values } from "../../../config/traefik/labels.ts";
import { containerId } from "../../container.ts";
import { switchStatus } from "../driver.ts";
import { addressesOf, fileText, markerOf, nextName, placeholder, probeHeader, probeRouter, stagedFile, stagedText, type RouteFile } from "./file.ts";
import { pageContainer } from "./page.ts";
import { functions, patience, prelude } from "./script.ts";

/** A file that is to be in force. */
export interface Placing {
  readonly settings: Settings;
  /** Undefined: for Traefik itself. */
  readonly role: string | undefined;
  readonly file: RouteFile;
  readonly title: string;
  /** Code that sets `id`, and `port` or `page` where the file asks for them; ends the script when there is nothing to go to. */
  readonly find: Command;
  /** What is asked through the proxy before the file is in force. */
  readonly probe: Probe;
  /** Also wait for connections to the containers the file before named and this one names too. */
  readonly drainAll: boolean;
  readonly undo?: { readonly command: Command; readonly title: string };
}

export interface Probe {
  readonly path: string;
  /** Undefined: that of the requests. */
  readonly port: number | undefined;
  /** The port that requests of the role's own service go to. */
  readonly servicePort: string;
}

/**
 * Brings a file into force: written beside, tried under other names and with a header nobody else knows, then renamed
 * into its place and seen in Traefik's API; at the end the containers it no longer names are drained. Whatever goes
 * wrong before that puts the file before back.
 */
export function placeSteps(placing: Placing): readonly HostStep[] {
  const { settings, role, file } = placing;
  const of = role === undefined ? {} : { role };
  const upload = (path: string, content: string): HostStep => ({ kind: "upload", ...of, title: `Write ${path.slice(path.lastIndexOf("/") + 1)}`, path, content, mode: "0644" });
  return [
    upload(templatePath(file.name), fileText(file)),
    upload(templatePath(nextName(file.name, file.name)), stagedText(file, (router) => headerMatcher(settings, router))),
    {
      kind: "run", ...of, title: placing.title,
      command: placeCommand(placing),
      loud: true,
      doneIf: isPlaced(placing),
      ...(placing.undo === undefined ? {} : { undo: placing.undo.command, undoTitle: placing.undo.title }),
      timeoutMs: (6 * patience + settings.drainTimeoutSeconds + 60) * 1000,
    },
  ];
}

const templatePath = (name: string): string => `${traefikDirectory}/stage/${name}.template`;

/** Rules as for Traefik 2 call it otherwise. */
function headerMatcher({ traefik }: Settings, router: Values): "Header" | "Headers" {
  const asBefore = traefik?.major === 2 || Object.entries(traefik?.args ?? {}).some(([name, value]) => /^core\.defaultrulesyntax$/i.test(name) && value === "v2");
  const own = router["ruleSyntax"];
  return own === "v2" || (asBefore && own === undefined) ? "Headers" : "Header";
}

/** The file in force, the one being tried, the one before. All stand in folders of one file system. */
const live = (name: string): Command => sh`"$dir"/${name}.yml`;
const previous = (name: string): Command => sh`"$base"/prev/${name}.yml`;

const marker = (name: string, revision: Command): Command => new Command(`"http/middlewares/${encodeURI(markerOf(name)).replace(placeholder.revision, revision.text)}@file"`);
const sum = (file: Command): Command => sh`"$(cat ${file} 2> /dev/null | cksum)"`;

/** `restore`: puts the file before back, or takes the file away where there was none, and sees that Traefik did too. */
export function restoreFunction(name: string): Command {
  return sh`restore() {
  gone=$(revision ${live(name)})
  rm -f ${live(nextName(name, name))}
  if [ -f ${previous(name)} ]; then
    mv -f ${previous(name)} ${live(name)} && watch ${marker(name, sh`$(revision ${live(name)})`)} ''
  else
    rm -f ${live(name)} && { [ -z "$gone" ] || watch ${new Command(`"gone ${marker(name, sh`$gone`).text.slice(1)}`)} ''; }
  fi
}`;
}

/** Text that needs no quoting, inside of quotes. */
const word = (text: string): Command => new Command(text);

/** `filled`: a template with what the host knows, on standard output. */
const fillFunction: Command = sh`filled() { sed -e "s/${word(placeholder.id)}/$id/g" -e "s/${word(placeholder.port)}/$port/g" -e "s/${word(placeholder.page)}/$page/g" -e "s/${word(placeholder.token)}/$token/g"; }`;

/** Sets `page` where it is not set and the file asks for it. */
const findPage = ({ mode, name }: RouteFile): Command => (mode === "maintenance" ? sh`[ -n "$page" ] || page=$(${containerId(pageContainer(name))})` : sh`:`);

/** Whether the very file that is to be placed is in force already. Nothing is drained: whoever lost the connection has not lost those of the visitors. */
function isPlaced({ file, find }: Placing): Command {
  const { name } = file;
  return sh`${prelude}
${functions}
page= token=
${isNew(file) ? find : sh`id= port=`}
${findPage(file)}
${fillFunction}
revision=$(filled < ${templatePath(name)} | sha256sum | cut -c 1-12)
[ "$revision" = "$(revision ${live(name)})" ] && watch ${marker(name, sh`$revision`)} "$(printf %s ${expected(file)} | filled)"`;
}

function placeCommand({ settings, file, find, probe, drainAll }: Placing): Command {
  const { name } = file;
  const next = nextName(name, name);
  const stage = (which: string): Command => sh`"$base"/stage/${which}.yml`;
  // Nobody may be there to read what is printed: that must not end it half way.
  return sh`trap '' PIPE
${prelude}
${functions}
${restoreFunction(name)}
drain=${settings.drainTimeoutSeconds} deadline=
${find}
${findPage(file)}
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
${fillFunction}
fill() { filled < "$1" > "$2" && revision=$(sha256sum < "$2" | cut -c 1-12) && sed -i "s/${word(placeholder.revision)}/$revision/g" "$2"; }
refuse() { rm -f ${live(next)} ${stage(next)} ${stage(name)}; printf '%s\n' "$@" >&2; complain; exit ${switchStatus.refused}; }
mkdir -p "$base"/stage "$base"/prev || exit ${switchStatus.refused}
${reachable(file, probe)}
before=${sum(live(name))}
fill ${templatePath(name)} ${stage(name)} && fill ${templatePath(next)} ${stage(next)} && mv -f ${stage(next)} ${live(next)} || refuse 'Cannot write the route. Is the disk full?'
wrong=$(watch ${marker(next, sh`$(revision ${live(next)})`)} "$(printf %s ${expected(stagedFile({ ...file, mode: "live" }), ...(Object.keys(file.route.http.services).length === 0 ? [] : [probeRouter(name)]))} | filled)") || refuse ${`Traefik does not take the new route of ${name}. Nothing was switched.`} "$wrong"
${witness(file, probe)}
${isNew(file) ? sh`[ "$(docker container inspect --format '{{.State.Running}}' "$id")" = true ] || refuse 'The new container is gone. Nothing was switched.'` : sh`:`}
[ "$before" = ${sum(live(name))} ] || refuse ${`The route of ${name} was changed meanwhile: another deploy is going on.`}
if [ -f ${live(name)} ]; then cp ${live(name)} ${previous(name)}; else rm -f ${previous(name)}; fi && mv -f ${stage(name)} ${live(name)} || refuse 'Cannot write the route. Is the disk full?'
if ! wrong=$(watch ${marker(name, sh`$(revision ${live(name)})`)} "$(printf %s ${expected(file)} | filled)"); then
  printf '%s\n' ${`Traefik does not confirm the new route of ${name}.`} "$wrong" >&2
  complain
  restore >&2 && exit ${switchStatus.refused}
  exit ${switchStatus.unconfirmed}
fi
sleep 0.1
rm -f ${live(next)}
kept=" $(targets ${live(name)} | sed 's/:[^ ]*//g') "
for old in $(targets ${previous(name)} | sed 's/:[^ ]*//g'); do
  case $kept in *" $old "*) ${drainAll ? sh`drain "$old"` : sh`:`} ;; *) drain "$old" ;; esac
done
:`;
}

/** What Traefik's API must say, a line each. */
function expected(file: RouteFile, ...routers: readonly string[]): string {
  const { http, tcp, udp } = file.route;
  const path = (protocol: string, kind: string, name: string): string => `${protocol}/${kind}/${encodeURIComponent(name)}@file`;
  const staged = file.name.endsWith("--next");
  const names = [
    ...[...Object.keys(http.routers), ...routers].map((name) => path("http", "routers", name)),
    ...Object.keys(tcp.routers).map((name) => path("tcp", "routers", name)),
    ...(staged ? [] : Object.keys(udp.routers).map((name) => path("udp", "routers", name))),
  ];
  return [...names.map((one) => `${one} "status"`), ...addressesOf(file).map(({ protocol, service, address }) => `${path(protocol, "services", service)} ${address}`)].join("\n");
}

/** True when the file sends requests to a container that got none before. */
const isNew = (file: RouteFile): boolean => (file.canary ?? file.main).id === placeholder.id;

/** The new container answers in the proxy's own network. */
function reachable(file: RouteFile, probe: Probe): Command {
  if (!isNew(file)) return sh`:`;
  const port = probe.port === undefined ? filledPort(probe.servicePort) : String(probe.port);
  return sh`n=0
until answer=$(docker exec ${traefikContainer} timeout 5 wget -q -O /dev/null "http://$id:${new Command(port)}"${probe.path} 2>&1); do
  n=$((n + 1))
  if [ $n -ge ${patience} ]; then
    [ "$(docker container inspect --format '{{.State.Running}}' ${traefikContainer})" = true ] || refuse ${"Traefik does not run on this host. Nothing was switched. `capstan proxy start` starts it."}
    refuse "Traefik cannot reach the new container at $id:${new Command(port)}. Nothing was switched." "$answer"
  fi
  sleep 1
done`;
}

const filledPort = (port: string): string => port.replace(placeholder.port, "$port");

/** A request through the proxy's own door, before anybody else's gets there. An answer of the user's own middlewares counts: the way is open. */
function witness(file: RouteFile, probe: Probe): Command {
  if (file.mode === "maintenance" || !isNew(file)) return sh`:`;
  const own = file.route.http.routers[file.name] ?? Object.values(file.route.http.routers)[0];
  const [entryPoint] = (own?.["entryPoints"] ?? []) as readonly string[];
  const open = probe.port === undefined || String(probe.port) === probe.servicePort ? "2??|3??|401|403|405|429" : "2??|3??|4??";
  return sh`doors=$(docker exec ${traefikContainer} wget -q -O - "$api"${`/entrypoints${entryPoint === undefined ? "" : `/${encodeURIComponent(entryPoint)}`}`} | sed ${'s/},{"address"/}\\n{"address"/g'} | grep -v -e '"tls":' -e '/udp"' -e "$(expr "$api" : 'http://\([^/]*\)/')" | sed -n ${'s/.*"address":"\\([^"/]*\\).*/\\1/p'})
answer=closed
[ -n "$doors" ] || answer=
for door in $doors; do
  case $door in :*) door=127.0.0.1$door ;; esac
  answer=$(docker exec ${traefikContainer} timeout 5 wget -S -O /dev/null --header "${word(probeHeader)}: $token" "http://$door"${probe.path} 2>&1 | sed -n 's/.*HTTP\/[0-9.]* \([0-9][0-9][0-9]\).*/\1/p' | head -n 1)
  case $answer in ${new Command(open)}) answer=; break ;; esac
done
[ -z "$answer" ] || refuse "A request through Traefik does not reach the new container: the answer is $answer. Nothing was switched."`;
}
