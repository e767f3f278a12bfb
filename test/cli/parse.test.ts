import { describe, expect, test } from "bun:test";
import { commands } from "../../lib/cli/commands.ts";
import { parseCommandLine, type Invocation } from "../../lib/cli/parse.ts";
import { DeployError } from "../../lib/ground/errors.ts";

const parse = (argv: readonly string[]): Invocation => parseCommandLine(commands, argv);
/** What differs from a bare command: its name, options, arguments, words. */
function read(...argv: string[]): unknown {
  const found = parse(argv);
  if (found.kind !== "run") return found;
  const { path, options, args, rest } = found;
  const set = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0) && value !== 900 && value !== 15));
  return { path: path.join(" "), ...set(options as unknown as Record<string, unknown>), ...(Object.keys(set(args)).length === 0 ? {} : { args: set(args) }), ...(rest.length === 0 ? {} : { rest }) };
}
function refusal(...argv: string[]): string {
  try {
    parse(argv);
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    expect(error.failure).toBe("usage");
    return `${error.message}\n${error.hint}`;
  }
  throw new Error("Expected a refusal");
}
const cached = { cache: true };

describe("parseCommandLine() reads", () => {
  test.each<[string, string[], unknown]>([
    ["a command", ["details"], { path: "details" }],
    ["a subcommand", ["lock", "status"], { path: "lock status" }],
    ["an option after the command", ["deploy", "-d", "staging"], { path: "deploy", destination: "staging", args: cached }],
    ["an option before the command", ["-d", "staging", "deploy"], { path: "deploy", destination: "staging", args: cached }],
    ["options within the command", ["app", "-d", "staging", "details"], { path: "app details", destination: "staging" }],
    ["--name=value", ["details", "--destination=staging"], { path: "details", destination: "staging" }],
    ["a short option with its value", ["details", "-dstaging"], { path: "details", destination: "staging" }],
    ["bundled short options", ["redeploy", "-PHv"], { path: "redeploy", skipHooks: true, verbose: true, args: { ...cached, skipPush: true } }],
    ["the name that MRSK has for the proxy", ["traefik", "reboot", "--rolling", "-y"], { path: "traefik reboot", args: { rolling: true, confirmed: true } }],
    ["a canary with its share", ["canary", "start", "4f2c1a9", "--percent", "25"], { path: "canary start", args: { version: "4f2c1a9", percent: 25 } }],
    ["a group that stands for one of its commands", ["healthcheck", "-d", "qa"], { path: "healthcheck perform", destination: "qa" }],
    ["help of such a group", ["healthcheck", "--help"], { kind: "help", path: ["healthcheck"] }],
    ["an option with several values", ["app", "exec", "-e", "A:1", "B:2", "--raw", "env", "C:3"], { path: "app exec", args: { env: ["A:1", "B:2"], raw: true }, rest: ["env", "C:3"] }],
    ["several values and the end of options", ["app", "exec", "--env", "A:1", "--", "B:2"], { path: "app exec", args: { env: ["A:1"] }, rest: ["B:2"] }],
    ["several values with underscores", ["proxy", "boot_config", "set", "--docker_options", "a=b", "c=d", "--debug"], { path: "proxy boot-config set", args: { publish: true, httpPort: 80, httpsPort: 443, logMaxSize: "10m", dockerOptions: ["a=b", "c=d"], debug: true } }],
    ["several words between options", ["secrets", "fetch", "A", "-a", "x", "B c", "--from", "f", "D"], { path: "secrets fetch", args: { names: ["A", "B c", "D"], adapter: "x", from: "f" } }],
    ["no words where none are needed", ["secrets", "fetch", "-a", "x"], { path: "secrets fetch", args: { adapter: "x" } }],
    ["an option that help does not show", ["secrets", "extract", "A", "{}", "--inline"], { path: "secrets extract", args: { name: "A", json: "{}", inline: true } }],
    ["underscores", ["details", "--config_file=x.ts", "--skip_hooks"], { path: "details", configFile: "x.ts", skipHooks: true }],
    ["underscores in a value as they are", ["details", "--config-file=my_file.ts"], { path: "details", configFile: "my_file.ts" }],
    ["lists of hosts and roles", ["details", "-r", "web", "-h", "10.0.0.3,10.0.0.2"], { path: "details", hosts: ["10.0.0.3", "10.0.0.2"], roles: ["web"] }],
    ["repeated lists", ["details", "-h", "a", "--hosts", "b, c"], { path: "details", hosts: ["a", "b", "c"] }],
    ["-h after a command as hosts", ["deploy", "-h", "web-1"], { path: "deploy", hosts: ["web-1"], args: cached }],
    ["--version after a command as the application's", ["app", "boot", "--version", "77"], { path: "app boot", version: "77" }],
    ["--no-x", ["deploy", "--no-cache"], { path: "deploy" }],
    ["--skip-x for --no-x", ["deploy", "--skip-cache"], { path: "deploy" }],
    ["--skip-x where that is its name", ["deploy", "--skip-push"], { path: "deploy", args: { ...cached, skipPush: true } }],
    ["--no-skip-x", ["deploy", "-P", "--no-skip-push"], { path: "deploy", args: cached }],
    ["numbers", ["deploy", "--lock-wait", "--lock-wait-timeout", "60"], { path: "deploy", lockWait: true, lockWaitTimeout: 60, args: cached }],
    ["an argument", ["rollback", "4f2c1a9"], { path: "rollback", args: { version: "4f2c1a9" } }],
    ["an argument left out", ["rollback"], { path: "rollback" }],
    ["an argument after --", ["rollback", "--", "-7"], { path: "rollback", args: { version: "-7" } }],
    ["the same option twice with one value", ["details", "-d", "x", "-d", "x"], { path: "details", destination: "x" }],
    ["a beginning of a name", ["roll"], { path: "rollback" }],
    ["beginnings of both names", ["ser", "boot"], { path: "server bootstrap" }],
    ["a name before longer ones", ["app", "start"], { path: "app start" }],
    ["a required option", ["lock", "acquire", "-m", "Moving"], { path: "lock acquire", args: { message: "Moving" } }],
    ["a value that begins with a dash", ["app", "logs", "--grep-options=-i"], { path: "app logs", args: { grepOptions: "-i" } }],
  ])("%s", (_, argv, expected) => expect(read(...argv)).toEqual(expected));
});

describe("parseCommandLine() passes a command line through:", () => {
  test.each<[string, string[], unknown]>([
    ["words after the first one", ["app", "exec", "ls", "--help"], { path: "app exec", rest: ["ls", "--help"] }],
    ["words after --", ["app", "exec", "--", "ls", "--help"], { path: "app exec", rest: ["ls", "--help"] }],
    ["a later --", ["server", "exec", "git", "log", "--", "README.md"], { path: "server exec", rest: ["git", "log", "--", "README.md"] }],
    ["options before it are ours", ["app", "exec", "-e", "A:1", "-e", "B:2", "env"], { path: "app exec", args: { env: ["A:1", "B:2"] }, rest: ["env"] }],
    ["global options before it too", ["server", "exec", "-h", "web-1", "df", "-h"], { path: "server exec", hosts: ["web-1"], rest: ["df", "-h"] }],
    ["options before --", ["app", "exec", "-p", "--", "-x"], { path: "app exec", primary: true, rest: ["-x"] }],
    ["a quoted command line", ["app", "exec", "bin/check all"], { path: "app exec", rest: ["bin/check all"] }],
    ["options after a quoted command line are ours", ["app", "exec", "bin/check all", "--reuse", "-r", "web"], { path: "app exec", roles: ["web"], args: { reuse: true }, rest: ["bin/check all"] }],
    ["options of a plan at its end are ours", ["app", "exec", "--reuse", "env", "-x", "--dry-run", "--offline", "--json"], { path: "app exec", dryRun: true, offline: true, json: true, args: { reuse: true }, rest: ["env", "-x"] }],
    ["unless it stands behind --", ["server", "exec", "--", "bin/task", "--dry-run"], { path: "server exec", rest: ["bin/task", "--dry-run"] }],
    ["or nothing of them makes a plan", ["server", "exec", "bin/task", "--json"], { path: "server exec", rest: ["bin/task", "--json"] }],
    ["underscores stay in it", ["server", "exec", "tool", "--a_b", "--skip_c"], { path: "server exec", rest: ["tool", "--a_b", "--skip_c"] }],
    ["a session", ["server", "exec", "-ip", "bash", "-i"], { path: "server exec", primary: true, args: { interactive: true }, rest: ["bash", "-i"] }],
    ["empty words stay in it", ["app", "exec", "echo", ""], { path: "app exec", rest: ["echo", ""] }],
  ])("%s", (_, argv, expected) => expect(read(...argv)).toEqual(expected));
});

describe("parseCommandLine() plans", () => {
  test.each<[string, string[], unknown]>([
    ["a deploy", ["plan"], { path: "deploy", dryRun: true, args: cached }],
    ["a deploy with options", ["plan", "-d", "staging", "--offline"], { path: "deploy", destination: "staging", dryRun: true, offline: true, args: cached }],
    ["another command", ["plan", "rollback", "76"], { path: "rollback", dryRun: true, args: { version: "76" } }],
    ["a subcommand", ["plan", "proxy", "reboot", "--rolling"], { path: "proxy reboot", dryRun: true, args: { rolling: true } }],
    ["with --dry-run", ["setup", "--dry-run", "--facts", "f.json"], { path: "setup", dryRun: true, facts: "f.json", args: cached }],
  ])("%s", (_, argv, expected) => expect(read(...argv)).toEqual(expected));
});

describe("parseCommandLine() gives help", () => {
  test.each<[string[], string]>([
    [[], ""], [["help"], ""], [["-h"], ""], [["--help"], ""], [["-d", "staging"], ""],
    [["help", "deploy"], "deploy"], [["-h", "deploy"], "deploy"], [["deploy", "--help"], "deploy"],
    [["help", "app", "logs"], "app logs"], [["app", "help", "logs"], "app logs"], [["app", "help"], "app"], [["app", "--help"], "app"],
    [["app", "exec", "--help"], "app exec"], [["help", "plan"], "plan"], [["plan", "--help"], "plan"], [["plan", "deploy", "--help"], "deploy"],
  ])("%j", (argv, path) => expect(parse(argv)).toEqual({ kind: "help", path: path === "" ? [] : path.split(" ") }));
});

test("parseCommandLine() gives the tool's version for --version alone", () => expect(parse(["--version"])).toEqual({ kind: "version" }));

describe("parseCommandLine() refuses", () => {
  const deployHelp = "`capstan help deploy` says what it takes.";
  test.each<[string, string[], string]>([
    ["an unknown option", ["deploy", "--destinaton", "staging"], `Cannot run "deploy": there is no option --destinaton\nDid you mean --destination? ${deployHelp}`],
    ["a share of more than all", ["canary", "set", "--percent", "101"], `Cannot run "canary set": --percent must be a whole number from 0 to 100, got "101"\n\`capstan help canary set\` says what it takes.`],
    ["a canary without its share", ["canary", "set"], `Cannot run "canary set": it needs --percent\n\`capstan help canary set\` says what it takes.`],
    ["letters that changed places", ["deploy", "--hsots", "web-1"], `Cannot run "deploy": there is no option --hsots\nDid you mean --hosts? ${deployHelp}`],
    ["an unknown negative", ["deploy", "--no-chace"], `Cannot run "deploy": there is no option --no-chace\nDid you mean --no-cache? ${deployHelp}`],
    ["the negative of what takes a value", ["deploy", "--no-hosts"], `Cannot run "deploy": there is no option --no-hosts\n${deployHelp}`],
    ["an unknown letter", ["deploy", "-D", "x"], `Cannot run "deploy": there is no option -D\nDid you mean -d? ${deployHelp}`],
    ["an unknown letter in a bundle", ["deploy", "-Px"], `Cannot run "deploy": there is no option -x\n${deployHelp}`],
    ["an option of another command", ["deploy", "--follow"], `Cannot run "deploy": there is no option --follow\n${deployHelp}`],
    ["an unknown option before a command line", ["app", "exec", "--reus", "ls"], 'Cannot run "app exec": there is no option --reus\nDid you mean --reuse? `capstan help app exec` says what it takes.'],
    ["a value for a switch", ["deploy", "--quiet=no"], 'Cannot run "deploy": --quiet takes no value, got "no"\nWrite --quiet or --no-quiet.'],
    ["a missing value", ["deploy", "--destination"], `Cannot run "deploy": --destination needs a value\n${deployHelp}`],
    ["-h alone", ["deploy", "-h"], `Cannot run "deploy": -h needs a value\n-h chooses hosts. ${deployHelp}`],
    ["an empty value", ["deploy", "--hosts="], `Cannot run "deploy": --hosts needs a value\n${deployHelp}`],
    ["a list without a name", ["deploy", "-h", " , "], 'Cannot tell what --hosts " , " chooses: it has no name in it\nLeave out --hosts to choose everything.'],
    ["an option where a value belongs", ["deploy", "-h", "-q"], 'Cannot run "deploy": -h needs a value, got "-q"\nA value that begins with a dash is written --hosts=-q.'],
    ["two values", ["deploy", "-d", "a", "-d", "b"], 'Cannot run "deploy": --destination is given twice: a and b\nLeave out one of them.'],
    ["a word too many", ["deploy", "staging"], `Cannot run "deploy": it takes no argument, got "staging"\nA destination is chosen with -d, hosts with -h, roles with -r. ${deployHelp}`],
    ["a second argument", ["rollback", "76", "77"], 'Cannot run "rollback": it takes one word less, got "77"\nA destination is chosen with -d, hosts with -h, roles with -r. `capstan help rollback` says what it takes.'],
    ["an empty argument", ["rollback", ""], 'Cannot run "rollback": VERSION is empty\n`capstan help rollback` says what it takes.'],
    ["a missing command line", ["app", "exec", "-p"], 'Cannot run "app exec": it needs COMMAND\n`capstan help app exec` says what it takes.'],
    ["an empty command line", ["app", "exec", ""], 'Cannot run "app exec": it needs COMMAND\n`capstan help app exec` says what it takes.'],
    ["a missing option", ["lock", "acquire"], 'Cannot run "lock acquire": it needs --message\n`capstan help lock acquire` says what it takes.'],
    ["no number", ["deploy", "--lock-wait-timeout", "5m"], `Cannot run "deploy": --lock-wait-timeout must be a whole number, got "5m"\n${deployHelp}`],
    ["a number that is too small", ["app", "logs", "-n", "0"], 'Cannot run "app logs": --lines must be a whole number from 1, got "0"\n`capstan help app logs` says what it takes.'],
    ["options that exclude each other", ["app", "exec", "--detach", "--raw", "ls"], 'Cannot run "app exec": --raw and --detach exclude each other\nLeave out one of them.'],
    ["a session that is left running", ["app", "exec", "-i", "--detach", "ls"], 'Cannot run "app exec": --interactive and --detach exclude each other\nLeave out one of them.'],
    ["a raw session of the application", ["app", "exec", "-i", "--raw", "ls"], 'Cannot run "app exec": --interactive and --raw exclude each other\nLeave out one of them.'],
    ["a raw session on a host", ["server", "exec", "-i", "--raw", "ls"], 'Cannot run "server exec": --interactive and --raw exclude each other\nLeave out one of them.'],
    ["quiet and verbose", ["deploy", "-qv"], 'Cannot run "deploy": --quiet and --verbose exclude each other\nLeave out one of them.'],
    ["a plan of what changes nothing", ["config", "--dry-run"], 'Cannot run "config": it changes nothing, so there is nothing to plan\nLeave out --dry-run.'],
    ["the same with plan", ["plan", "config"], 'Cannot run "config": it changes nothing, so there is nothing to plan\nLeave out --dry-run.'],
    ["offline without a plan", ["deploy", "--offline"], 'Cannot run "deploy": --offline is for plans only\nAdd --dry-run.'],
    ["facts without a plan", ["deploy", "--facts", "f"], 'Cannot run "deploy": --facts is for plans only\nAdd --dry-run.'],
    ["offline with facts", ["plan", "--offline", "--facts", "f"], `Cannot run "deploy": --offline plans for fresh hosts, --facts for known ones\nLeave out one of them.`],
    ["a group alone", ["lock"], 'Cannot run "lock" alone: it needs one of status, acquire, release\n`capstan help lock` says what they do.'],
    ["an unknown command", ["depoly"], 'There is no command "depoly"\nDid you mean `capstan deploy`? `capstan help` lists the commands.'],
    ["an unknown subcommand", ["app", "lgos"], 'There is no command "app lgos"\nDid you mean `capstan app logs`? `capstan app help` lists the commands.'],
    ["a word that is like none", ["frobnicate"], 'There is no command "frobnicate"\n`capstan help` lists the commands.'],
    ["a beginning of several", ["re"], 'Cannot tell which command "re" is: it may be redeploy, remove, registry\nWrite out the one you mean.'],
  ])("%s", (_, argv, expected) => expect(refusal(...argv)).toBe(expected));
});
