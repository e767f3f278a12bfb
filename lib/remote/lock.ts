import { Command, sh, type Query } from "../ground/command.ts";
import { lockDirectory, runDirectory, type Named } from "../ground/names.ts";

/** Exit statuses of the commands that take the lock. */
export const lockStatusCode = {
  /** The run directory cannot be written: full, read-only, not ours. */
  cannotWrite: 74,
  /** Somebody holds the lock; who, stands on stdout for {@link readHeld}. */
  held: 75,
} as const;

/** What the tool itself writes as message. A lock with another one was taken by hand. */
export const automaticMessage = "Automatic deploy lock";

/** What everybody writes into a lock. */
export interface LockDetails {
  readonly lockedBy: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly version: string;
  readonly message: string;
}

/** Who holds the lock. */
export interface LockFact {
  readonly lockedBy: string;
  /** ISO 8601, UTC, by the clock of who took it; empty when the lock does not say. */
  readonly since: string;
  readonly version: string;
  readonly message: string;
  /** Taken by hand: stays until it is released. */
  readonly manual: boolean;
  /** The process that holds it, when it is one of ours. */
  readonly holder?: LockHolder;
}

/** A process of ours that holds the lock for a run. */
export interface LockHolder {
  /** The machine the run was started on. */
  readonly host: string;
  /** Such as `deploy`. */
  readonly command: string;
  /** What the run is doing. */
  readonly step: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  /** By the host's own clock. */
  readonly ageSeconds: number;
  /** Since its last sign of life on the host; a living holder beats every second. */
  readonly silentSeconds: number;
  readonly token: string;
  /** Its connection is gone: it keeps the lock for a moment more, for its run to come back. */
  readonly adrift?: true;
}

const oneLine = (text: string): string => text.replaceAll(/[\r\n]+/g, " ");

/** Base64 of the three lines that Kamal writes, in lines of 60 characters. */
function encoded({ lockedBy, at, version, message }: LockDetails): string {
  const text = `Locked by: ${oneLine(lockedBy)} at ${at}\nVersion: ${oneLine(version)}\nMessage: ${oneLine(message)}\n`;
  return Buffer.from(text.trimEnd(), "utf8").toString("base64").replaceAll(/.{60}(?=.)/g, "$&\n");
}

/**
 * Prints who holds the lock in the directory `$1`, a `key value` line each. Files beside `details` are ours: `holder`
 * (token, machine, command, time taken), `step`, `adrift.TOKEN` once that holder's connection is gone, and `beat`, whose age is the time since the last sign of life.
 */
const show = new Command(String.raw`show() {
  [ -d "$1" ] || return 0
  echo held
  printf 'details %s\n' "$(tr -d '\n' 2> /dev/null < "$1/details")"
  [ -e "$1/beat" ] || return 0
  cat "$1/holder" "$1/step" 2> /dev/null
  [ ! -e "$1/adrift.$(sed -n 's/^token //p' "$1/holder" 2> /dev/null)" ] || echo adrift
  printf 'beat %s\n' "$(stat -c %Y "$1/beat" 2> /dev/null)"
  printf 'now %s\n' "$(date +%s)"
}`);

/** Who holds the lock; undefined when nobody does. */
export function lockStatus(of: Named): Query<LockFact | undefined> {
  return { command: sh`${show}
show ${lockDirectory(of)}`, parse: readHeld };
}

/** The longest text that is taken from a lock. */
const mostChars = 8000;

/**
 * Reads what the commands here print of a held lock.
 * Source of the details: Kamal writes `Locked by: NAME at TIME`, `Version: V`, `Message: M`.
 */
export function readHeld(text: string): LockFact | undefined {
  const lines = text.split("\n");
  if (!lines.includes("held")) return undefined;
  const value = (key: string): string => lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1, key.length + 1 + mostChars) ?? "";
  const details = Buffer.from(value("details"), "base64").toString("utf8");
  const detail = (key: string): string => new RegExp(`^${key}: (.*)$`, "m").exec(details)?.[1] ?? "";
  const [, lockedBy = detail("Locked by"), since = ""] = /^Locked by: (.*) at (\S+)$/m.exec(details) ?? [];
  const message = detail("Message");
  const common = { lockedBy: lockedBy || "an unknown holder", since, version: detail("Version"), message };
  if (value("beat") === "") return { ...common, manual: message !== automaticMessage };
  const seconds = (key: string): number => (/^\d{1,12}$/.test(value(key)) ? Number(value(key)) : 0);
  const now = seconds("now");
  return {
    ...common,
    manual: false,
    holder: {
      host: value("from"), command: value("command"), step: value("step"), since, token: value("token"),
      ageSeconds: Math.max(0, now - seconds("taken")), silentSeconds: Math.max(0, now - seconds("beat")),
      ...(lines.includes("adrift") ? { adrift: true as const } : {}),
    },
  };
}

/** Takes the lock by hand: it stays until {@link releaseLock}. Ends with a status of {@link lockStatusCode} when it cannot. */
export function acquireLock(of: Named, details: LockDetails): Command {
  const directory = lockDirectory(of);
  return sh`${show}
mkdir -p ${runDirectory}
mkdir ${directory} || { [ -d ${directory} ] || exit ${lockStatusCode.cannotWrite}; show ${directory}; exit ${lockStatusCode.held}; }
echo ${encoded(details)} > ${`${directory}/details`} || { rm -r ${directory}; exit ${lockStatusCode.cannotWrite}; }`;
}

/** Takes the lock away, whoever holds it; a holder sees it and ends. Harmless when nobody does. */
export function releaseLock(of: Named): Command {
  const directory = lockDirectory(of);
  const gone = `${directory}.released`;
  return sh`[ ! -d ${directory} ] || { rm -rf ${gone} && mv ${directory} ${gone} && rm -rf ${gone}; }`;
}

/** A run that holds the lock for as long as it is heard. */
export interface LockHold extends LockDetails {
  /** Hex digits of this try: a holder only ever removes a lock that bears its own. */
  readonly token: string;
  /** The machine the run was started on. */
  readonly from: string;
  /** Such as `deploy`. */
  readonly command: string;
  /** The tokens of all earlier tries of a run that had the lock: one that bears such a token is taken over, and no other. */
  readonly after?: readonly string[];
  /** The holder gives up when it heard nothing for so long. */
  readonly silenceSeconds: number;
  /** And for so long, once its connection is gone. */
  readonly graceSeconds: number;
}

/** What a holder says. */
export const holderSays = {
  /** Followed by {@link freeForMs}. */
  taken: "taken",
  /** After each line that it read while the lock was its own: from then on it keeps the lock for the time of silence at least. */
  heard: "heard",
} as const;

/**
 * How long the lock had been free when it was taken, in milliseconds; 0 when its host cannot tell.
 * @param line the one that says that it was taken
 */
export const freeForMs = (line: string): number => 100 * Number(/^taken (\d{1,3})$/.exec(line.trim())?.[1] ?? 0);

/** Its last word: why it ended. */
export const holderEnds: Readonly<Record<string, string>> = {
  released: "it was given back",
  silent: "the host did not hear from this run for too long and gave it back (did this machine sleep, or was the network away?)",
  gone: "it was released by somebody else",
  stopped: "the process that held it was ended on the host",
};

/** The line that asks a holder to give the lock back. */
export const releaseLine = "release";

/**
 * Takes the lock and stays: prints `taken` and for how long it was free, then reads lines, each saying what the run is doing, and answers `heard`. It
 * gives the lock back when it is asked to with {@link releaseLine}, when it heard nothing for too long, or on TERM or HUP,
 * and ends itself when somebody else took the lock away. A lock of a holder that was killed with all its children is
 * taken over; one of Kamal or taken by hand never is. Ends with a status of {@link lockStatusCode} when it cannot take it.
 *
 * Why a run that lost its connection may go on once it has the lock again: the directory is what Kamal and capstan take,
 * by mkdir, and it stays when the connection goes. Taking again never makes one, it only puts its token into the place of
 * one of this run's. So the directory was there all the time since this run made it, and nobody else can have been at
 * work: whoever takes it over puts in another token, whoever releases it takes the token away.
 */
export function holdLock(of: Named, hold: LockHold): Command {
  return sh`dir=${lockDirectory(of)} token=${hold.token} limit=${hold.silenceSeconds} grace=${hold.graceSeconds} after=${hold.after?.join(" ") ?? "none"}
sign() { printf '%s\n' "token $token" ${`from ${oneLine(hold.from)}`} ${`command ${oneLine(hold.command)}`} "taken $(date +%s)" > "holder.$token" && touch beat && mv "holder.$token" holder && { echo 'step starting' > step || :; }; }
detail() { echo ${encoded(hold)} > details; }
${show}
${holder}
mkdir -p ${runDirectory} 2> /dev/null
freed=
[ -d "$dir" ] || freed=$(stat -c %.3Y ${runDirectory} 2> /dev/null)
take
trap '' PIPE
trap 'end stopped' TERM HUP INT
trap 'end silent' USR1
trap 'end gone' USR2
exec 3<&0
listen <&3 2> /dev/null &
reader=$!
watch < /dev/null > /dev/null 2>&1 3<&- &
watcher=$!
echo "taken $(idle)"
wait $reader && end released
owns "$dir" && : > "$dir/adrift.$token"
wait $watcher
end stopped`;
}

/**
 * The functions of the holder. The age of `beat` tells others that it lives, and it is only ever touched: that works on
 * a full disk, and makes none in a directory that is somebody else's by now. Before a silent lock is taken over it is
 * looked at a second time, so that a jump of the clock does no harm. A connection that breaks just before `taken` is
 * told ends nobody: the run comes back for that lock too. Who takes its run's lock again stands in the
 * directory while it looks and writes: what another one has put in its place meanwhile is never written to.
 * What was moved away to be removed is looked at once more: it may have been taken again just before.
 * Whoever gives a lock back, Kamal too, changes the folder it lies in: for how long nobody had it, is the time since then. That is
 * said in tenths of a second and three digits at most: of a longer word redaction may hold back the end.
 */
const holder = new Command(String.raw`owns() { [ -e "$1/holder" ] && IFS= read -r first < "$1/holder" && [ "$first" = "token $token" ]; }
aside() {
  mv "$dir" "$dir.$token" 2> /dev/null || return
  if "$@"; then rm -rf "$dir.$token"; elif [ ! -d "$dir" ]; then mv "$dir.$token" "$dir"; fi
}
drop() { owns "$dir" && aside owns "$dir.$token"; rmdir "${"${dir%/*}"}" 2> /dev/null; }
end() { kill $reader $watcher 2> /dev/null; drop; echo "$1"; exit 0; }
seen() { stat -c %Y "$dir/$1" 2> /dev/null; }
dead() {
  was=$(cat "$dir/holder" 2> /dev/null) then=$(seen beat)
  [ -n "$then" ] && [ $(($(date +%s) - then)) -gt $((limit + 5)) ] && sleep 3 && [ "$(seen beat)" = "$then" ]
}
same() { [ "$(cat "$dir.$token/holder" 2> /dev/null)" = "$was" ]; }
bury() { aside same || :; }
ours() {
  [ -e holder ] && IFS= read -r first < holder && for one in $after; do [ "$first" != "token $one" ] || return 0; done
  return 1
}
again() {
  (
    cd "$dir" 2> /dev/null && ours || exit ${String(lockStatusCode.held)}
    sign || { rm -f "holder.$token"; exit ${String(lockStatusCode.cannotWrite)}; }
  ) || return
  owns "$dir" || return ${String(lockStatusCode.held)}
}
take() {
  if [ "$after" != none ]; then
    again && return
    status=$?
    [ $status -ne ${String(lockStatusCode.held)} ] || show "$dir"
    exit $status
  fi
  for try in 1 2 3; do
    # Whoever gave a lock back may just have removed the empty folder around it.
    if why=$(mkdir -p "${"${dir%/*}"}" 2> /dev/null; mkdir "$dir" 2>&1); then
      (cd "$dir" && sign && detail) || { rm -rf "$dir"; exit ${String(lockStatusCode.cannotWrite)}; }
      return
    fi
    freed=
    if [ -d "$dir" ]; then dead && bury || break; fi
  done
  [ -d "$dir" ] && { show "$dir"; exit ${String(lockStatusCode.held)}; }
  printf '%s\n' "$why" >&2
  exit ${String(lockStatusCode.cannotWrite)}
}
idle() {
  now=$(date +%s%3N) since=${"${freed%.*}${freed#*.}"} tenths=0
  case $now$since in *[!0-9]*) now= ;; esac
  if [ ${"${#now}"} -eq ${"${#since}"} ]; then
    tenths=$(((now - since) / 100))
  else
    # Busybox knows whole seconds only.
    since=${"${freed%.*}"}
    case $since in '' | *[!0-9]*) ;; *) tenths=$((($(date +%s) - since - 1) * 10)) ;; esac
  fi
  [ $tenths -ge 0 ] || tenths=0
  [ $tenths -lt 999 ] || tenths=999
  echo $tenths
}
listen() {
  while IFS= read -r line; do
    owns "$dir" || return 1
    [ "$line" != ${releaseLine} ] || return 0
    printf 'step %s\n' "$line" > "$dir/step"
    echo heard
  done
  return 1
}
watch() {
  quiet=0 heard=
  while sleep 1; do
    kill -0 $$ 2> /dev/null || { drop; kill $reader; break; }
    owns "$dir" || { kill -USR2 $$; break; }
    touch -c "$dir/beat"
    now=$(seen step)
    if [ "$now" = "$heard" ]; then quiet=$((quiet + 1)); else heard=$now quiet=0; fi
    most=$limit
    [ ! -e "$dir/adrift.$token" ] || most=$grace
    [ $quiet -lt $most ] || { kill -USR1 $$; break; }
  done
}`);
