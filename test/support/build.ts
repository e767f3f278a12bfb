import { buildSteps } from "../../lib/build/builder.ts";
import type { LocalFacts } from "../../lib/build/facts.ts";
import type { BuildOrder } from "../../lib/build/tags.ts";
import type { BuilderSettings, Settings } from "../../lib/config/settings.ts";
import { programText } from "../../lib/ground/command.ts";
import type { LocalStep } from "../../lib/ground/step.ts";
import { settingsOf } from "./settings.ts";

export const head = "0123456789abcdef0123456789abcdef01234567";

/** A machine that has everything, and a clean repository. */
export const machine: LocalFacts = {
  docker: "Docker version 28.2.2, build e6534b4", buildx: "github.com/docker/buildx v0.13.1", pack: "0.36.4", arch: "amd64", builder: "ready", dockerfile: "there", variables: {},
  git: { root: "/src/shop", prefix: "", head, dirty: [] }, loose: undefined, cloneRoot: "/cache/clones", cloneExists: false,
};

const base = settingsOf();
/** Settings with some keys of `builder`. */
export const withBuilder = (builder: Partial<BuilderSettings>, more: Partial<Settings> = {}): Settings => settingsOf({ builder: { ...base.builder, ...builder }, ...more });

/** A registry on this machine. */
export const localRegistry = { repository: "localhost:5001/shop", registry: { server: "localhost:5001", username: undefined, password: undefined } } as const satisfies Partial<Settings>;

type More = Partial<LocalFacts> & Partial<Omit<BuildOrder, "facts">>;
const orderOf = ({ version = "77", noCache = false, output = "registry", dev = false, ...facts }: More): BuildOrder => ({ version, noCache, output, dev, facts: { ...machine, ...facts } });

/** Steps of a build of version 77. @param more what is different of the machine, or of the order */
export const stepsOf = (settings: Settings, more: More = {}): readonly LocalStep[] => buildSteps(settings, orderOf(more));
/** Their command lines. */
export const textsOf = (settings: Settings, more: More = {}): string[] => stepsOf(settings, more).map(({ program }) => programText(program));
/** The step that builds. */
export const buildOf = (settings: Settings, more: More = {}): LocalStep => {
  const step = stepsOf(settings, more).find(({ title }) => title.startsWith("Build"));
  if (step === undefined) throw new Error("Nothing is built");
  return step;
};
/** Its command line. */
export const buildText = (settings: Settings, more: More = {}): string => programText(buildOf(settings, more).program);

/** Outside of a repository: nothing is cloned. */
export const notGit = { git: undefined } as const;
