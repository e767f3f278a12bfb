import { randomHex } from "../random.ts";
import { isDigest, sha256, type BlobStore, type BlobWriter } from "./store.ts";

/** A registry that takes images from the Docker of this machine, for as long as a push takes. */
export interface PushRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`: Docker asks for no TLS there. */
  readonly address: string;
  /** An image that is not there, of a name nobody can guess. A Docker that is told to pull it asks here, if here is where its 127.0.0.1 leads. */
  readonly probe: string;
  /** Whether somebody asked for {@link probe}. */
  readonly wasFound: boolean;
  /** Digest of what was last pushed under a tag; undefined: nothing was. */
  pushed(tag: string): string | undefined;
}

/** Manifests are small. Source: the OCI distribution specification asks registries for at least 4 MiB. */
const largestManifest = 4 * 1024 * 1024;
const manifestTypes = ["application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"];
/** Components of a repository, and what stands behind them. Source: OCI distribution specification 1.1, "Endpoints". */
const route = /^\/v2\/((?:[a-z0-9]+(?:[._-]+[a-z0-9]+)*\/)*[a-z0-9]+(?:[._-]+[a-z0-9]+)*)\/(blobs\/uploads|blobs|manifests)\/([^/]*)$/;

/**
 * Opens the registry, at 127.0.0.1 alone. It takes blobs and manifests and says which it has; it gives none away, so whoever else is on this machine can
 * neither read an image here nor put one in the place of another: what was pushed is compared with the image's ID afterwards.
 * @param repository the only one that anything is taken for
 * @param port tried first, so that Docker knows its layers from the last time; another one is taken when it is not free
 */
export function openPushRegistry(store: BlobStore, repository: string, port: number): PushRegistry {
  const probe = `capstan/probe:${randomHex(16)}`;
  const handler = new Handler(store, repository, `/v2/${probe.replace(":", "/manifests/")}`);
  const serve = (at: number): Bun.Server<undefined> =>
    Bun.serve({ hostname: "127.0.0.1", port: at, reusePort: false, idleTimeout: 0, maxRequestBodySize: Number.MAX_SAFE_INTEGER, fetch: (request, server) => handler.answer(request, `127.0.0.1:${server.port}`) });
  let server: Bun.Server<undefined>;
  try {
    server = serve(port);
  } catch {
    server = serve(0);
  }
  return {
    address: `127.0.0.1:${server.port}`,
    probe: `127.0.0.1:${server.port}/${probe}`,
    get wasFound() {
      return handler.wasFound;
    },
    pushed: (tag) => handler.manifests.get(tag),
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      await handler.close();
    },
  };
}

const failed = (status: number, code: string, message: string): Response => Response.json({ errors: [{ code, message }] }, { status });

class Handler {
  wasFound = false;
  /** Digests by reference. */
  readonly manifests = new Map<string, string>();
  readonly #types = new Map<string, string>();
  readonly #uploads = new Map<string, BlobWriter>();
  readonly #store: BlobStore;
  readonly #repository: string;
  readonly #probe: string;

  constructor(store: BlobStore, repository: string, probe: string) {
    this.#store = store;
    this.#repository = repository;
    this.#probe = probe;
  }

  async answer(request: Request, address: string): Promise<Response> {
    // A page in the user's browser can send requests here too: under another name, or as a form does. A browser says so, and Docker has no cause to.
    if (request.headers.get("host") !== address) return failed(403, "DENIED", "another host was meant");
    if (request.headers.has("origin") || request.headers.has("sec-fetch-site")) return failed(403, "DENIED", "web pages have no business here");
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/v2/" || pathname === "/v2") return Response.json({}, { headers: { "Docker-Distribution-API-Version": "registry/2.0" } });
    if (pathname === this.#probe) {
      this.wasFound = true;
      return failed(404, "MANIFEST_UNKNOWN", "it was enough to ask");
    }
    const [, repository = "", what = "", rest = ""] = route.exec(pathname) ?? [];
    if (repository !== this.#repository) return failed(404, "NAME_UNKNOWN", "there is no such place");
    try {
      if (what === "blobs") return await this.#blob(request, rest);
      if (what === "blobs/uploads") return await this.#upload(request, rest, searchParams.get("digest"));
      return await this.#manifest(request, rest);
    } catch (error) {
      return failed(500, "UNKNOWN", error instanceof Error ? error.message : String(error));
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#uploads.values()].map((upload) => upload.discard()));
    this.#uploads.clear();
  }

  async #blob({ method }: Request, digest: string): Promise<Response> {
    if (method !== "HEAD") return failed(405, "UNSUPPORTED", "nothing is given away here");
    const size = await this.#store.sizeOf(digest);
    if (size === undefined) return new Response(null, { status: 404 });
    await this.#store.touch([digest]);
    return new Response(null, { headers: { "Content-Length": String(size), "Docker-Content-Digest": digest, "Content-Type": "application/octet-stream" } });
  }

  async #upload(request: Request, id: string, digest: string | null): Promise<Response> {
    if (request.method === "POST" && id === "") return await this.#begin(request, digest);
    const upload = this.#uploads.get(id);
    if (upload === undefined) return failed(404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload");
    switch (request.method) {
      case "GET": return this.#accepted(204, id, upload);
      case "PATCH": {
        const start = /^(?:bytes[ =])?(\d+)-/.exec(request.headers.get("content-range") ?? "")?.[1];
        if (start !== undefined && Number(start) !== upload.size) return this.#accepted(416, id, upload);
        await take(request, upload);
        return this.#accepted(202, id, upload);
      }
      case "PUT": return await this.#finish(request, id, upload, digest);
      case "DELETE":
        this.#uploads.delete(id);
        await upload.discard();
        return new Response(null, { status: 204 });
      default: return failed(405, "UNSUPPORTED", "the method is not known");
    }
  }

  async #begin(request: Request, digest: string | null): Promise<Response> {
    const id = randomHex(16);
    const upload = await this.#store.writer();
    this.#uploads.set(id, upload);
    return digest === null ? this.#accepted(202, id, upload) : await this.#finish(request, id, upload, digest);
  }

  async #finish(request: Request, id: string, upload: BlobWriter, digest: string | null): Promise<Response> {
    if (digest === null || !isDigest(digest)) return failed(400, "DIGEST_INVALID", "a sha256 digest is expected");
    await take(request, upload);
    this.#uploads.delete(id);
    try {
      await upload.finish(digest);
    } catch (error) {
      return failed(400, "DIGEST_INVALID", error instanceof Error ? error.message : String(error));
    }
    return new Response(null, { status: 201, headers: { Location: `/v2/${this.#repository}/blobs/${digest}`, "Docker-Content-Digest": digest } });
  }

  #accepted(status: number, id: string, { size }: BlobWriter): Response {
    return new Response(null, { status, headers: { Location: `/v2/${this.#repository}/blobs/uploads/${id}`, "Docker-Upload-UUID": id, Range: `0-${Math.max(0, size - 1)}` } });
  }

  async #manifest(request: Request, reference: string): Promise<Response> {
    if (request.method === "PUT") {
      const type = request.headers.get("content-type") ?? "";
      if (!manifestTypes.includes(type)) return failed(415, "MANIFEST_INVALID", `a manifest of type ${JSON.stringify(type)} is not taken`);
      const bytes = await atMost(request, largestManifest);
      if (bytes === undefined) return failed(413, "SIZE_INVALID", "the manifest is too large");
      const digest = sha256(bytes);
      if (reference.includes(":") && reference !== digest) return failed(400, "DIGEST_INVALID", `it has the digest ${digest}`);
      await this.#store.put(bytes);
      this.#types.set(digest, type);
      this.manifests.set(reference, digest);
      this.manifests.set(digest, digest);
      return new Response(null, { status: 201, headers: { Location: `/v2/${this.#repository}/manifests/${digest}`, "Docker-Content-Digest": digest } });
    }
    if (request.method !== "HEAD") return failed(405, "UNSUPPORTED", "nothing is given away here");
    const digest = this.manifests.get(reference);
    const size = digest === undefined ? undefined : await this.#store.sizeOf(digest);
    if (digest === undefined || size === undefined) return new Response(null, { status: 404 });
    return new Response(null, { headers: { "Content-Length": String(size), "Docker-Content-Digest": digest, "Content-Type": this.#types.get(digest) ?? "" } });
  }
}

/** Adds the body of a request to an upload as it comes. */
async function take(request: Request, upload: BlobWriter): Promise<void> {
  if (request.body === null) return;
  for await (const piece of request.body) await upload.write(piece);
}

/** The body of a request; undefined as soon as it is larger. */
async function atMost(request: Request, most: number): Promise<Uint8Array | undefined> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  if (Number(request.headers.get("content-length") ?? 0) > most) return undefined;
  for await (const piece of request.body ?? []) {
    size += piece.length;
    if (size > most) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
