import { Command, sh } from "../ground/command.ts";
import { runDirectory } from "../ground/names.ts";

/**
 * Writes standard input to a file: beside its place first, private from the first byte whatever is there, then renamed into it. Folders on the way
 * are made with the host's own umask: a container must be able to read what it mounts. Our own folder is closed to other users of the host all
 * the same: it is Docker that mounts what is in it. An empty folder in the place of the file gives way: Docker makes one for a mount whose file is
 * missing. Fails where that folder holds something.
 * @param path relative to the SSH user's home directory, or absolute
 * @param mode octal, such as `0600`
 * @param encoding standard input is base64 of the file's bytes
 * @param outdates files that go once this one is there
 */
export function uploadCommand(path: string, mode: string, encoding?: "base64", outdates: readonly string[] = []): Command {
  const next = `${path}.new`;
  const slash = path.lastIndexOf("/");
  const ours = path.startsWith(`${runDirectory}/`) ? [sh`chmod 700 ${runDirectory} &&`] : [];
  const folder = slash > 0 ? [sh`mkdir -p ${path.slice(0, slash)} &&`, ...ours] : [];
  const inPlace = sh`[ ! -d ${path} ] || rmdir ${path} 2> /dev/null || { echo ${`${path} is a folder on the host, and not empty: a file must be there.`} >&2; false; }`;
  return sh`${folder} umask 077 && rm -f ${next} && ${new Command(encoding === undefined ? "cat" : "base64 -d")} > ${next} && chmod ${mode} ${next} && { ${inPlace}; } && mv -f ${next} ${path}${outdates.length === 0 ? [] : sh` && rm -f ${outdates}`} || { rm -f ${next}; exit 1; }`;
}
