import type { Row, Table } from "./coverage.ts";

interface Same {
  /** Our command, where it has another name. */
  readonly ours?: string;
  /** Options as they are written there, letter behind: `since -s`. */
  readonly options?: readonly string[];
  /** Options that are something else here. */
  readonly others?: readonly Row[];
  readonly note?: string;
}

const withoutArguments = (theirs: string): string => theirs.split(" ").filter((word) => !/^[[A-Z.\]]+$/.test(word)).join(" ");

/** A command that there is here too, with options of the same names. */
function same(theirs: string, { ours = withoutArguments(theirs).replaceAll("_", "-"), options = [], others = [], note }: Same = {}): Row[] {
  const option = (text: string): Row => {
    const [name = "", letter] = text.split(" ");
    return { theirs: `${withoutArguments(theirs)} --${name}${letter === undefined ? "" : ` ${letter}`}`, commands: [`${ours} --${name.replaceAll("_", "-")}`] };
  };
  return [{ theirs, commands: [ours], ...(note === undefined ? {} : { note }) }, ...options.map(option), ...others];
}

/** Steps that Kamal hides from its help. */
const steps = (group: string, names: readonly string[], commands: readonly string[], note: string): Row[] => names.map((name) => ({ theirs: `${group} ${name} (hidden)`, commands, note }));
/** What is replaced, and why. */
const replaced = (theirs: string, note: string): Row => ({ theirs, note });

const logOptions = ["since -s", "lines -n", "grep -g", "follow -f", "skip_timestamps -T"];
const sides = ["skip_local -L", "skip_remote -R"];
const confirmed = "confirmed -y";
const isStep = "A step of it; `--dry-run` shows them all.";
const following = "Follows all hosts at once.";
const inTheConfig = "A key of the config, the same on every host and under review like the rest.";

/** Commands and options of Kamal 2.12 and MRSK 0.x. */
export const coveredCommands: readonly Table[] = [
  {
    title: "Options of every command",
    rows: [
      { theirs: "--verbose -v", commands: ["deploy --verbose"] },
      { theirs: "--quiet -q", commands: ["deploy --quiet"] },
      { theirs: "--version", commands: ["deploy --version"] },
      { theirs: "--primary -p", commands: ["deploy --primary"] },
      { theirs: "--hosts -h", commands: ["deploy --hosts"] },
      { theirs: "--roles -r", commands: ["deploy --roles"] },
      { theirs: "--config_file -c", commands: ["deploy --config-file"], note: "Default: `deploy.config.ts`." },
      { theirs: "--destination -d", commands: ["deploy --destination"] },
      { theirs: "--skip_hooks -H", commands: ["deploy --skip-hooks"] },
      { theirs: "--lock_wait", commands: ["deploy --lock-wait"] },
      { theirs: "--lock_wait_timeout", commands: ["deploy --lock-wait-timeout"] },
      { theirs: "--lock_wait_interval", commands: ["deploy --lock-wait-interval"] },
    ],
  },
  {
    title: "Commands",
    rows: [
      ...same("setup", { options: ["skip_push -P", "no_cache"] }),
      ...same("deploy", { options: ["skip_push -P", "no_cache"] }),
      ...same("redeploy", { options: ["skip_push -P", "no_cache"] }),
      ...same("rollback VERSION", { note: "Without VERSION: to the release before, that all hosts served. Pulls an image that is gone from a host." }),
      ...same("details"),
      ...same("audit"),
      ...same("config"),
      ...same("docs [SECTION]", { note: "Keys and nested sections too; an unknown one is an error with the name that was meant." }),
      ...same("help [COMMAND]"),
      ...same("init", { others: [replaced("init --bundle", "It is for Ruby's bundler. capstan is one executable, or a package: `bun add capstan`.")] }),
      ...same("remove", { options: [confirmed] }),
      ...same("upgrade", { options: [confirmed, "rolling"] }),
      ...same("version"),
      { theirs: "ALIAS", keys: ["aliases"], note: "Options before an alias count too, and an alias may use another one." },
    ],
  },
  {
    title: "accessory",
    rows: [
      ...["boot", "start", "stop", "restart", "details"].flatMap((name) => same(`accessory ${name} NAME`)),
      ...same("accessory reboot NAME"),
      ...same("accessory exec NAME CMD", { options: ["interactive -i", "reuse", "raw"] }),
      ...same("accessory logs NAME", { options: [...logOptions, "grep_options"] }),
      ...same("accessory remove NAME", { options: [confirmed] }),
      ...same("accessory upgrade NAME", { ours: "accessory reboot", note: "A reboot is the upgrade.", others: [
        { theirs: "accessory upgrade --rolling", commands: ["accessory reboot"], note: "As above." },
        { theirs: "accessory upgrade --confirmed -y", commands: ["accessory reboot"], note: "As above." },
      ] }),
      ...steps("accessory", ["upload NAME", "directories NAME", "pull_image NAME"], ["accessory boot"], isStep),
      ...steps("accessory", ["remove_container NAME", "remove_image NAME", "remove_service_directory NAME"], ["accessory remove"], isStep),
    ],
  },
  {
    title: "app",
    rows: [
      ...["boot", "start", "stop", "details", "containers", "images", "live", "version"].flatMap((name) => same(`app ${name}`)),
      ...same("app exec CMD", { options: ["interactive -i", "reuse", "env -e", "detach", "raw"] }),
      ...same("app stale_containers", { options: ["stop -s"] }),
      ...same("app logs", { options: [...logOptions, "grep_options", "container_id"], note: following }),
      ...same("app remove"),
      ...same("app maintenance", { options: ["message", "drain_timeout"] }),
      ...steps("app", ["remove_container VERSION", "remove_containers", "remove_images", "remove_app_directories"], ["app remove"], isStep),
    ],
  },
  {
    title: "build",
    rows: [
      ...same("build deliver"),
      ...same("build push", { options: ["output", "no_cache"] }),
      ...same("build pull"),
      ...same("build create"),
      ...same("build remove"),
      ...same("build details"),
      ...same("build dev", { options: ["output", "no_cache"] }),
    ],
  },
  {
    title: "lock",
    rows: [...same("lock status"), ...same("lock acquire", { options: ["message -m"] }), ...same("lock release")],
  },
  {
    title: "proxy",
    rows: [
      ...same("proxy boot"),
      ...same("proxy boot_config set", { note: "Deprecated there too: the config says it.", others: [
        ["publish", "publish"], ["publish_host_ip", "bindIps"], ["http_port", "httpPort"], ["https_port", "httpsPort"], ["log_max_size", "logMaxSize"], ["registry", "registry"],
        ["repository", "repository"], ["image_version", "version"], ["metrics_port", "metricsPort"], ["debug", "debug"], ["docker_options", "options"],
      ].map(([option, key]) => ({ theirs: `proxy boot_config set --${option}`, keys: [`proxy.run.${key}`], note: inTheConfig })) }),
      ...same("proxy boot_config get"),
      ...same("proxy boot_config reset"),
      ...same("proxy reboot", { options: ["rolling", confirmed], note: "Always host after host." }),
      ...["start", "stop", "restart", "details"].flatMap((name) => same(`proxy ${name}`)),
      ...same("proxy logs", { options: logOptions, note: following }),
      ...same("proxy remove", { options: ["force"] }),
      ...steps("proxy", ["upgrade"], ["proxy reboot"], "A reboot is the upgrade, of either proxy."),
      ...steps("proxy", ["upgrade --rolling"], ["proxy reboot --rolling"], "Always host after host."),
      ...steps("proxy", ["upgrade --confirmed -y"], ["proxy reboot --confirmed"], ""),
      ...steps("proxy", ["remove_container", "remove_image", "remove_proxy_directory"], ["proxy remove"], isStep),
    ],
  },
  {
    title: "prune, registry, secrets, server",
    rows: [
      ...same("prune all"),
      ...same("prune images"),
      ...same("prune containers", { options: ["retain"] }),
      ...["setup", "remove", "login", "logout"].flatMap((name) => same(`registry ${name}`, { options: sides })),
      ...same("secrets fetch SECRETS", { options: ["adapter -a", "account", "from"], others: [replaced("secrets fetch --inline (hidden)", "Hidden here too. A secrets file that calls the command needs it no more: capstan carries it out itself.")] }),
      ...same("secrets extract NAME JSON", { others: [replaced("secrets extract --inline (hidden)", "As with `secrets fetch`.")] }),
      ...same("secrets print"),
      ...same("server exec CMD", { options: ["interactive -i", "raw"] }),
      ...same("server bootstrap"),
    ],
  },
  {
    title: "MRSK 0.x",
    rows: [
      ...same("traefik boot"),
      ...same("traefik reboot", { options: ["rolling"] }),
      ...["start", "stop", "restart", "details"].flatMap((name) => same(`traefik ${name}`)),
      ...same("traefik logs", { options: ["since -s", "lines -n", "grep -g", "follow -f"], note: following }),
      ...same("traefik remove"),
      ...steps("traefik", ["remove_container", "remove_image"], ["traefik remove"], isStep),
      ...same("healthcheck perform"),
      { theirs: "healthcheck", commands: ["healthcheck perform"] },
      ...same("envify"),
      { theirs: "broadcast -m MESSAGE", keys: ["hooks.auditBroadcast"], note: "Gone there too since hooks. The hook gets every line of the audit log; any program can send other messages." },
      { theirs: "--skip_broadcast -B", commands: ["deploy --skip-hooks"], note: "The broadcast is a hook." },
      replaced("init --bundle", "As above. The `.env` stub is `.capstan/secrets`."),
      ...same("registry login"),
      ...same("registry logout"),
      ...["all", "images", "containers"].flatMap((name) => same(`prune ${name}`)),
      ...["deliver", "push", "pull", "create", "remove", "details"].flatMap((name) => same(`build ${name}`)),
      ...["boot", "start", "stop", "details", "containers", "stale_containers", "images", "logs", "remove", "version"].flatMap((name) => same(`app ${name}`)),
      ...same("app exec CMD", { note: "In the network and with the env of the role." }),
      ...same("lock status"),
      ...same("lock acquire", { options: ["message -m"] }),
      ...same("lock release"),
      ...same("setup"),
      ...same("deploy", { options: ["skip_push -P"] }),
      ...same("redeploy", { options: ["skip_push -P"] }),
      ...same("rollback VERSION"),
      ...["details", "audit", "config", "version"].flatMap((name) => same(name)),
      ...same("remove", { options: [confirmed] }),
      ...same("server bootstrap"),
    ],
  },
  {
    title: "Kamal 1.x",
    rows: [
      { theirs: "env push", commands: ["app boot"], note: "Gone there too: every boot uploads the env files of its containers." },
      { theirs: "env delete", commands: ["app remove"], note: "Gone there too: the env files go with the containers." },
      { theirs: "envify --skip_push -P", commands: ["envify"], note: "It never pushes: a boot does." },
      { theirs: "downgrade", commands: ["proxy remove", "proxy boot", "app boot"], note: "Between the first two choose the other proxy in the config." },
      ...same("traefik reboot", { options: [confirmed] }).slice(1),
      ...same("docs [SECTION]"),
    ],
  },
];
