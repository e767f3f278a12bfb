import { define } from "../command.ts";
import { confirmedArg, logArgs } from "./shared.ts";

export const boot = define({ meta: { purpose: "Start the proxy where it is not running" }, args: {}, changes: true });

export const reboot = define({
  meta: {
    purpose: "Replace the proxy's container by a new one, host after host",
    notes: ["With another image in the config this is the upgrade of the proxy. The next host begins when the one before routes again. A host refuses connections while its proxy is replaced, usually for about a second; its routes are kept."],
    examples: [["capstan proxy reboot -y", "without the question"]],
  },
  args: { rolling: { type: "boolean", description: "One host after another: it always is" }, ...confirmedArg },
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
