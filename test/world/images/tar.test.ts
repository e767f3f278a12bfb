import { expect, test } from "bun:test";
import fc from "fast-check";
import { readTar, tarEnd, tarHeader } from "../../../lib/world/images/tar.ts";
import { bytesOf, inPieces, joined, tarOf } from "./fixtures.ts";

/** Names and contents of the files of an archive. */
async function filesOf(bytes: Uint8Array, length?: number): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const { name, content } of readTar(inPieces(bytes, length))) found.push([name, Buffer.from(await joined(content)).toString("base64")]);
  return found;
}

test("what is written is read again, however it was cut into pieces", async () => {
  const name = fc.stringMatching(/^[a-z0-9/._-]{1,100}$/);
  const file = fc.tuple(name, fc.uint8Array({ maxLength: 3000 }));
  await fc.assert(fc.asyncProperty(fc.uniqueArray(file, { maxLength: 6, selector: ([key]) => key }), fc.integer({ min: 1, max: 5000 }), async (files, length) => {
    const archive = tarOf(Object.fromEntries(files));
    const inOrder = Object.entries(Object.fromEntries(files)).map(([key, bytes]) => [key, Buffer.from(bytes).toString("base64")]);
    expect<unknown>(await filesOf(archive, length)).toEqual(inOrder);
  }), { numRuns: 200 });
});

test("an archive that is cut off anywhere before its end is told from a whole one", async () => {
  const archive = tarOf({ a: "x".repeat(1300), b: "y" }).subarray(0, -tarEnd.length);
  const starts = [0, 512 + 1536, archive.length];
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: archive.length }), async (length) => {
    const reading = filesOf(archive.subarray(0, length)).then((files) => files.length, () => "refused");
    expect<unknown>(await reading).toBe(starts.includes(length) ? starts.indexOf(length) : "refused");
  }), { numRuns: 300 });
});

test("any bytes are read or refused, and never hang", async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 4000 }), async (bytes) => {
    await filesOf(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(Error));
  }), { numRuns: 500 });
});

test("names and links of another program's archive", async () => {
  const long = `${"folder/".repeat(30)}file.txt`;
  const child = Bun.spawnSync(["sh", "-c", `d=$(mktemp -d) && cd "$d" && mkdir -p "$(dirname ${long})" && echo hello > ${long} && ln -s ${long} link && tar --format=$0 -cf - folder link; rm -rf "$d"`, "gnu"]);
  const pax = Bun.spawnSync(["sh", "-c", `d=$(mktemp -d) && cd "$d" && mkdir -p "$(dirname ${long})" && echo hello > ${long} && ln -s ${long} link && tar --format=pax -cf - folder link; rm -rf "$d"`]);
  for (const { stdout } of [child, pax]) {
    const found: string[] = [];
    for await (const { name, kind, target, content } of readTar(inPieces(stdout))) if (kind !== "other") found.push(kind === "link" ? `${name} -> ${target}` : `${name}: ${Buffer.from(await joined(content)).toString()}`);
    expect(found).toEqual([`${long}: hello\n`, `link -> ${long}`]);
  }
});

test("sizes beyond eight gigabytes are written as GNU writes them", async () => {
  const entries = readTar(inPieces(tarHeader("layer", 9 * 1024 ** 3)));
  expect((await entries.next()).value?.size).toBe(9 * 1024 ** 3);
  await expect(entries.next()).rejects.toThrow("it ends in the middle of an entry");
});

test.each<[what: string, change: (header: Uint8Array) => void, why: string]>([
  ["a wrong checksum", (header) => header.set([1], 0), "it is no tar archive"],
  ["a size of letters", (header) => header.set(bytesOf("zzz"), 124), "it is no tar archive"],
])("refuses %s", async (_, change, why) => {
  const header = tarHeader("a", 1);
  change(header);
  await expect(filesOf(header)).rejects.toThrow(why);
});

test("a name of many megabytes is not believed", async () => {
  const header = Buffer.from(tarHeader("././@LongLink", 1024 ** 3));
  header.write("L", 156, "latin1");
  header.write("        ", 148, "latin1");
  header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  await expect(filesOf(header)).rejects.toThrow("it has a name of no believable length");
});
