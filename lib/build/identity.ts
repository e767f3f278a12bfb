import { z } from "zod";
import type { Program } from "../ground/command.ts";
import type { BuiltImage } from "../ground/image.ts";
import { isDigest } from "../ground/names.ts";
import type { Unless } from "../ground/step.ts";
import type { Settings } from "../config/settings.ts";

/** Prints the ID of an image in the Docker of this machine, then what registries know it by: `acme/shop@sha256:…`. */
export const identityProgram = (image: string): Program => ({ argv: ["docker", "image", "inspect", "--format", "{{.Id}}{{range .RepoDigests}} {{.}}{{end}}", image] });

/** Reads what {@link identityProgram} prints. */
export function parseIdentity({ repository }: Pick<Settings, "repository">, stdout: string): BuiltImage {
  const [id = "", ...names] = stdout.trim().split(" ");
  const digests = names.flatMap((name) => {
    const [of = "", digest = ""] = name.split("@");
    return familiar(of) === familiar(repository) && isDigest(digest) ? [digest] : [];
  });
  return { ids: [id, ...digests].filter(isDigest), digests };
}

/** Docker leaves out the name of its own registry. */
const familiar = (repository: string): string => repository.replace(/^(?:index\.)?docker\.io\//, "").replace(/^library\//, "");

/** One manifest as `docker manifest inspect --verbose` prints it; a list of them is another shape. */
const Manifest = z.object({ Descriptor: z.object({ digest: z.string() }) });

/** Registries as `docker info` knows them. */
const Registries = z.record(z.string(), z.object({ Secure: z.boolean() }));
/** Prints what the daemon was told of registries. */
const registriesProgram: Program = { argv: ["docker", "info", "--format", "{{json .RegistryConfig.IndexConfigs}}"] };

/**
 * Asks whether the registry has a tag as this Docker has it. Only an image that was pushed before can be the same: no other one is asked for over the network. The
 * client asks over HTTP, or without checking a certificate, only where the daemon was told to do so. Source: `docker manifest inspect`, Docker 20.10.
 */
export const isPushed = (settings: Pick<Settings, "repository">, tag: string): Unless => ({
  asks: [
    { program: () => identityProgram(tag), yes: (stdout) => parseIdentity(settings, stdout).digests.length > 0 },
    { program: () => registriesProgram, yes: () => true },
    { program: ([, registries = ""]) => ({ argv: ["docker", "manifest", "inspect", "--verbose", ...(isInsecure(tag, registries) ? ["--insecure"] : []), tag] }), yes: (stdout, [identity = ""]) => parseIdentity(settings, identity).digests.includes(manifestDigest(stdout) ?? "") },
  ],
  because: `The registry has ${tag} as it was built: it is not pushed`,
});

const isInsecure = (tag: string, registries: string): boolean => read(Registries, registries)?.[tag.split("/")[0] ?? ""]?.Secure === false;
const manifestDigest = (stdout: string): string | undefined => read(Manifest, stdout)?.Descriptor.digest;

function read<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * The digest in the line in which BuildKit tells what it pushes: `#9 pushing manifest for reg.example/acme/shop:77@sha256:… 0.1s done`. What a
 * Dockerfile prints has the seconds behind the number, and is not taken for it.
 */
export function pushedDigest(line: string): string | undefined {
  const digest = /^#\d+ pushing manifest for \S+@(sha256:\w+)/.exec(line)?.[1];
  return digest !== undefined && isDigest(digest) ? digest : undefined;
}
