import { define } from "../command.ts";
import { confirmedArg, logArgs } from "./shared.ts";

export const boot = define({ meta: { purpose: "Start the proxy where it is not running", examples: [["capstan proxy boot -h web-3", "on a new host"]] }, args: {}, changes: true });

export const reboot = define({
  meta: {
    purpose: "Replace the proxy's container by a new one, host after host",
    notes: ["With another image in the config this is the upgrade of the proxy. The next host begins when the one before routes again. A host refuses connections while its proxy is replaced, usually for about a second; its routes are kept."],
    examples: [["capstan proxy reboot -y", "without the question"]],
  },
  args: { rolling: { type: "boolean", description: "One host after another: it always is" }, ...confirmedArg },
  changes: true,
});

export const start = define({ meta: { purpose: "Start the proxy's stopped container", examples: [["capstan proxy start", "after `capstan proxy stop`"]] }, args: {}, changes: true });
export const stop = define({ meta: { purpose: "Stop the proxy: its hosts take no requests", examples: [["capstan proxy stop -h web-1", "take a host out of service"]] }, args: {}, changes: true });
export const restart = define({ meta: { purpose: "Stop the proxy and start it again", examples: [["capstan proxy restart -h web-1", "on one host"]] }, args: {}, changes: true });
export const details = define({ meta: { purpose: "Show the proxy's container and its routes", examples: [["capstan proxy details", "on all hosts"]] }, args: {}, changes: false });
export const logs = define({ meta: { purpose: "Show the proxy's log", examples: [["capstan proxy logs -f", "of all hosts at once, as it is written"]] }, args: { ...logArgs }, changes: false });

export const remove = define({
  meta: { purpose: "Remove the proxy's container, image and files", examples: [["capstan proxy remove", "where no other service uses it"], ["capstan proxy remove --force", "everywhere"]] },
  args: { force: { type: "boolean", description: "Also where other services use it" } },
  changes: true,
});
