import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startLab, type Lab } from "./lab.ts";
import { makeProject, type Project } from "./project.ts";
import { User } from "./user.ts";

let lab: Lab;
let project: Project;

beforeAll(async () => {
  lab = await startLab({ hosts: 2 });
  const [first, second] = lab.hosts.map((host) => host.address);
  project = await makeProject(lab, {
    servers: `{ web: [${JSON.stringify(first)}, ${JSON.stringify(second)}], jobs: { hosts: [${JSON.stringify(second)}], cmd: "/busybox sleep 100000", env: { KIND: "jobs" } } }`,
    more: "readinessDelay: 1, stopTimeout: 1,",
  });
  await project.must(["setup", "--version", "v1"], { VERSION: "v1" });
}, 180_000);
afterAll(() => lab?.stop());

const shell = ["--", "/busybox", "sh"];
/** The shell of busybox asks where the cursor is and draws its line anew. */
const prompt = /\/ # (?:\x1b\[6n)?(?:\r\/ # \x1b\[J)?$/;

/** One-off containers that are still there. */
const oneOffs = async (): Promise<string[]> => (await Promise.all(lab.hosts.map((host) => host.containers("sample")))).flat().filter((name) => name.includes("-exec-"));

describe("app exec -i --reuse", () => {
  test("is a session in the running container: prompt, answers, window size, Ctrl-C, exit status", async () => {
    await using user = new User(project, ["app", "exec", "-i", "--reuse", "-e", "ASKED:yes", ...shell]);
    const before = user.modes;
    await user.sees(prompt);
    expect(user.modes).not.toEqual(before);
    user.type("echo $KAMAL_CONTAINER_NAME-$KAMAL_HOST-$ASKED\r");
    await user.sees(new RegExp(`sample-web-v1-${lab.host(1).address}-yes\r\n`));
    await user.sees(prompt);
    user.type("/busybox stty size\r");
    await user.sees(/\r\n30 100\r\n/);
    user.resize(133, 41);
    for (let left = 50; ; left--) {
      await Bun.sleep(50);
      user.type("/busybox stty size\r");
      const text = await user.sees(/\r\n\d+ \d+\r\n/);
      if (text.includes("\n41 133\r")) break;
      expect(left).toBeGreaterThan(0);
    }
    user.type("/busybox sleep 1000\r");
    await Bun.sleep(300);
    user.type("\x03");
    user.type("echo status $?\r");
    await user.sees(/\nstatus 130\r\n/, 5_000);
    user.type("exit 7\r");
    expect(await user.ended()).toBe(7);
    expect(user.modes).toEqual(before);
  }, 60_000);

  test("ends with the end of input, and a role has its first host", async () => {
    await using user = new User(project, ["app", "exec", "-i", "--reuse", "-r", "jobs", ...shell]);
    await user.sees(prompt);
    user.type("echo $KIND\r");
    await user.sees(/\njobs\r\n/);
    user.type("\x04");
    expect(await user.ended()).toBe(0);
  }, 60_000);

  test("shows full-screen programs as they are: line feeds stay line feeds", async () => {
    await using user = new User(project, ["app", "exec", "-i", "--reuse", "--", "/busybox sh -c '/busybox stty -opost; /busybox printf \"a\\nb\\r\\n\"'"]);
    await user.ended();
    expect(user.seen).toBe("a\nb\r\n");
  }, 60_000);
});

describe("app exec -i", () => {
  test("is a session in a new container with the role's env, which is gone afterwards", async () => {
    await using user = new User(project, ["app", "exec", "-i", ...shell], { CI: undefined });
    const before = user.modes;
    await user.sees(prompt);
    expect(await oneOffs()).toEqual([expect.stringMatching(/^sample-web-exec-latest-[0-9a-f]{6}$/)]);
    user.type("echo ${APP_SECRET:+has} secret\r");
    await user.sees(/\nhas secret\r\n/);
    user.type("exit\r");
    expect(await user.ended()).toBe(0);
    expect(user.modes).toEqual(before);
    expect(await oneOffs()).toEqual([]);
    expect((await lab.host(1).exec("cat .kamal/sample-audit.log")).stdout).toContain("Executed cmd '/busybox sh' on app version latest");
  }, 60_000);

  test("passes on what is piped in, byte by byte, and the status", async () => {
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) % 256);
    const child = Bun.spawn([process.execPath, `${import.meta.dir}/../../mod.ts`, "app", "exec", "-i", "--", "/busybox sh -c '/busybox cat; echo done >&2; exit 9'"], {
      cwd: project.folder, env: { ...process.env, ...project.env }, stdin: bytes, stdout: "pipe", stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).bytes(), new Response(child.stderr).text()]);
    expect(await child.exited).toBe(9);
    expect(Buffer.compare(stdout, bytes)).toBe(0);
    expect(stderr).toBe("done\n");
    expect(await oneOffs()).toEqual([]);
  }, 60_000);

  test("ends as a program of a pipe does when nobody reads any more", async () => {
    const child = project.start(["app", "exec", "-i", "--", "/busybox", "yes"]);
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    expect(await child.exited).toBe(141);
    expect(await new Response(child.stderr).text()).toBe("");
    expect(await oneOffs()).toEqual([]);
  }, 60_000);

  test("leaves no container behind when the terminal goes away", async () => {
    await using user = new User(project, ["app", "exec", "-i", ...shell]);
    await user.sees(prompt);
    user.kill("SIGHUP");
    expect(await user.ended()).toBe(130);
    for (let left = 60; (await oneOffs()).length > 0; left--) {
      expect(left).toBeGreaterThan(0);
      await Bun.sleep(100);
    }
  }, 60_000);
});

test("app exec -i says what may still run when the connection was lost, and how to end it", async () => {
  await using user = new User(project, ["app", "exec", "-i", ...shell]);
  await user.sees(prompt);
  await lab.host(1).killSshd();
  expect(await user.ended()).toBe(4);
  await lab.host(1).startSshd();
  const [, rm = ""] = /The command may still run on [\d.]+; this ends it there: (docker rm --force [\w-]+)/.exec(user.seen) ?? [];
  expect(rm).not.toBe("");
  await project.must(["server", "exec", "-p", rm]);
  expect(await oneOffs()).toEqual([]);
}, 60_000);

describe("server exec -i", () => {
  test("is a session on the host with its kind and size of terminal; a signal ends it as in a shell", async () => {
    await using user = new User(project, ["server", "exec", "-i", "-h", lab.host(2).address, "PS1='on-host> ' sh"]);
    await user.sees(/on-host> $/);
    user.type("uname -n; echo $TERM; tty; stty size\r");
    await user.sees(/\nh2\r\nxterm-256color\r\n\/dev\/pts\/\d+\r\n30 100\r\n/);
    user.type("kill -TERM $$; kill -KILL $$\r");
    expect(await user.ended()).toBe(137);
  }, 60_000);

  test("says that the connection was lost and leaves the terminal as it was", async () => {
    await using user = new User(project, ["server", "exec", "-i", "-h", lab.host(2).address, "PS1='on-host> ' sh"]);
    const before = user.modes;
    await user.sees(/on-host> $/);
    await lab.host(2).killSshd();
    expect(await user.ended()).toBe(4);
    await lab.host(2).startSshd();
    expect(user.seen).toContain(`Lost the connection to ${lab.host(2).address} while it ran`);
    expect(user.modes).toEqual(before);
  }, 60_000);
});

test("a dry run prints the command, with and without hosts", async () => {
  const reuse = await project.must(["app", "exec", "-i", "--reuse", "--dry-run", ...shell]);
  expect(reuse.stdout).toContain("docker exec -i sample-web-v1 /busybox sh");
  const offline = await project.must(["app", "exec", "-i", "--reuse", "--dry-run", "--offline", "--version", "77", ...shell]);
  expect(offline.stdout).toContain("docker exec -i sample-web-77 /busybox sh");
  const fresh = await project.must(["app", "exec", "-i", "--dry-run", "--offline", ...shell]);
  expect(fresh.stdout).toMatch(/docker run -i --rm --name sample-web-exec-latest-[0-9a-f]{6} /);
}, 60_000);
