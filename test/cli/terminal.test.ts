import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";

/** The program under test is another process: only there is a terminal to change. */
const library = JSON.stringify(join(import.meta.dir, "../../lib/cli/terminal.ts"));
const prompt = JSON.stringify(join(import.meta.dir, "../../lib/cli/prompt.ts"));
const script = `
  if (process.env.ASK) {
    const { askSecret } = await import(${prompt});
    await askSecret("Passphrase?", () => () => undefined);
  }
  const { processTerminal } = await import(${library});
  const terminal = processTerminal();
  const show = (text) => process.stdout.write(text + "\\n");
  const sized = () => { const { columns, rows } = terminal.size(); return columns + "x" + rows; };
  show("kind " + terminal.kind + " " + sized());
  const lent = terminal.lend({
    input(bytes) {
      const text = Buffer.from(bytes).toString("latin1");
      if (text === "c") throw new Error("crash");
      if (text === "t") process.exit(3);
      if (text === "p") { lent.flow(false); setTimeout(() => { show("goes on"); lent.flow(true); }, 200); return show("paused"); }
      if (text !== "q") return void lent.write("stdout", bytes).then(() => show(" written"));
      lent[Symbol.dispose]();
      lent.flow(true);
      show("given back");
      setTimeout(() => process.exit(0), 200);
    },
    end() { show("end"); lent[Symbol.dispose](); },
    resize: () => show("size " + sized()),
  });
  show("lent");
`;

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

function start(env: Record<string, string> = {}) {
  let seen = "";
  const child = Bun.spawn([process.execPath, "-e", script], { env: { ...process.env, NO_COLOR: "1", TERM: "xterm-test", ...env }, terminal: { cols: 90, rows: 20, data: (_, bytes) => void (seen += Buffer.from(bytes).toString("latin1")) } });
  const { terminal } = child;
  if (terminal === undefined) throw new Error("There is no terminal");
  opened.push({ close() { child.kill("SIGKILL"); terminal.close(); } });
  const modes = (): number[] => [terminal.inputFlags, terminal.outputFlags, terminal.localFlags, terminal.controlFlags];
  const sees = async (what: string): Promise<void> => {
    for (let i = 0; !seen.includes(what); i++) {
      if (i > 1000) throw new Error(`It shows ${JSON.stringify(seen)}, never ${JSON.stringify(what)}`);
      await Bun.sleep(5);
    }
    seen = seen.slice(seen.indexOf(what) + what.length);
  };
  return { child, terminal, modes, sees };
}

/** Bits of termios. */
const [opost, echo] = [0x1, 0x8];
const [icanon, isig] = process.platform === "darwin" ? [0x100, 0x80] : [0x2, 0x1];

describe("a terminal that is lent", () => {
  test("has its kind and size, and is raw both ways", async () => {
    const { modes, sees } = start();
    const [, output = 0, local = 0] = modes();
    expect([output & opost, local & icanon, local & echo, local & isig]).toEqual([opost, icanon, echo, isig]);
    await sees("kind xterm-test 90x20");
    await sees("lent");
    const [, rawOutput = 0, rawLocal = 0] = modes();
    expect([rawOutput & opost, rawLocal & (icanon | echo | isig)]).toEqual([0, 0]);
  });

  test("hands over bytes, Ctrl-C too, tells a new size, and is as it was when it is given back", async () => {
    const { child, terminal, modes, sees } = start();
    const before = modes();
    await sees("lent");
    terminal.write(Uint8Array.from([3, 255, 13, 26]));
    await sees("\x03\xff\r\x1a written");
    terminal.resize(120, 40);
    await sees("size 120x40");
    terminal.write("q");
    await sees("given back");
    expect(modes()).toEqual(before);
    expect(await child.exited).toBe(0);
    expect(modes()).toEqual(before);
  });

  test("reads nothing while it is told to wait", async () => {
    const { terminal, sees } = start();
    await sees("lent");
    terminal.write("p");
    await sees("paused");
    terminal.write("x");
    await sees("goes on");
    await sees("x written");
  });

  test("is read after a passphrase was asked for", async () => {
    const { child, terminal, modes, sees } = start({ ASK: "yes" });
    const before = modes();
    await sees("Passphrase?");
    terminal.write("open sesame\r");
    await sees("lent");
    terminal.write("x");
    await sees("x written");
    terminal.write("q");
    expect(await child.exited).toBe(0);
    expect(modes()).toEqual(before);
  });

  test.each([["a crash", "c", 1], ["an exit", "t", 3]])("is as it was after %s", async (_, key, status) => {
    const { child, terminal, modes, sees } = start();
    const before = modes();
    await sees("lent");
    expect(modes()).not.toEqual(before);
    terminal.write(key);
    expect(await child.exited).toBe(status);
    expect(modes()).toEqual(before);
  });

  test("is as it was after a signal that ends the process", async () => {
    const { child, modes, sees } = start();
    const before = modes();
    await sees("lent");
    child.kill("SIGTERM");
    await child.exited;
    expect(modes()).toEqual(before);
  });

  test("can do without stty", async () => {
    const { child, terminal, modes, sees } = start({ PATH: "/nonexistent" });
    const before = modes();
    await sees("lent");
    expect((modes()[2] ?? 0) & (icanon | echo | isig)).toBe(0);
    terminal.write("q");
    await child.exited;
    expect(modes()).toEqual(before);
  });
});

test("pipes are no terminal: their bytes and their end come", async () => {
  const child = Bun.spawn([process.execPath, "-e", script], { env: { ...process.env, NO_COLOR: "1", TERM: "xterm-test" }, stdin: new Blob(["one\n"]), stdout: "pipe" });
  expect(await new Response(child.stdout).text()).toBe("kind undefined 80x24\nlent\none\n written\nend\n");
  expect(await child.exited).toBe(0);
});
