import { define } from "../command.ts";
import { confirmedArg, logArgs } from "./shared.ts";

export const boot = define({ meta: { purpose: "Start the proxy where it is not running" }, args: {}, changes: true });

export const reboot = define({
  meta: { purpose: "Replace the proxy's container by a new one", notes: ["A host takes no requests while its proxy is replaced: use --rolling behind a load balancer."] },
  args: { rolling: { type: "boolean", description: "One host after another" }, ...confirmedArg },
  changes: true,
});

export const start = define({ meta: { purpose: "Start the proxy's stopped container" }, args: {}, changes: true });
export const stop = define({ meta: { purpose: "Stop the proxy: its hosts take no requests" }, args: {}, changes: true });
export const restart = define({ meta: { purpose: "Stop the proxy and start it again" }, args: {}, changes: true });
export const details = define({ meta: { purpose: "Show the proxy's container and its routes" }, args: {}, changes: false });
export const logs = define({ meta: { purpose: "Show the proxy's log", examples: [["capstan proxy logs -f", "of all hosts at once, as it is written"]] }, args: { ...logArgs }, changes: false });

export const remove = define({
  meta: { purpose: "Remove the proxy's container, image and files" },
  args: { force: { type: "boolean", description: "Also where other services use it" } },
  changes: true,
});
