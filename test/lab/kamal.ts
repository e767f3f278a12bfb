import type { LabHost } from "./host.ts";
import type { Lab } from "./lab.ts";
import { dockerClient } from "./prerequisites.ts";
import { must } from "./shell.ts";

/** One role of an app as Kamal 2.12 runs it. Every command here is in Kamal's own words, so that nothing of ours vouches for itself. */
export interface KamalRole {
  readonly service: string;
  readonly role: string;
  readonly destination?: string;
  readonly repository: string;
  /** Text of the env file. */
  readonly env: string;
  readonly cmd?: string;
  /** Further flags of `kamal-proxy deploy`; undefined: the role is behind no proxy. */
  readonly route?: string;
}

/** What Kamal says to its proxy where the config says nothing. */
export const defaultRoute = '--deploy-timeout="30s" --drain-timeout="30s" --buffer-requests --buffer-responses --log-request-header="Cache-Control" --log-request-header="Last-Modified" --log-request-header="User-Agent"';

const withDestination = ({ service, destination }: KamalRole): string => (destination === undefined ? service : `${service}-${destination}`);
const prefixOf = ({ service, role, destination }: KamalRole): string => [service, role, ...(destination === undefined ? [] : [destination])].join("-");
const latestOf = ({ repository, destination }: KamalRole): string => `${repository}:latest${destination === undefined ? "" : `-${destination}`}`;
const filtersOf = ({ service, role, destination }: KamalRole): string => `--filter label=service=${service} --filter label=destination=${destination ?? ""} --filter label=role=${role}`;

/** Prints name or id of the container that is in place. @param format flag of `docker ps` */
function currentContainer(of: KamalRole, format: string): string {
  const running = `docker ps --latest ${format} ${filtersOf(of)} --filter status=running --filter status=restarting`;
  const text = `${running} --filter ancestor=$(docker image ls --filter reference=${latestOf(of)} --format '{{.ID}}') ; ${running}`;
  return `sh -c '${text.replaceAll("'", `'\\''`)}' | head -1`;
}

/** Prints the version in place. */
export const currentVersion = (of: KamalRole): string => `${currentContainer(of, "--format '{{.Names}}'")} | while read line; do echo \${line#${prefixOf(of)}-}; done`;
/** Prints the id of the container in place. */
export const currentId = (of: KamalRole): string => currentContainer(of, "--quiet");
/** Prints all versions that run. */
export const runningVersions = (of: KamalRole): string => `docker ps ${filtersOf(of)} --format "{{.Names}}" | while read line; do echo \${line#${prefixOf(of)}-}; done`;
/** Prints the id of the container of a version, in whatever state. */
export const containerOf = (of: KamalRole, version: string): string => `docker container ls --all --filter 'name=^${prefixOf(of)}-${version}$' --quiet`;
/** Appends to the audit log. */
export const audit = (of: KamalRole, text: string, role?: string, at = "2026-11-01T10:00:00Z"): string =>
  `mkdir -p .kamal && echo "[${at}] [ann@example.com] ${of.destination === undefined ? "" : `[${of.destination}] `}${role === undefined ? "" : `[${role}] `}${text}" >> .kamal/${withDestination(of)}-audit.log`;
/** Shows the audit log. */
export const showAudit = (of: KamalRole): string => `tail -n 50 .kamal/${withDestination(of)}-audit.log`;

const lockOf = (of: KamalRole): string => `.kamal/lock-${withDestination(of)}`;
/** Takes the lock, which fails with `cannot create directory` while somebody has it. @param details the three lines */
export const takeLock = (of: KamalRole, details: string): string => `mkdir ${lockOf(of)} && echo "${Buffer.from(details).toString("base64").replaceAll(/.{60}(?=.)/g, "$&\n")}" > ${lockOf(of)}/details`;
export const showLock = (of: KamalRole): string => `stat ${lockOf(of)} > /dev/null && cat ${lockOf(of)}/details | base64 -d`;
export const releaseLock = (of: KamalRole): string => `rm ${lockOf(of)}/details && rm -r ${lockOf(of)}`;

/** Prunes containers and images of the service. */
export const prune = (of: KamalRole, retain: number): string => `docker ps -q -a --filter label=service=${of.service} --filter status=created --filter status=exited --filter status=dead | tail -n +${retain + 1} | while read container_id; do docker rm $container_id; done
docker image prune --force --filter label=service=${of.service}
docker image ls --filter label=service=${of.service} --format '{{.ID}} {{.Repository}}:{{.Tag}}' | grep -v -w "$(docker container ls -a --format '{{.Image}}\\|' --filter label=service=${of.service} | tr -d '\\n')${latestOf(of)}\\|${of.repository}:<none>" | while read image tag; do docker rmi $tag; done`;

/** Starts the proxy, or runs it as the files below \`.kamal/proxy\` say. */
export const bootProxy = `mkdir -p .kamal/proxy/apps-config
docker container start kamal-proxy || echo $(cat .kamal/proxy/options 2> /dev/null || echo "--publish 80:80 --publish 443:443 --log-opt max-size=10m") $(cat .kamal/proxy/image 2> /dev/null || echo "basecamp/kamal-proxy"):$(cat .kamal/proxy/image_version 2> /dev/null || echo "v0.9.2") $(cat .kamal/proxy/run_command 2> /dev/null || echo "") | xargs docker run --name kamal-proxy --network kamal --detach --restart unless-stopped --volume kamal-proxy-config:/home/kamal-proxy/.config/kamal-proxy --volume $PWD/.kamal/proxy/apps-config:/home/kamal-proxy/.apps-config`;

/** Runs a command on a host. @returns its output, trimmed. @throws Error unless it ends with status 0 */
export async function on(host: LabHost, command: string): Promise<string> {
  const { status, stdout, stderr } = await host.exec(command, 60_000);
  if (status !== 0) throw new Error(`${command}\nended with status ${status} on ${host.name}: ${stderr}`);
  return stdout.trim();
}

/** Builds and pushes an image of an app in a folder. */
export async function buildAndPush(lab: Lab, folder: string, repository: string, version: string, flags: readonly string[] = []): Promise<void> {
  const docker = (...words: readonly string[]): Promise<string> => must([dockerClient, ...words], { env: { ...lab.env, DOCKER_BUILDKIT: "0" } });
  await docker("login", lab.registry.address, "-u", lab.registry.username, "-p", lab.registry.password);
  await docker("build", "--quiet", "-t", `${repository}:${version}`, "-t", `${repository}:latest`, "--build-arg", `VERSION=${version}`, ...flags, folder);
  await docker("push", "--quiet", `${repository}:${version}`);
}

/** Deploys an image to a host as Kamal does: network, proxy, pull, boot, switch, stop, tag. */
export async function kamalDeploy(lab: Lab, host: LabHost, of: KamalRole, version: string): Promise<void> {
  const { service, role, destination, repository, cmd, route } = of;
  const name = `${prefixOf(of)}-${version}`;
  const envs = `.kamal/apps/${withDestination(of)}/env/roles`;
  const hex = (bytes: number): string => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");
  await on(host, `docker login ${lab.registry.address} -u "${lab.registry.username}" -p "${lab.registry.password}"`);
  await on(host, `(docker image rm --force ${repository}:${version} || true) && docker pull ${repository}:${version}`);
  await on(host, `docker inspect -f '{{ .Config.Labels.service }}' ${repository}:${version} | grep -x ${service}`);
  await on(host, "docker network create kamal 2> /dev/null || true");
  if (route !== undefined) await on(host, bootProxy);
  if ((await on(host, containerOf(of, version))) !== "") await on(host, `docker rename ${name} ${name}_replaced_${hex(8)}`);
  const old = await on(host, currentVersion(of));
  await on(host, audit(of, `Booted app version ${version}`, role));
  await on(host, `mkdir -p ${envs} && umask 077 && cat > ${envs}/${role}.env <<'END'\n${of.env}END`);
  await on(host, `docker run --detach --restart unless-stopped --name ${name} --network kamal --hostname ${host.address}-${hex(6)} --env KAMAL_CONTAINER_NAME="${name}" --env KAMAL_VERSION="${version}" --env KAMAL_HOST="${host.address}"${destination === undefined ? "" : ` --env KAMAL_DESTINATION="${destination}"`} --env-file ${envs}/${role}.env --log-opt max-size="10m" --label service="${service}" --label role="${role}" --label destination${destination === undefined ? "" : `="${destination}"`} ${repository}:${version} ${cmd ?? ""}`);
  if (route !== undefined) await on(host, `docker exec kamal-proxy kamal-proxy deploy ${prefixOf(of)} --target="$(${containerOf(of, version)}):80" ${route}`);
  if (old !== "") await on(host, `${containerOf(of, old)} | xargs docker stop`);
  await on(host, audit(of, `Tagging ${repository}:${version} as the latest image`));
  await on(host, `docker tag ${repository}:${version} ${latestOf(of)}`);
}
