/** Writes the pages of docs/: `bun test/docs/generate.ts`. A test fails when it was forgotten. */
import { join } from "node:path";
import { pages } from "./pages.ts";

for (const [name, text] of Object.entries(pages())) await Bun.write(join(import.meta.dir, "../../docs", name), text);
