import { ambientTypes } from "./ambient.ts";

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
    { path: "deploy.config.ts", content: starterConfig(name), mode: 0o644 },
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

const starterConfig = (service: string): string => `/// <reference path="./.capstan/types.d.ts" />
import { defineConfig, secret } from "capstan";

export default defineConfig({
  // First part of every container's name.
  service: "${service}",

  // The image, without registry and tag.
  image: "acme/${service}",

  // Hosts to deploy to, reached by SSH. A list is the role "web".
  servers: {
    web: ["192.0.2.10"],
    // jobs: { hosts: ["192.0.2.11"], cmd: "bin/work" },
  },

  // Where images are kept. Secrets stand in .capstan/secrets, which git ignores, or in the environment.
  registry: {
    // server: "ghcr.io", // left out: Docker Hub
    username: "acme",
    password: secret("REGISTRY_PASSWORD"),
  },

  // What the containers see in their environment.
  env: {
    clear: { PORT: 3000 },
    // secret: ["DATABASE_URL"],
  },

  // How requests reach the app. GET /up on appPort must answer 2xx before a new container gets any.
  proxy: {
    appPort: 3000,
    // host: "${service}.example",
    // ssl: true, // certificates by themselves, for a role on one host
    // healthcheck: { path: "/healthz" },
  },

  // How the image is made: from a clean clone of the git repository, unless a context is given.
  builder: {
    arch: "amd64",
    // context: ".",
  },

  // How hosts are reached. ~/.ssh/config is read.
  // ssh: { user: "deploy" },

  // Hosts at a time. Without it all hosts boot together.
  // boot: { limit: "25%", wait: 10 },

  // Functions called at fixed points of a run.
  // hooks: {
  //   postDeploy: ({ service, version, runtimeSeconds, log }) => log(\`\${service} \${version} is live after \${runtimeSeconds} s\`),
  // },
});
`;

const starterSecrets = `# Secrets by name. This file stays out of git.
# $NAME takes a value from the environment, $(command) what a command prints:
#
# REGISTRY_PASSWORD=$GITHUB_TOKEN
# DATABASE_URL=$(op read "op://deploy/shop/database-url")

REGISTRY_PASSWORD=
`;
