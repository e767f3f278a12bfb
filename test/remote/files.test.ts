import { describe, expect, test } from "bun:test";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Secret } from "../../lib/ground/secret.ts";
import { appendAudit, auditLine, tailAudit } from "../../lib/remote/audit.ts";
import { envFile } from "../../lib/remote/envfile.ts";
import { uploadCommand } from "../../lib/remote/upload.ts";
import { Home, shells } from "../support/shell.ts";
import { roleOf } from "../support/settings.ts";

const secrets = (values: Readonly<Record<string, string>>): Secret => envFile(roleOf("web", { env: { clear: {}, secret: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, new Secret(name, value)])) } }));

describe("envFile()", () => {
  test("B7: lines are escaped like C strings, quotes, hashes and non-ASCII left alone", () => {
    const file = secrets({ API_KEY: "line1\nline2", Q: 'he said "x" #1', BS: "c:\\tmp", U: "naïve 漢字" });
    expect(file.reveal()).toBe('API_KEY=line1\\nline2\nQ=he said "x" #1\nBS=c:\\\\tmp\nU=naïve 漢字\n');
    expect(String(file)).toBe("‹secret env file of web›");
  });
  test("B7: a role without secrets gets a single newline", () => expect(secrets({}).reveal()).toBe("\n"));
  test("control characters have names or numbers", () => expect(secrets({ A: "\t\r\0\x1b\x7f" }).reveal()).toBe("A=\\t\\r\\x00\\e\\x7F\n"));
});

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("uploadCommand() in %s", (_name, shell) => {
  const mode = (home: Home, path: string): string => (statSync(join(home.path, path)).mode & 0o7777).toString(8);

  test("writes a private file and makes its folders readable", async () => {
    using home = new Home();
    const content = "a\n\0'$x\\";
    expect(await home.run(`umask 022; ${uploadCommand(".kamal/apps/shop/env/roles/web.env", "0600")}`, { shell, input: content })).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(await Bun.file(join(home.path, ".kamal/apps/shop/env/roles/web.env")).text()).toBe(content);
    expect([mode(home, ".kamal/apps/shop/env/roles/web.env"), mode(home, ".kamal/apps/shop/env/roles")]).toEqual(["600", "755"]);
  });

  test("closes our own folder to other users, and is private where others could read what an upload left behind", async () => {
    using home = new Home();
    mkdirSync(join(home.path, ".kamal/apps"), { recursive: true });
    writeFileSync(join(home.path, ".kamal/apps/x.env.new"), "left", { mode: 0o644 });
    const watched = uploadCommand(".kamal/apps/x.env", "0600").text.replace("&& chmod 0600", "&& ls -l .kamal/apps/x.env.new && chmod 0600");
    expect((await home.run(`umask 022; ${watched}`, { shell, input: "new" })).stdout).toStartWith("-rw-------");
    expect([mode(home, ".kamal"), mode(home, ".kamal/apps/x.env"), await Bun.file(join(home.path, ".kamal/apps/x.env")).text()]).toEqual(["700", "600", "new"]);
  });

  test("replaces a file, with its mode", async () => {
    using home = new Home();
    writeFileSync(join(home.path, "it's a file"), "old");
    expect((await home.run(uploadCommand("it's a file", "0644").text, { shell, input: "new" })).status).toBe(0);
    expect(await Bun.file(join(home.path, "it's a file")).text()).toBe("new");
    expect(mode(home, "it's a file")).toBe("644");
  });

  test("takes the place of an empty folder: Docker makes one for a mount whose file is missing", async () => {
    using home = new Home();
    mkdirSync(join(home.path, "etc/my.cnf"), { recursive: true });
    expect(await home.run(uploadCommand("etc/my.cnf", "0644").text, { shell, input: "new" })).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(await Bun.file(join(home.path, "etc/my.cnf")).text()).toBe("new");
  });

  test("refuses a folder that holds something, and leaves it", async () => {
    using home = new Home();
    mkdirSync(join(home.path, "etc/my.cnf"), { recursive: true });
    writeFileSync(join(home.path, "etc/my.cnf/a"), "old");
    expect(await home.run(uploadCommand("etc/my.cnf", "0644").text, { shell, input: "new" })).toEqual({ status: 1, stdout: "", stderr: "etc/my.cnf is a folder on the host, and not empty: a file must be there.\n" });
    expect((await home.run("ls -A etc etc/my.cnf")).stdout).toBe("etc:\nmy.cnf\n\netc/my.cnf:\na\n");
  });

  test("leaves the old file and no other one when it fails", async () => {
    using home = new Home();
    mkdirSync(join(home.path, "x"));
    home.program("mv", "exit 1");
    writeFileSync(join(home.path, "x/f"), "old");
    expect((await home.run(uploadCommand("x/f", "0600").text.replace("mv -f", `${home.path}/bin/mv -f`), { shell, input: "new" })).status).toBe(1);
    expect((await home.run("ls -A x; cat x/f")).stdout).toBe("f\nold");
  });
});

describe("the audit log", () => {
  const entry = { recordedAt: "2030-01-02T03:04:05Z", performer: "ann@example.com", destination: "qa", role: "web", text: "Booted app version 77" };

  test("G3: a line, and the command that appends it", () => {
    const line = auditLine(entry);
    expect(line).toBe("[2030-01-02T03:04:05Z] [ann@example.com] [qa] [web] Booted app version 77");
    expect(appendAudit({ service: "shop", destination: "qa" }, line).text).toBe("mkdir -p .kamal && echo '[2030-01-02T03:04:05Z] [ann@example.com] [qa] [web] Booted app version 77' >> .kamal/shop-qa-audit.log");
  });

  test("G3: absent parts leave no brackets", () => {
    const line = auditLine({ ...entry, destination: undefined, role: undefined });
    expect(line).toBe("[2030-01-02T03:04:05Z] [ann@example.com] Booted app version 77");
    expect(appendAudit({ service: "shop", destination: undefined }, line).text).toEndWith(" >> .kamal/shop-audit.log");
  });

  test.each(shells.map((shell) => [shell.join(" "), shell] as const))("G3: every text comes back as one line in %s", async (_name, shell) => {
    using home = new Home();
    const shop = { service: "shop", destination: undefined };
    expect(await home.run(tailAudit(shop).text, { shell })).toEqual({ status: 0, stdout: "", stderr: "" });
    const texts = ["Executed cmd 'echo \"$HOME\" \\n `id`' on app version 77", "two\nlines", "-n"];
    for (const text of texts) expect((await home.run(appendAudit(shop, auditLine({ ...entry, text })).text, { shell })).status).toBe(0);
    const { stdout } = await home.run(tailAudit(shop).text, { shell });
    expect(stdout.trimEnd().split("\n").map((line) => line.slice(line.indexOf("[web] ") + 6))).toEqual([texts[0] ?? "", "two lines", "-n"]);
  });

  test("tailAudit() shows the last 50 lines", () => expect(tailAudit({ service: "shop", destination: undefined }).text).toContain("tail -n 50 .kamal/shop-audit.log"));
});
