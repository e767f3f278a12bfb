import { describe, expect, test } from "bun:test";
import type { Query } from "../../lib/ground/command.ts";
import { dockerVersion, factQueries, toFacts, type FactAnswers } from "../../lib/remote/facts.ts";
import { appendAudit } from "../../lib/remote/audit.ts";
import { kamalProxy } from "../../lib/remote/proxy/kamal-proxy.ts";
import { Home, shells } from "../support/shell.ts";
import { settingsOf } from "../support/settings.ts";
import { stateOf } from "./proxy/kamal-answers.ts";

const queries = factQueries(settingsOf(), kamalProxy, "10.0.0.1");

/** Answers each query in a real shell, one after the other; a query that fails is a number. */
async function answers(home: Home, shell: readonly string[]): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const [name, query] of Object.entries<Query<unknown>>(queries)) {
    const exit = await home.run(`(\n${query.command}\n) </dev/null || exit`, { shell });
    all[name] = exit.status === 0 ? query.parse(exit.stdout) : exit.status;
  }
  return all;
}

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("factQueries() in %s", (_name, shell) => {
  test("sees nothing, and does not fail, where Docker is missing", async () => {
    using home = new Home().program("docker", "echo 'docker: command not found' >&2; exit 127");
    expect(await answers(home, shell)).toEqual({ docker: undefined, network: false, proxy: undefined, containers: [], accessories: [], images: { tagged: [], digests: [] }, releases: [] });
  });

  test("fails where Docker runs and an answer cannot be had", async () => {
    using home = new Home().program("docker", `case $1 in version) echo 28.2.2 ;; *) exit 1 ;; esac`);
    expect(await answers(home, shell)).toEqual({ docker: "28.2.2", network: 1, proxy: undefined, containers: 1, accessories: [], images: 1, releases: [] });
  });

  test("sees what is there", async () => {
    using home = new Home().program("docker", `case $* in
version*) echo 20.10.24+dfsg1 ;;
"network ls"*) echo d0a1 ;;
"container inspect"*) echo 'true basecamp/kamal-proxy:v0.9.2' ;;
cp*) echo '${stateOf("shop-web", "0a1b2c3d4e5f:80").trim()}' > kamal-proxy.state; tar -cf - kamal-proxy.state ;;
ps*) printf '0a1b2c3d4e5f\\tshop-web-77\\tweb\\t\\trunning\\tUp 3 minutes\\tacme/shop:77\\n' ;;
"image ls"*) printf '77\\nlatest\\n' ;;
esac`);
    await home.run(appendAudit(settingsOf(), "[2030-01-02T03:04:05Z] [ann@acme.example] Released version 77 on all hosts").text);
    expect(toFacts((await answers(home, shell)) as FactAnswers)).toEqual({
      docker: "20.10.24+dfsg1", network: true,
      proxy: { running: true, image: "basecamp/kamal-proxy:v0.9.2", routes: [{ name: "shop-web", targets: ["0a1b2c3d4e5f:80"], mode: "live" }] },
      containers: [{ id: "0a1b2c3d4e5f", name: "shop-web-77", role: "web", version: "77", state: "running", status: "Up 3 minutes", image: "acme/shop:77" }],
      accessories: [],
      images: ["acme/shop:77", "acme/shop:latest"],
      releases: [{ version: "77", at: "2030-01-02T03:04:05Z", whole: true }],
    });
  });
});

test("dockerVersion() takes no error text for a version", () => {
  expect(dockerVersion().parse("<no value>\n")).toBeUndefined();
  expect(dockerVersion().parse("WARNING: experimental\n28.2.2\n")).toBe("28.2.2");
});
