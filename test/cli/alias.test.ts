import { afterAll, describe, expect, test } from "bun:test";
import { withoutAliases } from "../../lib/cli/alias.ts";
import { commands } from "../../lib/cli/commands.ts";
import { main } from "../../lib/cli/main.ts";
import { isDeployError } from "../../lib/ground/errors.ts";
import { capstan, project, removeProjects } from "../config/project.ts";
import { fakeIo } from "./fake-io.ts";

afterAll(removeProjects);

const config = (aliases: Readonly<Record<string, unknown>>): string => `${capstan} export default { aliases: ${JSON.stringify(aliases)} };`;
const { folder } = project({
  "deploy.config.ts": config({
    console: "app exec -p --reuse 'bin/rails console'", sh: "app exec -p sh", logs: "app logs -n 20", my_logs: "logs -f", staging: "-d staging", web: "-h web-1 app logs",
    loop: "again -q", again: "loop", wrong: "app lgos", numbered: 7,
  }),
  "deploy.qa.config.ts": config({}),
  "deploy.staging.config.ts": config({ logs: "app logs -g staging" }),
  "other.config.ts": config({ logs: "app logs -g other" }),
  "broken.config.ts": "export default { aliases: ",
});
const io = { ...fakeIo().io, cwd: folder };
const expand = async (...argv: string[]): Promise<string> => (await withoutAliases(commands, argv, io)).argv.join("·");

describe("withoutAliases() gives", () => {
  test.each<[string[], string]>([
    [["console"], "app·exec·-p·--reuse·bin/rails console"],
    [["console", "--sandbox", "x"], "app·exec·-p·--reuse·bin/rails console·--sandbox·x"],
    [["sh", "-d", "qa", "-c", "deploy.config.ts", "-e", "A:1", "ps", "-q"], "-d·qa·-c·deploy.config.ts·app·exec·-p·sh·-e·A:1·ps·-q"],
    [["sh", "--config_file=deploy.config.ts", "--", "-c", "id"], "--config_file=deploy.config.ts·app·exec·-p·sh·--·-c·id"],
    [["-q", "logs", "-f"], "-q·app·logs·-n·20·-f"],
    [["logs", "-h", "web-1"], "--hosts·web-1·app·logs·-n·20"],
    [["web"], "--hosts·web-1·app·logs"],
    [["my-logs"], "app·logs·-n·20·-f"],
    [["MY_LOGS"], "MY_LOGS"],
    [["staging", "deploy"], "-d·staging·deploy"],
    [["staging", "logs"], "-d·staging·app·logs·-g·staging"],
    [["-d", "staging", "logs"], "-d·staging·app·logs·-g·staging"],
    [["logs", "-d", "staging"], "-d·staging·app·logs·-g·staging"],
    [["logs", "-c", "other.config.ts"], "-c·other.config.ts·app·logs·-g·other"],
    [["help", "logs"], "help·app·logs·-n·20"],
    [["plan", "console"], "plan·app·exec·-p·--reuse·bin/rails console"],
    [["numbered"], "numbered"],
    [["app", "console"], "app·console"],
    [["app", "exec", "console"], "app·exec·console"],
    [["--", "console"], "--·console"],
  ])("for %j %p", async (argv, expected) => expect(await expand(...argv)).toBe(expected));
});

test("withoutAliases() looks at no config while every word is a command", async () => {
  const { argv, notes } = await withoutAliases(commands, ["dep", "-c", "broken.config.ts"], io);
  expect([argv, notes]).toEqual([["dep", "-c", "broken.config.ts"], []]);
});

test("withoutAliases() refuses an alias that leads back to itself", async () => {
  const error: unknown = await expand("loop").catch((thrown: unknown) => thrown);
  expect(isDeployError(error) && [error.failure, error.message]).toEqual(["config", 'Cannot use the alias "loop": it leads back to itself, loop -> again -> loop']);
});

describe("main() tells", () => {
  test.each<[string, string[], string]>([
    ["a word that is no alias either", ["depoly"], 'Error: There is no command "depoly"\n\n  Next: Did you mean `capstan deploy`? `capstan help` lists the commands.\n'],
    ["what an alias stood for", ["wrong"], 'Error: There is no command "app lgos"\n\n    `wrong` is an alias for `app lgos`\n\n  Next: Did you mean `capstan app logs`? `capstan app help` lists the commands.\n'],
    ["that aliases could not be had", ["depoly", "-c", "nowhere.ts"], `Error: There is no command "depoly"\n\n    Aliases could not be looked up: Cannot find nowhere.ts in ${folder}\n\n  Next: Did you mean \`capstan deploy\`? \`capstan help\` lists the commands.\n`],
  ])("%s", async (_, argv, expected) => {
    const { io: fake, written } = fakeIo();
    expect(await main(argv, { ...fake, cwd: folder }, commands)).toBe(2);
    expect(written.stderr).toBe(expected);
  });

  test("nothing of aliases where there is no config", async () => {
    const { io: fake, written } = fakeIo();
    expect(await main(["depoly"], { ...fake, cwd: project({}).folder }, commands)).toBe(2);
    expect(written.stderr).toBe('Error: There is no command "depoly"\n\n  Next: Did you mean `capstan deploy`? `capstan help` lists the commands.\n');
  });
});

test("main() shows the help of what an alias stands for", async () => {
  const { io: fake, written } = fakeIo();
  expect(await main(["console", "--help"], { ...fake, cwd: folder }, commands)).toBe(0);
  expect(written.stdout).toStartWith("Usage: capstan app exec [OPTIONS] COMMAND...\n");
});
