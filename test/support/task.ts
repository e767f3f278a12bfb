import { selectScope } from "../../lib/config/scope.ts";
import type { Settings } from "../../lib/config/settings.ts";
import type { Task } from "../../lib/run/task.ts";
import type { Table } from "./world.ts";

/** `deploy` of version 2 of everything in the settings. */
export function taskOf(settings: Settings, more: Partial<Task> = {}): Task {
  return { settings, scope: selectScope(settings, {}), command: "deploy", subcommand: undefined, version: "2", performer: "ann@acme.example", performerName: "Ann", hooks: true, lockWait: undefined, ...more };
}

/** What a host with Docker says of itself to the questions of `observe`. @param containers a `docker ps` line each, see {@link containerLine}; @param log lines of its audit log about releases */
export const factsAnswer = (containers: readonly string[] = [], log: readonly string[] = []): string =>
  ["28.0.4\n", "kamal\n", "", containers.map((line) => `${line}\n`).join(""), "", "", ...(log.length === 0 ? [] : [log.map((line) => `${line}\n`).join("")])].join("\x1e");

/** A running container as `docker ps` prints it for `observe`. */
export const containerLine = (role: string, version: string, id: string): string => [id.padEnd(12, "0"), `shop-${role}-${version}`, role, "", "running", "Up 3 minutes", `acme/shop:${version}`].join("\t");

/** A host that does whatever it is told: facts, a container that runs, status 0 for the rest. */
export const obliging = (containers: readonly string[] = []): Table => [
  [/docker version/, factsAnswer(containers)],
  [/docker container inspect --format '\{\{\.State\.Status/, "running||0|false|0|172.18.0.2|80/tcp\n"],
  [/./, ""],
];
