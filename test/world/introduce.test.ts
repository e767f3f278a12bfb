import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { sh, type Command } from "../../lib/ground/command.ts";
import type { Introduction } from "../../lib/ground/world.ts";
import { makeKey, me, startSshd, temporaryHome, type Sshd } from "./sshd.ts";
import { failureOf, limits, never, openTransport, type TestTransport } from "./transport.ts";

/** Everything here goes from one real sshd to another, by the agent that the first one is lent. */
const home = temporaryHome();
let [from, to, narrow]: readonly (Sshd | undefined)[] = [];
const at = (sshd: Sshd | undefined, host = "127.0.0.1"): string => `${me}@${host}:${sshd?.port}`;

beforeAll(async () => {
  const key = `${makeKey(join(home.path, ".ssh"), "id_ed25519", "ed25519")}.pub`;
  [from, to, narrow] = await Promise.all([startSshd([key]), startSshd([key], ["ListenAddress 127.0.0.2"]), startSshd([key], ["MaxSessions 1"])]);
  const lines = [from, to, narrow].map((sshd) => sshd?.knownHost ?? "");
  writeFileSync(join(home.path, ".ssh/known_hosts"), [...lines, lines[1]?.replace("127.0.0.1", "127.0.0.2") ?? ""].join(""));
});
afterAll(async () => {
  await Promise.all([from, to, narrow].map((sshd) => sshd?.[Symbol.asyncDispose]()));
  home[Symbol.dispose]();
});

const open = (): TestTransport => openTransport(home.path, { config: false, strictHostKeyChecking: "yes" });
const options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentityFile=none", "LogLevel=ERROR"].flatMap((option) => ["-o", option]);
const loggingIn = ({ address, port, user }: Introduction): Command => sh`ssh -F none -T ${options} -l ${user} -p ${port} -- ${address} ${"echo hello"}`;

test("a host logs in to its neighbour as often as it is let, and not once more", async () => {
  await using world = open();
  // More often than the agent may be open at once: one that is closed counts no more.
  for (let i = 0; i < 6; i++) {
    await using neighbour = await world.transport.introduce(at(from), at(to), never);
    expect(neighbour.hostKey).toBe(to?.knownHost.trim().split(" ").slice(1).join(" ") ?? "");
    expect(await world.transport.run(at(from), loggingIn(neighbour), limits)).toMatchObject({ status: 0, stdout: "hello\n" });
    if (i === 5) expect((await world.transport.run(at(from), loggingIn(neighbour), limits)).stderr).toContain("Permission denied");
  }
}, 60_000);

test("a host key that two machines have is good for neither", async () => {
  await using world = open();
  await world.transport.connect(at(to, "127.0.0.2"), never);
  expect(await failureOf(world.transport.introduce(at(from), at(to), never))).toMatchObject({
    host: at(to), message: `Cannot let ${at(from)} log in to ${at(to)}: another machine has the host key of ${at(to)} too; give each its own (ssh-keygen -A)`,
  });
  await using _ = await world.transport.introduce(at(to), at(from), never);
}, 60_000);

test("a host that had no session free when it was lent the agent gets it with the next one", async () => {
  await using world = open();
  const busy = await world.transport.open(at(narrow), sh`cat`, never);
  await using neighbour = await world.transport.introduce(at(narrow), at(to), never);
  await Bun.sleep(300);
  busy.end();
  await busy.ended;
  expect(await world.transport.run(at(narrow), loggingIn(neighbour), limits)).toMatchObject({ status: 0, stdout: "hello\n" });
}, 60_000);
