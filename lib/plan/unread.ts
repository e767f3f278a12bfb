import { isSecret, type Secret } from "../ground/secret.ts";
import type { Plan, Step } from "../ground/step.ts";
import { isUnread } from "../remote/envfile.ts";

/** What a reader of a plan should know where it was made without the values of the secrets that it brings. */
export function unreadNotes({ phases }: Plan): readonly string[] {
  const unread = phases.some(({ lanes }) => lanes.some(({ steps }) => steps.some((step) => secretsIn(step).some(isUnread))));
  return unread ? ["Secrets are not read for a plan: one with a line break, another control character or a backslash comes by a second file, NAME.values, which a shell reads before it becomes `docker … --env VARIABLE`."] : [];
}

function secretsIn(step: Step): readonly Secret[] {
  const content = step.kind === "upload" ? step.content : step.kind === "run" ? step.command.input : undefined;
  return isSecret(content) ? [content] : [];
}
