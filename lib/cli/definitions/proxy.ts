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
export const details = define({ meta: { purpose: "Show the proxy's container and its routes", examples: [["capstan proxy details", "on all hosts"]] }, args: {}, changes: false, asks: true });
export const logs = define({ meta: { purpose: "Show the proxy's log", examples: [["capstan proxy logs -f", "of all hosts at once, as it is written"]] }, args: { ...logArgs }, changes: false, asks: true });

export const remove = define({
  meta: { purpose: "Remove the proxy's container, image and files", examples: [["capstan proxy remove", "where no other service uses it"], ["capstan proxy remove --force", "everywhere"]] },
  args: { force: { type: "boolean", description: "Also where other services use it" } },
  changes: true,
});

export const upgrade = define({
  meta: { hidden: true, purpose: "Take the place of the Traefik that Kamal 1 or MRSK left: `capstan upgrade` without the accessories", examples: [["capstan proxy upgrade -y", "without the question"]] },
  args: { rolling: { type: "boolean", description: "Host after host" }, force: { type: "boolean", description: "Also where other services are behind the old Traefik: they get no requests until they are upgraded too" }, ...confirmedArg },
  changes: true,
});
export const removeContainer = define({ meta: { hidden: true, purpose: "Remove the proxy's stopped container", examples: [["capstan proxy remove-container", "after `capstan proxy stop`"]] }, args: {}, changes: true });
export const removeImage = define({ meta: { hidden: true, purpose: "Remove the proxy's image", examples: [["capstan proxy remove-image", "on every host of the proxy"]] }, args: {}, changes: true });
export const removeProxyDirectory = define({ meta: { hidden: true, purpose: "Remove the proxy's folder on the hosts", examples: [["capstan proxy remove-proxy-directory", "on every host of the proxy"]] }, args: {}, changes: true });

const bootConfigNote = "The files are those of Kamal, and count where the config has no `proxy.run`. They apply from the next `capstan proxy reboot` on. Deprecated: say it in `proxy.run` of the config, where it is typed and under version control.";
export const bootConfigSet = define({
  meta: { purpose: "Store on each host how kamal-proxy is run", notes: [bootConfigNote], examples: [["capstan proxy boot-config set --http-port 8080", "another port"], ["capstan proxy boot-config set --docker-options label=x=y", "an option of docker run"]] },
  args: {
    publish: { type: "boolean", default: true, description: "Publish the ports on the host", negativeDescription: "Publish no ports on the host" },
    publishHostIp: { type: "string", multiple: true, valueHint: "IP", description: "Publish on this address; may be repeated" },
    httpPort: { type: "number", default: 80, min: 1, max: 65535, valueHint: "PORT", description: "Port on the host for HTTP" },
    httpsPort: { type: "number", default: 443, min: 1, max: 65535, valueHint: "PORT", description: "Port on the host for HTTPS" },
    logMaxSize: { type: "string", default: "10m", valueHint: "SIZE", description: "When the proxy's log file is rotated; empty: never" },
    registry: { type: "string", valueHint: "HOST", description: "Registry of the proxy's image" },
    repository: { type: "string", valueHint: "IMAGE", description: "The proxy's image without tag" },
    imageVersion: { type: "string", valueHint: "TAG", description: "Tag of the proxy's image" },
    metricsPort: { type: "number", min: 1, max: 65535, valueHint: "PORT", description: "Port of the proxy's metrics on the shared network" },
    debug: { type: "boolean", description: "Detailed log" },
    dockerOptions: { type: "string", multiple: true, more: /^[^-]/, valueHint: "KEY=VALUE", description: "Option of docker run; may be repeated" },
  },
  changes: true,
});
export const bootConfigGet = define({ meta: { purpose: "Show what is stored on each host of how kamal-proxy is run", examples: [["capstan proxy boot-config get", "the command line of docker run as the files say it"]] }, args: {}, changes: false, asks: true });
export const bootConfigReset = define({ meta: { purpose: "Remove what is stored on each host of how kamal-proxy is run", notes: [bootConfigNote], examples: [["capstan proxy boot-config reset", "back to the defaults"]] }, args: {}, changes: true });
