import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { acquireLock, freeForMs, holdLock, lockStatus, readHeld, releaseLock, type LockHold } from "../../lib/remote/lock.ts";
import { Home, shells } from "../support/shell.ts";

const shop = { service: "shop", destination: undefined };
const details = { lockedBy: "Ann Lee", at: "2030-01-02T03:04:05Z", version: "77", message: "Automatic deploy lock" };
const hold: LockHold = { ...details, token: "aa11", from: "laptop", command: "deploy", silenceSeconds: 15, graceSeconds: 10 };
const lock = ".kamal/lock-shop";
const kamalDetails = Buffer.from("Locked by: Bob at 2030-01-01T00:00:00Z\nVersion: 76\nMessage: Automatic deploy lock").toString("base64");

interface Holder {
  readonly process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  /** The first line it printed. */
  readonly first: string;
  /** All it printed, once it has ended. */
  readonly rest: () => Promise<string>;
}

/** A host with holders on it, which end with it. */
class LockHost extends Home {
  readonly #running: Bun.Subprocess[] = [];

  /** Starts a holder as a connection does: its input stays open until we close it. */
  async hold(shell: readonly string[], more: Partial<LockHold> = {}): Promise<Holder> {
    const process = Bun.spawn([...shell, "-c", holdLock(shop, { ...hold, ...more }).text], { cwd: this.path, stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    this.#running.push(process);
    const reader = process.stdout.getReader();
    const decoder = new TextDecoder();
    let text = decoder.decode((await reader.read()).value);
    const [first = ""] = text.split("\n");
    const rest = async (): Promise<string> => {
      for (let next = await reader.read(); !next.done; next = await reader.read()) text += decoder.decode(next.value);
      return text;
    };
    return { process, first, rest };
  }

  override [Symbol.dispose](): void {
    for (const one of this.#running) one.kill("SIGKILL");
    super[Symbol.dispose]();
  }
}

const status = async (home: Home): Promise<ReturnType<typeof readHeld>> => readHeld((await home.run(lockStatus(shop).command.text)).stdout);
const isHeld = (home: Home): boolean => existsSync(join(home.path, lock));
/** Waits until something is so; gives how long it took, in ms. */
async function until(what: () => boolean | Promise<boolean>, limitMs: number): Promise<number> {
  const begun = performance.now();
  while (!(await what())) {
    if (performance.now() - begun > limitMs) throw new Error(`not so after ${limitMs} ms`);
    await Bun.sleep(50);
  }
  return performance.now() - begun;
}

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("holdLock() in %s", (_name, shell) => {
  test("takes the lock, tells what the run is doing, answers, and gives it back within a second when it is asked to", async () => {
    using home = new LockHost();
    const holder = await home.hold(shell);
    expect(holder.first).toMatch(/^taken \d+$/);
    expect(await status(home)).toMatchObject({ lockedBy: "Ann Lee", since: details.at, version: "77", message: details.message, manual: false, holder: { host: "laptop", command: "deploy", step: "starting", token: "aa11", since: details.at } });
    holder.process.stdin.write("Switch \\n it's\n");
    await holder.process.stdin.flush();
    await until(async () => (await status(home))?.holder?.step === "Switch \\n it's", 2_000);
    holder.process.stdin.write("release\n");
    await holder.process.stdin.end();
    expect(await until(() => !isHeld(home), 1_000)).toBeLessThan(1_000);
    expect(await holder.rest()).toMatch(/^taken \d+\nheard\nreleased\n$/);
    expect(await holder.process.exited).toBe(0);
    expect(existsSync(join(home.path, ".kamal"))).toBe(false);
  });

  test("says for how long nobody had the lock, and nothing where it cannot know", async () => {
    using home = new LockHost();
    await home.run("mkdir -p .kamal/apps");
    await home.run(`${acquireLock(shop, details).text}; sleep 0.1; rm ${lock}/details && rm -r ${lock}; sleep ${shell[0] === "busybox" ? 2 : 1}`);
    const free = freeForMs((await home.hold(shell)).first);
    // Busybox knows whole seconds only.
    expect(free).toBeGreaterThan(900);
    expect(free).toBeLessThan(5_000);
  });

  test("takes over the lock that its own run lost with its connection; the old holder ends and leaves it alone", async () => {
    using home = new LockHost();
    const before = await home.hold(shell);
    await before.process.stdin.end();
    await until(async () => (await status(home))?.holder?.adrift === true, 2_000);
    const stranger = await home.hold(shell, { token: "cc33", after: ["bb22"] });
    expect(stranger.first).toBe("held");
    const after = await home.hold(shell, { token: "bb22", after: ["aa11"] });
    expect(after.first).toBe("taken 0");
    await before.process.exited;
    expect(await before.rest()).toMatch(/^taken \d+\ngone\n$/);
    expect(isHeld(home)).toBe(true);
    expect((await status(home))?.holder).toMatchObject({ token: "bb22", step: "starting" });
    expect((await status(home))?.holder?.adrift).toBeUndefined();
    expect((await home.run(`ls ${lock}`)).stdout.split("\n")).toEqual(["adrift.aa11", "beat", "details", "holder", "step", ""]);
    after.process.stdin.write("release\n");
    await after.process.stdin.end();
    await until(() => !isHeld(home), 2_000);
  });

  test("knows its run by any token of its tries: the answer to the last one may have been lost", async () => {
    using home = new LockHost();
    await home.hold(shell);
    await home.hold(shell, { token: "bb22", after: ["aa11"] });
    const third = await home.hold(shell, { token: "cc33", after: ["aa11", "bb22"] });
    expect(third.first).toBe("taken 0");
  });

  test.each([
    ["that was given back, though nobody has it", ":", /^$/],
    ["that Kamal took meanwhile", `mkdir ${lock} && echo '${kamalDetails}' > ${lock}/details`, /^held\ndetails \S+\n$/],
    ["that Kamal took and gave back meanwhile", `mkdir ${lock} && echo '${kamalDetails}' > ${lock}/details && rm ${lock}/details && rm -r ${lock}`, /^$/],
    ["that another run took and gave back meanwhile", `mkdir ${lock} && rm -r ${lock}`, /^$/],
  ])("never takes one again %s: another run may have come and gone", async (_title, meanwhile, says) => {
    using home = new LockHost();
    // An empty folder goes with its lock, a moment after it.
    await home.run("mkdir -p .kamal/other");
    const before = await home.hold(shell);
    before.process.kill("SIGTERM");
    await until(() => !isHeld(home), 2_000);
    await home.run(meanwhile);
    const again = await home.hold(shell, { token: "bb22", after: ["aa11"] });
    expect(await again.rest()).toMatch(says);
    expect(await again.process.exited).toBe(75);
    expect((await home.run(`ls -A ${lock} 2> /dev/null`)).stdout).toBe(meanwhile.endsWith("details") ? "details\n" : "");
  });

  test("on a full disk it is not taken again, and stays with the holder before", async () => {
    using home = new LockHost();
    await home.hold(shell);
    await home.run(`mkdir ${lock}/holder.bb22`);
    const again = await home.hold(shell, { token: "bb22", after: ["aa11"] });
    expect(await again.process.exited).toBe(74);
    expect((await status(home))?.holder?.token).toBe("aa11");
  });

  test("ends its output at once when it is asked to: no child keeps the channel open", async () => {
    using home = new LockHost();
    const holder = await home.hold(shell);
    await Bun.sleep(300);
    const begun = performance.now();
    holder.process.stdin.write("release\n");
    await holder.process.stdin.end();
    await holder.rest();
    expect(performance.now() - begun).toBeLessThan(700);
  });

  test("writes details that Kamal reads", async () => {
    using home = new LockHost();
    await home.hold(shell);
    const { stdout } = await home.run(`stat ${lock} > /dev/null && cat ${lock}/details | base64 -d`);
    expect(stdout).toBe("Locked by: Ann Lee at 2030-01-02T03:04:05Z\nVersion: 77\nMessage: Automatic deploy lock");
  });

  test.each(["SIGTERM", "SIGHUP"] as const)("gives the lock back on %s", async (signal) => {
    using home = new LockHost();
    const holder = await home.hold(shell);
    holder.process.kill(signal);
    await until(() => !isHeld(home), 2_000);
    expect(await holder.process.exited).toBe(0);
  });

  test("refuses with 75 and says who holds it", async () => {
    using home = new LockHost();
    await home.hold(shell);
    const second = await home.hold(shell, { token: "bb22", lockedBy: "Eve" });
    const text = await second.rest();
    expect(await second.process.exited).toBe(75);
    expect(readHeld(text)).toMatchObject({ lockedBy: "Ann Lee", manual: false, holder: { token: "aa11" } });
    expect((await status(home))?.holder?.token).toBe("aa11");
  });

  test("refuses with 74 and the reason when it cannot write", async () => {
    using home = new LockHost();
    await home.run("touch .kamal");
    const process = Bun.spawn([...shell, "-c", holdLock(shop, hold).text], { cwd: home.path, stdin: "pipe", stderr: "pipe" });
    expect(await process.exited).toBe(74);
    expect(await new Response(process.stderr).text()).toContain(lock);
  });

  test.each([["automatic, of Kamal", kamalDetails, false], ["by hand", Buffer.from("Locked by: Bob at 2020-01-01T00:00:00Z\nVersion: 76\nMessage: freeze").toString("base64"), true]])("never takes over a lock %s, however old", async (_title, text, manual) => {
    using home = new LockHost();
    await home.run(`mkdir -p ${lock}; echo '${text}' > ${lock}/details; touch -d '2 days ago' ${lock}/details ${lock}`);
    const holder = await home.hold(shell);
    expect(readHeld(await holder.rest())).toMatchObject({ lockedBy: "Bob", manual });
    expect(await holder.process.exited).toBe(75);
    expect(isHeld(home)).toBe(true);
  });
});

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("holdLock() over time in %s", (_name, shell) => {
  test.concurrent("gives the lock back when its input falls silent, and not before", async () => {
    using home = new LockHost();
    const holder = await home.hold(shell, { silenceSeconds: 2 });
    for (let i = 0; i < 4; i++) {
      await Bun.sleep(1_000);
      holder.process.stdin.write(`step ${i}\n`);
      await holder.process.stdin.flush();
      expect(isHeld(home)).toBe(true);
    }
    await until(() => !isHeld(home), 6_000);
    expect(await holder.process.exited).toBe(0);
    expect((await holder.rest()).split("\n").at(-2)).toBe("silent");
  }, 30_000);

  test.concurrent("keeps the lock for a moment when the connection goes before it could tell that it has it", async () => {
    using home = new LockHost();
    const text = `sleep 0.3\n${holdLock(shop, { ...hold, graceSeconds: 3 }).text}`;
    const ended = home.run(`sleep 1 | ${shell.join(" ")} -c "$TEXT" 2> /dev/null | :`, { env: { TEXT: text } });
    await Bun.sleep(2_500);
    expect(isHeld(home)).toBe(true);
    await ended;
    await until(() => !isHeld(home), 8_000);
  }, 30_000);

  test.concurrent("keeps the lock for a moment when its connection goes, and not for longer", async () => {
    using home = new LockHost();
    const holder = await home.hold(shell, { graceSeconds: 3 });
    await holder.process.stdin.end();
    await Bun.sleep(1_500);
    expect(isHeld(home)).toBe(true);
    expect(await until(() => !isHeld(home), 6_000)).toBeGreaterThan(500);
    expect(await holder.rest()).toMatch(/^taken \d+\nsilent\n$/);
  }, 30_000);

  test.concurrent("gives the lock back when its shell is killed: the watcher sees it", async () => {
    using home = new LockHost();
    const holder = await home.hold(shell);
    holder.process.kill("SIGKILL");
    await until(() => !isHeld(home), 4_000);
  }, 30_000);

  test.concurrent("takes over from a holder that was killed with all its children", async () => {
    using home = new LockHost();
    await home.run(`mkdir -p ${lock}; printf '%s\\n' 'token dead' 'from x' 'command deploy' 'taken 1' > ${lock}/holder; echo '${kamalDetails}' > ${lock}/details; touch -d '1 minute ago' ${lock}/beat`);
    const holder = await home.hold(shell);
    expect(holder.first).toMatch(/^taken \d+$/);
    expect((await status(home))?.holder?.token).toBe("aa11");
    expect(readdirSync(join(home.path, ".kamal"))).toEqual(["lock-shop"]);
  }, 30_000);

  test.concurrent("leaves a holder alone that was late and beats again", async () => {
    using home = new LockHost();
    await home.run(`mkdir -p ${lock}; echo 'token late' > ${lock}/holder; touch -d '1 minute ago' ${lock}/beat`);
    const beat = home.run(`sleep 1; touch ${lock}/beat`);
    const holder = await home.hold(shell);
    expect(await holder.process.exited).toBe(75);
    await beat;
    expect(readFileSync(join(home.path, lock, "holder"), "utf8")).toBe("token late\n");
  }, 30_000);

  test.concurrent("does not remove a lock that somebody else has taken meanwhile, and ends", async () => {
    using home = new LockHost();
    const holder = await home.hold(shell);
    expect((await home.run(releaseLock(shop).text)).status).toBe(0);
    expect((await home.run(acquireLock(shop, { ...details, message: "freeze" }).text)).status).toBe(0);
    expect(await holder.process.exited).toBe(0);
    expect(await holder.rest()).toMatch(/^taken \d+\ngone\n$/);
    expect(await status(home)).toMatchObject({ message: "freeze", manual: true });
    expect((await home.run(`ls ${lock}`)).stdout).toBe("details\n");
  }, 30_000);

  test.concurrent("beats while it lives", async () => {
    using home = new LockHost();
    await home.hold(shell);
    await home.run(`touch -d '1 minute ago' ${lock}/beat`);
    await until(() => Date.now() - statSync(join(home.path, lock, "beat")).mtimeMs < 10_000, 4_000);
    expect((await status(home))?.holder?.silentSeconds).toBeLessThan(5);
  }, 30_000);
});

describe("by hand", () => {
  test("G1: acquireLock() writes what Kamal writes", async () => {
    using home = new LockHost();
    expect((await home.run(acquireLock({ service: "shop", destination: "qa" }, details).text)).status).toBe(0);
    expect((await home.run("base64 -d < .kamal/lock-shop-qa/details")).stdout).toBe("Locked by: Ann Lee at 2030-01-02T03:04:05Z\nVersion: 77\nMessage: Automatic deploy lock");
  });

  test("G1: base64 stands in lines of 60 characters", () => {
    const lines = /echo '?([^']+)'? > /.exec(acquireLock(shop, details).text)?.[1]?.split("\n") ?? [];
    expect(lines.map((line) => line.length)).toEqual([60, 56]);
  });

  test("G2: status and release", async () => {
    using home = new LockHost();
    expect(await status(home)).toBeUndefined();
    await home.run(acquireLock(shop, { ...details, message: "freeze\nfor the fair" }).text);
    expect(await status(home)).toEqual({ lockedBy: "Ann Lee", since: details.at, version: "77", message: "freeze for the fair", manual: true });
    expect((await home.run(`rm ${lock}/details && rm -r ${lock}`)).status).toBe(0);
    expect(await status(home)).toBeUndefined();
    expect(await home.run(releaseLock(shop).text)).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("G5: acquireLock() ends with 75 and the holder when it is held, with 74 when it cannot write", async () => {
    using home = new LockHost();
    await home.run(`mkdir -p ${lock}; echo '${kamalDetails}' > ${lock}/details`);
    const held = await home.run(acquireLock(shop, details).text);
    expect([held.status, readHeld(held.stdout)]).toEqual([75, { lockedBy: "Bob", since: "2030-01-01T00:00:00Z", version: "76", message: "Automatic deploy lock", manual: false }]);
    using other = new LockHost();
    await other.run("touch .kamal");
    expect((await other.run(acquireLock(shop, details).text)).status).toBe(74);
  });

  test("a lock that says nothing is held by an unknown holder", () => {
    expect(readHeld("held\ndetails \n")).toEqual({ lockedBy: "an unknown holder", since: "", version: "", message: "", manual: true });
    expect(readHeld("")).toBeUndefined();
  });

  test("the age of a holder is told by the host's clock", () => {
    const text = `held\ndetails ${kamalDetails}\ntoken aa\nfrom laptop\ncommand app stop\ntaken 1000\nstep Switch\nbeat 1058\nnow 1060\n`;
    expect(readHeld(text)?.holder).toEqual({ host: "laptop", command: "app stop", step: "Switch", since: "2030-01-01T00:00:00Z", ageSeconds: 60, silentSeconds: 2, token: "aa" });
  });
});
