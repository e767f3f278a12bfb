import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Lab } from "../../lab.ts";
import { must, run, until, type Ran } from "../../shell.ts";
import type { Fleet } from "../fleet.ts";
import { delayedSubnet, knowHosts, standInNumber, subnetOf } from "../network.ts";

const server = fileURLToPath(new URL("./server.ts", import.meta.url));

/** The `docker` of a stand-in host: asks the one server, without starting a program. What stands in `record` in the host's home, it appends its arguments to. */
const client = `#!/bin/bash
[ ! -e "$HOME/record" ] || printf '%s\\0' "$#" "$@" >> "$HOME/record"
exec 3<> /dev/tcp/127.0.0.1/2375 || exit 125
printf '%s\\0' "$STAND_IN" "$#" "$@" >&3
IFS= read -r status <&3
[ "$status" != cat ] || exec cat <&3
IFS= read -r -d '' out <&3
IFS= read -r -d '' err <&3
printf %s "$out"
printf %s "$err" >&2
exit "$status"
`;

/** Process 1 of the one machine that is all stand-in hosts. What this machine's root has in its shell's start-up files is not theirs. Each host sees its own processes only, as a real one does: what looks through them would else look through all. */
const init = `#!/bin/bash
folder=$1 count=$2 bun=$3 server=$4
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd "$folder/root"
mount --bind "$folder/root" /root
export PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
echo 1 > /proc/sys/net/ipv4/ip_nonlocal_bind
"$bun" "$server" "$folder" > "$folder/server.log" 2>&1 &
for n in $(seq "$count"); do unshare --pid --fork --kill-child --mount-proc /usr/sbin/sshd -D -f "$folder/$n/sshd_config" -E "$folder/$n/sshd.log" & done
while :; do wait -n 2> /dev/null || sleep 0.2; done
`;

/** Many hosts that have an sshd, a home and processes of their own and share all else: one network, one Docker that only remembers and takes a fixed time. */
export class StandInFleet implements Fleet {
  readonly kind = "stand-in";
  readonly #lab: Lab;
  readonly #folder: string;
  readonly #namespace: string;

  private constructor(lab: Lab) {
    this.#lab = lab;
    this.#folder = `${lab.folder}/h${standInNumber}`;
    this.#namespace = `${lab.place.prefix}-h${standInNumber}`;
  }

  /** Brings the hosts up; the lab takes them down. @param delays one way, in ms: each will have a line */
  static async start(lab: Lab, count: number, delays: readonly number[]): Promise<StandInFleet> {
    const fleet = new StandInFleet(lab);
    await fleet.#network(count);
    await fleet.#files(count, delays);
    const folder = fleet.#folder;
    const child = Bun.spawn(
      ["setsid", "nsenter", `--net=/run/netns/${fleet.#namespace}`, "unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc", `${folder}/init`, folder, String(count), process.execPath, server],
      { stdin: "ignore", stdout: Bun.file(`${folder}/init.log`), stderr: Bun.file(`${folder}/init.err`) },
    );
    child.unref();
    await writeFile(`${folder}/pid`, String(child.pid));
    await until("the stand-in of Docker", async () => (await readFile(`${folder}/server.log`, "utf8").catch(() => "")).startsWith("ready"));
    await until("sshd of the stand-in hosts", async () => (await Promise.all(Array.from({ length: count }, (_, i) => fleet.sshdLog(i)))).every((log) => log.includes("Server listening")), 60_000);
    return fleet;
  }

  addresses(count: number, delayMs: number): readonly string[] {
    const subnet = delayMs === 0 ? subnetOf(this.#lab) : delayedSubnet(this.#lab, "stand-in", delayMs);
    return Array.from({ length: count }, (_, i) => `${subnet}.${11 + i}`);
  }

  exec(index: number, script: string): Promise<Ran> {
    const home = this.#home(index);
    return run(["nsenter", `--net=/run/netns/${this.#namespace}`, "env", `HOME=${home}`, `STAND_IN=${index + 1}`, `PATH=${this.#path}`, "sh", "-c", `cd && ${script}`], { timeoutMs: 120_000 });
  }

  sshdLog(index: number): Promise<string> {
    return readFile(`${this.#home(index)}/sshd.log`, "utf8").catch(() => "");
  }

  async record(index: number): Promise<() => Promise<string>> {
    const file = `${this.#home(index)}/record`;
    await writeFile(file, "");
    return async () => {
      const text = await readFile(file, "utf8");
      await must(["rm", "-f", file]);
      return text;
    };
  }

  get #path(): string {
    return `${this.#folder}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  }

  #home(index: number): string {
    return `${this.#folder}/${index + 1}`;
  }

  async #network(count: number): Promise<void> {
    const { prefix, bridge } = this.#lab.place;
    const [namespace, link, subnet] = [this.#namespace, `${prefix}v${standInNumber}`, subnetOf(this.#lab)];
    await run(["ip", "netns", "del", namespace]);
    await run(["ip", "link", "del", link]);
    await must(["ip", "netns", "add", namespace]);
    await must(["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace]);
    await must(["ip", "link", "set", link, "master", bridge, "up"]);
    await must(["ip", "addr", "add", `${subnet}.1/24`, "dev", bridge]);
    await must(["ip", "-n", namespace, "-batch", "-"], { input: ["link set lo up", ...Array.from({ length: count }, (_, i) => `addr add ${subnet}.${11 + i}/24 dev eth0`), "link set eth0 up", ""].join("\n") });
  }

  async #files(count: number, delays: readonly number[]): Promise<void> {
    const folder = this.#folder;
    await mkdir(`${folder}/bin`, { recursive: true });
    await writeFile(`${folder}/bin/docker`, client, { mode: 0o755 });
    await writeFile(`${folder}/init`, init, { mode: 0o755 });
    await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", `${folder}/ssh_host_key`]);
    for (let index = 0; index < count; index++) {
      const home = this.#home(index);
      await mkdir(home, { recursive: true });
      await writeFile(`${home}/sshd_config`, [
        "Port 22", ...[0, ...delays.filter((delay) => delay > 0)].map((delay) => `ListenAddress ${this.addresses(count, delay)[index]}`), `HostKey ${folder}/ssh_host_key`, `AuthorizedKeysFile ${this.#lab.folder}/authorized_keys`,
        "PermitRootLogin yes", "PasswordAuthentication no", "StrictModes no", "UsePAM no", "UseDNS no", "PidFile none", "LogLevel VERBOSE",
        `ForceCommand export HOME=${home} STAND_IN=${index + 1} PATH=${this.#path}; cd && exec sh -c "$SSH_ORIGINAL_COMMAND"`, "",
      ].join("\n"));
    }
    const key = (await readFile(`${folder}/ssh_host_key.pub`, "utf8")).split(" ").slice(0, 2).join(" ");
    await knowHosts(this.#lab, [0, ...delays.filter((delay) => delay > 0)].flatMap((delay) => this.addresses(count, delay).map((address) => `${address} ${key}`)));
  }
}
