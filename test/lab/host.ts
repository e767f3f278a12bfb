import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { dockerClient } from "./prerequisites.ts";
import { isAlive, must, run, until, type Ran } from "./shell.ts";

/** What a host is made of. */
export interface HostPlan {
  /** Number in the lab, from 1. */
  readonly number: number;
  /** Prefix of network names on this machine: at most 8 characters. */
  readonly prefix: string;
  readonly address: string;
  readonly gateway: string;
  readonly bridge: string;
  /** Folder of the host's disk and logs: absolute. */
  readonly folder: string;
  readonly authorizedKeys: string;
  readonly registry: string;
  /** Size of the disk of its Docker; undefined: as large as this machine's. */
  readonly diskMb: number | undefined;
  /** Its home is on that disk too. */
  readonly oneDisk: boolean;
}

/**
 * Runs as process 1 of a host. Each host has its own /root, /run, /var/lib/docker; sshd and dockerd can be killed and started again.
 * Its disk need not wait for this machine's: a host that loses its power here leaves all it wrote.
 */
const init = `#!/bin/bash
folder=$1 registry=$2 cgroup=$3 disk=$4 one=$5
hostname "$(basename "$folder")"
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/docker /var/lib/docker
if [ -n "$one" ]; then
  mkdir -p "$folder/disk"
  mount -o loop,noatime,barrier=0 "$disk" "$folder/disk"
  mkdir -p "$folder/disk/root" "$folder/disk/docker"
  mount --bind "$folder/disk/root" /root
else
  mount --bind "$folder/root" /root
fi
if [ -n "$one" ]; then mount --bind "$folder/disk/docker" /var/lib/docker
elif [ -n "$disk" ]; then mount -o loop,noatime,barrier=0 "$disk" /var/lib/docker; else mount --bind "$folder/docker" /var/lib/docker; fi
unset DOCKER_HOST
export HOME=/root PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
cd /
sshd() { /usr/sbin/sshd -D -f "$folder/sshd_config" -E "$folder/log/sshd.log" & echo $! > "$folder/sshd.pid.inside"; }
dockerd() {
  rm -f /run/docker.pid /var/run/docker.pid
  "$(type -P dockerd)" --exec-opt native.cgroupdriver=cgroupfs --insecure-registry "$registry" --cgroup-parent="$cgroup" --log-level warn -H unix:///run/docker.sock -H "unix://$folder/docker.sock" >> "$folder/log/dockerd.log" 2>&1 &
}
trap sshd USR1
trap dockerd USR2
trap 'kill $(jobs -p) 2> /dev/null; wait; exit 0' TERM
sshd
dockerd
while :; do wait -n 2> /dev/null || sleep 0.2; done
`;

/** A host of the lab: own address, sshd, Docker and file system. Whatever it offers happens beside SSH. */
export class LabHost {
  readonly name: string;
  readonly address: string;
  readonly number: number;
  readonly #plan: HostPlan;
  #process: Bun.Subprocess | undefined;

  constructor(plan: HostPlan) {
    this.#plan = plan;
    this.number = plan.number;
    this.name = `h${plan.number}`;
    this.address = plan.address;
  }

  get #namespace(): string {
    return `${this.#plan.prefix}-h${this.#plan.number}`;
  }

  get #link(): string {
    return `${this.#plan.prefix}v${this.#plan.number}`;
  }

  /** The same after each power cycle, as a real card has it: neighbours remember it. */
  get #hardwareAddress(): string {
    return `02:00:${this.#plan.address.split(".").map((part) => Number(part).toString(16).padStart(2, "0")).join(":")}`;
  }

  /** Path of its Docker's socket on this machine. */
  get dockerSocket(): string {
    return `${this.#plan.folder}/docker.sock`;
  }

  /** Switches the host on, and returns before it is ready. */
  async powerOn(): Promise<void> {
    const { folder, address, gateway, bridge, registry, diskMb, oneDisk, authorizedKeys } = this.#plan;
    for (const name of ["root", "docker", "log"]) await mkdir(`${folder}/${name}`, { recursive: true });
    if (!existsSync(`${folder}/ssh_host_key`)) await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", `${folder}/ssh_host_key`]);
    const disk = diskMb === undefined ? "" : `${folder}/disk.img`;
    if (disk !== "" && !existsSync(disk)) {
      await must(["truncate", "-s", `${diskMb}M`, disk]);
      await must(["mkfs.ext4", "-q", "-F", disk]);
    }
    await writeFile(`${folder}/init`, init, { mode: 0o755 });
    await writeFile(`${folder}/sshd_config`, [
      "Port 22", `HostKey ${folder}/ssh_host_key`, `AuthorizedKeysFile ${authorizedKeys}`, "PermitRootLogin prohibit-password", "PasswordAuthentication no",
      "StrictModes no", "UsePAM no", "UseDNS no", "PidFile none", "LogLevel VERBOSE", "Subsystem sftp internal-sftp", "",
    ].join("\n"));
    const namespace = this.#namespace;
    await run(["ip", "netns", "del", namespace]);
    await run(["ip", "link", "del", this.#link]);
    await must(["ip", "netns", "add", namespace]);
    await must(["ip", "link", "add", this.#link, "type", "veth", "peer", "name", "eth0", "address", this.#hardwareAddress, "netns", namespace]);
    await must(["ip", "link", "set", this.#link, "master", bridge, "up"]);
    await must(["ip", "-n", namespace, "addr", "add", `${address}/24`, "dev", "eth0"]);
    await must(["ip", "-n", namespace, "link", "set", "lo", "up"]);
    await must(["ip", "-n", namespace, "link", "set", "eth0", "up"]);
    await must(["ip", "-n", namespace, "route", "add", "default", "via", gateway]);
    // nsenter, because `ip netns exec` remounts /sys and hides the cgroups from Docker.
    this.#process = Bun.spawn(
      ["setsid", "nsenter", `--net=/run/netns/${namespace}`, "unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc", `${folder}/init`, folder, registry, `/${namespace}`, disk, oneDisk ? "one" : ""],
      { stdin: "ignore", stdout: Bun.file(`${folder}/log/init.log`), stderr: Bun.file(`${folder}/log/init.err`) },
    );
    this.#process.unref();
    await writeFile(`${folder}/pid`, String(this.#process.pid));
  }

  /** Waits until sshd and Docker answer. */
  async ready(timeoutMs = 60_000): Promise<void> {
    await until(`sshd of ${this.name}`, () => this.#answersSsh(), timeoutMs);
    await until(`dockerd of ${this.name}`, async () => (await this.docker("info")).status === 0, timeoutMs);
  }

  /** Cuts the power: every process of the host is gone at once. */
  async powerOff(): Promise<void> {
    const pid = Number((await readFile(`${this.#plan.folder}/pid`, "utf8").catch(() => "0")).trim());
    if (pid > 0 && isAlive(pid)) process.kill(pid, "SIGKILL");
    await until(`${this.name} is off`, () => pid === 0 || !isAlive(pid), 10_000);
    await run(["ip", "netns", "del", this.#namespace]);
    await run(["ip", "link", "del", this.#link]);
    await rm(`${this.#plan.folder}/pid`, { force: true });
  }

  /** Runs a command on the host, not through SSH. */
  async exec(command: string, timeoutMs?: number): Promise<Ran> {
    const inside = await this.#init();
    return run(["nsenter", "-t", String(inside), "-m", "-n", "-p", "-u", "-i", "env", "-u", "DOCKER_HOST", "HOME=/root", "PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-c", `cd /root && ${command}`], timeoutMs === undefined ? {} : { timeoutMs });
  }

  /** Runs docker against the host's daemon. */
  docker(...args: readonly string[]): Promise<Ran> {
    return run([dockerClient, ...args], { env: { DOCKER_HOST: `unix://${this.dockerSocket}` }, timeoutMs: 120_000 });
  }

  /** A program of this machine as one that runs in the host's network: its 127.0.0.1 is the host's. */
  inNetwork(program: readonly string[]): readonly string[] {
    return ["nsenter", `--net=/run/netns/${this.#namespace}`, ...program];
  }

  /** Takes the cable out: packets are lost, nothing is reset. */
  async cut(): Promise<void> {
    await must(["ip", "link", "set", this.#link, "down"]);
  }

  async restore(): Promise<void> {
    await must(["ip", "link", "set", this.#link, "up"]);
  }

  /** Ends every SSH connection of the host with a reset, as a firewall does that forgot them. */
  async resetConnections(): Promise<void> {
    await this.exec("ss --kill --no-header state established '( sport = :22 )' > /dev/null");
  }

  /** Puts the clock that programs ask by `date` ahead, or behind. A host shares this machine's kernel, and no namespace has a wall clock of its own. @param hours 0: as it was */
  async skewClock(hours: number): Promise<void> {
    const real = `${this.#plan.folder}/date.real`;
    if (!existsSync(real)) await must(["cp", "/usr/bin/date", real]);
    const wrapper = `${this.#plan.folder}/date`;
    await this.exec("umount /usr/bin/date 2> /dev/null; true");
    if (hours === 0) return;
    await writeFile(wrapper, `#!/bin/sh\nexec ${real} -d '${hours > 0 ? "+" : ""}${hours} hours' "$@"\n`, { mode: 0o755 });
    const mounted = await this.exec(`mount --bind ${wrapper} /usr/bin/date`);
    if (mounted.status !== 0) throw new Error(`${this.name} keeps its clock: ${mounted.stderr.trim()}`);
  }

  /** Kills sshd and every session of it. */
  async killSshd(): Promise<void> {
    await this.exec("pkill -KILL -x sshd; n=0; while pgrep -x sshd > /dev/null && [ $n -lt 20 ]; do n=$((n + 1)); sleep 0.05; done");
  }

  /** Starts sshd. One that finds its port still taken ends by itself, so it is started again until it answers. */
  async startSshd(): Promise<void> {
    for (let left = 10; !(await this.#answersSsh()); left--) {
      process.kill(await this.#init(), "SIGUSR1");
      await until(`sshd of ${this.name}`, () => this.#answersSsh(), 3_000).catch((error: unknown) => {
        if (left === 0) throw error;
      });
    }
  }

  /** Kills Docker and its containers' supervisor, as a crash of the daemon does. */
  async killDockerd(): Promise<void> {
    await this.exec("pkill -KILL -x dockerd; pkill -KILL -x containerd; true");
    await until(`dockerd of ${this.name} is gone`, async () => (await this.docker("info")).status !== 0);
  }

  /** Ends Docker in order and starts it again, as the service manager does: containers stop, and start again where their policy says so. */
  async restartDockerd(): Promise<void> {
    await this.exec("pkill -TERM -x dockerd; n=0; while pgrep -x dockerd > /dev/null && [ $n -lt 300 ]; do n=$((n + 1)); sleep 0.1; done");
    await this.startDockerd();
  }

  async startDockerd(): Promise<void> {
    process.kill(await this.#init(), "SIGUSR2");
    await until(`dockerd of ${this.name}`, async () => (await this.docker("info")).status === 0, 60_000);
  }

  /** Fills the disk of the host's Docker. Needs a host with a disk of its own size. */
  async fillDisk(): Promise<void> {
    if (this.#plan.diskMb === undefined) throw new Error(`${this.name} has no disk of its own: give it a size`);
    await this.exec("dd if=/dev/zero of=/var/lib/docker/filler bs=64k 2> /dev/null; dd if=/dev/zero of=/var/lib/docker/filler2 bs=1k 2> /dev/null; true");
  }

  async freeDisk(): Promise<void> {
    await this.exec("rm -f /var/lib/docker/filler /var/lib/docker/filler2");
  }

  /** How often a text stands in sshd's log: connections, channels. */
  async sshdLog(): Promise<string> {
    return readFile(`${this.#plan.folder}/log/sshd.log`, "utf8").catch(() => "");
  }

  /** `ssh-ed25519 AAAA…`. */
  async hostKey(): Promise<string> {
    return (await readFile(`${this.#plan.folder}/ssh_host_key.pub`, "utf8")).split(" ").slice(0, 2).join(" ");
  }

  /** Names of the service's containers that run, sorted. */
  async running(service: string): Promise<string[]> {
    const { stdout } = await this.docker("ps", "--filter", `label=service=${service}`, "--format", "{{.Names}}");
    return stdout.split("\n").filter(Boolean).sort();
  }

  /** Names of all the service's containers, sorted. */
  async containers(service: string): Promise<string[]> {
    const { stdout } = await this.docker("ps", "--all", "--filter", `label=service=${service}`, "--format", "{{.Names}}");
    return stdout.split("\n").filter(Boolean).sort();
  }

  #answersSsh(): Promise<boolean> {
    return new Promise((answer) => {
      const socket = connect({ host: this.address, port: 22, timeout: 500 });
      const end = (isThere: boolean): void => {
        socket.destroy();
        answer(isThere);
      };
      socket.once("connect", () => end(true)).once("timeout", () => end(false)).once("error", () => end(false));
    });
  }

  /** The host's process 1 as this machine numbers it. */
  async #init(): Promise<number> {
    const pid = (await readFile(`${this.#plan.folder}/pid`, "utf8")).trim();
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
    const inside = Number(children.trim().split(" ")[0] ?? "");
    if (!(inside > 0)) throw new Error(`${this.name} is off`);
    return inside;
  }
}
