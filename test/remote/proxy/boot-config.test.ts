import { describe, expect, test } from "bun:test";
import { bootConfigFiles, resetBootConfig, showBootConfig, storeBootConfig, type BootConfig } from "../../../lib/remote/proxy/boot-config.ts";
import { uploadCommand } from "../../../lib/remote/upload.ts";
import { runProxy } from "../../../lib/remote/proxy/run-flags.ts";
import { Home, shells } from "../../support/shell.ts";

const standard: BootConfig = { publish: true, publishHostIps: [], httpPort: 80, httpsPort: 443, logMaxSize: "10m", registry: undefined, repository: undefined, imageVersion: undefined, metricsPort: undefined, debug: false, dockerOptions: [] };
const none = { options: undefined, image: undefined, image_version: undefined, run_command: undefined };
const d5: BootConfig = { ...standard, publishHostIps: ["127.0.0.1"], httpPort: 8080, dockerOptions: ["label=x=y"], metricsPort: 9000, debug: true };

test.each<[string, Partial<BootConfig>, Partial<ReturnType<typeof bootConfigFiles>>]>([
  ["of the defaults: none", {}, {}],
  ["D5", d5, { options: "--publish 127.0.0.1:8080:80 --publish 127.0.0.1:443:443 --log-opt max-size=10m --expose=9000 --label=x=y", run_command: `kamal-proxy run --debug --metrics-port "9000"` }],
  ["without ports", { publish: false }, { options: "--log-opt max-size=10m" }],
  ["without a limit for logs", { logMaxSize: "" }, { options: "--publish 80:80 --publish 443:443" }],
  ["without anything", { publish: false, logMaxSize: "" }, { options: "" }],
  ["of two addresses", { publishHostIps: ["::1", "10.0.0.1"] }, { options: "--publish [::1]:80:80 --publish [::1]:443:443 --publish 10.0.0.1:80:80 --publish 10.0.0.1:443:443 --log-opt max-size=10m" }],
  ["of another registry", { registry: "reg.example:5000" }, { image: "reg.example:5000/basecamp/kamal-proxy" }],
  ["of another image", { registry: "reg.example", repository: "acme/proxy", imageVersion: "v1" }, { image: "reg.example/acme/proxy", image_version: "v1" }],
  ["of the default's own version", { imageVersion: "v0.9.2", repository: "basecamp/kamal-proxy" }, {}],
  ["of debugging alone", { debug: true }, { run_command: "kamal-proxy run --debug" }],
])("bootConfigFiles() %s", (_title, config, files) => expect(bootConfigFiles({ ...standard, ...config })).toEqual({ ...none, ...files }));

test("D5: storeBootConfig() writes what differs and removes the rest", () => {
  expect(storeBootConfig(d5).map((step) => (step.kind === "run" ? step.command.text : step.kind === "upload" ? `${step.path} ${step.mode} ${String(step.content)}` : ""))).toEqual([
    "mkdir -p .kamal/proxy",
    ".kamal/proxy/options 0644 --publish 127.0.0.1:8080:80 --publish 127.0.0.1:443:443 --log-opt max-size=10m --expose=9000 --label=x=y",
    "rm -f .kamal/proxy/image",
    "rm -f .kamal/proxy/image_version",
    `.kamal/proxy/run_command 0644 kamal-proxy run --debug --metrics-port "9000"`,
  ]);
  expect(resetBootConfig().map((step) => (step.kind === "run" ? step.command.text : ""))).toEqual(["rm -f .kamal/proxy/options .kamal/proxy/image .kamal/proxy/image_version .kamal/proxy/run_command"]);
});

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("in %s", (_name, shell) => {
  const stored = async (home: Home, config: BootConfig): Promise<void> => {
    for (const step of storeBootConfig(config)) {
      if (step.kind === "run") await home.run(step.command.text, { shell });
      if (step.kind === "upload") await home.run(uploadCommand(step.path, step.mode).text, { shell, input: String(step.content) });
    }
  };

  test("what was stored is what is shown and run; a second one takes the place of the first", async () => {
    using home = new Home().program("docker", `printf '%s\\n' "$@"`);
    await stored(home, { ...standard, imageVersion: "v9" });
    await stored(home, d5);
    expect((await home.run(showBootConfig().text, { shell })).stdout).toBe(`--publish 127.0.0.1:8080:80 --publish 127.0.0.1:443:443 --log-opt max-size=10m --expose=9000 --label=x=y basecamp/kamal-proxy:v0.9.2 kamal-proxy run --debug --metrics-port "9000"\n`);
    expect((await home.run(runProxy(undefined).text, { shell })).stdout.split("\n").slice(-13)).toEqual(["127.0.0.1:443:443", "--log-opt", "max-size=10m", "--expose=9000", "--label=x=y", "basecamp/kamal-proxy:v0.9.2", "kamal-proxy", "run", "--debug", "--metrics-port", "9000", ""].toSpliced(0, 0, "--publish"));
  });
});
