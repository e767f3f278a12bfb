import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { handOnImage, keepLine, receiveImage, takeLine } from "../../lib/remote/delivery.ts";
import { temporaryHome } from "../world/sshd.ts";

const of = { service: "shop", destination: undefined };
const neighbour = { address: "web-2", port: 2222, user: "deploy", hostKey: "ssh-ed25519 AAAA" };

test("the lines that tell a host to keep an archive", () => {
  expect([keepLine("0f", 12, 5), takeLine("0f", 12, "d1")]).toEqual(["keep 0f 12 5\n", "take 0f 12 0 d1\n"]);
});

test("what a host does to hand an archive on", () => {
  const there = `cd .kamal/apps/shop/images && umask 077 && { (while sleep 2 > /dev/null 2>&1; do wc -c < 0f-12.handed || exit; done 2> /dev/null) & cat > 0f-12.handed; kill $!; [ "$(wc -c < 0f-12.handed)" -eq 12 ]; } || { rm -f 0f-12.handed; exit 1; }`;
  expect(handOnImage(of, "0f", 12, neighbour).text.split("\n")).toEqual([
    `cd .kamal/apps/shop/images && [ -S "$SSH_AUTH_SOCK" ] || exit 90`,
    "[ -f 0f-12.kept ] || exit 91",
    "echo begun",
    `exec ssh -F none -T -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null -o 'KnownHostsCommand=/bin/echo %H ssh-ed25519 AAAA' -o HostKeyAlgorithms=ssh-ed25519 -o PreferredAuthentications=publickey -o IdentityFile=none -o ForwardAgent=no -o ControlPath=none -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3 -o LogLevel=ERROR -l deploy -p 2222 -- web-2 'exec sh -c '\\''${there}'\\''' < 0f-12.kept`,
  ]);
  expect(handOnImage(of, "0f", 12, { ...neighbour, hostKey: "ssh-rsa AAAA" }).text).toContain("-o HostKeyAlgorithms=rsa-sha2-512,rsa-sha2-256 ");
});

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A host whose `docker load` ends with a status. Its input stays open until all is told. */
async function receiving(status: number, tell: (folder: string, say: (text: string) => void, pid: number) => Promise<void>, before: Readonly<Record<string, string>> = {}, loading = ""): Promise<{ readonly exit: number; readonly said: string; readonly loaded: string; readonly left: readonly string[] }> {
  using home = temporaryHome();
  writeFileSync(`${home.path}/docker`, `#!/bin/sh\n[ "$1" = load ] || exit 0\ncat > "$HOME/loaded"\n${loading}\nexit ${status}\n`, { mode: 0o755 });
  const folder = `${home.path}/.kamal/apps/shop/images`;
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(before)) writeFileSync(`${folder}/${name}`, text);
  const child = Bun.spawn(["setsid", "sh", "-c", receiveImage(of, "shop:1", []).text], { cwd: home.path, env: { HOME: home.path, PATH: `${home.path}:/usr/bin:/bin` }, stdin: "pipe", stdout: "pipe", stderr: "ignore" });
  const said = new Response(child.stdout).text();
  await until(() => !existsSync(`${folder}/0f-12.kept`));
  await tell(folder, (text) => {
    void child.stdin.write(text);
    void child.stdin.flush();
  }, child.pid);
  void child.stdin.end();
  return { exit: await child.exited, said: await said, loaded: readFileSync(`${home.path}/loaded`, "utf8"), left: readdirSync(folder) };
}

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !isSo(); i++) await Bun.sleep(5);
}

test("an archive that is to be handed on stays until the input ends, and goes then", async () => {
  let kept: readonly string[] = [];
  const host = await receiving(0, async (folder, say) => {
    say(`${keepLine("0f", 12, 12)}hello, world`);
    await until(() => existsSync(`${folder}/0f-12.kept`));
    kept = readdirSync(folder);
  });
  expect([host, kept]).toEqual([{ exit: 0, said: "ready\nreceived\nloaded 0\n", loaded: "hello, world", left: [] }, ["0f-12.kept"]]);
});

test("one that a neighbour has handed on is loaded as if it had come from here", async () => {
  const host = await receiving(0, async (folder, say) => {
    await Bun.sleep(100);
    writeFileSync(`${folder}/0f-12.handed`, "hello, world");
    say(takeLine("0f", 12, digestOf("hello, world")));
    await until(() => existsSync(`${folder}/0f-12.kept`));
  });
  expect(host).toEqual({ exit: 0, said: "ready\nsame\nreceived\nloaded 0\n", loaded: "hello, world", left: [] });
});

test("one that is not what it should be is not loaded, and comes from this machine; what came before of the right one counts", async () => {
  const host = await receiving(0, async (folder, say) => {
    await Bun.sleep(100);
    writeFileSync(`${folder}/0f-12.handed`, "hello, wOrld");
    say(takeLine("0f", 12, digestOf("hello, world")));
    say(`${keepLine("0f", 12, 7)}, world`);
    await until(() => existsSync(`${folder}/0f-12.kept`));
  }, { "0f-12.part": "hello" });
  expect(host).toEqual({ exit: 0, said: "part 0f-12.part 5\nready\ndiffers\nreceived\nloaded 0\n", loaded: "hello, world", left: [] });
});

test("one that Docker loads when the command is ended is there for the next time", async () => {
  const host = await receiving(0, async (folder, say, pid) => {
    say(`${keepLine("0f", 12, 12)}hello, world`);
    await until(() => existsSync(`${folder}/0f-12.kept`));
    await Bun.sleep(100);
    process.kill(-pid, "SIGTERM");
  }, {}, "exec sleep 20");
  expect(host).toEqual({ exit: 143, said: "ready\nreceived\n", loaded: "hello, world", left: ["0f-12.part"] });
});

test("one that is loaded goes when the command is ended", async () => {
  const host = await receiving(0, async (folder, say, pid) => {
    say(`${keepLine("0f", 12, 12)}hello, world`);
    await until(() => existsSync(`${folder}/0f-12.kept`));
    await Bun.sleep(200);
    process.kill(-pid, "SIGTERM");
    await Bun.sleep(100);
  });
  expect([host.exit, host.left]).toEqual([143, []]);
});

test("one that a host kept when it went down is there for the next time, and what a neighbour began is not", async () => {
  const host = await receiving(0, async (folder, say) => {
    await until(() => existsSync(`${folder}/0f-12.part`));
    say(keepLine("0f", 12, 0));
    await until(() => existsSync(`${folder}/0f-12.kept`));
  }, { "0f-12.kept": "hello, world", "0f-12.handed": "hel" });
  expect(host).toEqual({ exit: 0, said: "part 0f-12.part 12\nready\nreceived\nloaded 0\n", loaded: "hello, world", left: [] });
});

test("a neighbour that gets one says how much of it is there, and all of it is there in the end", async () => {
  using home = temporaryHome();
  const folder = `${home.path}/.kamal/apps/shop/images`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/0f-12.kept`, "");
  // Runs what it is to run on the neighbour, which gets the archive slowly.
  writeFileSync(`${home.path}/ssh`, `#!/bin/sh\nfor last; do :; done\ncd "$HOME"\n{ printf 'hello, '; sleep 3; printf world; } | sh -c "$last"\n`, { mode: 0o755 });
  writeFileSync(`${home.path}/sleep`, "#!/bin/sh\nexec /bin/sleep $(($1 - 1))\n", { mode: 0o755 });
  const agent = createServer().listen(`${home.path}/agent`);
  const run = async (): Promise<{ readonly exit: number; readonly said: readonly string[] }> => {
    const child = Bun.spawn(["sh", "-c", handOnImage(of, "0f", 12, neighbour).text], { cwd: home.path, env: { HOME: home.path, PATH: `${home.path}:/usr/bin:/bin`, SSH_AUTH_SOCK: `${home.path}/agent` }, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
    const said = await new Response(child.stdout).text();
    return { exit: await child.exited, said: said.split("\n").slice(0, 2) };
  };
  expect([await run(), readFileSync(`${folder}/0f-12.handed`, "utf8")]).toEqual([{ exit: 0, said: ["begun", "7"] }, "hello, world"]);
  rmSync(`${folder}/0f-12.kept`);
  expect((await run()).exit).toBe(91);
  agent.close();
});

test("one that Docker does not take is told, and goes", async () => {
  const host = await receiving(3, async (folder, say) => {
    say(`${keepLine("0f", 12, 12)}hello, world`);
    await until(() => existsSync(`${folder}/0f-12.kept`));
  });
  expect(host).toEqual({ exit: 3, said: "ready\nreceived\nloaded 3\n", loaded: "hello, world", left: [] });
});

test("one that is cut off stays for the next time, and what a neighbour began goes", async () => {
  const host = await receiving(1, async (folder, say) => {
    await Bun.sleep(100);
    writeFileSync(`${folder}/0f-12.handed`, "hel");
    say(`${keepLine("0f", 12, 12)}hello`);
    await until(() => existsSync(`${folder}/0f-12.part`));
  });
  expect(host).toEqual({ exit: 1, said: "ready\n", loaded: "hello", left: ["0f-12.part"] });
});
