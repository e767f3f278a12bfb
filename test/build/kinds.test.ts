import { describe, expect, test } from "bun:test";
import { type Builder, builderOf, builderState, buildxName, createSteps, detailsPrograms, inspectSteps, removeSteps, sshHostOf } from "../../lib/build/kinds.ts";
import { imageArch } from "../../lib/build/facts.ts";
import { programText } from "../../lib/ground/command.ts";
import type { LocalStep } from "../../lib/ground/step.ts";
import type { Settings } from "../../lib/config/settings.ts";
import { buildText, localRegistry, notGit, textsOf, withBuilder } from "../support/build.ts";

const texts = (steps: readonly LocalStep[]): string[] => steps.map(({ program }) => programText(program));
const create = (settings: Settings, arch?: string): string[] => texts(createSteps(settings, builderOf(settings, arch)));

const url = "ssh://root@b.example:2222";
const both = ["amd64", "arm64"];
const remote = withBuilder({ arch: ["arm64"], remote: url, local: false });
const hybrid = withBuilder({ arch: both, remote: url });

describe("builderOf()", () => {
  test.each<[string, Settings, string | undefined, string, string | undefined]>([
    ["neither remote nor pack", withBuilder({}), undefined, "local", "kamal-local-docker-container"],
    ["another driver", withBuilder({ driver: "kubernetes" }), undefined, "local", "kamal-local-kubernetes"],
    ["Docker's own", withBuilder({ driver: "docker" }), undefined, "local", undefined],
    ["a registry on this machine", withBuilder({}, localRegistry), undefined, "local", "kamal-local-registry-docker-container"],
    ["a remote one for everything", remote, undefined, "remote", "kamal-remote-ssh---root-b-example-2222"],
    ["a remote one for what this machine does not have", withBuilder({ arch: ["arm64"], remote: url }), "amd64", "remote", "kamal-remote-ssh---root-b-example-2222"],
    ["a remote one for what this machine has itself", withBuilder({ arch: ["amd64"], remote: url }), "amd64", "local", "kamal-local-docker-container"],
    ["both", hybrid, "amd64", "hybrid", "kamal-hybrid-docker-container-ssh---root-b-example-2222"],
    ["a remote one with a registry on this machine", withBuilder({ arch: both, remote: url, local: false }, localRegistry), undefined, "remote", "kamal-remote-ssh---root-b-example-2222-local-registry"],
    ["capitals in the URL", withBuilder({ arch: both, remote: "tcp://B.example:2376", local: false }), undefined, "remote", "kamal-remote-tcp-----example-2376"],
    ["buildpacks", withBuilder({ pack: { builder: "heroku/builder:24", buildpacks: [] } }), undefined, "pack", undefined],
    ["a cloud", withBuilder({ driver: "cloud acme/builders" }), undefined, "cloud", "cloud-acme-builders"],
  ])("with %s", (_title, settings, arch, kind, name) => {
    const builder = builderOf(settings, arch);
    expect([builder.kind, buildxName(builder)]).toEqual([kind as Builder["kind"], name]);
  });

  test("refuses to guess the architecture of this machine where it decides", () => {
    expect(() => builderOf(hybrid, undefined)).toThrow(expect.objectContaining({ failure: "missing", hint: "Start Docker, or set builder.local to false to build all of it on the remote builder." }));
  });

  test.each([["x86_64", "amd64"], ["aarch64", "arm64"], ["armv7l", "arm/v7"], ["riscv64", "riscv64"]])("images call %s %s", (kernel, image) => expect(imageArch(kernel)).toBe(image));
});

describe("a builder is created", () => {
  test("here", () => expect(create(withBuilder({}))).toEqual(["docker buildx create --name kamal-local-docker-container --driver=docker-container"]));
  test("in the network of this machine, for a registry on it", () => expect(create(withBuilder({}, localRegistry))).toEqual(["docker buildx create --name kamal-local-registry-docker-container --driver=docker-container --driver-opt network=host"]));

  test("on another machine, behind a Docker context", () => expect(create(remote)).toEqual([
    "docker context create kamal-remote-ssh---root-b-example-2222-context --description 'kamal-remote-ssh---root-b-example-2222 host' --docker host=ssh://root@b.example:2222",
    "docker buildx create --name kamal-remote-ssh---root-b-example-2222 kamal-remote-ssh---root-b-example-2222-context",
  ]));

  test("on both, each for its architectures", () => expect(create(hybrid, "amd64")).toEqual([
    "docker buildx create --platform linux/amd64 --name kamal-hybrid-docker-container-ssh---root-b-example-2222 --driver=docker-container",
    "docker context create kamal-hybrid-docker-container-ssh---root-b-example-2222-context --description 'kamal-hybrid-docker-container-ssh---root-b-example-2222 host' --docker host=ssh://root@b.example:2222",
    "docker buildx create --platform linux/arm64 --append --name kamal-hybrid-docker-container-ssh---root-b-example-2222 kamal-hybrid-docker-container-ssh---root-b-example-2222-context",
  ]));

  test("on both, with a registry on this machine", () => {
    const name = "kamal-hybrid-docker-container-ssh---b-local-registry";
    expect(create(withBuilder({ arch: ["amd64", "arm64", "s390x"], remote: "ssh://b" }, localRegistry), "arm64")).toEqual([
      `docker buildx create --platform linux/arm64 --name ${name} --driver=docker-container --driver-opt network=host`,
      `docker context create ${name}-context --description '${name} host' --docker host=ssh://b`,
      `docker buildx create --platform linux/amd64,linux/s390x --append --name ${name} --driver-opt network=host ${name}-context`,
    ]);
  });

  test("in a cloud", () => expect(create(withBuilder({ driver: "cloud acme/builders" }))).toEqual(["docker buildx create --driver cloud acme/builders"]));
  test.each([["Docker's own", withBuilder({ driver: "docker" })], ["buildpacks", withBuilder({ pack: { builder: "b", buildpacks: [] } })]])("never for %s", (_title, settings) => expect(create(settings)).toEqual([]));
});

describe("removeSteps()", () => {
  test("removes the builder and its context", () => {
    expect(texts(removeSteps(builderOf(hybrid, "amd64"), false))).toEqual(["docker buildx rm kamal-hybrid-docker-container-ssh---root-b-example-2222", "docker context rm kamal-hybrid-docker-container-ssh---root-b-example-2222-context"]);
    expect(texts(removeSteps(builderOf(withBuilder({ driver: "cloud acme/b" }), undefined), false))).toEqual(["docker buildx rm cloud-acme-b"]);
    expect(removeSteps(builderOf(withBuilder({ driver: "docker" }), undefined), false)).toEqual([]);
  });

  test("of what may be gone is no failure", () => expect(removeSteps(builderOf(remote, undefined), true).map(({ optional }) => optional)).toEqual([true, true]));
});

describe("builderState()", () => {
  const builder = builderOf(remote, undefined);
  const inspected = (context: string): string => `Name:   kamal-remote\nDriver: docker-container\n\nNodes:\nName:      kamal-remote0\nEndpoint:  ${context}\nStatus:    running\n`;
  const own = "kamal-remote-ssh---root-b-example-2222-context";

  test.each<[string, string | undefined, string | undefined, string]>([
    ["leads to the machine of the config", inspected(own), `${url}\n`, "ready"],
    ["is not there", undefined, undefined, "missing"],
    ["leads through another context", inspected("default"), `${url}\n`, "missing"],
    ["has lost its context", inspected(own), undefined, "missing"],
    ["leads to another machine", inspected(own), "ssh://root@old.example\n", "missing"],
  ])("of a remote builder that %s", (_title, buildx, context, state) => expect(builderState(builder, { ok: buildx !== undefined, text: buildx ?? "" }, context)).toBe(state as "ready"));

  test("of a local one asks buildx alone", () => {
    const local = builderOf(withBuilder({}), undefined);
    expect([builderState(local, { ok: true, text: "Name: x" }, undefined), builderState(local, { ok: false, text: "" }, undefined)]).toEqual(["ready", "missing"]);
    const complaint = (text: string) => builderState(local, { ok: false, text }, undefined);
    expect(["ERROR: no builder \"kamal-local-docker-container\" found", "ERROR: context \"x\": context not found: open /root/.docker: no such file", "ERROR: no compatible builder found", "ERROR: builder does not exist"].map(complaint)).toEqual(["missing", "missing", "missing", "missing"]);
    // Its cache would be lost: what is there may work all the same, and the build says what it lacks.
    expect(["Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", "It did not end within 30 seconds"].map(complaint)).toEqual(["unknown", "unknown"]);
    expect(builderState(builderOf(withBuilder({ driver: "docker" }), undefined), { ok: false, text: "" }, undefined)).toBe("ready");
  });

  test("is asked for with buildx, and of the context where it leads", () => expect(texts(inspectSteps(builder))).toEqual([
    "docker buildx inspect kamal-remote-ssh---root-b-example-2222", "docker context inspect kamal-remote-ssh---root-b-example-2222-context --format '{{.Endpoints.docker.Host}}'",
  ]));
});

describe("a build", () => {
  test("on another machine leaves the credentials to the other side", () => expect(buildText(remote)).toBe(
    "BUILDKIT_NO_CLIENT_TOKEN=1 docker buildx build --output=type=registry --platform linux/arm64 --builder kamal-remote-ssh---root-b-example-2222 -t acme/shop:77 -t acme/shop:latest --label service=shop --file Dockerfile .",
  ));
  test("on both machines names all architectures", () => expect(buildText(hybrid)).toStartWith("BUILDKIT_NO_CLIENT_TOKEN=1 docker buildx build --output=type=registry --platform linux/amd64,linux/arm64 --builder kamal-hybrid-docker-container-ssh---root-b-example-2222 -t "));
  test("in a cloud uses its builder", () => expect(buildText(withBuilder({ driver: "cloud acme/builders" }))).toStartWith("docker buildx build --output=type=registry --platform linux/amd64 --builder cloud-acme-builders -t "));

  test("creates a remote builder that is missing, whatever is left of it", () => expect(textsOf(remote, { ...notGit, builder: "missing" }).slice(0, 4)).toEqual([
    "docker buildx rm kamal-remote-ssh---root-b-example-2222", "docker context rm kamal-remote-ssh---root-b-example-2222-context",
    "docker context create kamal-remote-ssh---root-b-example-2222-context --description 'kamal-remote-ssh---root-b-example-2222 host' --docker host=ssh://root@b.example:2222",
    "docker buildx create --name kamal-remote-ssh---root-b-example-2222 kamal-remote-ssh---root-b-example-2222-context",
  ]));
});

test.each([[url, "root@b.example:2222"], ["ssh://b.example/run/docker.sock", "b.example"], ["tcp://b.example:2376", undefined]])("sshHostOf() of %s is %p", (remoteUrl, host) => {
  expect(sshHostOf(builderOf(withBuilder({ arch: ["arm64"], remote: remoteUrl, local: false }), undefined))).toBe(host);
});

test("detailsPrograms() shows contexts and builders, or that of pack", () => {
  expect(detailsPrograms(builderOf(hybrid, "amd64")).map(programText)).toEqual(["docker context ls", "docker buildx ls"]);
  expect(detailsPrograms(builderOf(withBuilder({ pack: { builder: "heroku/builder:24", buildpacks: [] } }), undefined)).map(programText)).toEqual(["pack builder inspect heroku/builder:24"]);
});
