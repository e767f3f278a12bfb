import { afterAll, beforeAll, expect, test } from "bun:test";
import type { LabHost } from "./host.ts";
import { startLab, type Lab } from "./lab.ts";
import { makeProject, served, type Project } from "./project.ts";
import { pushSideImage } from "./side-image.ts";

let lab: Lab;
let host: LabHost;
let project: Project;

/** A stand-in for sudo that never asks and writes down what it was used for. */
const sudo = `#!/run/sudo-perl -T
$< = $> = 0; $( = $) = "0 0"; $ENV{PATH} = "/usr/sbin:/usr/bin:/sbin:/bin"; delete @ENV{qw(IFS CDPATH ENV BASH_ENV)};
shift @ARGV if $ARGV[0] eq "-n";
open(my $log, ">>", "/run/sudo.log"); print $log "@ARGV\\n"; close $log;
my @words = map { /^(.*)$/s; $1 } @ARGV;
exec { $words[0] } @words; exit 127;
`;

beforeAll(async () => {
  lab = await startLab({ hosts: 1 });
  host = lab.host(1);
  // The host gets an /etc of its own: users of this machine are none of its.
  const made = await host.exec(`cp -a /etc /run/etc && mount --bind /run/etc /etc && { getent group docker > /dev/null || groupadd docker; } && mkdir -p /run/home \
    && useradd --create-home --home-dir /run/home/ann --shell /bin/sh --password '*' ann && chgrp docker /run/docker.sock && chmod 660 /run/docker.sock && chmod 755 /run`);
  if (made.status !== 0) throw new Error(made.stderr);
  const store = await pushSideImage(lab, "acme/store", "1", "COPY busybox /bin/rm");
  const address = JSON.stringify(host.address);
  // Each is a database: it runs as a user of its own and keeps its files to itself.
  const database = (port: number): string => `{ image: ${JSON.stringify(store)}, host: ${address}, port: "${port}:80", directories: ["data:/data"], files: ["store.conf:/etc/store.conf"], env: { secret: ["APP_SECRET"] },
    cmd: "/busybox sh -c '/busybox mkdir -p /data/own && echo x > /data/own/file && /busybox chown -R 999:999 /data/own && /busybox chmod 700 /data/own && exec /busybox httpd -f -p 80 -h /www'" }`;
  project = await makeProject(lab, { more: `ssh: { user: "ann" }, readinessDelay: 1, stopTimeout: 1, accessories: { first: ${database(8081)}, second: ${database(8082)} },` });
  await Bun.write(`${project.folder}/store.conf`, "plain\n");
}, 180_000);
afterAll(() => lab?.stop());

/** Runs a command. @returns all it printed; unless it ends well that is an error */
async function must(line: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { status, stdout, stderr } = await project.run(line.split(" "), env);
  expect([line, status, status === 0 ? "" : stderr]).toEqual([line, 0, ""]);
  return stdout + stderr;
}

test("without sudo: says what is to be done as root", async () => {
  const { status, stderr } = await project.run(["server", "bootstrap"]);
  expect(status).not.toBe(0);
  expect(stderr).toContain("sudo without a password is needed now, to install Docker, to start it and to put the user into the group docker");
  expect(stderr).toContain("Docker is there, but ann may not use it, and ann is not root and there is no sudo.");
  expect(stderr).toContain("As root there: usermod -aG docker ann");
}, 60_000);

test("with sudo: one `setup` puts the user into the group and goes on over a new connection", async () => {
  const made = await host.exec(`cp /usr/bin/perl /run/sudo-perl && chmod 4755 /run/sudo-perl && mkdir /run/bin && cat > /run/bin/sudo << 'END'
${sudo}END
chmod 755 /run/bin/sudo && mount --bind /run/bin /usr/local/bin`);
  expect([made.status, made.stderr]).toEqual([0, ""]);
  const told = await must("setup --version v1", { VERSION: "v1" });
  expect(told).toContain("Added ann to the group docker");
  expect(await served([host])).toEqual(["v1"]);
  expect((await host.exec("cat /run/sudo.log")).stdout).toBe("usermod -aG docker ann\nsh -c :\ndocker version\n");
}, 120_000);

test("an ordinary user in the group docker does all the rest, without sudo", async () => {
  await host.exec("umount /usr/local/bin && rm /run/sudo-perl");
  await must("deploy --version v2", { VERSION: "v2" });
  expect(await served([host])).toEqual(["v2"]);
  await must("rollback v1");
  expect(await served([host])).toEqual(["v1"]);
  for (const line of ["details", "app logs", "audit", "lock status", "accessory reboot first", "accessory logs first", "proxy reboot -y", "prune all"]) {
    await must(line);
  }
  expect((await host.exec("stat -c '%a %U' /run/home/ann/.kamal/apps/sample/env/roles/web.env /run/home/ann/.kamal/apps/sample/env/accessories/first.env")).stdout).toBe("600 ann\n600 ann\n");
}, 180_000);

test("what a database's own user made goes too: in a container of its image", async () => {
  expect((await host.exec("ls -ln /run/home/ann/sample-first/data | tail -n 1")).stdout).toMatch(/^drwx------ .* 999 +999 /);
  await must("accessory remove all -y");
  expect((await host.exec("ls /run/home/ann")).stdout).toBe("");
  await must("remove -y");
  expect((await host.exec("find /run/home/ann -mindepth 1 ! -path '*/.docker*' ! -name '.bash*' ! -name .profile; docker ps --all --quiet; ls -A /root | grep -v docker")).stdout).toBe("");
}, 180_000);
