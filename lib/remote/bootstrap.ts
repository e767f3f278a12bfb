import { sh, type Command } from "../ground/command.ts";

/** Exit statuses of {@link installDocker}. */
export const bootstrapStatus = {
  /** Docker is missing and the user is neither root nor may run sudo without a password. */
  notAllowed: 78,
  /** Neither curl nor wget could fetch the install script. */
  noDownload: 79,
  /** Docker is installed and its daemon does not answer. */
  notRunning: 80,
} as const;

/**
 * Makes sure that Docker is installed, its daemon runs and the user may use it. Harmless when all is well.
 * Ends with one of {@link bootstrapStatus} and a sentence on stderr when it cannot. A user who was added to the group
 * docker is in it from the next connection on.
 */
export const installDocker = (): Command => sh`say() { echo "$1" >&2; }
if [ "$(id -u)" -eq 0 ]; then root=; else root='sudo -n'; fi
if ! command -v docker > /dev/null 2>&1; then
  [ -z "$root" ] || sudo -nl usermod > /dev/null 2>&1 || { say "Docker is missing, and $(id -un) is neither root nor may use sudo without a password"; exit ${bootstrapStatus.notAllowed}; }
  script=$(curl -fsSL https://get.docker.com || wget -q -O - https://get.docker.com) && [ -n "$script" ] || { say "Cannot download the install script of Docker: is there curl or wget, and a way to get.docker.com?"; exit ${bootstrapStatus.noDownload}; }
  printf '%s\n' "$script" | sh || exit
fi
docker version > /dev/null 2>&1 && exit 0
if [ -n "$root" ] && ! id -nG | tr ' ' '\n' | grep -q -x docker; then
  sudo -n usermod -aG docker "$(id -un)" || exit ${bootstrapStatus.notAllowed}
  say "Added $(id -un) to the group docker: in force from the next connection on"
fi
$root docker version > /dev/null 2>&1 && exit 0
{ $root systemctl start docker || $root service docker start; } > /dev/null 2>&1
n=0
until $root docker version > /dev/null 2>&1; do
  n=$((n + 1))
  [ $n -le 15 ] || { say "Docker is installed and its daemon does not answer: look at its log"; exit ${bootstrapStatus.notRunning}; }
  sleep 1
done`;
