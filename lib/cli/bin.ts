#!/usr/bin/env -S bun --no-install --no-env-file
import { compileLate } from "../world/compile-late.ts";

compileLate();
// Only now, or it would be loaded twice. What the library has is loaded by the commands that need it.
const { start } = await import("./start.ts");
await start();
