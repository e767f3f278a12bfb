import { z } from "zod";

const widthError = "how many hosts get the image from this machine: an integer of at least 1";

export const Delivery = z
  .strictObject({
    handOn: z
      .union([z.boolean(), z.strictObject({ width: z.int({ error: widthError }).min(1, { error: widthError }).meta({ description: "How many hosts get the image from this machine.", example: "2" }) }).meta({ typeName: "HandOnConfig", description: "How hosts hand images on." })], { error: "true, false or { width: NUMBER }" })
      .default(false)
      .meta({
        description: "Whether hosts hand the image on to each other: this machine sends it to one of them, or to `width`, and the others get it from those that have it, by SSH from host to host. For a slow uplink and hosts that are near each other. A host that hands on may log in to the next one for that moment, as you do; see docs/images.md. Where it does not work, this machine sends the image.",
        example: "{ width: 2 }",
      }),
  })
  .meta({ typeName: "DeliveryConfig", description: "How images get to hosts without a registry." });
