import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { LabHost } from "./host.ts";
import { ensurePrerequisites, PrerequisiteError } from "./prerequisites.ts";
import { proxyImageFile, type LabProxy } from "./proxy-image.ts";
import { LabRegistry } from "./registry.ts";
import { isAlive, must, run } from "./shell.ts";

/** What a lab is made of. */
export interface LabOptions {
  readonly hosts: number;
  /** Size of the disk of each host's Docker in MB; default: no limit. */
  readonly diskMb?: number;
  /** Whose images the hosts have; default: kamal-proxy's. */
  readonly proxies?: readonly LabProxy[];
  /** Each host has all it writes on one disk of `diskMb`, as a small server has; default: only its Docker has. */
  readonly oneDisk?: boolean;
  /** The registry listens on the port behind its address: whoever wants to be asked instead of it listens on the address itself. */
  readonly registryBehind?: boolean;
  readonly say?: (text: string) => void;
}

/** Where labs keep their disks and logs. */
const base = "/var/tmp/capstan-lab";
const slots = 40;

/** Real hosts on this machine, a registry that they reach, and a Docker to build with. Give it back with `await using`. */
export class Lab implements AsyncDisposable {
  readonly hosts: readonly LabHost[];
  /** A host that only builds: its Docker is the deploying side's. */
  readonly builder: LabHost;
  readonly registry: LabRegistry;
  readonly folder: string;
  readonly #slot: Slot;

  constructor(slot: Slot, hosts: readonly LabHost[], builder: LabHost, registry: LabRegistry) {
    this.#slot = slot;
    this.folder = slot.folder;
    this.hosts = hosts;
    this.builder = builder;
    this.registry = registry;
  }

  /** Private key that every host takes. */
  get key(): string {
    return `${this.folder}/home/.ssh/id_ed25519`;
  }

  /** Environment of the deploying side: a home of its own with key and known hosts, and the builder's Docker. */
  get env(): Record<string, string> {
    return { HOME: `${this.folder}/home`, DOCKER_HOST: `unix://${this.builder.dockerSocket}`, PATH: `/usr/bin:${process.env["PATH"] ?? ""}`, LANG: "C.UTF-8" };
  }

  /** Number of its place on this machine, and how the names of its networks begin: `cap3`. */
  get place(): { readonly number: number; readonly prefix: string; readonly bridge: string } {
    return this.#slot;
  }

  host(number: number): LabHost {
    const host = this.hosts[number - 1];
    if (host === undefined) throw new Error(`There is no host ${number}`);
    return host;
  }

  /** `http://ADDRESS/` of every host. */
  get urls(): readonly string[] {
    return this.hosts.map((host) => `http://${host.address}/`);
  }

  /** Takes everything down: processes, networks, disks. */
  async stop(): Promise<void> {
    await this.registry.stop().catch(() => undefined);
    await clear(this.#slot);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

interface Slot {
  readonly number: number;
  readonly folder: string;
  readonly prefix: string;
  readonly bridge: string;
  readonly network: string;
}

/**
 * Brings a lab up: installs what is missing, then the hosts side by side. What an earlier run left behind is cleared.
 * @throws PrerequisiteError when this machine cannot have one
 */
export async function startLab(options: LabOptions): Promise<Lab> {
  const say = options.say ?? ((text: string) => console.log(text));
  await ensurePrerequisites(say);
  const slot = await takeSlot();
  try {
    return await build(slot, options, say);
  } catch (error) {
    const logs = await hostLogs(slot);
    await clear(slot);
    if (error instanceof PrerequisiteError || logs === "") throw error;
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${logs}`, { cause: error });
  }
}

async function build(slot: Slot, options: LabOptions, say: (text: string) => void): Promise<Lab> {
  const gateway = `${slot.network}.1`;
  await must(["ip", "link", "add", slot.bridge, "type", "bridge"]);
  await must(["ip", "addr", "add", `${gateway}/24`, "dev", slot.bridge]);
  await must(["ip", "link", "set", slot.bridge, "up"]);
  await makeKey(slot);
  const registry = new LabRegistry(`${gateway}:5000`, `${slot.folder}/registry`, options.registryBehind === true ? `${gateway}:5001` : undefined);
  const plan = (number: number, diskMb: number | undefined) => ({
    number, prefix: slot.prefix, address: `${slot.network}.${10 + number}`, gateway, bridge: slot.bridge, folder: `${slot.folder}/h${number}`,
    authorizedKeys: `${slot.folder}/authorized_keys`, registry: registry.address, diskMb, oneDisk: options.oneDisk === true && diskMb !== undefined,
  });
  const hosts = Array.from({ length: options.hosts }, (_, i) => new LabHost(plan(i + 1, options.diskMb)));
  const builder = new LabHost(plan(200, undefined));
  await Promise.all([registry.start(), ...[...hosts, builder].map((host) => host.powerOn())]);
  await Promise.all([...hosts, builder].map((host) => host.ready()));
  for (const proxy of options.proxies ?? ["kamal-proxy"]) {
    const image = await proxyImageFile(proxy, `unix://${builder.dockerSocket}`, say);
    await Promise.all(hosts.map(async (host) => {
      const loaded = await host.docker("load", "--quiet", "--input", image);
      if (loaded.status !== 0) throw new Error(`${host.name} cannot load the image of ${proxy}: ${loaded.stderr.trim()}`);
    }));
  }
  await writeFile(`${slot.folder}/home/.ssh/known_hosts`, (await Promise.all(hosts.map(async (host) => `${host.address} ${await host.hostKey()}\n`))).join(""), { mode: 0o600 });
  return new Lab(slot, hosts, builder, registry);
}

async function makeKey(slot: Slot): Promise<void> {
  const folder = `${slot.folder}/home/.ssh`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", `${folder}/id_ed25519`]);
  await writeFile(`${slot.folder}/authorized_keys`, await readFile(`${folder}/id_ed25519.pub`));
}

/** The first slot that no living process has; what a dead one left in it is cleared. */
async function takeSlot(): Promise<Slot> {
  for (let number = 0; number < slots; number++) {
    const slot = slotOf(number);
    if (await isTaken(slot)) continue;
    // Several may look at the same slot at once: the first to make this file has it.
    const claim = `${slot.folder}.claim`;
    await mkdir(base, { recursive: true });
    const claimed = await writeFile(claim, String(process.pid), { flag: "wx" }).then(() => true, () => false);
    if (!claimed) {
      const claimant = Number(await readFile(claim, "utf8").catch(() => "0"));
      if (claimant > 0 && !isAlive(claimant)) await rm(claim, { force: true });
      continue;
    }
    try {
      if (await isTaken(slot)) continue;
      await clear(slot);
      await mkdir(slot.folder, { recursive: true });
      await writeFile(`${slot.folder}/owner`, String(process.pid));
      return slot;
    } finally {
      await rm(claim, { force: true });
    }
  }
  throw new PrerequisiteError(`All ${slots} places for labs are taken: stop one`);
}

async function isTaken(slot: Slot): Promise<boolean> {
  const owner = Number(await readFile(`${slot.folder}/owner`, "utf8").catch(() => "0"));
  return owner > 0 && isAlive(owner);
}

/** Takes down the labs of processes that are gone: killed, or ended without giving theirs back. */
export async function clearAbandoned(): Promise<void> {
  await clearWhere((owner) => !(owner > 0 && isAlive(owner)));
}

/** Takes down the labs of this process, also one that is just coming up: for Ctrl-C. */
export async function clearOwn(): Promise<void> {
  await clearWhere((owner) => owner === process.pid);
}

async function clearWhere(isMeant: (owner: number) => boolean): Promise<void> {
  for (const name of existsSync(base) ? await readdir(base) : []) {
    const owner = Number(await readFile(`${base}/${name}/owner`, "utf8").catch(() => "0"));
    if (/^\d+$/.test(name) && isMeant(owner)) await clear(slotOf(Number(name)));
  }
}

function slotOf(number: number): Slot {
  return { number, folder: `${base}/${number}`, prefix: `cap${number}`, bridge: `cap${number}br`, network: `10.97.${100 + number}` };
}

/** Takes down whatever is in a slot, by the process numbers that were written down. */
async function clear(slot: Slot): Promise<void> {
  if (!existsSync(slot.folder)) return;
  const entries = await readdir(slot.folder);
  const pids = await Promise.all([...entries.filter((name) => /^h\d+$/.test(name)), "registry"].map(async (name) => {
    const pid = Number(await readFile(`${slot.folder}/${name}/pid`, "utf8").catch(() => "0"));
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return pid > 0 && command.includes(slot.folder) ? [pid] : [];
  }));
  for (const pid of pids.flat()) if (isAlive(pid)) process.kill(pid, "SIGKILL");
  for (let i = 0; i < 100 && pids.flat().some(isAlive); i++) await Bun.sleep(50);
  await Promise.all(entries.filter((name) => /^h\d+$/.test(name)).map(async (name) => {
    await run(["ip", "netns", "del", `${slot.prefix}-${name}`]);
    await run(["ip", "link", "del", `${slot.prefix}v${name.slice(1)}`]);
  }));
  await run(["ip", "link", "del", slot.bridge]);
  for (let i = 0; i < 20; i++) {
    await rm(slot.folder, { recursive: true, force: true }).catch(() => undefined);
    if (!existsSync(slot.folder)) return;
    await Bun.sleep(100);
  }
}

async function hostLogs(slot: Slot): Promise<string> {
  const { stdout } = await run(["sh", "-c", `tail -n 5 ${slot.folder}/h*/log/*.err ${slot.folder}/h*/log/dockerd.log 2> /dev/null`]);
  return stdout.trim();
}
