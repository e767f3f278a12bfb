import { programText, secretVariables } from "../ground/command.ts";
import type { Phase, Plan, Step, Tunnel } from "../ground/step.ts";

/** The command, path or question a step comes down to, exactly as it will be carried out. `EXPOSED` is a port that only the container tells. */
export function stepText(step: Step): string {
  switch (step.kind) {
    case "run": return step.command.text;
    case "upload": return step.path;
    case "wait": return step.readiness.kind === "http" ? `GET http://${step.container}:${step.readiness.port ?? "EXPOSED"}${step.readiness.path}` : step.state.command.text;
    case "hook": return step.hook;
    case "local": return programText(step.program);
    case "collect": return step.archive ?? step.image;
    case "deliver": return step.command.text;
    case "pause": return `sleep ${step.durationMs / 1000}`;
  }
}

const marks: Readonly<Record<Step["kind"], string>> = { run: "$", upload: ">", wait: "?", hook: "@", local: "%", collect: "<", deliver: ">", pause: "~" };

/** A plan for people. Lanes that do the same on several hosts are shown once; a command of several lines is indented. */
export function printPlan(plan: Plan): string {
  const lines = plan.notes.map((note) => `note: ${note}`);
  for (const phase of plan.phases) {
    if (phase.lanes.every((lane) => lane.steps.length === 0)) continue;
    lines.push("", `== ${phase.title}${phase.limit === undefined ? "" : ` (${phase.limit} at once)`}${phase.optional === true ? " (a failure here is only told)" : ""}${tunnelText(phase)}`);
    const blocks = new Map<string, string[]>();
    for (const lane of phase.lanes.filter(({ steps }) => steps.length > 0)) {
      const block = lane.steps.flatMap((step) => [`  ${step.title}`, `    ${marks[step.kind]} ${stepText(step).replaceAll("\n", "\n      ")}${suffix(step)}`]).join("\n");
      blocks.set(block, [...(blocks.get(block) ?? []), lane.host ?? "here"]);
    }
    for (const [block, hosts] of blocks) lines.push(`${hosts.join(", ")}:`, block);
  }
  if (plan.phases.every((phase) => phase.lanes.every((lane) => lane.steps.length === 0))) lines.push("Nothing to do.");
  return lines.join("\n").trim();
}

function tunnelText({ tunnels = [] }: Phase): string {
  const ports = [...new Set(tunnels.map(({ port }) => port))];
  return ports.map((port) => ` (port ${port} of this machine is port ${port} of ${tunnels.filter((tunnel) => tunnel.port === port).map(({ host }) => host).join(", ")} meanwhile)`).join("");
}

function suffix(step: Step): string {
  switch (step.kind) {
    case "upload": return ` (${step.mode})`;
    case "wait": return `, at most ${step.deadlineMs / 1000} s`;
    case "deliver": return ` < the layers that it does not have${step.handOn === undefined ? "" : `, ${step.handOn.width === 1 ? "to one host" : `to ${step.handOn.width} hosts`} from here and handed on`}`;
    case "run": return step.command.input === undefined ? "" : " < secret or text on standard input";
    case "local": {
      const variables = secretVariables(step.program);
      return `${step.program.input === undefined ? "" : " < secret or text on standard input"}${variables.length === 0 ? "" : `, with ${variables.join(", ")} in its environment`}${step.fallback === true ? ", only if the step before fails" : ""}`;
    }
    default: return "";
  }
}

/** One step as `--dry-run --json` prints it. Part of the public interface: keys are only ever added. */
export interface PlanLine {
  readonly type: "step";
  readonly phase: string;
  /** Null for the user's own machine. */
  readonly host: string | null;
  readonly role: string | null;
  readonly title: string;
  readonly kind: Exclude<Step["kind"], "pause">;
  readonly command: string;
  /** True when the command reads a secret or a text from its standard input. */
  readonly stdin: boolean;
  /** Of what is collected here or delivered to a host. */
  readonly image?: string;
  /** Of an image that is delivered to several hosts: so many get it from here, and hand it on. */
  readonly handOn?: number;
  /** Of an upload. */
  readonly path?: string;
  /** Of an upload: octal. */
  readonly mode?: string;
  /** Of a local program: its folder, when it is not the config's. */
  readonly cwd?: string;
  /** Of a local program: the variables that bring it its secrets. */
  readonly secrets?: readonly string[];
  /** Of a local program: true when it is carried out only if the step before it fails. */
  readonly fallback?: true;
  /** Ports of this machine that hosts reach as their own meanwhile. */
  readonly tunnels?: readonly Tunnel[];
  /** Of a wait. */
  readonly deadlineSeconds?: number;
}

/** A plan as data, one entry a step, in the order in which they are carried out. */
export function planLines(plan: Plan): readonly PlanLine[] {
  return plan.phases.flatMap((phase) => phase.lanes.flatMap((lane) => {
    // A host has a tunnel to itself; what is done here may be about any of them.
    const tunnels = (phase.tunnels ?? []).filter(({ host }) => lane.host === undefined || lane.host === host);
    return lane.steps.map((step) => ({ ...planLine(phase.title, lane.host, step), ...(tunnels.length === 0 ? {} : { tunnels }) }));
  }));
}

function planLine(phase: string, host: string | undefined, step: Step): PlanLine {
  const common = { type: "step" as const, phase, host: host ?? null, role: step.role ?? null, title: step.title, command: stepText(step) };
  switch (step.kind) {
    case "run": return { ...common, kind: "run", stdin: step.command.input !== undefined };
    case "upload": return { ...common, kind: "upload", stdin: true, path: step.path, mode: step.mode };
    case "wait": return { ...common, kind: "wait", stdin: false, deadlineSeconds: step.deadlineMs / 1000 };
    case "hook": return { ...common, kind: "hook", stdin: false };
    case "collect": return { ...common, kind: "collect", stdin: false, image: step.image };
    case "deliver": return { ...common, kind: "deliver", stdin: true, image: step.image, ...(step.handOn === undefined ? {} : { handOn: step.handOn.width }) };
    case "local": {
      const secrets = secretVariables(step.program);
      return {
        ...common, kind: "local", stdin: step.program.input !== undefined, ...(step.program.cwd === undefined ? {} : { cwd: step.program.cwd }),
        ...(secrets.length === 0 ? {} : { secrets }), ...(step.fallback === true ? { fallback: true } : {}),
      };
    }
    case "pause": return { ...common, kind: "wait", stdin: false, deadlineSeconds: step.durationMs / 1000 };
  }
}
