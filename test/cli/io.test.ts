import { expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import { sinkOf } from "../../lib/cli/io.ts";

/** A stream whose writes fail with a code. */
function failing(code: string): { stream: NodeJS.WriteStream; written: string[] } {
  const written: string[] = [];
  const stream = Object.assign(new EventEmitter(), {
    write: (text: string) => {
      written.push(text);
      return stream.emit("error", Object.assign(new Error(code), { code }));
    },
  });
  return { stream: stream as unknown as NodeJS.WriteStream, written };
}

test.each(["EPIPE", "EIO"])("a reader that went away (%s) ends nothing: what comes later is dropped", (code) => {
  const { stream, written } = failing(code);
  const sink = sinkOf(stream);
  sink.write("one");
  sink.write("two");
  expect(written).toEqual(["one"]);
  expect(sink.closed.aborted).toBe(true);
});

test("any other failure of an output is one", () => {
  const { stream } = failing("ENOSPC");
  expect(() => sinkOf(stream).write("one")).toThrow("ENOSPC");
});
