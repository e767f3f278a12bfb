import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { installDocker } from "../../lib/remote/bootstrap.ts";
import { Home, shells } from "../support/shell.ts";

/** A bare host: only these programs are found, beside our own in `bin`. */
class BareHost extends Home {
  constructor(user: "root" | "ann", groups: string = user) {
    super();
    this.program("id", `case $1 in -u) [ ${user} = root ] && echo 0 || echo 1000 ;; -un) echo ${user} ;; -nG) echo ${groups} ;; esac`);
    this.program("sleep", "exit 0");
  }

  install(shell: readonly string[]): ReturnType<Home["run"]> {
    // busybox has a sleep of its own.
    return this.run(`PATH=${this.path}/bin; ${installDocker().text.replaceAll("sleep 1", ":")}`, { shell: [Bun.which(shell[0] ?? "sh") ?? "sh", ...shell.slice(1)] });
  }

  /** Links real programs into the bare host. */
  with(...names: readonly string[]): this {
    for (const name of names) this.program(name, `exec ${Bun.which(name)} "$@"`);
    return this;
  }
}

describe.each(shells.filter(([name]) => name !== "busybox").map((shell) => [shell.join(" "), shell] as const))("installDocker() in %s", (_name, shell) => {
  test("does nothing where Docker runs", async () => {
    using host = new BareHost("root").program("docker", "exit 0").program("curl", "exit 1");
    expect(await host.install(shell)).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("installs it as root with what curl or wget fetches", async () => {
    using host = new BareHost("root").with("sh", "cat", "chmod").program("curl", "exit 1");
    host.program("wget", `echo 'printf "#!/bin/sh\\nexit 0\\n" > ${host.path}/bin/docker; chmod 755 ${host.path}/bin/docker; echo installed'`);
    expect(await host.install(shell)).toEqual({ status: 0, stdout: "installed\n", stderr: "" });
  });

  test("ends with 79 when nothing can be fetched, without running an empty script", async () => {
    using host = new BareHost("root").with("sh").program("curl", "exit 0").program("wget", "exit 1");
    const exit = await host.install(shell);
    expect([exit.status, exit.stderr]).toEqual([79, "Cannot download the install script of Docker: is there curl or wget, and a way to get.docker.com?\n"]);
  });

  test.each([
    ["there is no sudo", undefined, "ann is not root and there is no sudo"],
    ["sudo asks for a password", "exit 1", "sudo asks ann for a password, or does not let ann do it"],
  ])("ends with 78 and says what to do as root where %s", async (_, sudo, why) => {
    for (const docker of [undefined, "exit 1"]) {
      using host = new BareHost("ann").with("tr", "grep");
      if (sudo !== undefined) host.program("sudo", sudo);
      if (docker !== undefined) host.program("docker", docker);
      const exit = await host.install(shell);
      const [what, next] = docker === undefined ? ["Docker is missing", "install Docker, then: usermod -aG docker ann"] : ["Docker is there, but ann may not use it", "usermod -aG docker ann"];
      expect([exit.status, exit.stderr]).toEqual([78, `${what}, and ${why}.\nAs root there: ${next}\n`]);
    }
  });

  test("uses sudo to put a user into the group docker, and for nothing else where the daemon runs", async () => {
    using host = new BareHost("ann").with("tr", "grep").program("docker", `[ -n "$AS_ROOT" ]`);
    host.program("sudo", `shift; echo "$*" >> ${host.path}/sudo.log; AS_ROOT=1 "$@"`).program("usermod", "exit 0").program("sh", "exit 1");
    expect(await host.install(shell)).toEqual({ status: 0, stdout: "", stderr: "Added ann to the group docker\n" });
    expect(readFileSync(`${host.path}/sudo.log`, "utf8")).toBe("usermod -aG docker ann\ndocker version\n");
  });

  test("asks nothing of sudo for a user who is in the group already, and comes with an older session", async () => {
    using host = new BareHost("ann", "ann docker").with("tr", "grep").program("docker", "exit 1").program("sudo", "exit 1");
    expect(await host.install(shell)).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("starts a daemon that is down", async () => {
    using host = new BareHost("root");
    host.program("docker", `[ -e ${host.path}/up ]`).program("systemctl", "exit 1").with("touch").program("service", `touch ${host.path}/up`);
    expect((await host.install(shell)).status).toBe(0);
  });

  test("ends with 80 when the daemon stays down", async () => {
    using host = new BareHost("root").program("docker", "exit 1");
    const exit = await host.install(shell);
    expect([exit.status, exit.stderr]).toEqual([80, "Docker is installed and its daemon does not answer: look at its log\n"]);
  });
});
