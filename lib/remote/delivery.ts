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
/** What it says once all of an archive is there that it keeps to hand it on, and how Docker ended with that. */
export const receivedLine = "received";
/** What it says of a file that a neighbour has handed on: whether it is the archive. */
export const sameLine = "same";
export const differsLine = "differs";
export const loadedLine = /^loaded (\d{1,3})$/;

/**
 * Receives an image. It says what is there of the service and what came of an archive before; reads a line; where that asks for it, looks at all other
 * images too, and reads another one. That line says what comes, and the archive that follows goes to `docker load` and, beside it, into a file, from which a try
 * that was cut off goes on. The file goes when the image is loaded. Docker is started at once, since that takes as long as a small layer; where
 * nothing comes it ends with a failure that means nothing. Nothing listens and nothing stays running: whatever ends the connection ends the command.
 * An archive that is to be handed on stays for as long as the command's input is open, which is as long as the connection at most; that it is loaded is said
 * by a shell of its own, which a connection that is gone may end.
 * What a neighbour has handed on is taken only if it has the digest that this machine knows: `docker load` takes any image, under any name.
 * An archive that Docker was loading when the command was ended by a signal, or the host itself, goes on from there as one that was cut off.
 * `docker load` compares each layer with the digest in the image's config, and the config with the image's ID.
 * @param known images of the service that were seen there
 */
export function receiveImage(of: Named, image: string, known: readonly string[]): Command {
  const format = "image {{.Id}}{{range .RootFS.Layers}} {{.}}{{end}}";
  return sh`folder=${imagesDirectory(of)}
mkdir -p "$folder" && chmod 700 "$folder" && cd "$folder" && umask 077 && exec 3>&1 || exit
again() { for kept in *.kept; do [ ! -f "$kept" ] || mv -f "$kept" "$(basename "$kept" .kept).part"; done; rm -f *.handed; }
again
trap 'again; exit 143' HUP TERM
{
${known.length === 0 ? sh`:` : sh`docker image inspect --format ${format} ${known} 2> /dev/null >&3`}
for part in *.part; do [ ! -f "$part" ] || echo "part $part $(wc -c < "$part")" >&3; done
echo ${readyLine} >&3
read -r what archive size left digest || exit
if [ "$what" = look ]; then
docker version --format ${"platform {{.Server.Os}}/{{.Server.Arch}}"} >&3
docker image ls --quiet --no-trunc | sort -u | xargs docker image inspect --format ${format} 2> /dev/null | grep -E "$archive" >&3
echo ${readyLine} >&3
read -r what archive size left digest || exit
fi
file=$archive-$size part=$archive-$size.part
for other in *.part; do [ "$other" = "$part" ] || rm -f "$other"; done
if [ "$what" = have ]; then docker tag "$archive" ${image} && echo ${taggedLine} >&3; exit; fi
if [ "$what" = take ]; then
if [ "$(sha256sum < "$file.handed" | cut -d ' ' -f 1)" = "$digest" ]; then mv -f "$file.handed" "$part"; echo ${sameLine} >&3
else rm -f "$file.handed"; echo ${differsLine} >&3; read -r what archive size left || exit; fi
fi
[ ! -f "$part" ] || cat "$part"
if [ "$what" = load ]; then tee -a "$part"; exit; fi
[ "$left" = 0 ] || head -c "$left" | tee -a "$part"
[ "$(wc -c < "$part")" -eq "$size" ] && mv "$part" "$file.kept" && echo ${receivedLine} >&3
} | docker load --quiet
status=$?
[ $status -le 128 ] || { again; exit $status; }
trap 'rm -f *.kept *.handed; exit 143' HUP TERM
rm -f *.handed
for kept in *.kept; do
[ -f "$kept" ] || continue
(echo "loaded $status" >&3) 2> /dev/null
cat > /dev/null
rm -f "$kept"
done
[ $status -ne 0 ] || { rm -f *.part; exit; }
for part in *.part; do
size=$(echo "$part" | cut -d - -f 2 | cut -d . -f 1)
[ ! -f "$part" ] || [ "$(wc -c < "$part")" -lt "$size" ] || rm -f "$part"
done
exit $status`;
}

/** The line for {@link receiveImage} that asks for the platform, and for all images that begin as this one. @param lowest `sha256:…` of the lowest layer for each platform; empty in an image without layers */
export const lookLine = (lowest: readonly string[]): string => `look ${[...new Set(lowest)].map((layer) => (layer === "" ? "^image[^:]*:[^:]*$" : layer)).join("|")}\n`;

/** The line where the host has the image under another name, or under none. */
export const haveLine = (id: string): string => `have ${id}\n`;

/** The line where an archive comes. @param size bytes of the whole archive */
export const loadLine = (archive: string, size: number): string => `load ${archive} ${size}\n`;

/** The line where an archive comes that is to be handed on. @param left bytes of it that come now: the rest is there */
export const keepLine = (archive: string, size: number, left: number): string => `keep ${archive} ${size} ${left}\n`;

/** The line where a neighbour has handed the archive on. Where that is not what it should be, the host waits for a {@link keepLine}. @param digest sha256 of the whole archive, in hex */
export const takeLine = (archive: string, size: number, digest: string): string => `take ${archive} ${size} 0 ${digest}\n`;

/** A host as its neighbour reaches it. */
export interface Neighbour {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** The one key it must show: `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
}

/** What a host that hands on ends with where nobody lends it an agent. */
export const noAgentStatus = 90;
/** And where it has nothing to hand on any more. */
export const nothingKeptStatus = 91;
/** How often the neighbour says how much of it is there. */
const tellSeconds = 2;

/**
 * Hands an archive that is kept on to a neighbour that waits for it, and says when it begins and how many bytes are there, by the host's own `ssh` and the agent that it is lent. It knows no key but the neighbour's and has
 * none of its own; nothing is written where it runs. There the archive becomes a file that only the neighbour's {@link receiveImage} makes anything of.
 * Source of the options: ssh_config(5) of OpenSSH 8.9, the first that tells an agent which host it logs in to.
 */
export function handOnImage(of: Named, archive: string, size: number, { address, port, user, hostKey }: Neighbour): Command {
  const [type = ""] = hostKey.split(" ");
  const file = `${archive}-${size}`;
  const handed = `${file}.handed`;
  const there = sh`cd ${imagesDirectory(of)} && umask 077 && { (while sleep ${tellSeconds} > /dev/null 2>&1; do wc -c < ${handed} || exit; done 2> /dev/null) & cat > ${handed}; kill $!; [ "$(wc -c < ${handed})" -eq ${size} ]; } || { rm -f ${handed}; exit 1; }`;
  const options = [
    "BatchMode=yes", "StrictHostKeyChecking=yes", "UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null", `KnownHostsCommand=/bin/echo %H ${hostKey}`, `HostKeyAlgorithms=${type === "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : type}`,
    "PreferredAuthentications=publickey", "IdentityFile=none", "ForwardAgent=no", "ControlPath=none", "ConnectTimeout=10", "ServerAliveInterval=5", "ServerAliveCountMax=3", "LogLevel=ERROR",
  ];
  return sh`cd ${imagesDirectory(of)} && [ -S "$SSH_AUTH_SOCK" ] || exit ${noAgentStatus}
[ -f ${`${file}.kept`} ] || exit ${nothingKeptStatus}
echo begun
exec ssh -F none -T ${options.flatMap((option) => ["-o", option])} -l ${user} -p ${port} -- ${address} ${sh`exec sh -c ${there.text}`.text} < ${`${file}.kept`}`;
}

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
