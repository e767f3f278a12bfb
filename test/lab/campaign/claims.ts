import type { Observation } from "./judge.ts";

/** A host as the tool's sentences are compared with it. */
interface Looked {
  readonly number: number;
  readonly address: string;
  readonly serves: string;
  /** It served nothing before. */
  readonly isNew: boolean;
  /** Its proxy was stopped and nobody has started it. */
  readonly isDown: boolean;
  readonly containers: readonly string[];
  readonly running: readonly string[];
}

/** @param lines all that was said: one sentence may be about what another one brought back */
type Check = (words: readonly string[], hosts: readonly Looked[], seen: Observation, lines: readonly string[]) => readonly string[];

const serving = (hosts: readonly Looked[], isRight: (host: Looked) => boolean): readonly string[] => hosts.filter((host) => !isRight(host)).map(({ number, serves }) => `h${number} serves ${serves}`);
const asBefore: Check = (_, hosts, { before }) => serving(hosts, ({ isNew, isDown, serves }) => isNew || isDown || serves === before);
const named = (text: string | undefined, hosts: readonly Looked[]): readonly Looked[] => hosts.filter(({ address }) => (text ?? "").split(", ").includes(address));

/** The old container of that name has it again, by what was said. */
const isRenamedBack = (lines: readonly string[], { address }: Looked, name: string): boolean => lines.some((line) => {
  const [, on = "", back] = /^Taken back on ([^:]+): Rename \S+ back to (\S+)$/.exec(line) ?? [];
  return back === name && on.split(", ").includes(address);
});

/** Sentences of the tool about what is true now, each with what must be so then. */
const sentences: readonly (readonly [RegExp, Check])[] = [
  [/^Every host serves what it served before: (.*)\.$/, ([versions = ""], hosts) => serving(hosts, ({ isNew, isDown, serves }) => isNew || isDown || versions.split(", ").includes(serves))],
  [/^No host serves this service, as before\.$/, (_, hosts) => serving(hosts, ({ serves }) => serves === "failed")],
  [/^Nothing was changed(?: on any host| on the hosts)?\.$/, asBefore],
  [/^Version (\S+) serves on every host(?:;.*)?\.$/, ([version], hosts) => serving(hosts, ({ serves, isDown }) => serves === version || isDown)],
  [/^Taken back on ([^:]+): Remove (\S+)$/, ([on, name = ""], hosts, _, lines) => named(on, hosts).filter((host) => host.containers.includes(name) && !isRenamedBack(lines, host, name)).map(({ number }) => `h${number} has it`)],
  [/^Taken back on ([^:]+): Rename \S+ back to (\S+)$/, ([on, name = ""], hosts) => named(on, hosts).filter(({ containers }) => !containers.includes(name)).map(({ number }) => `h${number} has none`)],
  [/^Taken back on ([^:]+): Switch \S+ back$/, ([on], hosts, seen, lines) => asBefore([], named(on, hosts), seen, lines)],
  // The host whose accessory it was is named by the error; on the others it runs, the old one or the new one.
  [/^Each accessory runs in its old container or in its new one, unless its replacement is what failed/, (_, hosts, { service, run }) => {
    const failing = JSON.stringify(run.events.findLast(({ type }) => type === "error") ?? "");
    return hosts.filter(({ running, address }) => !running.includes(`${service}-store`) && !failing.includes(address)).map(({ number }) => `h${number} has no running ${service}-store`);
  }],
  [/^Each proxy runs in its old container or in its new one, with its routes, unless its replacement is what failed/, (_, hosts, { run }) => {
    const failing = JSON.stringify(run.events.findLast(({ type }) => type === "error") ?? "");
    return hosts.filter(({ serves, isNew, isDown, address }) => serves === "failed" && !isNew && !isDown && !failing.includes(address)).map(({ number }) => `h${number} serves nothing`);
  }],
];

/** Sentences that say nothing about a host that could be compared. */
const silent = [
  /^Could not take back /, /^Done on [^:]+, and left as it is: /, /^No step on a host was done before it\.$/, /^What the parts of the command before it did stays/, /^The command may still run on /, /^Taken back on [^:]+: (?:Take the route|Remove .* if it was made|Remove .*, and remove|End the canary|Start the old)/,
  // It lost the lock: another run may be at work, and what is true then is not for it to say.
  /^This run stopped where it was and took nothing back: without the lock /,
];

/** Sentences that are not true, and those that nobody has taught us to compare. */
export function claimProblems(lines: readonly string[], seen: Observation, isDown: (host: number) => boolean): readonly string[] {
  const hosts = seen.hosts.map((address, i): Looked => ({
    number: i + 1, address, serves: seen.after[i] ?? "failed", isNew: i + 1 === seen.fresh, isDown: isDown(i + 1), containers: seen.left[i]?.containers ?? [], running: seen.left[i]?.running ?? [],
  }));
  return lines.flatMap((line) => {
    const found = sentences.find(([pattern]) => pattern.test(line));
    if (found === undefined) return silent.some((pattern) => pattern.test(line)) ? [] : [`said "${line}", which the judge cannot compare`];
    const [pattern, check] = found;
    return check((pattern.exec(line) ?? []).slice(1), hosts, seen, lines).map((wrong) => `said "${line}", and ${wrong}`);
  });
}
