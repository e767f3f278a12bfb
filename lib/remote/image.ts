import { sh, type Command, type Query } from "../ground/command.ts";
import { isDigest, isTag, latestTag } from "../ground/names.ts";
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

/** The images of the service on a host. */
export interface ServiceImages {
  /** Under their tags, newest first. */
  readonly tagged: readonly string[];
  /** `sha256:…` under which they were pulled from the registry, or pushed to it. */
  readonly digests: readonly string[];
}

/** What {@link ServiceImages} says, asked of a host. */
export function imagesOf({ repository }: Pick<Settings, "repository">): Query<ServiceImages> {
  return {
    command: sh`docker image ls ${repository} --format ${"{{.Tag}} {{.Digest}}"}`,
    // Docker prints some repositories in another form than they were given, such as without `docker.io/`. An image with several digests has a line for each.
    parse: (stdout) => {
      const rows = stdout.split("\n").filter((line) => line !== "").map((line) => line.split(" "));
      const known = (column: number): readonly string[] => [...new Set(rows.flatMap((row) => row[column] ?? []))].filter((word) => word !== "" && word !== "<none>");
      return { tagged: known(0).map((tag) => `${repository}:${checked(isTag(tag), "the tag of an image", tag)}`), digests: known(1).map((digest) => checked(isDigest(digest), "the digest of an image", digest)) };
    },
  };
}

/** Gives an image that came from the registry the name of a version. */
export const tagDigest = ({ repository }: Pick<Settings, "repository">, digest: string, version: string): Command => sh`docker tag ${`${repository}@${digest}`} ${`${repository}:${version}`}`;
