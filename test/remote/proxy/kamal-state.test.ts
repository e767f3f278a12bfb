import { describe, expect, test } from "bun:test";
import { kamalProxy } from "../../../lib/remote/proxy/kamal-proxy.ts";
import { liveTargets, savedTargets } from "../../../lib/remote/proxy/kamal-state.ts";
import { Home, run, shells } from "../../support/shell.ts";
import { emptyList, list, state } from "./kamal-answers.ts";

const routes = [
  { name: "shop-web", targets: ["127.0.0.1:9001"], mode: "live" },
  { name: "api-web", targets: ["127.0.0.1:9002"], mode: "paused" },
  { name: "sec", targets: ["127.0.0.1:9001", "127.0.0.1:9002"], mode: "maintenance" },
] as const;
const byName = (all: readonly { readonly name: string }[]): unknown[] => [...all].sort((a, b) => a.name.localeCompare(b.name));

describe("facts()", () => {
  const { command, parse } = kamalProxy.facts();
  const docker = `case $1 in
container) echo 'true basecamp/kamal-proxy:v0.9.2' ;;
cp) [ -s saved ] && cp saved kamal-proxy.state && tar -cf - kamal-proxy.state ;;
exec) cat live ;;
esac`;
  const ask = async (saved: string, live: string): Promise<string> => {
    using home = new Home().program("docker", docker);
    await Bun.write(`${home.path}/saved`, saved);
    await Bun.write(`${home.path}/live`, live);
    const exit = await home.run(command.text);
    expect(exit.status).toBe(0);
    return exit.stdout;
  };

  test("reads image and routes from the state file", async () => {
    expect(parse(await ask(state, "not asked"))).toEqual({ running: true, image: "basecamp/kamal-proxy:v0.9.2", routes: [...routes] });
  });

  test.each([["broken", state.slice(0, 300)], ["missing", ""]])("reads the live list when the state file is %s", async (_title, saved) => {
    const facts = parse(await ask(saved, list));
    expect(byName(facts?.routes ?? [])).toEqual(byName(routes));
  });

  test("sees no routes in a fresh proxy", async () => expect(parse(await ask("", emptyList))?.routes).toEqual([]));
  test("reads an empty state file", () => expect(parse("false x:1\n[]\n")).toEqual({ running: false, image: "x:1", routes: [] }));

  test("is undefined without a container, and where Docker is missing", async () => {
    using home = new Home().program("docker", "echo 'no such container' >&2; exit 1");
    expect(await home.run(command.text)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(parse("")).toBeUndefined();
  });
});

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("in %s", (_name, shell) => {
  test.each([["shop-web", "127.0.0.1:9001"], ["api-web", "127.0.0.1:9002"], ["sec", "127.0.0.1:9001,127.0.0.1:9002"], ["web", ""], ["shop", ""], ["shop-we.", ""]])("targets of %s are %j, live and saved", async (route, targets) => {
    expect((await run(liveTargets(route).text, { shell, input: list })).stdout.trim()).toBe(targets);
    expect((await run(savedTargets(route).text, { shell, input: state })).stdout.trim()).toBe(targets);
  });
});
