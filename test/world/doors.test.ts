import { describe, expect, test } from "bun:test";
import { createServer, type AddressInfo } from "node:net";
import { CancelledError } from "../../lib/ground/errors.ts";
import { doorOf, Doors } from "../../lib/world/doors.ts";
import { temporaryHome } from "./sshd.ts";
import { failureOf, never, openTransport } from "./transport.ts";

/** Takes turns and says who has one. */
function queue(limit: number) {
  const doors = new Doors(limit);
  const inside = new Map<string, Disposable>();
  const come = (names: readonly string[]): void => {
    for (const name of names) void doors.take(name.split("-")[0] ?? "", never).then((turn) => void inside.set(name, turn));
  };
  const leave = (name: string): void => {
    inside.get(name)?.[Symbol.dispose]();
    inside.delete(name);
  };
  return { come, leave, inside: async () => (await Bun.sleep(0), [...inside.keys()]) };
}
const some = (door: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${door}-${i + 1}`);

describe("Doors", () => {
  test("lets eight in at one door, and keeps nobody from another", async () => {
    const { come, leave, inside } = queue(30);
    come([...some("bastion", 20), ...some("web", 2)]);
    expect((await inside()).toSorted()).toEqual([...some("bastion", 8), "web-1", "web-2"].toSorted());
    leave("bastion-3");
    expect((await inside()).at(-1)).toBe("bastion-9");
  });

  test("lets so many in at all doors together", async () => {
    const { come, leave, inside } = queue(5);
    come(["a-1", "b-1", "c-1", "d-1", "e-1", "f-1", "g-1"]);
    expect((await inside()).length).toBe(5);
    leave("b-1");
    expect((await inside()).toSorted()).toEqual(["a-1", "c-1", "d-1", "e-1", "f-1"]);
  });

  test("gives a place back that was waited for in vain", async () => {
    const doors = new Doors(1);
    const first = await doors.take("a", never);
    const cancel = new AbortController();
    const second = doors.take("b", cancel.signal);
    cancel.abort(new CancelledError());
    expect(await failureOf(second)).toBeInstanceOf(CancelledError);
    first[Symbol.dispose]();
    using third = await doors.take("b", never);
    expect(third).toBeDefined();
  });
});

const by = (command: string | undefined, hostName: string, port = 22): string => doorOf({ hostName, port, proxyCommand: command?.replaceAll("%h", hostName).replaceAll("%p", String(port)) });

test("doorOf() is the address", () => expect(by(undefined, "10.0.0.1")).toBe("10.0.0.1:22"));

test.each(["ssh -W %h:%p bastion", "ssh -W '[%h]:%p' -p 2200 bastion", "ssh -q bastion -W%h:%p", "/usr/bin/ssh bastion nc %h %p"])("doorOf() is one for all hosts that %p leads to", (command) => {
  const other = command.replace("bastion", "10.0.0.11");
  expect([by(command, "10.0.0.2"), by(command, "10.0.0.3", 2222)]).toEqual([by(command, "10.0.0.1"), by(command, "10.0.0.1")]);
  expect(by(other, "10.0.0.1")).not.toBe(by(command, "10.0.0.1"));
  expect(by(other, "10.0.0.1")).toContain("10.0.0.11");
});

test.each(["cloudflared access ssh --hostname %h", "aws ssm start-session --target %h", "sshuttle-dial %h"])("doorOf() is one for each host that %p leads to", (command) => {
  expect(by(command, "10.0.0.2")).not.toBe(by(command, "10.0.0.1"));
});
test("doorOf() is one for a command that knows its own way", () => expect(by("connect-to-bastion", "10.0.0.2")).toBe(by("connect-to-bastion", "10.0.0.1")));

test("one sshd gets no more than eight handshakes at once from 20 hosts that lead to it", async () => {
  let [now, most] = [0, 0];
  const server = createServer((socket) => {
    most = Math.max(most, ++now);
    socket.on("error", () => undefined).resume();
    setTimeout(() => {
      now--;
      socket.end("too busy\r\n");
    }, 20);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  using home = temporaryHome();
  await using world = openTransport(home.path, { config: false, connectTimeoutSeconds: 5 });
  const { port } = server.address() as AddressInfo;
  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => world.transport.connect(`user${i}@127.0.0.1:${port}`, never)));
  server.close();
  expect([results.every(({ status }) => status === "rejected"), most]).toEqual([true, 8]);
});
