import { expect, test } from "bun:test";
import { commands } from "../../lib/cli/commands.ts";
import { helpText } from "../../lib/cli/help.ts";
import { plain } from "../../lib/report/style.ts";

const page = { columns: 80, style: plain };

test("helpText() shows a command with argument, options and examples", () => {
  expect(helpText(commands, ["rollback"], page)).toBe(`\
Usage: capstan rollback [OPTIONS] [VERSION]

Put an earlier version back into service.

It is started and switched to as a deploy does it: no request is lost. Where its
image is gone it is pulled. \`capstan app containers\` lists what is still on the
hosts.

Without a version it goes to a release that all hosts served, as their audit
logs tell: the one before, or, after an interrupted deploy, the one that was
good before it. Again, it goes further back, never to what you rolled back from.

Arguments
  VERSION  The version; default: the release before

Which hosts
  -d, --destination NAME  Destination: merges deploy.NAME.config.ts, such as
                          staging
  -h, --hosts HOSTS       Only these hosts: comma separated, * and ? allowed
  -r, --roles ROLES       Only these roles: comma separated, * and ? allowed
  -p, --primary           Only the primary host
  -c, --config-file FILE  Config file, also a deploy.yml of Kamal or MRSK;
                          default: deploy.config.ts
      --version VERSION   Version of the application; default: the commit that
                          is checked out

Output
  -q, --quiet    Show errors only
  -v, --verbose  Show every command with its output and time
      --json     Print events and results as JSON, one a line

Planning
      --dry-run     Print what would be done and change nothing
      --offline     With --dry-run: connect to nothing, plan for fresh hosts
      --facts FILE  With --dry-run: connect to nothing, plan from what \`observe
                    --json\` printed

Hooks and lock
  -H, --skip-hooks                  Call no hooks
      --lock-wait                   Wait while another run holds the deploy lock
      --lock-wait-timeout SECONDS   How long to wait for it (default: 900)
      --lock-wait-interval SECONDS  How often to look (default: 15)

Examples
  capstan rollback
      to the release before this one, or before an interrupted deploy
  capstan rollback --dry-run
      which version that is, and why
  capstan rollback 4f2c1a9
      to a certain version
`);
});

test("helpText() shows words that are passed through, and what is on when left alone as --no-x", () => {
  expect(helpText(commands, ["app", "exec"], page)).toStartWith("Usage: capstan app exec [OPTIONS] COMMAND...\n");
  expect(helpText(commands, ["plan"], page)).toStartWith("Usage: capstan plan [OPTIONS] [COMMAND]...\n");
  expect(helpText(commands, ["deploy"], page)).toContain("      --no-cache    Build every layer anew\n");
});

test("helpText() leaves planning out where nothing is changed", () => {
  expect(helpText(commands, ["config"], page)).not.toContain("--dry-run");
});

test("helpText() shows a group", () => {
  expect(helpText(commands, ["lock"], page)).toBe(`\
Usage: capstan lock COMMAND [OPTIONS]

The deploy lock.

Commands
  status   Show who holds the deploy lock, since when and why
  acquire  Take the deploy lock and keep it: nobody deploys until it is released
  release  Release the deploy lock, whoever holds it

\`capstan lock help COMMAND\` shows the options of one command.
`);
});

test.each([[30], [50], [80], [200]])("helpText() fits into %p columns", (columns) => {
  const names = [[], ["deploy"], ["app"], ["app", "logs"], ["lock", "acquire"]];
  const wide = names.flatMap((path) => helpText(commands, path, { columns, style: plain }).split("\n")).filter((line) => !/^  (capstan |-|    --)|^Usage/.test(line) && line.length > Math.min(columns, 100));
  expect(wide).toEqual([]);
});
