import { writeApp } from "./app.ts";
import type { LabHost } from "./host.ts";
import { on } from "./kamal.ts";
import type { Lab } from "./lab.ts";
import { proxyImage } from "./proxy-image.ts";

/** The version of an app that MRSK 0.15 deployed. Every command here is in MRSK's own words; only the release of Traefik is another one. */
export interface MrskApp {
  readonly service: string;
  readonly repository: string;
  readonly secret: string;
}

/** Makes the sample app one that MRSK can look after: its health check is curl, run by a shell. */
export const withCurl = (folder: string): Promise<void> => writeApp(folder, "Dockerfile", `FROM scratch
COPY busybox /busybox
COPY www /www
ARG VERSION=unknown
RUN ["/busybox", "sh", "-c", "/busybox mkdir /bin; /busybox --install -s /bin; printf '#!/bin/sh\\\\nexec wget -q -O /dev/null $2\\\\n' > /bin/curl; chmod 755 /bin/curl; echo $VERSION > /www/index.html"]
ENV PATH=/bin
EXPOSE 80
STOPSIGNAL SIGKILL
CMD ["/busybox", "httpd", "-f", "-p", "80", "-h", "/www"]
`);

/** Traefik as MRSK starts it. */
export const bootTraefik = `docker run --name traefik --detach --restart unless-stopped --publish 80:80 --volume /var/run/docker.sock:/var/run/docker.sock --log-opt max-size="10m" ${proxyImage("traefik")} --providers.docker --log.level="DEBUG"`;

/** Deploys an image to a host as MRSK does: latest first, Traefik, boot, wait, stop what ran before. */
export async function mrskDeploy(lab: Lab, host: LabHost, { service, repository, secret }: MrskApp, version: string): Promise<void> {
  const name = `${service}-web-${version}`;
  const router = `traefik.http.routers.${service}-web`;
  const retry = `traefik.http.middlewares.${service}-web-retry.retry`;
  await on(host, `docker login ${lab.registry.address} -u "${lab.registry.username}" -p "${lab.registry.password}"`);
  await on(host, `docker pull ${repository}:${version} && docker tag ${repository}:${version} ${repository}:latest`);
  await on(host, `${bootTraefik} || true`);
  const old = await on(host, `docker ps --quiet --filter label=service=${service} --filter label=role=web --filter status=running`);
  await on(host, `docker start ${name} || docker run --detach --restart unless-stopped --name ${name} --hostname ${host.address}-0123456789ab -e MRSK_CONTAINER_NAME="${name}" -e APP_SECRET="${secret}" --health-cmd "curl -f http://localhost:80/up || exit 1" --health-interval "1s" --log-opt max-size="10m" --label service="${service}" --label role="web" --label traefik.http.services.${service}-web.loadbalancer.server.scheme="http" --label ${router}.rule="PathPrefix(\\\`/\\\`)" --label ${retry}.attempts="5" --label ${retry}.initialinterval="500ms" --label ${router}.middlewares="${service}-web-retry@docker" ${repository}:${version}`);
  await on(host, `until docker container ls --all --filter name=^${name}$ --quiet | xargs docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' | grep -x healthy; do sleep 0.2; done`);
  if (old !== "") await on(host, `docker stop ${old}`);
  await on(host, `echo [2023-09-01T10:00:00Z] [ann] [web] Booted app version ${version} >> mrsk-${service}-audit.log`);
}

/** Takes MRSK's lock, which a failed deploy of it keeps. */
export const takeMrskLock = (service: string): string => `mkdir mrsk_lock-${service} && echo "${Buffer.from("Locked by: bo at 2023-09-01T10:00:00Z\nVersion: m2\nMessage: Automatic deploy lock").toString("base64")}" > mrsk_lock-${service}/details`;
