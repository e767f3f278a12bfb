import { Command, sh } from "../ground/command.ts";
import type { World } from "../ground/world.ts";
import { recordName } from "./batch.ts";

/** A batch that was at work when its connection was lost. */
export interface LeftBehind {
  readonly mark: string;
  /** Of its shell; undefined: it did not come to say so. */
  readonly pid: number | undefined;
}

/** What became of a batch: the statuses of the commands that ended, in order; or nobody knows any more. */
export type Record = { readonly statuses: readonly number[] } | "gone";

/**
 * Asks what became of a batch that nobody listened to. Its shell is told to stop after the command in flight, and waited
 * for; then its record is printed and goes away. Prints `did STATUS STATUS .`, `gone` when there is neither a shell nor a
 * record, `busy` when the shell is still at work. Nobody else's process is touched: its number may be another one's by
 * now, so it is looked at first. The mark is cut in two, lest this command finds itself, and its programs too: a pattern is no
 * match of itself. A few programs look at all processes, since a host may have thousands; not every `grep` reads past a NUL.
 */
export function recordCommand({ mark, pid }: LeftBehind, waitMs: number): Command {
  const half = Math.floor(mark.length / 2);
  return sh`head=${mark.slice(0, half)} tail=${mark.slice(half)} seek=${`[${mark.slice(0, 1)}]${mark.slice(1)}`} pid=${pid === undefined ? new Command("") : pid} most=${Math.max(1, Math.ceil(waitMs / 100))}
mark=$head$tail
${ask}`;
}

const ask = new Command(String.raw`words() { tr '\0' '\n' 2> /dev/null < "/proc/$1/$2"; }
ours() { [ -n "$1" ] && words "$1" cmdline | grep -q "$mark"; }
parent() { sed -n 's/^PPid:[^0-9]*//p' "/proc/$1/status" 2> /dev/null; }
having() { head -c 4000000 /proc/[0-9]*/"$2" 2> /dev/null | tr '\0' '\n' | sed -n "/^==> /h; /$1/{g;s/[^0-9]*\([0-9]*\).*/\1/p;}"; }
[ -n "$pid" ] || for one in $(having "$seek" cmdline); do
  ours "$one" && ! ours "$(parent "$one")" && pid=$one
done
left=5 n=0
while [ $n -lt $most ]; do
  if ours "$pid"; then
    kill -USR1 "$pid"
  else
    for one in $(having "^NAME=$mark:" environ); do
      did=$(words "$one" environ | sed -n "s/^NAME=$mark://p")
      [ -n "$did" ] && kill "$one" && echo "did $did" && exit 0
    done
    left=$((left - 1))
    [ $left -gt 0 ] || { echo gone; exit 0; }
  fi
  n=$((n + 1))
  sleep 0.1 || sleep 1
done
echo busy`.replaceAll("NAME", recordName));

/**
 * Waits until nothing of a batch is at work on its host any more, and gives its record; undefined when it is still at work after `waitMs`.
 * @throws ConnectError, TimeoutError, or a cancellation
 */
export async function recordOf(world: World, host: string, left: LeftBehind, waitMs: number, signal: AbortSignal): Promise<Record | undefined> {
  const { stdout } = await world.transport.run(host, recordCommand(left, waitMs), { timeoutMs: waitMs + 30_000, signal });
  const [what, ...statuses] = stdout.trim().split(" ");
  if (what === "busy") return undefined;
  return what === "did" ? { statuses: statuses.filter((one) => /^\d+$/.test(one)).map(Number) } : "gone";
}
