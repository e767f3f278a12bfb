import { command, group, type Tree } from "./command.ts";
import * as accessory from "./definitions/accessory.ts";
import * as app from "./definitions/app.ts";
import * as canary from "./definitions/canary.ts";
import * as healthcheck from "./definitions/healthcheck.ts";
import * as image from "./definitions/image.ts";
import * as inspect from "./definitions/inspect.ts";
import * as lock from "./definitions/lock.ts";
import * as prune from "./definitions/prune.ts";
import * as proxy from "./definitions/proxy.ts";
import * as registry from "./definitions/registry.ts";
import * as release from "./definitions/release.ts";
import * as secrets from "./definitions/secrets.ts";
import * as server from "./definitions/server.ts";

const proxyCommands: Tree = {
  "boot": command(proxy.boot, async () => (await import("./proxy.ts")).boot),
  "reboot": command(proxy.reboot, async () => (await import("./proxy.ts")).reboot),
  "details": command(proxy.details, async () => (await import("./proxy.ts")).details),
  "logs": command(proxy.logs, async () => (await import("./proxy.ts")).logs),
  "start": command(proxy.start, async () => (await import("./proxy.ts")).start),
  "stop": command(proxy.stop, async () => (await import("./proxy.ts")).stop),
  "restart": command(proxy.restart, async () => (await import("./proxy.ts")).restart),
  "remove": command(proxy.remove, async () => (await import("./proxy.ts")).remove),
  "boot-config": group("How kamal-proxy is run, stored on each host (deprecated: `proxy.run` of the config)", {
    "set": command(proxy.bootConfigSet, async () => (await import("./proxy.ts")).bootConfigSet),
    "get": command(proxy.bootConfigGet, async () => (await import("./proxy.ts")).bootConfigGet),
    "reset": command(proxy.bootConfigReset, async () => (await import("./proxy.ts")).bootConfigReset),
  }),
  "upgrade": command(proxy.upgrade, async () => (await import("./proxy.ts")).upgrade),
  "remove-container": command(proxy.removeContainer, async () => (await import("./proxy.ts")).removeContainer),
  "remove-image": command(proxy.removeImage, async () => (await import("./proxy.ts")).removeImage),
  "remove-proxy-directory": command(proxy.removeProxyDirectory, async () => (await import("./proxy.ts")).removeProxyDirectory),
};

/** All commands in the order of the help. Implementations are loaded when they run, so that help and version are fast. */
export const commands: Tree = {
  "setup": command(release.setup, async () => (await import("./release.ts")).setup),
  "deploy": command(release.deploy, async () => (await import("./release.ts")).deploy),
  "redeploy": command(release.redeploy, async () => (await import("./release.ts")).redeploy),
  "rollback": command(release.rollback, async () => (await import("./release.ts")).rollback),
  "plan": { kind: "plan", definition: release.plan, standsFor: "deploy" },
  "details": command(inspect.details, async () => (await import("./inspect.ts")).details),
  "observe": command(inspect.observe, async () => (await import("./inspect.ts")).observe),
  "audit": command(inspect.audit, async () => (await import("./inspect.ts")).audit),
  "config": command(inspect.config, async () => (await import("./config.ts")).config),
  "docs": command(inspect.docs, async () => (await import("./docs.ts")).docs),
  "completion": command(inspect.completion, async () => (await import("./completion.ts")).completion),
  "init": command(inspect.init, async () => (await import("./init.ts")).init),
  "import": command(inspect.importProject, async () => (await import("./import.ts")).importProject),
  "envify": command(secrets.envify, async () => (await import("./envify.ts")).envify),
  "remove": command(release.remove, async () => (await import("./release.ts")).remove),
  "upgrade": command(release.upgrade, async () => (await import("./release.ts")).upgrade),
  "version": command(inspect.version, async () => (await import("./version.ts")).version),
  "app": group("The application's containers", {
    "exec": command(app.exec, async () => (await import("./app.ts")).exec),
    "logs": command(app.logs, async () => (await import("./app.ts")).logs),
    "details": command(app.details, async () => (await import("./app.ts")).details),
    "version": command(app.version, async () => (await import("./app.ts")).version),
    "containers": command(app.containers, async () => (await import("./app.ts")).containers),
    "images": command(app.images, async () => (await import("./app.ts")).images),
    "stale-containers": command(app.staleContainers, async () => (await import("./app.ts")).staleContainers),
    "boot": command(app.boot, async () => (await import("./app.ts")).boot),
    "start": command(app.start, async () => (await import("./app.ts")).start),
    "stop": command(app.stop, async () => (await import("./app.ts")).stop),
    "maintenance": command(app.maintenance, async () => (await import("./app.ts")).maintenance),
    "live": command(app.live, async () => (await import("./app.ts")).live),
    "remove": command(app.remove, async () => (await import("./app.ts")).remove),
    "remove-container": command(app.removeContainer, async () => (await import("./app.ts")).removeContainer),
    "remove-containers": command(app.removeContainers, async () => (await import("./app.ts")).removeContainers),
    "remove-images": command(app.removeImages, async () => (await import("./app.ts")).removeImages),
    "remove-app-directories": command(app.removeAppDirectories, async () => (await import("./app.ts")).removeAppDirectories),
  }),
  "accessory": group("Long-lived services beside the app: databases, caches, search", {
    "boot": command(accessory.boot, async () => (await import("./accessory.ts")).boot),
    "reboot": command(accessory.reboot, async () => (await import("./accessory.ts")).reboot),
    "start": command(accessory.start, async () => (await import("./accessory.ts")).start),
    "stop": command(accessory.stop, async () => (await import("./accessory.ts")).stop),
    "restart": command(accessory.restart, async () => (await import("./accessory.ts")).restart),
    "details": command(accessory.details, async () => (await import("./accessory.ts")).details),
    "exec": command(accessory.exec, async () => (await import("./accessory.ts")).exec),
    "logs": command(accessory.logs, async () => (await import("./accessory.ts")).logs),
    "remove": command(accessory.remove, async () => (await import("./accessory.ts")).remove),
    "upgrade": command(accessory.upgrade, async () => (await import("./accessory.ts")).upgrade),
    "upload": command(accessory.upload, async () => (await import("./accessory.ts")).upload),
    "directories": command(accessory.directories, async () => (await import("./accessory.ts")).directories),
    "pull-image": command(accessory.pullImage, async () => (await import("./accessory.ts")).pullImage),
    "remove-container": command(accessory.removeContainer, async () => (await import("./accessory.ts")).removeContainer),
    "remove-image": command(accessory.removeImage, async () => (await import("./accessory.ts")).removeImage),
    "remove-service-directory": command(accessory.removeServiceDirectory, async () => (await import("./accessory.ts")).removeServiceDirectory),
  }),
  "canary": group("A version that gets a share of the traffic", {
    "start": command(canary.start, async () => (await import("./canary.ts")).start),
    "set": command(canary.set, async () => (await import("./canary.ts")).set),
    "promote": command(canary.promote, async () => (await import("./canary.ts")).promote),
    "abort": command(canary.abort, async () => (await import("./canary.ts")).abort),
  }),
  "proxy": group("The proxy that takes public traffic", proxyCommands),
  "traefik": group("The same as proxy, by the name it has in MRSK", proxyCommands),
  "build": group("The image", {
    "deliver": command(image.deliver, async () => (await import("./image.ts")).deliver),
    "push": command(image.push, async () => (await import("./image.ts")).push),
    "pull": command(image.pull, async () => (await import("./image.ts")).pull),
    "dev": command(image.dev, async () => (await import("./image.ts")).dev),
    "create": command(image.create, async () => (await import("./image.ts")).create),
    "remove": command(image.remove, async () => (await import("./image.ts")).remove),
    "details": command(image.details, async () => (await import("./image.ts")).details),
  }),
  "prune": group("Old containers and images", {
    "all": command(prune.all, async () => (await import("./prune.ts")).all),
    "containers": command(prune.containers, async () => (await import("./prune.ts")).containers),
    "images": command(prune.images, async () => (await import("./prune.ts")).images),
  }),
  "healthcheck": group("Whether a version gets healthy", {
    "perform": command(healthcheck.perform, async () => (await import("./healthcheck.ts")).perform),
  }, "perform"),
  "registry": group("The place where images are kept", {
    "setup": command(registry.setup, async () => (await import("./registry.ts")).setup),
    "remove": command(registry.remove, async () => (await import("./registry.ts")).remove),
    "login": command(registry.login, async () => (await import("./registry.ts")).login),
    "logout": command(registry.logout, async () => (await import("./registry.ts")).logout),
  }),
  "lock": group("The deploy lock", {
    "status": command(lock.status, async () => (await import("./lock.ts")).status),
    "acquire": command(lock.acquire, async () => (await import("./lock.ts")).acquire),
    "release": command(lock.release, async () => (await import("./lock.ts")).release),
  }),
  "secrets": group("Values that stay out of the repository", {
    "fetch": command(secrets.read, async () => (await import("./secrets.ts")).read),
    "extract": command(secrets.extract, async () => (await import("./secrets.ts")).extract),
    "print": command(secrets.print, async () => (await import("./secrets.ts")).print),
  }),
  "server": group("The hosts themselves", {
    "bootstrap": command(server.bootstrap, async () => (await import("./server.ts")).bootstrap),
    "exec": command(server.exec, async () => (await import("./server.ts")).exec),
  }),
};
