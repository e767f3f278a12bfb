import { sh, type Command, type Query } from "../ground/command.ts";
import { isTag, latestTag } from "../ground/names.ts";
import type { Settings } from "../config/settings.ts";
import { checked } from "./answer.ts";

/** Pulls an image. Unlike Kamal it leaves the one that is there alone: when the registry fails, the host can still run it. */
export const pullImage = (image: string): Command => sh`docker pull ${image}`;

/** Fails unless the image was built for this service: a wrong `image` in the config would else take another service's place. */
export function checkServiceLabel(image: string, service: string): Command {
  return sh`docker inspect -f ${"{{ .Config.Labels.service }}"} ${image} | grep -x ${service} || (echo ${`Image ${image} is missing the 'service' label`} >&2 && exit 1)`;
}

/** Marks the image of a version as the one in place. */
export function tagLatest(settings: Settings, version: string): Command {
  return sh`docker tag ${`${settings.repository}:${version}`} ${`${settings.repository}:${latestTag(settings)}`}`;
}

/** `docker image ls` of the service, for people. */
export const listImages = ({ repository }: Pick<Settings, "repository">): Command => sh`docker image ls ${repository}`;

/** The images of the service on a host, with their tags, newest first. */
export function imagesOf({ repository }: Pick<Settings, "repository">): Query<readonly string[]> {
  return {
    command: sh`docker image ls ${repository} --format ${"{{.Tag}}"}`,
    // Docker prints some repositories in another form than they were given, such as without `docker.io/`.
    parse: (stdout) => stdout.split("\n").filter((tag) => tag !== "" && tag !== "<none>").map((tag) => `${repository}:${checked(isTag(tag), "the tag of an image", tag)}`),
  };
}
