import { sh, type Command } from "../ground/command.ts";
import { imagesDirectory, type Named } from "../ground/names.ts";

/** What a host says before an image is sent to it. */
export interface HostImages {
  /** Such as `linux/amd64`. Undefined: it was not asked, since the image is for one platform only. */
  readonly platform: string | undefined;
  readonly images: readonly { readonly id: string; readonly layers: readonly string[] }[];
  /** How much of an archive came in an earlier try that was cut off, by the archive's ID. */
  readonly parts: ReadonlyMap<string, number>;
}

/** What ends the host's answer. */
export const readyLine = "ready";

/**
 * Receives an image on standard input, in three steps. It looks at what is there, which needs nothing of the image yet; reads a line with the lowest
 * layers of the image and answers with what begins so; reads a line that says what comes; then the archive goes to `docker load` and, beside it, into a file, from which a try that was cut off goes on.
 * The file goes when the image is loaded. Nothing listens and nothing stays running: whatever ends the connection ends the command.
 * `docker load` compares each layer with the digest in the image's config, and the config with the image's ID.
 * @param known images of the service that were seen there: all others are looked at only where none of these begins as this one
 */
export function receiveImage(of: Named, image: string, known: readonly string[]): Command {
  const format = "image {{.Id}}{{range .RootFS.Layers}} {{.}}{{end}}";
  return sh`folder=${imagesDirectory(of)}
mkdir -p "$folder" && chmod 700 "$folder" && cd "$folder" && umask 077 || exit
all=${known.length === 0 ? sh`` : sh`$(docker image inspect --format ${format} ${known} 2> /dev/null)`}
read -r lowest platforms || exit 70
if [ "$platforms" -gt 1 ]; then docker version --format ${"platform {{.Server.Os}}/{{.Server.Arch}}"} || exit; fi
found=$(echo "$all" | grep -E "$lowest")
[ -n "$found" ] || found=$(docker image ls --quiet --no-trunc | sort -u | xargs docker image inspect --format ${format} 2> /dev/null | grep -E "$lowest")
echo "$found"
for part in *.part; do [ ! -f "$part" ] || echo "part $part $(wc -c < "$part")"; done
echo ${readyLine}
read -r what archive size || exit 70
for part in *.part; do [ "$part" = "$archive.part" ] || rm -f "$part"; done
if [ "$what" = have ]; then docker tag "$archive" ${image}; exit; fi
part=$archive.part
{ [ ! -f "$part" ] || cat "$part"; tee -a "$part"; } | docker load --quiet
status=$?
[ $status -ne 0 ] && [ "$(wc -c < "$part")" -lt "$size" ] || rm -f "$part"
exit $status`;
}

/** The first line for {@link receiveImage}. @param lowest `sha256:…` of the lowest layer for each platform; empty in an image without layers */
export const lowestLine = (lowest: readonly string[]): string => `${[...new Set(lowest)].map((layer) => (layer === "" ? "^image[^:]*:[^:]*$" : layer)).join("|")} ${lowest.length}\n`;

/** The second line where the host has the image under another name, or under none. */
export const haveLine = (id: string): string => `have ${id}\n`;

/** The second line where an archive comes. @param size bytes of the whole archive */
export const loadLine = (archive: string, size: number): string => `load ${archive} ${size}\n`;

/** Reads the answer of {@link receiveImage}, a line at a time. Lines of no known form are passed over. */
export function parseHostImages(lines: readonly string[]): HostImages {
  const rows = lines.map((line) => line.trim().split(" "));
  return {
    platform: rows.find(([kind]) => kind === "platform")?.[1],
    images: rows.flatMap(([kind, id = "", ...layers]) => (kind === "image" && id !== "" ? [{ id, layers }] : [])),
    parts: new Map(rows.flatMap(([kind, name = "", size = ""]) => (kind === "part" && /^[0-9a-f]{32}\.part$/.test(name) && /^\d+$/.test(size) ? [[name.slice(0, 32), Number(size)] as const] : []))),
  };
}

/** Removes what came of images so far. */
export const forgetParts = (of: Named): Command => sh`rm -rf ${imagesDirectory(of)}`;
