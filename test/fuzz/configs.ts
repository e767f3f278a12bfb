import type { Reader } from "./engine.ts"; export const configReaders: readonly Reader[] = [];
