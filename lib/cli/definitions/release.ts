import { define } from "../command.ts";
import { buildArgs, confirmedArg, ifChangedArg } from "./shared.ts";

const ifChangedNote = "With --if-changed a host whose container runs the very image that was built, whatever its version is called, with the same env, secrets, options, command and proxy settings goes on as it is. Where that is so everywhere nothing is changed, and preDeploy and postDeploy are not called.";

export const setup = define({
  meta: {
    purpose: "Make bare hosts ready and deploy to them",
    notes: ["Installs Docker where it is missing, starts the proxy, then does what deploy does. Hosts that are ready already are left as they are."],
    examples: [["capstan setup", "the first deploy"], ["capstan setup -h 192.0.2.12", "take in a new host"]],
  },
  args: { ...buildArgs },
  changes: true,
});

export const deploy = define({
  meta: {
    purpose: "Build the image and put it into service without losing a request",
    notes: ["The new version is started and healthy on every host before any proxy switches; with boot.limit, on every host of its group. When a host fails before the last switch, every host serves the old version again.", ifChangedNote],
    examples: [["capstan deploy -d staging", "to a destination"], ["capstan deploy --skip-push --version 4f2c1a9", "an image that was built elsewhere"], ["capstan deploy --if-changed", "switch only the hosts where it would change anything"], ["capstan deploy --dry-run", "show the plan and change nothing"]],
  },
  args: { ...buildArgs, ...ifChangedArg },
  changes: true,
});

export const redeploy = define({
  meta: { purpose: "Deploy without looking after the proxy and without pruning", notes: [ifChangedNote], examples: [["capstan redeploy", "a quick deploy to hosts that are set up"], ["capstan redeploy --if-changed", "the same, only where it would change anything"]] },
  args: { ...buildArgs, ...ifChangedArg },
  changes: true,
});

export const rollback = define({
  meta: {
    purpose: "Put an earlier version back into service",
    notes: [
      "It is started and switched to as a deploy does it: no request is lost. Where its image is gone it is pulled. `capstan app containers` lists what is still on the hosts.",
      "Without a version it goes to a release that all hosts served, as their audit logs tell: the one before, or, after an interrupted deploy, the one that was good before it. Again, it goes further back, never to what you rolled back from.",
    ],
    examples: [["capstan rollback", "to the release before this one, or before an interrupted deploy"], ["capstan rollback --dry-run", "which version that is, and why"], ["capstan rollback 4f2c1a9", "to a certain version"]],
  },
  args: { version: { type: "positional", required: false, valueHint: "VERSION", description: "The version; default: the release before" } },
  changes: true,
});

export const plan = define({
  meta: {
    purpose: "Show what a command would do, and do nothing",
    notes: ["The same as --dry-run after the command. Without a command it plans a deploy. Asks the hosts what is there; with --offline or --facts it connects to nothing."],
    examples: [["capstan plan", "a deploy, from what is on the hosts now"], ["capstan plan setup --offline", "a setup of fresh hosts"], ["capstan plan rollback --json", "one step a line, for programs"]],
  },
  args: {},
  words: { name: "COMMAND", description: "Any command that changes something, with its options; default: deploy", required: false },
  changes: true,
});

export const remove = define({
  meta: {
    purpose: "Take everything off the hosts: app, accessories, proxy, registry login, files, volumes",
    notes: ["The data goes too: folders of accessories, and the volumes that the config names. Only folders with an absolute path stay.", "The proxy, the network, images and volumes stay where other services use them."],
    examples: [["capstan remove -d staging -y", "a destination, without the question"]],
  },
  args: { ...confirmedArg },
  changes: true,
});

export const upgrade = define({
  meta: {
    purpose: "Move a fleet of Kamal 1 or MRSK here: the app behind the new proxy, accessories into its network",
    notes: ["The app is started beside the old containers and must be healthy first; then the old Traefik stops and the new proxy takes its ports, which takes a second or two on each host. With --rolling one host at a time, so that the others serve meanwhile.", "Hosts and accessories without anything of Kamal 1 or MRSK are left as they are, so an upgrade that stopped half way can be run again. A lock that those hold is in its way.", "Kamal 1 and MRSK have one Traefik on a host for all services. Where another one is behind it, nothing is changed: upgrade such services at one go, each with --force."],
    examples: [["capstan upgrade --rolling", "host after host"], ["capstan upgrade --dry-run", "show what would be done"]],
  },
  args: { rolling: { type: "boolean", description: "Host after host instead of all at once" }, force: { type: "boolean", description: "Also where other services are behind the old Traefik: they get no requests until they are upgraded too" }, ...confirmedArg },
  changes: true,
});
