#!/usr/bin/env -S bun --no-install --no-env-file
import { start } from "./start.ts";

// What the library has is loaded by the commands that need it.
await start();
