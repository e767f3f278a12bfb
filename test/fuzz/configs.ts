import fc from "fast-check";
import { isDeployError } from "../../lib/ground/errors.ts";
import { planDeploy } from "../../lib/plan/deploy.ts";
import { printPlan } from "../../lib/plan/print.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { overlay } from "../../lib/config/merge.ts";
import type { DeployConfig } from "../../lib/config/types.ts";
import type { Settings } from "../../lib/config/settings.ts";
import { fleetOf, hostOf, orderOf } from "../support/facts.ts";
import { base } from "../config/project.ts";
import type { Reader } from "./engine.ts";

const place = { files: { read: async () => undefined, bytes: async () => undefined, list: async () => undefined, exists: async () => false, write: async () => undefined, append: async () => undefined }, programs: { run: async () => ({ status: 0, signal: undefined, stdout: "", stderr: "", durationMs: 1 }) }, env: {}, cwd: "/app", root: "/app", destination: undefined, sources: [] } as const;

/** Keys and values that configs are made of, and what could stand in their place. */
const paths = [
  "service", "image", "servers", "servers.web", "servers.web.hosts", "servers.jobs.cmd", "servers.jobs.options", "servers.jobs.env", "servers.jobs.labels", "servers.jobs.proxy", "servers.jobs.volumes", "registry", "registry.server",
  "registry.username", "registry.password", "env", "env.clear", "env.clear.A", "env.clear.B", "env.secret", "env.tags", "labels", "labels.team", "labels.traefik.http.routers.a.rule", "volumes", "assetPath", "errorPagesPath", "logging", "logging.options", "builder", "builder.args",
  "builder.args.A", "builder.context", "builder.arch", "builder.remote", "builder.cache", "builder.ssh", "builder.driver", "builder.secrets", "proxy", "proxy.host", "proxy.hosts", "proxy.ssl", "proxy.pathPrefix", "proxy.healthcheck", "proxy.run", "proxy.buffering", "traefik", "traefik.args", "healthcheck", "ssh",
  "ssh.user", "ssh.port", "ssh.proxy", "ssh.keys", "ssh.config", "boot", "boot.limit", "deployTimeout", "drainTimeout", "retainContainers", "secretsPath", "secrets", "hooks", "output", "aliases", "aliases.console", "accessories", "accessories.db", "accessories.db.image", "accessories.db.host", "accessories.db.port",
  "accessories.db.files", "accessories.db.directories", "accessories.db.env", "accessories.db.options", "accessories.db.cmd", "accessories.db.service", "accessories.db.proxy", "primaryRole", "requireDestination", "minimumVersion", "nonsense", "__proto__", "constructor",
];
const values: readonly unknown[] = [
  "", "a", "acme/shop", "10.0.0.1", "-oProxyCommand=id", "[::1]:22", "a\nb", "a\0b", "a\tb", "$(id)", "`id`", "${HOME}", "${A:-${B}", "'", "\"", "\\", "😀", "\ud800", "--privileged", "a=b", "x".repeat(200_000), "30s", "25%", "/x", "*.example", "80:80", "KEY", "KEY:OTHER", "a:/b:ro",
  0, 1, -1, 1.5, 80, 65536, Number.NaN, Number.POSITIVE_INFINITY, true, false, null, undefined, [], {}, ["a"], ["a", "a"], [["a"]], [null], { a: "b" }, { "": "x" }, { "a b": 1 }, { "a=b": 1 }, { "-v": true }, { clear: {} }, { host: "a.example" }, { image: "mysql:8", host: "10.0.0.9" }, { hosts: ["10.0.0.1"] },
  { kind: "secret", name: "KEY" }, { kind: "secret" }, () => "x", Symbol("x"), 10n, new Date(0), new Map(), Object.create(null),
];

/** A config as the words of a text say it: each line is a place and the number of a value. */
export function configOf(text: string): unknown {
  let config: Record<string, unknown> = structuredClone(base) as unknown as Record<string, unknown>;
  for (const line of text.split("\n").filter((one) => one !== "").slice(0, 12)) {
    const [path = "", number = "0"] = line.split(" ");
    const value = values[(Number.parseInt(number, 10) || 0) % values.length];
    const [first = "", ...rest] = path.split(".");
    const built = rest.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
    config = overlay(config, { [first]: built }) as Record<string, unknown>;
  }
  return config;
}

/** What a config that was taken must be good for: a plan of every host, the same twice. */
function usable(settings: Settings): void {
  const facts = fleetOf(Object.fromEntries(settings.roles.flatMap(({ hosts }) => hosts).map((host) => [host, hostOf([])])));
  const plan = (): string => printPlan(planDeploy(orderOf(settings, "77"), facts, { proxy: true, prune: true, pull: "always" }));
  if (settings.roles.length > 0 && plan() !== plan()) throw new Error("the same settings give two plans");
}

/** Places with values that fit them: most configs are right but for a few places. */
const fitting = ["env.clear.A", "env.clear.B", "labels.team"].flatMap((path) => values.flatMap((value, i) => (typeof value === "string" && value.length < 100 && !value.includes("\0") && value.isWellFormed() ? [`${path} ${i}\n`] : [])))
  .concat(([["servers.jobs.cmd", "a"], ["image", "acme/shop"], ["service", "a"], ["boot.limit", "25%"], ["deployTimeout", "30s"], ["ssh.port", 80], ["retainContainers", 80], ["proxy.host", "a"], ["proxy.hosts", [ "a" ]], ["assetPath", "/x"], ["builder.args.A", "$(id)"], ["aliases.console", "a"], ["servers.jobs.options", { "-v": true }], ["volumes", ["a"]]] as const).flatMap(([path, value]) => {
    const i = values.findIndex((one) => Bun.deepEquals(one, value));
    return i < 0 ? [] : [`${path} ${i}\n`];
  }));

const broken = fc.tuple(fc.constantFrom(...paths), fc.nat(values.length - 1)).map(([path, i]) => `${path} ${i}\n`);
/** Half of them as they should be, half with a few places that may be wrong. */
const inputs = fc.tuple(fc.array(fc.constantFrom(...fitting), { maxLength: 6 }), fc.oneof(fc.constant([]), fc.array(broken, { minLength: 1, maxLength: 3 }))).map(([fit, wrong]) => [...fit, ...wrong].join(""));

export const configReaders: readonly Reader[] = [{
  name: "typed config", file: "lib/config/parse.ts", inputs,
  tokens: [...fitting, ...fitting, ...fitting, ...fitting, ...paths.flatMap((path) => [`${path} `]), ...values.map((_, i) => `${i}\n`), "\n"],
  samples: fitting.map((_, i) => [0, 7, 19, 31].map((more) => fitting[(i + more) % fitting.length]).join("")),
  read: (text) => {
    let settings: Settings;
    try {
      settings = parseConfig(configOf(text) as DeployConfig, place);
    } catch (error) {
      if (isDeployError(error) && error.failure === "config" && (error.details.length === 0 || error.details.some((line) => !/^[^ :]+.*: /s.test(line)))) throw new Error(`a refusal without a place: ${error.details.join(" / ")}`, { cause: error });
      throw error;
    }
    usable(settings);
  },
}];
