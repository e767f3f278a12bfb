import { sh, type Command } from "../../../ground/command.ts";
import { traefikContainer } from "../../../ground/names.ts";
import type { TraefikSettings } from "../../../config/settings.ts";
import { checked, isWord } from "../../answer.ts";
import type { ProxyFacts, Route } from "../../facts.ts";
import { parseFileLine, type Backend } from "./file.ts";
import { traefikArgs } from "./run.ts";
import { filesInProxy } from "./script.ts";

/** Name of the file with Traefik's own routes, such as that to its dashboard. */
export const ownFile = "traefik";

const format = `{{.State.Running}} {{.Config.Image}}{{println}}{{range .Args}}arg={{println .}}{{end}}{{range .Mounts}}{{if eq .Destination "${filesInProxy}"}}dir={{println .Source}}{{end}}{{end}}`;

/** Prints `running image`, the arguments, and what each file says of itself; nothing without a container. The files count: Traefik does what they say. */
export const factsCommand: Command = sh`about=$(docker container inspect --format ${format} ${traefikContainer} 2> /dev/null) || exit 0
printf '%s\n' "$about"
dir=$(printf '%s\n' "$about" | sed -n 's/^dir=//p')
[ -z "$dir" ] || grep -h '^# capstan ' "$dir"/*.yml 2> /dev/null || true`;

/** Reads what {@link factsCommand} prints. */
export function parseFacts(stdout: string): ProxyFacts | undefined {
  const [first = "", ...rest] = stdout.split("\n");
  const [running = "", image = ""] = first.trim().split(" ");
  if (running === "") return undefined;
  checked(/^(true|false)$/.test(running) && isWord(image), "what Traefik is", first);
  const args = rest.flatMap((line) => /^arg=(--.*)$/.exec(line)?.[1] ?? []);
  const files = rest.flatMap((line) => parseFileLine(line) ?? []).filter(({ name }) => name !== ownFile);
  return { running: running === "true", image, args, routes: files.map((file): Route => ({
    name: file.name, targets: [target(file.main)], mode: file.mode, file,
    ...(file.canary === undefined ? {} : { canary: { target: target(file.canary), percent: file.canary.percent } }),
  })) };
}

const target = ({ id, port }: Backend): string => `${id}:${port}`;

/** In what a running Traefik differs from what the config asks for: another app may have booted it, or the config has changed. */
export function traefikDifferences(traefik: TraefikSettings, facts: ProxyFacts): readonly string[] {
  const wanted = traefikArgs(traefik);
  const there = facts.args ?? [];
  const missing = wanted.filter((arg) => !there.includes(arg)).map((arg) => `${arg} is missing`);
  const extra = there.filter((arg) => !wanted.includes(arg)).map((arg) => `${arg} is there`);
  return [
    ...(facts.image === traefik.image ? [] : [`Traefik runs as ${facts.image}, the config asks for ${traefik.image}`]),
    ...(missing.length + extra.length === 0 ? [] : [`Traefik runs with other arguments than the config asks for: ${[...missing, ...extra].join(", ")}`]),
  ];
}
