import { sh, type Command } from "../ground/command.ts";
import { imagesDirectory, type Named } from "../ground/names.ts";

/** What a host says before an image is sent to it. */
export interface HostImages {
  /** Such as `linux/amd64`. */
  readonly platform: string;
  readonly images: readonly { readonly id: string; readonly layers: readonly string[] }[];
  /** How much of an archive came in an earlier try that was cut off, by the archive's ID. */
  readonly parts: ReadonlyMap<string, number>;
}

/** What ends the host's answer. */
export const readyLine = "ready";

/**
 * Receives an image on standard input, in three steps. It reads a line with the lowest layers of the image and answers with what of its kind is there;
 * reads a line that says what comes; then the archive goes to `docker load` and, beside it, into a file, from which a try that was cut off goes on.
 * The file goes when the image is loaded. Nothing listens and nothing stays running: whatever ends the connection ends the command.
 * `docker load` compares each layer with the digest in the image's config, and the config with the image's ID.
 */
export function receiveImage(of: Named, image: string): Command {
  return sh`folder=${imagesDirectory(of)}
mkdir -p "$folder" && chmod 700 "$folder" && cd "$folder" && umask 077 || exit
IFS= read -r lowest || exit 70
docker version --format ${"{{.Server.Os}}/{{.Server.Arch}}"} || exit
docker image ls --quiet --no-trunc | sort -u | xargs docker image inspect --format ${"image {{.Id}}{{range .RootFS.Layers}} {{.}}{{end}}"} 2> /dev/null | grep -E "$lowest"
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

/** The first line for {@link receiveImage}. @param lowest `sha256:…` of the lowest layer for each platform; none in an image without layers */
export const lowestLine = (lowest: readonly string[]): string => `${lowest.length === 0 ? "^image [^ ]*$" : [...new Set(lowest)].join("|")}\n`;

/** The second line where the host has the image under another name, or under none. */
export const haveLine = (id: string): string => `have ${id}\n`;

/** The second line where an archive comes. @param size bytes of the whole archive */
export const loadLine = (archive: string, size: number): string => `load ${archive} ${size}\n`;

/** Reads the answer of {@link receiveImage}, a line at a time. Lines of no known form are passed over. */
export function parseHostImages(lines: readonly string[]): HostImages {
  const rows = lines.map((line) => line.trim().split(" "));
  return {
    platform: lines[0]?.trim() ?? "",
    images: rows.flatMap(([kind, id = "", ...layers]) => (kind === "image" && id !== "" ? [{ id, layers }] : [])),
    parts: new Map(rows.flatMap(([kind, name = "", size = ""]) => (kind === "part" && /^[0-9a-f]{32}\.part$/.test(name) && /^\d+$/.test(size) ? [[name.slice(0, 32), Number(size)] as const] : []))),
  };
}

/** Removes what came of images so far. */
export const forgetParts = (of: Named): Command => sh`rm -rf ${imagesDirectory(of)}`;
