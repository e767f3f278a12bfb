import { afterAll, describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Glob } from "bun";

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly trustedDependencies?: readonly string[];
}
interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly hasInstallScript?: boolean;
}

const root = join(import.meta.dir, "..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
const lock = Bun.JSONC.parse(readFileSync(join(root, "bun.lock"), "utf8")) as { readonly packages: Readonly<Record<string, readonly [id: string, where: string, what: Locked, hash: string]>> };
const page = readFileSync(join(root, "docs/dependencies.md"), "utf8");

/** All that some packages bring, themselves included. */
function closure(names: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name) || lock.packages[name] === undefined) return;
    found.add(name);
    const { dependencies, optionalDependencies } = lock.packages[name][2];
    for (const next of Object.keys({ ...dependencies, ...optionalDependencies })) visit(next);
  };
  names.forEach(visit);
  return [...found].sort();
}
const direct = Object.keys(manifest.dependencies);
const brought = closure(direct).filter((name) => !direct.includes(name));

describe("what we depend on", () => {
  test("is pinned to one version each", () => {
    for (const version of Object.values({ ...manifest.dependencies, ...manifest.devDependencies })) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) expect(lock.packages[name]?.[0]).toBe(`${name}@${version}`);
  });

  test("has a checksum each, and no host that it is to come from", () => {
    for (const [id, where, , hash] of Object.values(lock.packages)) expect([id, where, hash]).toEqual([id, "", expect.stringMatching(/^sha512-/)]);
    expect(Object.keys(lock.packages).length).toBeGreaterThan(20);
  });

  test("runs nothing when it is installed", () => {
    expect(manifest.trustedDependencies).toBeUndefined();
    for (const name of ["preinstall", "install", "postinstall", "prepare"]) expect(manifest.scripts[name]).toBeUndefined();
    const withScripts = Object.entries(lock.packages).flatMap(([name, [, , what]]) => (what.hasInstallScript === true ? [name] : []));
    // Both make SSH faster where their scripts were run: they were not, and are not loaded.
    expect(withScripts.filter((name) => !["ssh2", "cpu-features"].includes(name))).toEqual([]);
    const built = ["ssh2/lib/protocol/crypto/build", "cpu-features/build"].filter((path) => existsSync(join(root, "node_modules", path, "Release")));
    expect(built).toEqual([]);
  });

  test("is told in docs/dependencies.md, with its number and why", () => {
    expect(page).toContain(`**${direct.length} packages** are named in package.json`);
    expect(page).toContain(`**${brought.length} more** come with them`);
    const rows = [...page.matchAll(/^\| `([^`]+)` \| [^|]*\| [^|]{8,}\|$/gm)].map(([, name]) => name);
    expect(rows.toSorted()).toEqual([...direct, ...brought, ...Object.keys(manifest.devDependencies)].toSorted());
  });

  test("is imported where it is named: by lib and mod.ts, and not what is for development", () => {
    const used = new Set<string>();
    for (const path of ["mod.ts", ...new Glob("lib/**/*.ts").scanSync(root)]) {
      for (const [, name = ""] of readFileSync(join(root, path), "utf8").matchAll(/(?:^import [^;]*?from|^export [^;]*?from|import\()\s*"([^".][^"]*)"/gm)) if (!/^(node:|bun$|bun:|capstan$)/.test(name)) used.add(name.split("/").slice(0, name.startsWith("@") ? 2 : 1).join("/"));
    }
    expect([...used].filter((name) => !direct.includes(name))).toEqual([]);
  });
});

describe("the lock file", () => {
  const folder = mkdtempSync(join(tmpdir(), "capstan-lock-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const install = (text: string): { readonly status: number; readonly stderr: string } => {
    cpSync(join(root, "bun.lock"), join(folder, "bun.lock"));
    writeFileSync(join(folder, "package.json"), text);
    const ran = Bun.spawnSync([process.execPath, "install", "--frozen-lockfile", "--dry-run"], { cwd: folder });
    return { status: ran.exitCode, stderr: ran.stderr.toString() };
  };
  const text = readFileSync(join(root, "package.json"), "utf8");

  test("is what every script installs from", () => {
    for (const script of Object.values(manifest.scripts)) expect(script).toStartWith("bun install --frozen-lockfile && ");
    expect(readFileSync(join(root, ".ci/run"), "utf8")).toContain("bun run test");
  });

  test("says the same as package.json; where it does not, nothing is installed", () => {
    expect(install(text).status).toBe(0);
    const { status, stderr } = install(text.replace(/,\s*"zod": "[^"]*"/, ""));
    expect(status).toBe(1);
    expect(stderr).toContain("lockfile is frozen");
  });
});

test("SECURITY.md comes with the package, and names files that are there", () => {
  const security = readFileSync(join(root, "SECURITY.md"), "utf8");
  expect(manifest.files).toContain("SECURITY.md");
  const named = [...security.matchAll(/`((?:test|lib|docs)\/[\w./-]+)`/g)].map(([, path = ""]) => path);
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
