import * as self from "../../mod.ts";

/**
 * Makes `import … from "capstan"` in a config give this very instance, whether or not there is a copy in node_modules:
 * a config beside a lone executable has none, and classes and symbols must be the same.
 */
export function serveSelf(): void {
  Bun.plugin({
    name: "capstan",
    setup(build) {
      build.module("capstan", () => ({ exports: { ...self }, loader: "object" }));
    },
  });
}
