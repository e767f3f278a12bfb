import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { sh } from "../../lib/ground/command.ts";
import { createBox } from "./box.ts";
import { makeKey, me, startSshd } from "./sshd.ts";
import { failureOf, limits, never, openTransport } from "./transport.ts";

/** What a real sshd may have against us, and what it may ask of the connection. */
const box = createBox();
const { folder } = box;
afterAll(() => box[Symbol.dispose]());
const patience = 20_000;

describe("a host that lets nobody in", () => {
  const refused = `Cannot connect to box: it refused every key for the user ${me}`;
  test.each<[string, string[]]>([
    ["but others", ["AllowUsers somebody-else"]],
    ["of our name", [`DenyUsers ${me}`]],
    ["without the right key", ["AuthorizedKeysFile /nowhere"]],
    ...(me === "root" ? [["as root", ["PermitRootLogin no"]] as [string, string[]]] : []),
  ])("%s", async (_, server) => {
    await using open = openTransport(folder, box.reach(server));
    expect(await failureOf(open.transport.connect("box", never))).toMatchObject({
      reason: "authentication",
      message: refused,
      details: [`tried: ${box.key}`],
      hint: `Add one of these keys to ~/.ssh/authorized_keys of ${me} on the host, or set ssh.user or ssh.keys.${me === "root" ? " Its sshd may also keep root out: PermitRootLogin and AllowUsers in sshd_config." : ""}`,
    });
  }, patience);

  test("and has a banner for everybody", async () => {
    writeFileSync(join(folder, "banner"), "\u001b[31mKeep out\u0007\n\n  This is the old host\n");
    await using open = openTransport(folder, box.reach([`Banner ${folder}/banner`, "AllowUsers somebody-else"]));
    expect(await failureOf(open.transport.connect("box", never))).toMatchObject({ details: [`tried: ${box.key}`, "it says: [31mKeep out", "it says: This is the old host"] });
  }, patience);

  test("under a name that it does not know", async () => {
    await using open = openTransport(folder, { ...box.reach(), user: "no-such-user" });
    expect(await failureOf(open.transport.connect("box", never))).toMatchObject({ message: "Cannot connect to box: it refused every key for the user no-such-user" });
  }, patience);

  test("now, as too many come at once: it is asked again", async () => {
    await using busy = await startSshd([`${box.key}.pub`], ["MaxStartups 1", "LoginGraceTime 60"]);
    // One that has not logged in takes the only place.
    const first = connect(busy.port, "127.0.0.1");
    first.on("error", () => undefined);
    while (!busy.log().includes("Connection from")) await Bun.sleep(10);
    const options = { keys: [box.key], keysOnly: true, user: me, config: false } as const;
    await using fails = openTransport(folder, options);
    expect(await failureOf(fails.transport.connect(`127.0.0.1:${busy.port}`, never))).toMatchObject({ reason: "protocol", message: expect.stringMatching(/: it (hung up without a word|takes no connection now)/), hint: expect.stringContaining("MaxStartups") });
    await using open = openTransport(folder, options);
    setTimeout(() => first.destroy(), 100);
    await open.transport.connect(`127.0.0.1:${busy.port}`, never);
  }, patience);
});

describe("a ProxyCommand", () => {
  test.each([
    ["echo 'no such tunnel' >&2; exit 3", "Cannot connect to box: its ProxyCommand ended with status 3: no such tunnel"],
    ["false", "Cannot connect to box: its ProxyCommand ended with status 1"],
    ["kill -9 $$", "Cannot connect to box: its ProxyCommand was ended by SIGKILL"],
  ])("that fails is told with what it says: %s", async (command, message) => {
    const proxyCommand = `sh -c "${command.replaceAll("$", "\\$")}"`;
    await using open = openTransport(folder, { keys: [box.key], config: false, proxyCommand });
    expect(await failureOf(open.transport.connect("box", never))).toMatchObject({ reason: "unreachable", message, hint: "Run that command by hand, and look at ProxyCommand in the SSH config or ssh.proxyCommand." });
  }, patience);

  test("runs in the user's own shell", async () => {
    const shell = join(folder, "shell");
    writeFileSync(shell, `#!/bin/sh\necho "$*" > ${folder}/ran\nexit 7\n`, { mode: 0o700 });
    await using open = openTransport(folder, { keys: [box.key], config: false, proxyCommand: "reach %h %p" }, { env: { SHELL: shell } });
    expect(await failureOf(open.transport.connect("box:23", never))).toMatchObject({ message: "Cannot connect to box:23: its ProxyCommand ended with status 7" });
    expect(readFileSync(join(folder, "ran"), "utf8")).toBe("-c exec reach box 23\n");
  }, patience);
});

describe("no host answers for another", () => {
  test("through a jump host it is the key of the host behind that counts", async () => {
    await using jump = await startSshd([`${box.key}.pub`]);
    await using inner = await startSshd([`${box.key}.pub`]);
    const home = join(folder, "jump");
    mkdirSync(join(home, ".ssh"), { recursive: true });
    const known = (lines: string): void => writeFileSync(join(home, ".ssh/known_hosts"), lines);
    const keyOf = (line: string): string => line.slice(line.indexOf(" "));
    const at = (port: number): string => `${me}@127.0.0.1:${port}`;
    const connecting = async (): Promise<unknown> => {
      await using open = openTransport(home, { keys: [box.key], keysOnly: true, strictHostKeyChecking: "yes", proxy: at(jump.port) });
      return await open.transport.connect(at(inner.port), never).then(() => "connected", (error: unknown) => error);
    };
    known(jump.knownHost + inner.knownHost);
    expect(await connecting()).toBe("connected");
    known(`${jump.knownHost}[127.0.0.1]:${inner.port}${keyOf(jump.knownHost)}`);
    expect(await connecting()).toMatchObject({ reason: "host-key", message: expect.stringContaining(`Cannot connect to ${at(inner.port)}: its host key is not the one in`) });
    known(`${inner.knownHost}[127.0.0.1]:${jump.port}${keyOf(inner.knownHost)}`);
    expect(await connecting()).toMatchObject({ reason: "jump", message: expect.stringContaining("its host key is not the one in") });
  }, patience);

  test("behind a HostKeyAlias it is the alias that is known, whatever the port", async () => {
    const other = makeKey(folder, "other-host", "ed25519");
    const known = join(folder, "alias_known");
    const line = (name: string, key: string): string => `${name} ${readFileSync(`${key}.pub`, "utf8")}`;
    const ssh = box.reach([], ["HostKeyAlias pool", "Port 2222", `UserKnownHostsFile ${known}`, "GlobalKnownHostsFile none"]);
    const connecting = async (lines: string): Promise<unknown> => {
      writeFileSync(known, lines);
      await using open = openTransport(folder, ssh);
      return await open.transport.connect("box", never).then(() => "connected", (error: unknown) => error);
    };
    expect(await connecting(line("pool", box.hostKey) + line("[box]:2222", other))).toBe("connected");
    expect(await connecting(line("box", box.hostKey))).toMatchObject({ reason: "host-key", message: expect.stringContaining("its host key is not known") });
    expect(await connecting(line("pool", other) + line("box", box.hostKey))).toMatchObject({ reason: "host-key", message: expect.stringContaining(`its host key is not the one in ${known}:1`) });
    expect(await connecting(`${line("pool", box.hostKey)}@revoked * ${readFileSync(`${box.hostKey}.pub`, "utf8")}`)).toMatchObject({ reason: "host-key", message: expect.stringContaining(`its host key is revoked in ${known}:2`) });
  }, patience);

  test("without a file of its own a new key is taken, told and written nowhere", async () => {
    const ssh = { ...box.reach([], ["UserKnownHostsFile none", "GlobalKnownHostsFile none"]), strictHostKeyChecking: "accept-new" as const };
    await using open = openTransport(folder, ssh);
    await open.transport.connect("box", never);
    expect(open.notices()).toEqual([expect.stringMatching(/^New host key accepted: ssh-ed25519 SHA256:/)]);
  }, patience);
});

describe("a connection", () => {
  const megabytes = 6;
  const bytes = megabytes * 1024 * 1024;
  const upAndDown = async (ssh: Parameters<typeof openTransport>[1]): Promise<void> => {
    await using open = openTransport(folder, ssh);
    const up = open.transport.run("box", sh`wc -c`.stdin("0123456789abcdef".repeat(bytes / 16)), limits);
    expect((await up).stdout.trim()).toBe(String(bytes));
    const down = await open.transport.run("box", sh`head -c ${String(bytes)} /dev/zero | tr '\\0' x | tee /dev/stderr 2>&1 >/dev/null | wc -c`, limits);
    expect(down.stdout.trim()).toBe(String(bytes));
    const kept = await open.transport.run("box", sh`head -c 3000000 /dev/zero | tr '\\0' x`, limits);
    expect(kept.status).toBe(0);
  };

  test("changes its keys in the middle of long transfers, both ways", async () => {
    await upAndDown(box.reach(["RekeyLimit 1M"]));
  }, patience);

  test("is compressed where the SSH config says so", async () => {
    await upAndDown(box.reach(["Compression yes"], ["Compression yes"]));
  }, patience);

  test("makes do with one session at a time", async () => {
    await using open = openTransport(folder, box.reach(["MaxSessions 1"]));
    const outputs = await Promise.all(["a", "b", "c", "d"].map(async (word) => (await open.transport.run("box", sh`echo ${word}`, limits)).stdout));
    expect(outputs).toEqual(["a\n", "b\n", "c\n", "d\n"]);
  }, patience);

  test("that may open no session says so", async () => {
    await using open = openTransport(folder, box.reach(["MaxSessions 0"]));
    expect(await failureOf(open.transport.run("box", sh`true`, limits))).toMatchObject({ reason: "protocol", message: expect.stringContaining('Cannot run "true" on box: it opens no session'), hint: "Raise MaxSessions in sshd_config, and check that the user may run commands." });
  }, patience);

  test("reaches an IPv6 address, with and without a port of its own", async () => {
    await using sshd = await startSshd([`${box.key}.pub`], ["ListenAddress ::1"]);
    const known = sshd.knownHost + sshd.knownHost.replace("127.0.0.1", "::1");
    const home = join(folder, "v6");
    mkdirSync(join(home, ".ssh"), { recursive: true });
    writeFileSync(join(home, ".ssh/known_hosts"), known);
    writeFileSync(join(home, ".ssh/config"), `Host six\n  HostName ::1\n  Port ${sshd.port}\nHost through\n  HostName ::1\n  Port ${sshd.port}\n  ProxyJump ${me}@127.0.0.1:${sshd.port}\n`);
    for (const name of [`${me}@[::1]:${sshd.port}`, `${me}@six`, `${me}@through`]) {
      await using open = openTransport(home, { keys: [box.key], keysOnly: true, strictHostKeyChecking: "yes" });
      await open.transport.connect(name, never);
    }
    rmSync(home, { recursive: true });
  }, patience);
});
