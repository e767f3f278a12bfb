import { define } from "../command.ts";

export const status = define({ meta: { purpose: "Show who holds the deploy lock, since when and why", examples: [["capstan lock status -d staging", "that of a destination"]] }, args: {}, changes: false, asks: true });

export const acquire = define({
  meta: { purpose: "Take the deploy lock and keep it: nobody deploys until it is released", examples: [['capstan lock acquire -m "Moving the database"', "the message is shown to everybody who tries"]] },
  args: { message: { type: "string", alias: "m", required: true, valueHint: "TEXT", description: "Why; shown to others" } },
  changes: true,
});

export const release = define({ meta: { purpose: "Release the deploy lock, whoever holds it", examples: [["capstan lock release", "after `capstan lock acquire`"]] }, args: {}, changes: true });
