let served: Promise<void> | undefined;

/**
 * Makes `import … from "capstan"` in a config give this very instance, whether or not there is a copy in node_modules:
 * a config beside a lone executable has none, and classes and symbols must be the same. Call it before a config is loaded;
 * it loads the whole library, so that it is not for commands that look at no config.
 */
export function serveSelf(): Promise<void> {
  return (served ??= serve());
}

async function serve(): Promise<void> {
  const self = await import("../../mod.ts");
  Bun.plugin({
    name: "capstan",
    setup(build) {
      // Not loaded in here: what `require` asks for must be there at once.
      build.module("capstan", () => ({ exports: { ...self }, loader: "object" }));
    },
  });
}
