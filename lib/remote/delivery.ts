import { sh, type Command } from "../ground/command.ts";
import { imagesDirectory, type Named } from "../ground/names.ts";

/** What a host says before an image is sent to it. */
export interface HostImages {
  /** Such as `linux/amd64`. Undefined: it was not asked. */
  readonly platform: string | undefined;
  readonly images: readonly { readonly id: string; readonly layers: readonly string[] }[];
  /** How much of an archive came in an earlier try that was cut off, by the archive's ID. */
  readonly parts: ReadonlyMap<string, number>;
}

/** What ends each of the host's answers. */
export const readyLine = "ready";
/** What it says where it had the image and needed only its name. */
export const taggedLine = "tagged";

/**
 * Receives an image. It says what is there of the service and what came of an archive before; reads a line; where that asks for it, looks at all other
 * images too, and reads another one. That line says what comes, and the archive that follows goes to `docker load` and, beside it, into a file, from which a try
 * that was cut off goes on. The file goes when the image is loaded. Docker is started at once, since that takes as long as a small layer; where
 * nothing comes it ends with a failure that means nothing. Nothing listens and nothing stays running: whatever ends the connection ends the command.
 * `docker load` compares each layer with the digest in the image's config, and the config with the image's ID.
 * @param known images of the service that were seen there
 */
export function receiveImage(of: Named, image: string, known: readonly string[]): Command {
  const format = "image {{.Id}}{{range .RootFS.Layers}} {{.}}{{end}}";
  return sh`folder=${imagesDirectory(of)}
mkdir -p "$folder" && chmod 700 "$folder" && cd "$folder" && umask 077 && exec 3>&1 || exit
{
${known.length === 0 ? sh`:` : sh`docker image inspect --format ${format} ${known} 2> /dev/null >&3`}
for part in *.part; do [ ! -f "$part" ] || echo "part $part $(wc -c < "$part")" >&3; done
echo ${readyLine} >&3
read -r what archive size || exit
if [ "$what" = look ]; then
docker version --format ${"platform {{.Server.Os}}/{{.Server.Arch}}"} >&3
docker image ls --quiet --no-trunc | sort -u | xargs docker image inspect --format ${format} 2> /dev/null | grep -E "$archive" >&3
echo ${readyLine} >&3
read -r what archive size || exit
fi
part=$archive-$size.part
for other in *.part; do [ "$other" = "$part" ] || rm -f "$other"; done
if [ "$what" = have ]; then docker tag "$archive" ${image} && echo ${taggedLine} >&3; exit; fi
[ ! -f "$part" ] || cat "$part"
tee -a "$part"
} | docker load --quiet
status=$?
for part in *.part; do
size=$(echo "$part" | cut -d - -f 2 | cut -d . -f 1)
[ ! -f "$part" ] || { [ $status -ne 0 ] && [ "$(wc -c < "$part")" -lt "$size" ]; } || rm -f "$part"
done
exit $status`;
}

/** The line for {@link receiveImage} that asks for the platform, and for all images that begin as this one. @param lowest `sha256:…` of the lowest layer for each platform; empty in an image without layers */
export const lookLine = (lowest: readonly string[]): string => `look ${[...new Set(lowest)].map((layer) => (layer === "" ? "^image[^:]*:[^:]*$" : layer)).join("|")}\n`;

/** The line where the host has the image under another name, or under none. */
export const haveLine = (id: string): string => `have ${id}\n`;

/** The line where an archive comes. @param size bytes of the whole archive */
export const loadLine = (archive: string, size: number): string => `load ${archive} ${size}\n`;

/** Reads the answer of {@link receiveImage}, a line at a time. Lines of no known form are passed over. */
export function parseHostImages(lines: readonly string[]): HostImages {
  const rows = lines.map((line) => line.trim().split(" "));
  return {
    platform: rows.find(([kind]) => kind === "platform")?.[1],
    images: rows.flatMap(([kind, id = "", ...layers]) => (kind === "image" && id !== "" ? [{ id, layers }] : [])),
    parts: new Map(rows.flatMap(([kind, name = "", size = ""]) => (kind === "part" && /^[0-9a-f]{32}-\d+\.part$/.test(name) && /^\d+$/.test(size) ? [[name.slice(0, 32), Number(size)] as const] : []))),
  };
}

/** Removes what came of images so far. */
export const forgetParts = (of: Named): Command => sh`rm -rf ${imagesDirectory(of)}`;
