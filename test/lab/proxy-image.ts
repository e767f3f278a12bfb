import { existsSync } from "node:fs";
import { copyFile, mkdir, rename, writeFile } from "node:fs/promises";
import { buildGoProgram, cacheFolder, type GoProgram } from "./go-toolchain.ts";
import { dockerClient } from "./prerequisites.ts";
import { must, run } from "./shell.ts";

/** The proxies a lab can have. */
export type LabProxy = "kamal-proxy" | "traefik";

interface ProxyImage {
  /** As the config's default names it. */
  readonly image: string;
  readonly version: string;
  readonly program: GoProgram;
  /** All after the program and busybox are copied to /usr/local/bin and /bin. */
  readonly dockerfile: string;
  readonly files: Readonly<Record<string, string>>;
}

const kamalModule = "github.com/basecamp/kamal-proxy";
const traefikModule = "github.com/traefik/traefik/v3";

const images: Readonly<Record<LabProxy, ProxyImage>> = {
  "kamal-proxy": {
    image: "basecamp/kamal-proxy:v0.9.2",
    version: "v0.9.2",
    program: {
      purpose: "The real kamal-proxy", command: `${kamalModule}/cmd/kamal-proxy`, goVersion: "1.25.5", flags: [],
      files: {
        "go.mod": `module lab\ngo 1.25.5\nrequire ${kamalModule} v0.9.2\n`,
        "tool.go": `//go:build tools\npackage lab\nimport _ "${kamalModule}/cmd/kamal-proxy"\n`,
      },
    },
    dockerfile: `RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin && mkdir -p /tmp /etc /home/kamal-proxy/.config/kamal-proxy && chmod 1777 /tmp && echo kamal-proxy:x:1001:1001::/home/kamal-proxy:/bin/sh > /etc/passwd && chown -R 1001:1001 /home/kamal-proxy"]
ENV HOME=/home/kamal-proxy PATH=/usr/local/bin:/bin
LABEL org.opencontainers.image.title=kamal-proxy
USER 1001
EXPOSE 80 443
CMD ["kamal-proxy", "run"]
`,
    files: {},
  },
  // Newer releases cannot be built here: not all of their modules are to be had.
  traefik: {
    image: "traefik:v3.7.9",
    version: "v3.7.9",
    program: {
      purpose: "The real Traefik", command: `${traefikModule}/cmd/traefik`, goVersion: "1.26.0",
      flags: ["-ldflags", `-s -w -X ${traefikModule}/pkg/version.Version=3.7.9`],
      files: {
        // What its own go.mod replaces and excludes counts there only, so it is said again.
        "go.mod": `module lab
go 1.26.0
require ${traefikModule} v3.7.9
replace github.com/traefik/traefik/dynamic/ext => ./ext
replace github.com/abbot/go-http-auth => github.com/containous/go-http-auth v0.4.1-0.20200324110947-a37a7636d23e
replace github.com/gorilla/mux => github.com/containous/mux v0.0.0-20250523120546-41b6ec3aed59
exclude github.com/tencentcloud/tencentcloud-sdk-go v3.0.83+incompatible
`,
        "tool.go": `//go:build tools\npackage lab\nimport _ "${traefikModule}/cmd/traefik"\n`,
        // A module inside of Traefik's repository with two empty types, which its published module leaves out.
        "ext/go.mod": "module github.com/traefik/traefik/dynamic/ext\ngo 1.26.0\n",
        "ext/ext.go": "package ext\n\ntype HTTP struct{}\n\ntype Router struct{}\n",
      },
    },
    dockerfile: `COPY entrypoint.sh /entrypoint.sh
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin && mkdir -p /tmp /etc && chmod 1777 /tmp && chmod 755 /entrypoint.sh"]
ENV PATH=/usr/local/bin:/bin
LABEL org.opencontainers.image.title=Traefik
EXPOSE 80
ENTRYPOINT ["/entrypoint.sh"]
CMD ["traefik"]
`,
    files: {
      // As the published image does: arguments alone are Traefik's.
      "entrypoint.sh": `#!/bin/sh
set -e
case $1 in -*) set -- traefik "$@" ;; esac
exec "$@"
`,
    },
  },
};

/** The image of a proxy, as the config's default names it. */
export const proxyImage = (proxy: LabProxy): string => images[proxy].image;

/**
 * A file that \`docker load\` turns into the image of a real proxy: pulled where the network allows it, else its program
 * is built by the Go toolchain.
 * @throws PrerequisiteError when neither can be had
 */
export async function proxyImageFile(proxy: LabProxy, dockerHost: string, say: (text: string) => void = () => undefined): Promise<string> {
  const { image, version } = images[proxy];
  const file = `${cacheFolder}/${proxy}-${version}.tar`;
  if (existsSync(file)) return file;
  await mkdir(cacheFolder, { recursive: true });
  const env = { DOCKER_HOST: dockerHost };
  const pulled = await run([dockerClient, "pull", "--quiet", image], { env, timeoutMs: 30_000 });
  if (pulled.status !== 0) await buildImage(proxy, env, say);
  const part = `${file}.${process.pid}`;
  await must([dockerClient, "save", "--output", part, image], { env });
  await rename(part, file);
  return file;
}

async function buildImage(proxy: LabProxy, env: Readonly<Record<string, string>>, say: (text: string) => void): Promise<void> {
  const { image, program, dockerfile, files } = images[proxy];
  const folder = `${cacheFolder}/${proxy}-image`;
  await mkdir(folder, { recursive: true });
  await buildGoProgram(`${folder}/${proxy}`, `${cacheFolder}/${proxy}-module`, program, say);
  await copyFile("/bin/busybox", `${folder}/busybox`);
  for (const [name, text] of Object.entries(files)) await writeFile(`${folder}/${name}`, text);
  await writeFile(`${folder}/Dockerfile`, `FROM scratch\nCOPY busybox /bin/busybox\nCOPY ${proxy} /usr/local/bin/${proxy}\n${dockerfile}`);
  await must([dockerClient, "build", "--quiet", "--tag", image, folder], { env: { ...env, DOCKER_BUILDKIT: "0" } });
}
