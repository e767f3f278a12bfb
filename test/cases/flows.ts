import type { Case } from "./case.ts";

const hooks = Object.fromEntries(["pre-connect", "pre-build", "pre-deploy", "pre-app-boot", "post-app-boot", "post-deploy"].map((name) => [`.kamal/hooks/${name}`, "#!/bin/sh\n"]));
const build = ["Prepare the build", "Hook preBuild", "Build and push image"];
const boot = ["Hook preAppBoot", "Boot web", "Boot jobs", "Switch", "Hook postAppBoot", "Retire old containers"];
const withoutHooks = (phases: readonly string[]): readonly string[] => phases.filter((phase) => !phase.startsWith("Hook"));
const serves = { docker: "20.10.24", network: true, proxy: { running: true, image: "basecamp/kamal-proxy:v0.9.2", routes: [{ name: "shop-web", targets: ["aaaaaaaaaaaa:80"], mode: "live" }] }, containers: [{ id: "aaaaaaaaaaaa", name: "shop-web-76", role: "web", version: "76", state: "running", status: "Up", image: "acme/shop:76" }], images: [] };

export const flowCases: readonly Case[] = [
  {
    name: "K1 prune all",
    tries: [
      { argv: "prune all", yaml: "retain_containers: 3\naccessories: {db: {image: m, host: 10.0.0.9}}", runs: { "10.0.0.1": ["docker ps -q -a --filter label=service=shop --filter label=destination= --filter label=role=web --filter status=created --filter status=exited --filter status=dead | tail -n +4 | while read container_id; do docker rm --volumes $container_id; done", "docker image prune --force --filter label=service=shop"] } },
      { argv: "prune containers --retain 10 -r web", prints: ["tail -n +11"] },
      { argv: "prune containers --retain 0", status: 2, complains: ["--retain"] },
    ],
    better: ["Kamal counts per service: a role or destination evicts what another needs for its rollback. Here each has its own count, and images that a container of any service uses stay. Volumes without a name go with their container: nobody could find them afterwards."],
  },
  {
    name: "L1 deploy, redeploy, -P",
    tries: [
      { argv: "deploy --version 77", files: hooks, phases: [...build, "Pull image", "Hook preDeploy", "Prepare hosts", ...boot, "Prune"] },
      { argv: "deploy -P --version 77", files: hooks, phases: ["Pull image", "Hook preDeploy", "Prepare hosts", ...boot, "Prune"] },
      { argv: "redeploy --version 77", files: hooks, phases: [...build, "Pull image", "Hook preDeploy", ...boot] },
      { argv: "deploy -H --version 77", files: hooks, phases: withoutHooks([...build, "Pull image", "Prepare hosts", ...boot, "Prune"]) },
    ].map((run) => ({ ...run, facts: { "10.0.0.1": serves, "10.0.0.2": { ...serves, containers: [{ ...serves.containers[0], name: "shop-jobs-76", role: "jobs" }], proxy: undefined } } })),
    better: ["The lock is held from the build on: two deploys do not build at once. All roles are healthy before any switches, and a failure takes everything back."],
  },
  {
    name: "hosts that nothing is known of get Docker",
    tries: [
      { argv: "server bootstrap", hosts: ["10.0.0.1", "10.0.0.2"], phases: ["Install Docker"], prints: ["curl -fsSL https://get.docker.com"] },
      { argv: "setup -P -H --version 77", phases: ["Install Docker", "Pull image", "Prepare hosts", "Boot web", "Boot jobs", "Switch", "Retire old containers", "Prune"] },
    ],
  },
  {
    name: "L3 rollback to an unknown version",
    tries: [{ argv: "rollback 12 -r web", facts: { "10.0.0.1": serves }, runs: { "10.0.0.1": ["docker pull acme/shop:12"] } }],
    better: ["Kamal prints an error and exits 0. Here the image is pulled; where the registry has none the run fails with the versions that are there: test/lab/deploy.test.ts."],
  },
  {
    name: "L4 first primary container fails", tries: [], elsewhere: ["test/lab/faults.test.ts: an image that never gets healthy there", "test/lab/faults.test.ts: an image that crashes there"],
    better: ["What failed is removed on every host, and its log, probes and exit status are in the message. No role is left half way."],
  },
];
