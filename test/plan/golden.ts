import { expect } from "bun:test";

/** Compares a text with the file of this name beside the tests. `UPDATE_GOLDEN=1 bun test test/plan` writes the files anew: read the difference before you commit it. */
export async function expectGolden(name: string, text: string): Promise<void> {
  const file = Bun.file(`${import.meta.dir}/golden/${name}.txt`);
  if (process.env["UPDATE_GOLDEN"] === "1") await Bun.write(file, `${text}\n`);
  expect(`${text}\n`).toBe(await file.text());
}
