import { writeFileSync } from "node:fs";

/** Preloaded into a program: when it ends, the files it loaded stand in the file that LOADED names, one a line. */
process.on("exit", () => writeFileSync(process.env["LOADED"] ?? "", Object.keys(require.cache).join("\n")));
