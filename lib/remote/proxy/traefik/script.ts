import { Command, sh } from "../../../ground/command.ts";
import { traefikContainer } from "../../../ground/names.ts";
import { switchStatus } from "../driver.ts";

/** Where the container sees the files. */
export const filesInProxy = "/etc/traefik/dynamic";
/** Where Traefik's API listens inside its container, unless arguments of the user's say otherwise. */
export const apiPort = 48080;
/** How long Traefik may take to show a new file, in seconds. It takes a fraction of one. */
export const patience = 10;

const aboutFormat = `{{range .Mounts}}{{if eq .Destination "${filesInProxy}"}}dir={{.Source}}{{println}}{{end}}{{end}}{{range .Args}}{{println .}}{{end}}`;
const apiArgument = "s/^--[eE]ntry[pP]oints\\.traefik\\.address=.*:\\([0-9]*\\).*$/\\1/p";

/**
 * What all scripts of this room begin with: where the files are and where the API is, whoever booted the container.
 * Sets `dir`, `base` and `api`.
 */
export const prelude: Command = sh`about=$(docker container inspect --format ${aboutFormat} ${traefikContainer}) || exit ${switchStatus.refused}
dir=$(printf '%s\n' "$about" | sed -n 's/^dir=//p')
[ -n "$dir" ] || { echo ${`The container ${traefikContainer} was not started by capstan: it does not read the routes that capstan writes. \`capstan proxy reboot\` replaces it.`} >&2; exit ${switchStatus.refused}; }
base=$(dirname "$dir")
api=$(printf '%s\n' "$about" | sed -n ${apiArgument} | tail -n 1)
[ -n "$api" ] || api=8080
api=http://127.0.0.1:$api/api`;

/**
 * Runs inside the proxy's container, in its busybox. $1 is the API, $2 seconds, $3 the path of the marker or `gone PATH`.
 * Each line of standard input is a path and a text: once the marker is there, what the API says of the path must hold
 * the text and must not be disabled. Prints what is wrong.
 */
const watchCode = String.raw`want=$(cat)
ask() { timeout 2 wget -q -O - "$api/$1" 2> /dev/null; }
api=$1 end=$(($(date +%s) + $2)) hup=$(($(date +%s) + $2 / 2))
while :; do
  case $3 in
    gone\ *) ask version > /dev/null && ! ask "\${3#gone }" > /dev/null && exit 0 ;;
    *) ask "$3" > /dev/null && break ;;
  esac
  now=$(date +%s)
  [ "$now" -lt "$end" ] || { echo "Traefik has not taken the file in $2 s"; exit 1; }
  [ -z "$hup" ] || [ "$now" -lt "$hup" ] || { kill -HUP 1; hup=; }
  sleep 0.05
done
wrong=$(printf '%s\n' "$want" | while IFS=' ' read -r path text; do
  [ -n "$path" ] || continue
  got=$(ask "$path")
  case $got in
    '') echo "$path is not there" ;;
    *'"status":"disabled"'*) echo "$path is refused: $got" ;;
    *"$text"*) ;;
    *) echo "$path has no $text: $got" ;;
  esac
done)
[ -z "$wrong" ] || { printf '%s\n' "$wrong"; exit 1; }`.replaceAll("\\${", "${");

/**
 * Runs inside the proxy's container. $1 is an address in hexadecimal as the kernel lists it, $2 seconds: waits until no
 * connection to it is open, and prints how many are when the time is over.
 */
const drainCode = String.raw`end=$(($(date +%s) + $2))
while :; do
  open=$(cat /proc/net/tcp /proc/net/tcp6 2> /dev/null | grep -c "$1:[0-9A-F]* 01 ")
  [ "$open" -gt 0 ] || exit 0
  [ "$(date +%s)" -lt "$end" ] || { echo "$open"; exit 1; }
  sleep 0.1
done`;

/**
 * Shell functions, to be had after {@link prelude}.
 * `watch MARKER LINES`: until Traefik shows the marker; prints what is wrong. A Traefik that is just restarting is waited for.
 * `revision FILE`, `targets FILE`: what the file's comments say.
 * `drain ID`: until the proxy has no connection to that container any more, at most $drain seconds after the first call. It wants `deadline` to be empty.
 * `complain`: what Traefik itself says, on standard error.
 */
export const functions: Command = sh`inside() {
  n=0
  while :; do
    printf '%s\n' "$lines" | docker exec --interactive ${traefikContainer} "$@" && return
    status=$?
    [ $status -ge 125 ] && [ $n -lt ${patience} ] || return $status
    n=$((n + 1))
    sleep 1
  done
}
watch() { lines=$2; inside sh -c ${watchCode} sh "$api" ${patience} "$1"; }
revision() { sed -n 's/^# revision //p' "$1" 2> /dev/null; }
targets() { sed -n 's/^# targets //p' "$1" 2> /dev/null; }
complain() { docker logs --tail 200 --since 60s ${traefikContainer} 2>&1 | grep -iE 'err|error|warn' | tail -n 5 >&2; }
drain() {
  [ -n "$deadline" ] || deadline=$(($(date +%s) + drain))
  for ip in $(docker container inspect --format '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' "$1" 2> /dev/null); do
    left=$((deadline - $(date +%s)))
    [ $left -gt 0 ] || left=0
    open=$(docker exec ${traefikContainer} sh -c ${drainCode} sh "$(printf '%02X%02X%02X%02X' $(echo "$ip" | tr . '\n' | sed -n '1!G;h;$p'))" "$left") || echo "$open connections to $1 are still open after $drain s: they end when it stops."
  done
}`;
