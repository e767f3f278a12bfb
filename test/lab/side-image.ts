import { cp, mkdir, writeFile } from "node:fs/promises";
import { dockerClient } from "./prerequisites.ts";
import type { Lab } from "./lab.ts";
import { must } from "./shell.ts";

/**
 * Builds an image that is none of the app's, such as an accessory's, and pushes it to the lab's registry. At `/` it answers `NAME TAG`.
 * @param name below the registry, such as `acme/store`
 * @param more lines of its Dockerfile
 * @returns the whole reference
 */
export async function pushSideImage(lab: Lab, name: string, tag: string, more = ""): Promise<string> {
  const folder = `${lab.folder}/image-${name.replaceAll("/", "-")}-${tag}`;
  await mkdir(`${folder}/www`, { recursive: true });
  await cp("/bin/busybox", `${folder}/busybox`);
  await writeFile(`${folder}/www/index.html`, `${name} ${tag}\n`);
  await writeFile(`${folder}/www/up`, "ok\n");
  await writeFile(`${folder}/Dockerfile`, `FROM scratch
COPY busybox /busybox
COPY www /www
EXPOSE 80
STOPSIGNAL SIGKILL
CMD ["/busybox", "httpd", "-f", "-p", "80", "-h", "/www"]
${more}`);
  const image = `${lab.registry.address}/${name}:${tag}`;
  const env = { ...lab.env, DOCKER_CONFIG: `${folder}/.docker`, DOCKER_BUILDKIT: "0" };
  await must([dockerClient, "login", "--username", lab.registry.username, "--password-stdin", lab.registry.address], { env, input: lab.registry.password });
  await must([dockerClient, "build", "--quiet", "--tag", image, folder], { env });
  await must([dockerClient, "push", "--quiet", image], { env });
  return image;
}
