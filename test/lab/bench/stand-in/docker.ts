import { fill, type Value } from "./template.ts";
import { tarOf } from "./tar.ts";

/** What a call of the stand-in prints, and how it ends. */
export interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Container {
  readonly id: string;
  name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly hostname: string;
  state: "created" | "running" | "exited";
}

/** How long calls take by verb, in milliseconds; the rest takes `other`. Near what a real Docker takes with a small image. */
export const latencies: Readonly<Record<string, number>> = { pull: 100, run: 250, stop: 110, exec: 60, other: 20 };

/** How long a call takes. @param args as the program gets them */
export const latencyOf = (args: readonly string[]): number => latencies[verbOf(args)] ?? latencies["other"] ?? 0;

/** `container stop` is `stop`. */
function verbOf([first = "", second = ""]: readonly string[]): string {
  return ["container", "image"].includes(first) ? second : first;
}

const proxy = "kamal-proxy";
const stateFolder = "/home/kamal-proxy/.config/kamal-proxy";
/** What the proxy saves, in its folder. */
export const stateFile = "kamal-proxy.state";
const flags = new Set(["--detach", "-d", "--rm", "-i", "-it", "--all", "-a", "--quiet", "-q", "--force", "-f", "--volumes", "--password-stdin", "--no-trunc"]);

interface Call {
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, readonly string[]>;
}

/** Options, then words: what comes behind the first word of `run` and `exec` is the container's own. */
function parse(args: readonly string[], ownWords: boolean, format: string): Call {
  const options = new Map<string, string[]>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (!arg.startsWith("-") || arg === "-") {
      if (ownWords) return { words: args.slice(i), options };
      const rest = parse(args.slice(i + 1), false, format);
      return { words: [arg, ...rest.words], options: new Map([...options, ...rest.options]) };
    }
    const equals = arg.indexOf("=");
    const isFlag = arg === "-f" ? format !== "-f" : flags.has(arg);
    const name = arg === format ? "--format" : equals > 0 ? arg.slice(0, equals) : arg;
    const value = isFlag ? "true" : equals > 0 ? arg.slice(equals + 1) : (args[++i] ?? "");
    options.set(name, [...(options.get(name) ?? []), value]);
  }
  return { words: [], options };
}

const good = (stdout = ""): Answer => ({ status: 0, stdout, stderr: "" });
const bad = (stderr: string, status = 1): Answer => ({ status, stdout: "", stderr: `${stderr}\n` });
const lines = (those: readonly string[]): Answer => good(those.map((line) => `${line}\n`).join(""));

/** Where on the host the proxy's folder is, and what writes its state file there. */
export interface Kept {
  readonly volume: string;
  save(text: string): void;
}

/** The Docker of one host that only remembers: images, containers, routes of kamal-proxy. Nothing runs. */
export class StandInDocker {
  readonly #images = new Map<string, string>();
  readonly #routes = new Map<string, string>();
  readonly #networks = new Set(["kamal"]);
  readonly #name: string;
  readonly #kept: Kept | undefined;
  #containers: Container[] = [];
  #made = 0;

  /** @param name tells hosts apart: their ids differ @param kept undefined: what the proxy saves can be had by `docker cp` alone */
  constructor(name: string, kept?: Kept) {
    this.#name = name;
    this.#kept = kept;
    const image = "basecamp/kamal-proxy:v0.9.2";
    this.#pull(image);
    this.#containers.push({ id: this.#id(), name: proxy, image, labels: {}, hostname: proxy, state: "running" });
  }

  /** Carries out a call. @param args behind `docker` */
  answer(args: readonly string[]): Answer {
    try {
      return this.#answer(args);
    } catch (error) {
      return bad(error instanceof Error ? error.message : String(error), 125);
    }
  }

  #answer(args: readonly string[]): Answer {
    const [first = ""] = args;
    const isGroup = ["container", "image", "network", "volume"].includes(first);
    const verb = isGroup ? (args[1] ?? "") : first;
    const call = parse(args.slice(isGroup ? 2 : 1), verb === "run" || verb === "exec", verb === "inspect" ? "-f" : "");
    const { words } = call;
    if (first === "network") return this.#network(verb, call);
    if (first === "volume") return good();
    switch (verb) {
      case "version":
      case "info": return good(`${fill(format(call) ?? "{{.Server.Version}}", { Server: { Version: "28.0.0", Os: "linux", Arch: "amd64" } })}\n`);
      case "login": return good("Login Succeeded\n");
      case "logout":
      case "prune":
      case "logs": return good();
      case "pull": return this.#pull(words[0] ?? "");
      case "tag": return this.#tag(words);
      case "rmi": return this.#removeImages(words);
      case "images": return this.#listImages(call);
      case "ls": return first === "image" ? this.#listImages(call) : this.#list(call);
      case "ps": return this.#list(call);
      case "inspect": return this.#inspect(call, first);
      case "run": return this.#run(call);
      case "start":
      case "stop":
      case "rm":
      case "rename": return first === "image" ? this.#removeImages(words) : this.#change(verb, call);
      case "exec": return this.#exec(words);
      case "cp": return good(tarOf(stateFile, this.#state()));
      default: return bad(`the stand-in knows no docker ${args.slice(0, 2).join(" ")}`, 125);
    }
  }

  #id(): string {
    return new Bun.CryptoHasher("sha256").update(`${this.#name} ${this.#made++}`).digest("hex");
  }

  #pull(image: string): Answer {
    if (!this.#images.has(image)) this.#images.set(image, this.#id());
    return good(`${image}\n`);
  }

  #tag([from = "", to = ""]: readonly string[]): Answer {
    const id = this.#images.get(from);
    if (id === undefined) return bad(`Error response from daemon: No such image: ${from}`);
    this.#images.set(to, id);
    return good();
  }

  #removeImages(names: readonly string[]): Answer {
    for (const name of names) if (!this.#images.delete(name)) return bad(`Error response from daemon: No such image: ${name}`);
    return good();
  }

  #listImages({ words: [repository], ...call }: Call): Answer {
    const rows = [...this.#images].filter(([image]) => (repository === undefined || image.startsWith(`${repository}:`)) && filtersOf(call, "label").every((filter) => filter === `service=${serviceOf(image)}`));
    return lines(rows.map(([image, id]) => fill(format(call) ?? (isQuiet(call) ? "{{.ID}}" : "{{.Repository}} {{.Tag}} {{.ID}}"), { ID: id.slice(0, 12), Repository: image.slice(0, image.lastIndexOf(":")), Tag: image.slice(image.lastIndexOf(":") + 1), Digest: "<none>" })));
  }

  #network(verb: string, { words: [name = ""], ...call }: Call): Answer {
    if (verb === "create") this.#networks.add(name);
    else if (verb === "ls") return lines([...this.#networks].filter((one) => filtersOf(call, "name").every((filter) => new RegExp(filter).test(one))));
    else if (!this.#networks.has(name)) return bad(`Error response from daemon: network ${name} not found`);
    return good(`${name}\n`);
  }

  #list(call: Call): Answer {
    const isAll = ["--all", "-a"].some((name) => call.options.has(name));
    const statuses = filtersOf(call, "status");
    const rows = this.#containers.filter((one) => (isAll || statuses.length > 0 || one.state === "running") && (statuses.length === 0 || statuses.includes(one.state))
      && anyOrNone(filtersOf(call, "name"), (filter) => new RegExp(filter).test(one.name))
      && filtersOf(call, "label").every((filter) => hasLabel(one, filter)));
    return lines(rows.toReversed().map((one) => fill(format(call) ?? (isQuiet(call) ? "{{.ID}}" : "{{.ID}} {{.Image}} {{.Status}} {{.Names}}"), rowOf(one))));
  }

  #inspect(call: Call, group: string): Answer {
    const found = call.words.map((name) => (group === "container" ? undefined : this.#inspectImage(name)) ?? (group === "image" ? undefined : this.#inspectContainer(name)));
    const missing = found.indexOf(undefined);
    if (missing >= 0) return bad(`Error: No such object: ${call.words[missing]}`);
    const wanted = format(call);
    return wanted === undefined ? good(`${JSON.stringify(found)}\n`) : lines(found.map((one) => fill(wanted, one)));
  }

  #inspectImage(name: string): Value {
    const id = this.#images.get(name);
    return id === undefined ? undefined : { Id: `sha256:${id}`, RepoTags: [name], Config: { Labels: { service: serviceOf(name) } } };
  }

  #inspectContainer(name: string): Value {
    const one = this.#containers.find((each) => each.name === name || each.id.startsWith(name));
    if (one === undefined) return undefined;
    return {
      Id: one.id, Name: `/${one.name}`, Image: `sha256:${this.#images.get(one.image) ?? ""}`, RestartCount: 0, Args: [],
      Mounts: one.name === proxy && this.#kept !== undefined ? [{ Destination: stateFolder, Source: this.#kept.volume }] : [],
      State: { Status: one.state, Running: one.state === "running", ExitCode: 0, OOMKilled: false, Error: "" },
      Config: { Image: one.image, Hostname: one.hostname, Labels: one.labels, ExposedPorts: { "80/tcp": {} } },
      // Whatever a container answers, the one server of all stand-ins answers.
      NetworkSettings: { Networks: { kamal: { IPAddress: "127.0.0.1" } } },
    };
  }

  #run({ words: [image = ""], options }: Call): Answer {
    const id = this.#id();
    const name = options.get("--name")?.[0] ?? id.slice(0, 12);
    if (!this.#images.has(image)) return bad(`Unable to find image '${image}' locally`, 125);
    if (this.#containers.some((one) => one.name === name)) return bad(`docker: Error response from daemon: Conflict. The container name "/${name}" is already in use`, 125);
    const labels = Object.fromEntries((options.get("--label") ?? []).map((label) => (label.includes("=") ? [label.slice(0, label.indexOf("=")), label.slice(label.indexOf("=") + 1)] : [label, ""])));
    this.#containers.push({ id, name, image, labels, hostname: options.get("--hostname")?.[0] ?? id.slice(0, 12), state: "running" });
    return good(`${id}\n`);
  }

  #change(verb: string, { words, options }: Call): Answer {
    const [first = "", next = ""] = words;
    for (const word of verb === "rename" ? [first] : words) {
      const one = this.#containers.find((each) => each.name === word || each.id.startsWith(word));
      if (one === undefined) return bad(`Error response from daemon: No such container: ${word}`);
      if (verb === "rename") one.name = next;
      else if (verb !== "rm") one.state = verb === "start" ? "running" : "exited";
      else if (one.state === "running" && !["--force", "-f"].some((name) => options.has(name))) return bad(`Error response from daemon: cannot remove container "/${one.name}": container is running`);
      else this.#containers = this.#containers.filter((each) => each !== one);
    }
    return verb === "rename" ? good() : lines(words);
  }

  /** Source: kamal-proxy 0.9, `deploy`, `remove`, `list`. */
  #exec([container = "", program = "", command = "", route = "", ...rest]: readonly string[]): Answer {
    if (container !== proxy || program !== proxy) return good();
    if (command === "list") return lines(["Service  Host  Path  Target  State  TLS", ...[...this.#routes].map(([name, target]) => `${name}  *  /  ${target}  running  no`)]);
    if (command === "remove") {
      const isThere = this.#routes.delete(route);
      this.#kept?.save(this.#state());
      return isThere ? good() : bad("Error: service not found");
    }
    const target = rest.find((word) => word.startsWith("--target="))?.slice("--target=".length);
    if (command === "deploy" && target !== undefined) this.#routes.set(route, target);
    this.#kept?.save(this.#state());
    return good();
  }

  #state(): string {
    return JSON.stringify([...this.#routes].map(([name, target]) => ({ name, options: {}, active_targets: [target], rollout_targets: null, pause_controller: { state: 0 }, rollout_controller: null })));
  }
}

const format = ({ options }: Pick<Call, "options">): string | undefined => options.get("--format")?.[0];
const isQuiet = ({ options }: Pick<Call, "options">): boolean => options.has("--quiet") || options.has("-q");
const filtersOf = ({ options }: Pick<Call, "options">, kind: string): readonly string[] => (options.get("--filter") ?? []).filter((text) => text.startsWith(`${kind}=`)).map((text) => text.slice(kind.length + 1));
const anyOrNone = (those: readonly string[], isSo: (text: string) => boolean): boolean => those.length === 0 || those.some(isSo);
const hasLabel = ({ labels }: Container, filter: string): boolean => (filter.includes("=") ? labels[filter.slice(0, filter.indexOf("="))] === filter.slice(filter.indexOf("=") + 1) : filter in labels);
/** The label that a build gives: the last word of the repository. */
const serviceOf = (image: string): string => /([^/]*):[^/]*$/.exec(image)?.[1] ?? "";

const rowOf = ({ id, name, image, labels, state }: Container): Value => ({
  ID: id.slice(0, 12), Names: name, Image: image, State: state, Status: state === "running" ? "Up 1 minute" : "Exited (0) 1 minute ago", Networks: "kamal", Label: (key: string) => labels[key] ?? "",
});
