import { define } from "../command.ts";

const retain = { type: "number", min: 1, valueHint: "COUNT", description: "How many stopped containers of each role stay; default: retainContainers of the config" } as const;

export const all = define({ meta: { purpose: "Remove stopped containers beyond those kept for rollback, then images that nothing uses", examples: [["capstan prune all", "what every deploy does at its end"]] }, args: { retain }, changes: true });
export const containers = define({ meta: { purpose: "Remove stopped containers beyond those kept for rollback", examples: [["capstan prune containers --retain 2", "keep two of each role"]] }, args: { retain }, changes: true });
export const images = define({ meta: { purpose: "Remove images of the service that no container uses", examples: [["capstan prune images", "on every host of the app"]] }, args: {}, changes: true });
