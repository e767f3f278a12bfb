import { expect, test } from "bun:test";
import { latencyOf, StandInDocker } from "../lab/bench/stand-in/docker.ts";
import { fill } from "../lab/bench/stand-in/template.ts";

const image = "registry.example/acme/shop:v1";
const started = (): StandInDocker => {
  const docker = new StandInDocker("1");
  docker.answer(["pull", image]);
  docker.answer(["run", "--detach", "--restart", "unless-stopped", "--name", "shop-web-v1", "--hostname", "host-4896754c278a", "--env-file", "web.env", "--label", "service=shop", "--label", "role=web", "--label", "destination", image, "run", "--flag"]);
  return docker;
};
const say = (docker: StandInDocker, ...args: readonly string[]): string => docker.answer(args).stdout;
const id = (docker: StandInDocker): string => say(docker, "ps", "-q", "--filter", "name=^shop-web-v1$").trim();

test.each([
  ["{{.ID}} {{.Label \"role\"}}", { ID: "7", Label: (key: string) => `<${key}>` }, "7 <role>"],
  ["{{with .Health}}{{.Status}}{{else}}none{{end}}|{{if not .Health}}x{{end}}", {}, "none|x"],
  ["{{range $port, $_ := .Ports}}{{$port}} {{end}}", { Ports: { "80/tcp": {}, "443/tcp": {} } }, "80/tcp 443/tcp "],
  ['{{with index .Networks "kamal"}}{{.IPAddress}}{{end}}', { Networks: { kamal: { IPAddress: "127.0.0.1" } } }, "127.0.0.1"],
  ["{{range .Args}}{{println .}}{{end}}{{.Missing}}", { Args: ["a", "b"] }, "a\nb\n<no value>"],
  ['{{if eq (index .Names 0) "traefik"}}yes{{end}}\\t{{json .Names}}', { Names: ["traefik"] }, 'yes\t["traefik"]'],
] as const)("a template of Go is filled: %p", (template, data, text) => expect(fill(template, data)).toBe(text));

test("a template that it does not know is an error, not a guess", () => {
  expect(() => fill("{{upper .Name}}", { Name: "x" })).toThrow('function "upper" not defined');
  expect(started().answer(["ps", "--format", "{{upper .Names}}"])).toEqual({ status: 125, stdout: "", stderr: 'template: function "upper" not defined\n' });
});

test("a new host has a running proxy, its network and nothing else", () => {
  const docker = new StandInDocker("1");
  expect(say(docker, "ps", "--all", "--format", "{{.Names}} {{.State}}")).toBe("kamal-proxy running\n");
  expect(say(docker, "network", "ls", "--quiet", "--filter", "name=^kamal$")).toBe("kamal\n");
  expect(docker.answer(["network", "inspect", "other"]).status).toBe(1);
  expect(say(docker, "container", "inspect", "--format", "{{.State.Running}} {{.Config.Image}}", "kamal-proxy")).toBe("true basecamp/kamal-proxy:v0.9.2\n");
});

test("a container is listed by name, label and state", () => {
  const docker = started();
  expect(id(docker)).toMatch(/^[0-9a-f]{12}$/);
  expect(say(docker, "ps", "--all", "--filter", "label=service=shop", "--filter", "label=role", "--format", '{{.Names}}\t{{.Label "role"}}\t{{.Label "destination"}}\t{{.State}}\t{{.Status}}\t{{.Image}}\t{{.Networks}}')).toBe(`shop-web-v1\tweb\t\trunning\tUp 1 minute\t${image}\tkamal\n`);
  expect(say(docker, "ps", "-q", "-a", "--filter", "label=destination=", "--filter", "status=exited", "--filter", "status=dead")).toBe("");
  expect(say(docker, "stop", "-t", "30", id(docker))).toMatch(/^[0-9a-f]{12}\n$/);
  expect(say(docker, "ps", "-q", "-a", "--filter", "label=destination=", "--filter", "status=exited", "--filter", "status=dead")).not.toBe("");
  expect(say(docker, "container", "ls", "--quiet", "--filter", "name=^shop-web-v1$")).toBe("");
});

test("what a probe needs of a container", () => {
  const format = '{{.State.Status}}|{{with .State.Health}}{{.Status}}{{end}}|{{.State.ExitCode}}|{{.State.OOMKilled}}|{{.RestartCount}}|{{with index .NetworkSettings.Networks "kamal"}}{{.IPAddress}}{{end}}|{{range $port, $_ := .Config.ExposedPorts}}{{$port}} {{end}}';
  expect(say(started(), "container", "inspect", "--format", format, "shop-web-v1")).toBe("running||0|false|0|127.0.0.1|80/tcp \n");
  expect(say(started(), "container", "inspect", "--format", "{{.State.Status}} {{.Config.Hostname}}", "shop-web-v1")).toBe("running host-4896754c278a\n");
});

test("a name is taken once, and an image has to be there", () => {
  const docker = started();
  expect(docker.answer(["run", "--name", "shop-web-v1", image]).stderr).toContain("Conflict");
  expect(docker.answer(["run", "--name", "other", "registry.example/acme/shop:v2"]).status).toBe(125);
  expect(docker.answer(["rm", "shop-web-v1"]).stderr).toContain("is running");
  docker.answer(["rename", "shop-web-v1", "shop-web-v1_replaced_1"]);
  expect(say(docker, "ps", "--format", "{{.Names}}")).toBe("shop-web-v1_replaced_1\nkamal-proxy\n");
  expect(docker.answer(["rm", "--force", "--volumes", "shop-web-v1_replaced_1"]).status).toBe(0);
  expect(say(docker, "ps", "--format", "{{.Names}}")).toBe("kamal-proxy\n");
});

test("images have the tags they were given, and the label of their repository", () => {
  const docker = started();
  docker.answer(["tag", image, "registry.example/acme/shop:latest"]);
  expect(say(docker, "image", "ls", "registry.example/acme/shop", "--format", "{{.Tag}}")).toBe("v1\nlatest\n");
  expect(say(docker, "image", "ls", "--filter", "label=service=shop", "--format", "{{.Repository}}:{{.Tag}}")).toBe(`${image}\nregistry.example/acme/shop:latest\n`);
  expect(say(docker, "inspect", "-f", "{{ .Config.Labels.service }}", image)).toBe("shop\n");
  expect(docker.answer(["rmi", image]).status).toBe(0);
  expect(docker.answer(["rmi", image]).status).toBe(1);
});

test("the proxy sends to what it was told, by its list and by its file", async () => {
  const docker = started();
  docker.answer(["exec", "kamal-proxy", "kamal-proxy", "deploy", "shop-web", `--target=${id(docker)}:80`, "--host=shop.example"]);
  expect(say(docker, "exec", "kamal-proxy", "kamal-proxy", "list").split("\n")[1]).toBe(`shop-web  *  /  ${id(docker)}:80  running  no`);
  const archive = say(docker, "cp", "kamal-proxy:/home/kamal-proxy/.config/kamal-proxy/kamal-proxy.state", "-");
  const unpacked = await new Response(Bun.spawn(["tar", "-xOf", "-"], { stdin: new Blob([archive]) }).stdout).text();
  expect(JSON.parse(unpacked)).toMatchObject([{ name: "shop-web", active_targets: [`${id(docker)}:80`] }]);
  const saved: string[] = [];
  const keeping = new StandInDocker("2", { volume: "/volumes/2", save: (text) => void saved.push(text) });
  keeping.answer(["exec", "kamal-proxy", "kamal-proxy", "deploy", "shop-web", "--target=0a1b2c3d4e5f:80"]);
  expect(saved.map((text): unknown => JSON.parse(text))).toMatchObject([[{ name: "shop-web", active_targets: ["0a1b2c3d4e5f:80"] }]]);
  const source = '{{range .Mounts}}{{if eq .Destination "/home/kamal-proxy/.config/kamal-proxy"}}{{.Source}}{{end}}{{end}}';
  expect([say(keeping, "container", "inspect", "--format", source, "kamal-proxy"), say(docker, "container", "inspect", "--format", source, "kamal-proxy")]).toEqual(["/volumes/2\n", "\n"]);
  docker.answer(["exec", "kamal-proxy", "kamal-proxy", "remove", "shop-web"]);
  expect(docker.answer(["exec", "kamal-proxy", "kamal-proxy", "remove", "shop-web"]).status).toBe(1);
});

test("each verb has its latency, and one that it does not know is an error", () => {
  expect([["pull", image], ["run", image], ["container", "stop", "x"], ["ps"], ["image", "ls"]].map(latencyOf)).toEqual([100, 250, 110, 20, 20]);
  expect(started().answer(["swarm", "init"])).toEqual({ status: 125, stdout: "", stderr: "the stand-in knows no docker swarm init\n" });
});
