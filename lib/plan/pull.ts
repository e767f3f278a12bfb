import type { HostStep } from "../ground/step.ts";
import { checkServiceLabel, pullImage } from "../remote/image.ts";
import { login } from "../remote/registry.ts";
import type { HostFacts } from "../remote/facts.ts";
import { auditStep } from "./audit.ts";
import type { Order } from "./order.ts";

/** Brings the image of the version to a host and checks that it is one of this service. @param hint what to do when it cannot be pulled */
export function pullSteps(order: Order, facts: HostFacts, when: "always" | "missing", hint = "Check that the image was pushed: `capstan build push`, and the registry's credentials."): readonly HostStep[] {
  const { settings, version } = order;
  const image = `${settings.repository}:${version}`;
  if (when === "missing" && facts.images.includes(image)) return [];
  const command = login(settings.registry);
  return [
    ...(command === undefined ? [] : [{ kind: "run" as const, title: "Log in to the registry", command, onCancel: "abandon" as const, hint: "Check registry.username and registry.password, and that the host reaches the registry." }]),
    { kind: "run", title: `Pull ${image}`, command: pullImage(image), onCancel: "abandon", timeoutMs: 1_800_000, hint },
    { kind: "run", title: `Check that ${image} belongs to ${settings.service}`, command: checkServiceLabel(image, settings.service), hint: `Build it with capstan, or add LABEL service="${settings.service}" to the Dockerfile.` },
    auditStep(order, undefined, `Pulled image with version ${version}`),
  ];
}
