import { sh, type Command } from "../ground/command.ts";

/** Exit statuses of {@link installDocker}. */
export const bootstrapStatus = {
  /** Docker is missing or not for this user, who is neither root nor may run sudo without a password. */
  notAllowed: 78,
  /** Neither curl nor wget could fetch the install script. */
  noDownload: 79,
  /** Docker is installed and its daemon does not answer. */
  notRunning: 80,
} as const;

/**
 * Makes sure that Docker is installed, its daemon runs and the user may use it. Harmless when all is well. sudo is used for nothing but that,
 * and never asks. Ends with one of {@link bootstrapStatus} and on stderr what to do when it cannot. A user who was added to the group docker is
 * in it from the next connection on.
 */
export const installDocker = (): Command => sh`say() { echo "$1" >&2; }
me=$(id -un)
if [ "$(id -u)" -eq 0 ]; then root=; else root='sudo -n'; fi
refuse() {
  if command -v sudo > /dev/null 2>&1; then why="sudo asks $me for a password, or does not let $me do it"; else why="$me is not root and there is no sudo"; fi
  say "$1, and $why."
  say "As root there: $2"
  exit ${bootstrapStatus.notAllowed}
}
if ! command -v docker > /dev/null 2>&1; then
  [ -z "$root" ] || $root sh -c : > /dev/null 2>&1 || refuse 'Docker is missing' "install Docker, then: usermod -aG docker $me"
  script=$(curl -fsSL https://get.docker.com || wget -q -O - https://get.docker.com) && [ -n "$script" ] || { say "Cannot download the install script of Docker: is there curl or wget, and a way to get.docker.com?"; exit ${bootstrapStatus.noDownload}; }
  printf '%s\n' "$script" | sh || exit
fi
docker version > /dev/null 2>&1 && exit 0
if [ -n "$root" ] && ! id -nG "$me" | tr ' ' '\n' | grep -q -x docker; then
  $root usermod -aG docker "$me" > /dev/null 2>&1 || refuse "Docker is there, but $me may not use it" "usermod -aG docker $me"
  say "Added $me to the group docker"
fi
if [ -n "$root" ] && id -nG "$me" | tr ' ' '\n' | grep -q -x docker && ! $root sh -c : > /dev/null 2>&1; then
  # Who is in the group, and may do nothing as root, sees on a new connection whether the daemon runs.
  exit 0
fi
$root docker version > /dev/null 2>&1 && exit 0
{ $root systemctl start docker || $root service docker start; } > /dev/null 2>&1
n=0
until $root docker version > /dev/null 2>&1; do
  n=$((n + 1))
  [ $n -le 15 ] || { say "Docker is installed and its daemon does not answer: look at its log"; exit ${bootstrapStatus.notRunning}; }
  sleep 1
done`;
