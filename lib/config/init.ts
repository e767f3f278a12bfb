import { ambientTypes } from "./ambient.ts";
import starterConfig from "./starter.txt" with { type: "text" };

/** A file that `capstan init` writes. */
export interface StarterFile {
  /** Relative to the folder of the project. */
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

/**
 * The files of a new project: config, secrets, types for editors. Files that exist are for the caller to keep.
 * @param service name of the service; what is not allowed in one is replaced
 */
export function starterFiles(service: string): readonly StarterFile[] {
  const name = service.toLowerCase().replaceAll(/[^a-z0-9_-]+/g, "-").replaceAll(/^-+|-+$/g, "") || "app";
  return [
    { path: "deploy.config.ts", content: starterConfig.replaceAll("SERVICE", name), mode: 0o644 },
    { path: ".capstan/secrets", content: starterSecrets, mode: 0o600 },
    typesFile(),
  ];
}

/** The types of the module `capstan` for editors. Written anew by every `capstan init`. */
export function typesFile(): StarterFile {
  return { path: ".capstan/types.d.ts", content: ambientTypes(), mode: 0o644 };
}

/** Lines of `.gitignore` that keep secrets out of the repository. The types are left in: they are the same for everybody. */
export const ignoredPaths: readonly string[] = [".capstan/secrets*"];

/** A `.gitignore` with {@link ignoredPaths}; lines that are there already are not repeated. */
export function withIgnored(gitignore: string | undefined): string {
  const present = (gitignore ?? "").split(/\r?\n/).map((line) => line.trim());
  const missing = ignoredPaths.filter((path) => !present.includes(path));
  const before = gitignore === undefined || gitignore === "" || gitignore.endsWith("\n") ? (gitignore ?? "") : `${gitignore}\n`;
  return missing.length === 0 ? (gitignore ?? "") : `${before}${missing.join("\n")}\n`;
}

const starterSecrets = `# Secrets by name. This file stays out of git.
# $NAME takes a value from the environment, $(command) what a command prints:
#
# REGISTRY_PASSWORD=$GITHUB_TOKEN
# DATABASE_URL=$(op read "op://deploy/shop/database-url")
`;
