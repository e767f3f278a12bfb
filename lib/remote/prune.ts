import { Command, sh } from "../ground/command.ts";
import { runDirectory } from "../ground/names.ts";
import type { RunStep } from "../ground/step.ts";
import type { Role, Settings } from "../config/settings.ts";
import { removeContainersOfMrsk } from "./container.ts";
import { containerFilters } from "./container-flags.ts";
import { removeEach, stopped } from "./stopped.ts";

/** What {@link pruneContainers} is to remove. */
export interface Pruned {
  /** How many stopped containers stay; undefined: as the config says. */
  readonly retain?: number | undefined;
  /** There are some that made place for another one of their version. */
  readonly replaced: boolean;
}

/** Removes stopped containers of a role. */
export const pruneContainersStep = (settings: Settings, role: Role, what: Pruned): RunStep =>
  ({ kind: "run", role: role.name, title: `Remove old containers of ${role.name}`, command: pruneContainers(settings, role, what), repeatable: true });

/** The same with those that MRSK made, which count among ours: they have no label `destination`, and docker's filter for an empty one passes over them. */
export const pruneMrskStep = (settings: Settings, { name }: Pick<Role, "name">, retain: number = settings.retainContainers): RunStep => ({
  kind: "run", role: name, title: `Remove old containers of ${name} that MRSK left`,
  command: sh`docker ps --all ${stopped} --filter ${`label=service=${settings.service}`} --filter ${`label=role=${name}`} --format ${'{{if not (.Label "destination")}}{{.ID}}{{end}}'} | grep . | tail -n ${`+${retain + 1}`} | ${removeEach}`,
  repeatable: true,
});

/** Removes the stopped containers of a role that MRSK made. It knew no destinations: where there is one nothing is of MRSK. */
export const removeMrskSteps = (settings: Settings, { name }: Pick<Role, "name">): readonly RunStep[] =>
  (settings.destination === undefined ? [{ kind: "run", role: name, title: `Remove the containers of ${name} that MRSK left`, command: removeContainersOfMrsk(settings, name), repeatable: true }] : []);

/** Removes images that nothing uses. */
export function pruneImagesSteps(settings: Settings): readonly RunStep[] {
  return [
    { kind: "run", title: "Remove images without a tag", command: pruneDanglingImages(settings.service), repeatable: true },
    { kind: "run", title: "Remove images that no container uses", command: pruneImages(settings), repeatable: true },
  ];
}

/**
 * Removes stopped containers of a role: those that made place for another one of their version, then all but the
 * newest of the rest. Kamal counts per service on a host, so that roles and destinations push out one another's.
 */
export function pruneContainers(settings: Settings, role: Pick<Role, "name">, { retain = settings.retainContainers, replaced }: Pruned): Command {
  const old = sh`docker ps -q -a ${containerFilters(settings, role.name)} ${stopped}`;
  const rest = sh`${old} | tail -n ${`+${retain + 1}`} | ${removeEach}`;
  return replaced ? sh`${old} --filter name=_replaced_ | ${removeEach}
${rest}` : rest;
}

/** Removes images of the service that have lost their tag. */
export const pruneDanglingImages = (service: string): Command => sh`docker image prune --force --filter ${`label=service=${service}`}`;

/**
 * Removes images of the service that no container on the host was made from, but never what is tagged latest for any destination. An image that a container
 * was made from under another name keeps this one too where the audit log says that the release left the container in place.
 */
export function pruneImages({ service }: Pick<Settings, "service">): Command {
  const all = sh`docker image ls --filter ${`label=service=${service}`} --format ${"{{.Repository}}:{{.Tag}}"}`;
  // Both lists are asked for at the same time. A line that is only a dash says that Docker did not answer.
  return sh`${all} | {
used=$(docker container ls --all --format ${"{{.Image}}"}) || { echo -; exit; }
grep -v -x -F -e "$used" | grep -v -e ${":latest$"} -e ${":latest-[^/]*$"} -e ${"<none>"} | while read image; do
tag=${new Command("${image##*:}")}
if grep -qs ${"] Kept version .* as version "}"$tag"'$' ${runDirectory}/${service}-*audit.log; then by=$(docker ps --all --quiet --filter ancestor=$image) || { echo -; exit; }; [ -z "$by" ] || continue; fi
echo $image
done; } | while read image; do [ $image != - ] || exit; docker rmi $image; done`;
}
