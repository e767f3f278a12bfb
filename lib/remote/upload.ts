import { Command, sh } from "../ground/command.ts";

/**
 * Writes standard input to a file: beside its place first, private from the first byte, then renamed into it. Folders
 * on the way are made with the host's own umask: a container must be able to read what it mounts. An empty folder in its
 * place gives way: Docker makes one for a mount whose file is missing. Fails where that folder holds something.
 * @param path relative to the SSH user's home directory, or absolute
 * @param mode octal, such as `0600`
 * @param encoding standard input is base64 of the file's bytes
 */
export function uploadCommand(path: string, mode: string, encoding?: "base64"): Command {
  const next = `${path}.new`;
  const slash = path.lastIndexOf("/");
  const folder = slash > 0 ? [sh`mkdir -p ${path.slice(0, slash)} &&`] : [];
  const inPlace = sh`[ ! -d ${path} ] || rmdir ${path} 2> /dev/null || { echo ${`${path} is a folder on the host, and not empty: a file must be there.`} >&2; false; }`;
  return sh`${folder} umask 077 && ${new Command(encoding === undefined ? "cat" : "base64 -d")} > ${next} && chmod ${mode} ${next} && { ${inPlace}; } && mv -f ${next} ${path} || { rm -f ${next}; exit 1; }`;
}
