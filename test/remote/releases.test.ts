import { describe, expect, test } from "bun:test";
import { appendAudit } from "../../lib/remote/audit.ts";
import { releasesOn, taggedLatest, wholeRelease } from "../../lib/remote/releases.ts";
import { Home, shells } from "../support/shell.ts";

const shop = { service: "shop", destination: undefined };
const { command, parse } = releasesOn(shop);

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("releasesOn() in %s", (_name, shell) => {
  test("finds those of Kamal and ours among all that was recorded, oldest first", async () => {
    using home = new Home();
    for (const line of [
      "[2030-01-01T00:00:00Z] [kim] Tagging reg.example:5000/acme/shop:1 as the latest image",
      "[2030-01-01T00:00:01Z] [kim] [web] Booted app version 2",
      `[2030-01-02T00:00:00Z] [ann@acme.example] ${wholeRelease("2")}`,
      "[2030-01-02T00:00:00Z] [ann@acme.example] Tagging acme/shop:2 as the latest image",
      "[2030-01-03T00:00:00Z] [ann@acme.example] [qa] Tagging acme/shop:3.0_rc-1 as the latest image",
      `[2030-01-03T00:00:01Z] [ann@acme.example] ${taggedLatest("acme/shop:3.1", ["web", "jobs_2.x"])}`,
      "[2030-01-04T00:00:00Z] [mel] Tagging acme/shop:4 as the latest image for web; reboot",
      "[2030-01-04T00:00:00Z] [mel] Executed cmd 'Tagging acme/shop:4 as the latest image' on app version 3",
      "[2030-01-04T00:00:00Z] [mel] Executed cmd 'x; Tagging acme/shop:4 as the latest image",
      "[2030-01-04T00:00:00Z] [mel] Tagging acme/shop:$(reboot) as the latest image",
    ]) await home.run(appendAudit(shop, line).text);
    const { stdout, status } = await home.run(command.text, { shell });
    expect(status).toBe(0);
    expect(parse(stdout)).toEqual([
      { version: "1", at: "2030-01-01T00:00:00Z" },
      { version: "2", at: "2030-01-02T00:00:00Z", whole: true },
      { version: "3.0_rc-1", at: "2030-01-03T00:00:00Z" },
      { version: "3.1", at: "2030-01-03T00:00:01Z", roles: ["web", "jobs_2.x"] },
    ]);
  });

  test("finds none, and does not fail, without an audit log or without a release in it", async () => {
    using home = new Home();
    expect(await home.run(command.text, { shell })).toEqual({ status: 0, stdout: "", stderr: "" });
    await home.run(appendAudit(shop, "[2030-01-01T00:00:01Z] [kim] [web] Booted app version 2").text);
    expect(await home.run(command.text, { shell })).toEqual({ status: 0, stdout: "", stderr: "" });
  });
});
