import { define } from "../command.ts";

const share = { type: "number", valueHint: "PERCENT", min: 0, max: 100, description: "How much of the traffic the canary gets, 0 to 100" } as const;
const difference = "Behind Traefik the share is one of visitors, and a cookie keeps each with its version. Behind kamal-proxy the app itself must set the cookie kamal-rollout: the share is one of its values, and who has no cookie never gets the canary.";

export const start = define({
  meta: {
    purpose: "Start a version beside the one that serves and send it a share of the traffic",
    notes: [difference, "Its image must be in the registry (without one: on this machine) or on the hosts: `capstan build push --version VERSION` puts it there. The next deploy ends the canary."],
    examples: [["capstan canary start 4f2c1a9 --percent 10", "a tenth of the visitors get it"]],
  },
  args: { version: { type: "positional", valueHint: "VERSION", description: "The version to try" }, percent: { ...share, default: 10 } },
  changes: true,
});

export const set = define({
  meta: { purpose: "Change the share of the canary", notes: [difference], examples: [["capstan canary set --percent 50", "half of the traffic"]] },
  args: { percent: { ...share, required: true } },
  changes: true,
});

export const promote = define({
  meta: { purpose: "Give the canary all traffic and stop the version before it", notes: ["Nothing is started anew behind the proxy: the containers that were tried go on. Roles behind no proxy go to the version too."], examples: [["capstan canary promote", "the canary has proven itself"]] },
  args: {},
  changes: true,
});

export const abort = define({
  meta: { purpose: "Take all traffic from the canary and stop it", examples: [["capstan canary abort", "every request goes to the version before again"]] },
  args: {},
  changes: true,
});
