import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAddress } from "../../lib/world/ssh/address.ts";
import { alikeIn } from "../../lib/world/ssh/config-alike.ts";
import { createTargets } from "../../lib/world/ssh/target.ts";
import { defaultSshOptions } from "../../lib/ground/ssh-options.ts";
import { temporaryHome } from "./sshd.ts";

const key = (config: string, address: string): string | undefined => alikeIn([config])(parseAddress(address));

test.each<[string, string, string, string, boolean]>([
  ["hosts that no section names", "Host *\n  User deploy\n", "10.0.0.1", "10.0.0.2", true],
  ["hosts of one section", "Host 10.0.*\n  Port 2200\nHost *\n", "10.0.0.1", "10.0.0.2", true],
  ["hosts of different sections", "Host 10.0.0.1\n  Port 2200\n", "10.0.0.1", "10.0.0.2", false],
  ["a host that a section leaves out", "Host * !10.0.0.2\n  Port 2200\n", "10.0.0.1", "10.0.0.2", false],
  ["hosts with users of their own", "", "ann@10.0.0.1", "bob@10.0.0.2", false],
  ["hosts with ports of their own", "", "10.0.0.1:22", "10.0.0.2:23", false],
])("alikeIn() knows %s", (_, config, a, b, alike) => expect(key(config, a) === key(config, b)).toBe(alike));

test.each(["Match host x\n", "Host *\n  HostName %h.example\n", "HostName=real\n", "ProxyJump bastion\n", "IdentityFile ~/.ssh/%h\n", "IdentityFile ${HOME}/k\n", "CanonicalizeHostname yes\n", "\"Host\" web6\n  Port 2200\n", "Ho\"st\" web6\n"])("alikeIn() says nothing of any host where a config has %p", (config) => expect(key(config, "10.0.0.1")).toBeUndefined());
test("alikeIn() says nothing of a name that OpenSSH would write otherwise", () => expect(key("", "Web-1")).toBeUndefined());

test("ssh -G is asked once for hosts that ssh_config says the same of, and each keeps its own name", async () => {
  using home = temporaryHome();
  writeFileSync(join(home.path, ".ssh/config"), "Include more\nHost jobs-*\n  User worker\nHost *\n  User deploy\n");
  writeFileSync(join(home.path, ".ssh/more"), "Host odd\n  Port 2222\n");
  mkdirSync(join(home.path, "bin"));
  writeFileSync(join(home.path, "bin/ssh"), `#!/bin/sh\necho "$*" >> ${home.path}/asked\nPATH=/usr/bin:/bin exec ssh "$@"\n`);
  chmodSync(join(home.path, "bin/ssh"), 0o755);
  const env = { HOME: home.path, PATH: `${home.path}/bin:/usr/bin:/bin` };
  const names = [...Array.from({ length: 20 }, (_, i) => `web-${i + 1}`), "jobs-1", "jobs-2", "odd"];
  const config = [join(home.path, ".ssh/config")];
  await using targets = createTargets({ ...defaultSshOptions, config }, home.path, home.path, env);
  const found = await Promise.all(names.map((name) => targets.find(name, "host")));
  expect(found.map(({ hostName, user, port }) => [hostName, user, port])).toEqual(names.map((name) => [name, name.startsWith("jobs") ? "worker" : "deploy", name === "odd" ? 2222 : 22]));
  // The defaults, and one host of each kind.
  expect(readFileSync(join(home.path, "asked"), "utf8").trim().split("\n").length).toBe(4);
});
