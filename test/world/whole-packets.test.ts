import { expect, test } from "bun:test";
import { Duplex } from "node:stream";
import { writeWholePackets } from "../../lib/world/ssh/whole-packets.ts";

/** A stream that notes each write that reaches it. */
function noted(): { readonly stream: Duplex; readonly writes: string[] } {
  const writes: string[] = [];
  const stream = new Duplex({ read: () => undefined, write: (chunk: Buffer, _encoding, done) => { writes.push(chunk.toString("latin1")); done(); } });
  return { stream, writes };
}

test("what is written in one turn arrives in one piece, in order", async () => {
  const { stream, writes } = noted();
  writeWholePackets(stream);
  for (const piece of ["length ", Buffer.from("content "), "tag"]) expect(stream.write(piece)).toBe(true);
  await Bun.sleep(0);
  stream.write("next");
  await Bun.sleep(0);
  expect(writes).toEqual(["length content tag", "next"]);
});

test("what was written goes out before the end, and nothing after it", async () => {
  const { stream, writes } = noted();
  writeWholePackets(stream);
  stream.write("last");
  stream.end();
  await Bun.sleep(0);
  stream.write("late");
  await Bun.sleep(0);
  expect(writes).toEqual(["last"]);
});

test("a stream that was destroyed is not written to", async () => {
  const { stream, writes } = noted();
  writeWholePackets(stream);
  stream.write("lost");
  stream.destroy();
  await Bun.sleep(0);
  expect(writes).toEqual([]);
});
