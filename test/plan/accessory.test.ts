import { describe, expect, test } from "bun:test";
import { Secret } from "../../lib/ground/secret.ts";
import type { Plan } from "../../lib/ground/step.ts";
import { accessoryBootPhases, chosenAccessories, fileSteps, hostsOfAccessories, planAccessoryAction, planAccessoryBoot, planAccessoryFiles, planAccessoryReboot, planAccessoryRemove } from "../../lib/plan/accessory.ts";
import { planDeploy } from "../../lib/plan/deploy.ts";
import { fileKey } from "../../lib/plan/order.ts";
import { Home } from "../support/shell.ts";
import { accessoryFactsOf, fleetOf, hostOf, orderOf } from "../support/facts.ts";
import { accessoryOf, defaultProxy, roleOf, settingsOf } from "../support/settings.ts";

const cache = accessoryOf("cache");
const search = accessoryOf("search", { hosts: ["10.0.0.1", "10.0.0.9"], proxy: defaultProxy });
const shop = settingsOf({ accessories: [cache, search] });
const none = settingsOf();
const order = (filter = {}, settings = shop) => orderOf(settings, "", { filter });
const titles = (plan: Plan, host?: string): string[] => plan.phases.flatMap((phase) => phase.lanes.filter((lane) => host === undefined || lane.host === host).flatMap((lane) => lane.steps.map(({ title }) => title)));
const having = (...there: readonly (typeof cache)[]) => fleetOf({ "10.0.0.1": hostOf([], { accessories: there.filter(({ hosts }) => hosts.includes("10.0.0.1")).map((one) => accessoryFactsOf(one)) }), "10.0.0.9": hostOf([], { accessories: there.map((one) => accessoryFactsOf(one)) }) });

describe("chosenAccessories()", () => {
  const names = (name: string, filter = {}): string[] => chosenAccessories(order(filter), name).map((one) => `${one.name}: ${one.hosts.join(" ")}`);
  test.each<[string, string, object, readonly string[]]>([
    ["one", "cache", {}, ["cache: 10.0.0.9"]],
    ["all", "all", {}, ["cache: 10.0.0.9", "search: 10.0.0.1 10.0.0.9"]],
    ["all, on what -h leaves", "all", { hosts: ["10.0.0.1"] }, ["search: 10.0.0.1"]],
    ["one, on the hosts of a role", "search", { roles: ["web"] }, ["search: 10.0.0.1"]],
  ])("gives %s", (_title, name, filter, found) => expect(names(name, filter)).toEqual([...found]));

  test("gives nothing of none, for all", () => expect(chosenAccessories(order({}, none), "all")).toEqual([]));
  test("names each host once, where hosts are asked for", () => expect(hostsOfAccessories(order(), "all")).toEqual(["10.0.0.9", "10.0.0.1"]));

  test.each([
    ["a misspelt name", "serch", shop, "Did you mean search? The accessories are: cache, search."],
    ["another name", "mysql", shop, "The accessories are: cache, search."],
    ["any name where there is none", "cache", none, "The config has no accessories."],
  ] as const)("refuses %s", (_title, name, settings, hint) => expect(() => chosenAccessories(order({}, settings), name)).toThrow(expect.objectContaining({ failure: "usage", message: `There is no accessory "${name}"`, hint })));

  test("refuses filters that leave no host of it", () => {
    expect(() => names("cache", { hosts: ["10.0.0.1"] })).toThrow(expect.objectContaining({ failure: "usage", message: "No host of cache is among those you chose", hint: "Its hosts: cache (10.0.0.9)." }));
    expect(() => names("all", { hosts: ["10.0.0.2"] })).toThrow(expect.objectContaining({ message: "No host of an accessory is among those you chose", hint: "Its hosts: cache (10.0.0.9), search (10.0.0.1, 10.0.0.9)." }));
  });
});

describe("planAccessoryBoot()", () => {
  test("E4: leaves a container alone, running or not, and says so", () => {
    const plan = planAccessoryBoot(order(), fleetOf({ "10.0.0.1": hostOf([], { accessories: [accessoryFactsOf(search)] }), "10.0.0.9": hostOf([], { accessories: [accessoryFactsOf(search, "created"), accessoryFactsOf(cache)] }) }), "all");
    expect(titles(plan)).toEqual([]);
    expect(plan.notes).toEqual([
      "Left as it is: cache on 10.0.0.9, where a container shop-cache is there already; `capstan accessory reboot cache` replaces it.",
      "Left as it is: search on 10.0.0.1, where a container shop-search is there already; `capstan accessory reboot search` replaces it.",
      "Left as it is: search on 10.0.0.9, where a container shop-search is there already; it is created: `capstan accessory start search` starts it.",
    ]);
  });

  test("boots the proxy only where it is needed and does not run", () => {
    expect(titles(planAccessoryBoot(order(), having(), "cache"))).not.toContain("Make sure that the proxy runs");
    const stopped = fleetOf({ "10.0.0.1": hostOf([], { proxy: { running: true, image: "", routes: [] } }), "10.0.0.9": hostOf([], { proxy: { running: false, image: "", routes: [] } }) });
    const plan = planAccessoryBoot(order(), stopped, "search");
    expect(titles(plan, "10.0.0.1")).not.toContain("Make sure that the proxy runs");
    expect(titles(plan, "10.0.0.9").slice(-6)).toEqual(["Make the folder of the proxy's files", "Make sure that the proxy runs", `Record "Booted search accessory"`, "Start shop-search", "Check that shop-search stays up", "Switch shop-search to shop-search"]);
  });

  test("logs in only with credentials, and makes the network once a host", () => {
    const open = settingsOf({ accessories: [accessoryOf("a", { registry: { server: "localhost:5000", username: undefined, password: undefined } }), cache] });
    expect(titles(planAccessoryBoot(order({}, open), having(), "all"))).toEqual([
      "Make sure that the network is there", "Write env file of a", `Record "Booted a accessory"`, "Start shop-a", "Check that shop-a stays up",
      "Log in to the registry", "Write env file of cache", `Record "Booted cache accessory"`, "Start shop-cache", "Check that shop-cache stays up",
    ]);
  });

  test("names every host without Docker", () => {
    const bare = hostOf([], { docker: undefined });
    expect(() => planAccessoryBoot(order(), fleetOf({ "10.0.0.1": bare, "10.0.0.9": bare }), "all")).toThrow(expect.objectContaining({ failure: "missing", message: "Docker is missing or not running on 10.0.0.9, 10.0.0.1" }));
  });

  test("takes back the container of what failed, never its volumes: an accessory that is up stays", () => {
    const steps = planAccessoryBoot(order(), having(), "search").phases.flatMap((phase) => phase.lanes.slice(0, 1).flatMap((lane) => lane.steps)).flatMap((step) => (step.kind === "run" && step.undo !== undefined ? [step] : []));
    expect(steps.map(({ title, undoTitle, undoIfFailed }) => [title, undoTitle, undoIfFailed])).toEqual([
      ["Make sure that the proxy runs", "Remove the proxy's container if it was made and could not start", true],
      ["Start shop-search", "Remove shop-search if it was made and could not start", true],
      ["Check that shop-search stays up", "Remove shop-search", true],
      ["Switch shop-search to shop-search", "Take the route shop-search away, and remove shop-search", true],
    ]);
    expect(steps.map(({ undo }) => undo?.text ?? "").join("\n")).not.toContain("--volumes");
    expect(steps[3]?.undo?.text.split("\n").slice(-3)).toEqual([") || exit", ...(steps[2]?.undo?.text.split("\n") ?? [])]);
  });

  test.each([
    ["of its own", ["a0"], ["a0"], "", "container rm a0\n"],
    ["that is about to start, which is somebody else's", ["a0"], [], "", ""],
    ["none", [], [], "", ""],
  ])("the undo of a start: made and not started is %s", async (_title, at, later, stdout, removed) => {
    const [undo = ""] = planAccessoryBoot(order(), having(), "cache").phases.flatMap((phase) => phase.lanes.flatMap((lane) => lane.steps)).flatMap((step) => (step.title === "Start shop-cache" && step.kind === "run" ? [step.undo?.text ?? ""] : []));
    using home = new Home();
    home.program("sleep", "touch slept").program("docker", `case "$*" in
'container ls --all --filter name=^shop-cache$ --quiet --filter status=created') [ -f slept ] && printf '%s' '${later.join("")}' || printf '%s' '${at.join("")}' ;;
*) echo "$*" >> ran ;;
esac`);
    expect(await home.run(`${undo}\n`)).toEqual({ status: 0, stdout, stderr: "" });
    expect((await home.run("cat ran 2> /dev/null")).stdout).toBe(removed);
  });

  test("is a part of setup, before the app, and of no other deploy", () => {
    const phases = (accessories: boolean): string[] => planDeploy(orderOf(shop, "1"), new Map(), { proxy: true, prune: false, pull: "always", accessories }).phases.map(({ title }) => title);
    expect(phases(true).slice(0, 4)).toEqual(["Pull image", "Prepare hosts", "Boot accessories", "Boot web"]);
    expect(phases(false)).not.toContain("Boot accessories");
    expect(accessoryBootPhases(orderOf(none, "1"), new Map(), [])).toEqual([{ title: "Boot accessories", lanes: [] }]);
  });
});

describe("fileSteps()", () => {
  const file = { source: { path: "/app/a" }, hostPath: "shop-cache/a", remote: "/a", mode: "0640", owner: undefined, options: undefined };
  const one = accessoryOf("cache", { files: [file] });
  test("brings each host the content that is for it, as it is", () => {
    const content = { files: new Map([[fileKey("cache", "10.0.0.9", "/a"), { content: new Secret("content", "x") }], [fileKey("cache", "10.0.0.8", "/a"), { content: "eA==", encoding: "base64" as const }]]), errorPages: new Map() };
    expect(fileSteps(orderOf(shop, "", { content }), one, "10.0.0.8")).toMatchObject([{ title: "Make the folder of shop-cache/a" }, { kind: "upload", title: "Write shop-cache/a", path: "shop-cache/a", mode: "0640", content: "eA==", encoding: "base64" }]);
    const [, step] = fileSteps(orderOf(shop, "", { content }), one, "10.0.0.9");
    expect(step?.kind === "upload" ? String(step.content) : "").toBe("‹secret content›");
  });
  test("is a bug when the content was not read", () => expect(() => fileSteps(order(), one, "10.0.0.9")).toThrow("The content of /a for cache was not read"));
});

describe("planAccessoryReboot()", () => {
  test("E5: pulls before it stops, and boots without a second login", () => {
    expect(titles(planAccessoryReboot(order(), having(cache), "cache", false))).toEqual([
      "Log in to the registry", "Make sure that the network is there", "Pull redis:7", "Write env file of cache", "Replace shop-cache", `Record "Stopped cache accessory"`, `Record "Booted cache accessory"`,
    ]);
  });
  test("brings folders, files, environment, certificate and proxy before it stops: they may fail", () => {
    const file = { source: { content: "x" }, hostPath: "shop-search/a", remote: "/a", mode: "0640", owner: undefined, options: undefined };
    const directory = { hostPath: "shop-search/data", remote: "/data", mode: "0700", owner: "9:9", options: undefined };
    const tls = { certificate: new Secret("CERT", "c"), privateKey: new Secret("KEY", "k") };
    const one = accessoryOf("search", { hosts: ["10.0.0.9"], files: [file], directories: [directory], proxy: { ...defaultProxy, tls } });
    const settings = settingsOf({ accessories: [one] });
    const content = { files: new Map([[fileKey("search", "10.0.0.9", "/a"), { content: "x" }]]), errorPages: new Map() };
    const all = titles(planAccessoryReboot(orderOf(settings, "", { content }), having(one), "search", false));
    expect(all.slice(3, all.indexOf("Take the route shop-search away"))).toEqual([
      "Make shop-search/data", "Set the mode of shop-search/data to 0700", "Give shop-search/data to 9:9", "Make the folder of shop-search/a", "Write shop-search/a", "Write env file of search",
      "Make the folder of search's certificate", "Write certificate of search", "Write private key of search", "Make the folder of the proxy's files", "Make sure that the proxy runs",
    ]);
    expect(all.slice(all.indexOf("Replace shop-search"))).toEqual(["Replace shop-search", `Record "Stopped search accessory"`, `Record "Booted search accessory"`, "Switch shop-search to shop-search"]);
  });
  test("does not stop what is not there, and takes nothing back", () => {
    const running = { proxy: { running: true, image: "", routes: [] } };
    const plan = planAccessoryReboot(order(), fleetOf({ "10.0.0.1": hostOf([], running), "10.0.0.9": hostOf([], running) }), "all", false);
    expect(titles(plan).filter((title) => /^(Stop|Remove|Take)/.test(title))).toEqual([]);
    expect(plan.phases.flatMap((phase) => phase.lanes.flatMap((lane) => lane.steps)).filter((step) => step.kind === "run" && step.undo !== undefined)).toEqual([]);
  });
  test("goes host after host when asked, where there are several", () => {
    const phases = (name: string): [string, boolean | undefined][] => planAccessoryReboot(order(), having(cache, search), name, true).phases.map(({ title, committed }) => [title, committed]);
    expect(phases("search")).toEqual([["Reboot accessories on 10.0.0.1", true], ["Reboot accessories on 10.0.0.9", true]]);
    expect(phases("cache")).toEqual([["Reboot accessories", undefined]]);
  });
});

describe("an accessory's image in the registry of this machine", () => {
  const local = { server: "localhost:5000", username: undefined, password: undefined };
  const settings = settingsOf({ accessories: [accessoryOf("a", { registry: local, hosts: ["10.0.0.1", "10.0.0.9"] }), accessoryOf("b", { registry: local }), accessoryOf("c", { registry: { ...local, server: "localhost:5001" } }), cache] });
  const tunnels = (plan: Plan) => plan.phases.map((phase) => phase.tunnels?.map(({ host, port }) => `${host}:${port}`));
  const all = ["10.0.0.1:5000", "10.0.0.9:5000", "10.0.0.9:5001"];
  test.each<[string, Plan, readonly (readonly string[] | undefined)[]]>([
    ["boot", planAccessoryBoot(order({}, settings), having(), "all"), [all]],
    ["boot of what is there partly", planAccessoryBoot(order({}, settings), fleetOf({ "10.0.0.1": hostOf([], { accessories: [accessoryFactsOf(accessoryOf("a"))] }) }), "all"), [["10.0.0.9:5000", "10.0.0.9:5001"]]],
    ["reboot", planAccessoryReboot(order({}, settings), having(), "all", false), [all]],
    ["rolling reboot", planAccessoryReboot(order({}, settings), having(), "a", true), [["10.0.0.1:5000"], ["10.0.0.9:5000"]]],
    ["pull", planAccessoryFiles(order({}, settings), having(), "a", "image"), [["10.0.0.1:5000", "10.0.0.9:5000"]]],
    ["stop", planAccessoryAction(order({}, settings), having(), "all", "stop"), [undefined]],
    ["boot of one from elsewhere", planAccessoryBoot(order({}, settings), having(), "cache"), [undefined]],
  ])("is reached by a tunnel a host and port: %s", (_title, plan, expected) => expect(tunnels(plan)).toEqual(expected.map((one) => (one === undefined ? undefined : [...one]))));
});

describe("planAccessoryAction()", () => {
  test.each([
    ["start", ["Start shop-search", `Record "Started search accessory"`, "Switch shop-search to shop-search"]],
    ["stop", ["Take the route shop-search away", "Stop shop-search", `Record "Stopped search accessory"`]],
    ["restart", ["Take the route shop-search away", "Stop shop-search", `Record "Stopped search accessory"`, "Start shop-search", `Record "Started search accessory"`, "Switch shop-search to shop-search"]],
  ] as const)("%s tells the proxy too", (action, steps) => expect(titles(planAccessoryAction(order(), having(search), "search", action), "10.0.0.1")).toEqual([...steps]));

  test.each(["start", "restart"] as const)("%s refuses where a container is missing", (action) => {
    expect(() => planAccessoryAction(order(), fleetOf({ "10.0.0.1": hostOf([]), "10.0.0.9": hostOf([], { accessories: [accessoryFactsOf(search)] }) }), "all", action)).toThrow(expect.objectContaining({
      failure: "missing", message: "There is no container of cache on 10.0.0.9, search on 10.0.0.1", hint: "Boot it: `capstan accessory boot all`.", state: ["Nothing was changed."],
    }));
  });
  test("stop says where there is none", () => {
    const plan = planAccessoryAction(order(), having(cache), "all", "stop");
    expect(plan.notes).toEqual(["Nothing to stop: search on 10.0.0.1.", "Nothing to stop: search on 10.0.0.9."]);
    expect(titles(plan)).toEqual(["Stop shop-cache", `Record "Stopped cache accessory"`]);
  });
});

describe("planAccessoryRemove()", () => {
  const whole = ["container", "image", "directory"] as const;
  test("takes its route away though its container is gone", () => {
    expect(titles(planAccessoryRemove(order(), having(), "search", whole), "10.0.0.1")).toEqual(["Take the route shop-search away", "Remove the volumes of shop-search that have no name", "Remove what the user of shop-search made in its folder", "Remove the image redis:7", "Remove the secrets of search", `Record "Removed search accessory"`, "Remove the folder shop-search"]);
  });
  test.each([
    ["image", ["Remove the image redis:7", `Record "Removed cache accessory image"`]],
    ["directory", ["Remove what the user of shop-cache made in its folder", "Remove the folder shop-cache", `Record "Removed cache accessory directory"`]],
  ] as const)("of the %s alone", (part, steps) => expect(titles(planAccessoryRemove(order(), having(cache), "cache", [part]))).toEqual([...steps]));
});

describe("planAccessoryRemove() of the container alone", () => {
  const stateOf = (state: string) => fleetOf({ "10.0.0.9": hostOf([], { accessories: [accessoryFactsOf(cache, state)] }) });
  test.each(["running", "restarting", "paused"])("refuses one that is %s: docker would leave it and say nothing", (state) => {
    expect(() => planAccessoryRemove(order(), stateOf(state), "cache", ["container"])).toThrow(expect.objectContaining({ failure: "usage", message: "Cannot remove the container of cache on 10.0.0.9: it is up", hint: "Stop it first: `capstan accessory stop cache`.", state: ["Nothing was changed."] }));
  });
  test.each(["exited", "created", "dead"])("takes one away that is %s", (state) => expect(titles(planAccessoryRemove(order(), stateOf(state), "cache", ["container"]))).toEqual(["Remove the container shop-cache", `Record "Removed cache accessory container"`]));
});

test("planAccessoryFiles() does one step of a boot", () => {
  const one = settingsOf({ roles: [roleOf("web")], accessories: [accessoryOf("cache", { directories: [{ hostPath: "/var/db", remote: "/data", mode: "0700", owner: "redis", options: undefined }] })] });
  expect(titles(planAccessoryFiles(order({}, one), having(), "cache", "directories"))).toEqual(["Make /var/db", "Set the mode of /var/db to 0700", "Give /var/db to redis"]);
  expect(titles(planAccessoryFiles(order({}, one), having(), "cache", "image"))).toEqual(["Log in to the registry", "Pull redis:7"]);
  expect(titles(planAccessoryFiles(order({}, one), having(), "cache", "files"))).toEqual([]);
});
