import { z } from "zod";
import { Command, sh } from "../../ground/command.ts";
import { proxyContainer } from "../../ground/names.ts";
import { checked, isTarget, isWord } from "../answer.ts";
import type { ProxyFacts, Route } from "../facts.ts";
import { stateFile, stateFolder } from "./run-flags.ts";

/** Docker's template for where on the host the proxy's folder is; for Go, not for the shell. */
const stateSource = `{{range .Mounts}}{{if eq .Destination "${stateFolder}"}}{{.Source}}{{end}}{{end}}`;

/** Prints the state file that `$folder` has. Who may not read it there asks Docker for it, which takes four times as long; that works while the container is stopped and needs no program in the image. */
export const printState: Command = sh`if [ -r "$folder"/${stateFile} ]; then cat "$folder"/${stateFile}; else docker cp ${`${proxyContainer}:${stateFolder}/${stateFile}`} - 2> /dev/null | tar -xOf - 2> /dev/null; fi`;

/** Sets `$folder` for {@link printState}. */
export const findState: Command = sh`folder=$(docker container inspect --format ${stateSource} ${proxyContainer} 2> /dev/null)`;

/** Prints the proxy's state file. */
export const readState: Command = sh`{ ${findState}; ${printState}; }`;

/** What sed takes the colours away with: an escape stands before each, which only some can name. */
const uncolour = "s/.\\[[0-9;]*m//g";

/** Filters the colours out of `kamal-proxy list`, which is always coloured. */
export const plainList: Command = sh`sed ${uncolour}`;

const inPattern = (text: string): string => text.replaceAll(/[.[\]*^$\\/]/g, "\\$&");

/** Filters a route's targets out of `kamal-proxy list`: `id:port`, several with commas, nothing when there is no such route. */
export const liveTargets = (route: string): Command =>
  sh`sed -n -e ${uncolour} -e ${`s/^${inPattern(route)}  *.* \\([^ ][^ ]*\\)  *[^ ][^ ]*  *[^ ][^ ]* *$/\\1/p`}`;

/**
 * Filters a route's targets out of the state file, in the same form. Each object of the JSON is put on a line of its
 * own: the route's name and, a few objects later, its targets.
 */
export function savedTargets(route: string): Command {
  const targets = String.raw`"active_targets":\[\([^]]*\)]`;
  const script = [`/^"name":"${inPattern(route)}",/,/"active_targets":/{`, `/${targets}/{`, String.raw`s/.*${targets}.*/\1/`, 's/"//g', "p", "}", "}"];
  return sh`tr '{' '\n' | sed -n ${script.flatMap((line) => ["-e", line])}`;
}

/** Prints `running image`, then the state file, or the live list when the file is not there or broken; nothing without a container. */
export const factsCommand: Command = sh`running=$(docker container inspect --format ${`{{.State.Running}} {{.Config.Image}} ${stateSource}`} ${proxyContainer} 2> /dev/null) || exit 0
folder=${new Command("${running#* * }")}
printf '%s\n' ${new Command('"${running%" $folder"}"')}
state=$(${printState})
case $state in
  *]) printf '%s\n' "$state" ;;
  *) docker exec ${proxyContainer} kamal-proxy list 2> /dev/null || true ;;
esac`;

/** Reads what {@link factsCommand} prints. */
export function parseFacts(stdout: string): ProxyFacts | undefined {
  const [first = "", ...rest] = stdout.split("\n");
  const [running = "", image = ""] = first.trim().split(" ");
  if (running === "") return undefined;
  checked(/^(true|false)$/.test(running) && isWord(image), "what kamal-proxy is", first);
  const text = rest.join("\n").trim();
  return { running: running === "true", image, routes: text.startsWith("[{") || text === "[]" ? routesOfState(text) : routesOfList(text) };
}

/** One entry of the state file of kamal-proxy 0.9, as far as it is used. */
const Targets = z.array(z.string().refine(isTarget)).nullish();
const SavedServices = z.array(z.object({
  name: z.string().refine(isWord),
  active_targets: Targets,
  pause_controller: z.object({ state: z.number().optional() }).nullish(),
  rollout_targets: Targets,
  rollout_controller: z.object({ percentage: z.number().min(0).max(100).optional() }).nullish(),
}));
type SavedService = z.output<typeof SavedServices>[number];

const modes: Readonly<Record<string, Route["mode"]>> = { "0": "live", "1": "paused", "2": "maintenance", running: "live", paused: "paused", stopped: "maintenance" };

function routesOfState(text: string): readonly Route[] {
  return savedServices(text).map((service) => ({
    name: service.name, targets: service.active_targets ?? [], mode: modes[String(service.pause_controller?.state ?? 0)] ?? "live", ...canaryOf(service),
  }));
}

function savedServices(text: string): readonly SavedService[] {
  try {
    return SavedServices.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error("Cannot read the state file of kamal-proxy", { cause });
  }
}

/** A rollout target stays in the file when its rollout has ended: only with a controller it gets requests. */
function canaryOf({ rollout_targets: targets, rollout_controller: controller }: SavedService): Pick<Route, "canary"> {
  const target = targets?.[0];
  return target === undefined || controller === undefined || controller === null ? {} : { canary: { target, percent: controller.percentage ?? 0 } };
}

/** Source: `kamal-proxy list` of 0.9: columns Service, Host, Path, Target, State, TLS, always coloured. */
function routesOfList(text: string): readonly Route[] {
  const lines = text.replaceAll(/\x1b?\[[0-9;]*m/g, "").split("\n").slice(1).filter((line) => line.trim() !== "");
  return lines.flatMap((line) => {
    const [name = ""] = line.trim().split(/ +/);
    const [targets = "", state = ""] = line.trim().split(/ +/).slice(-3);
    const all = targets.split(",");
    return isWord(name) && all.every(isTarget) ? [{ name, targets: all, mode: modes[state] ?? "live" }] : [];
  });
}
