import { sh, type Command } from "../../../ground/command.ts";
import { network, traefikContainer } from "../../../ground/names.ts";
import { switchStatus } from "../driver.ts";
import { pagePort } from "./file.ts";

/** Name of the container that has the maintenance page of a role. */
export const pageContainer = (route: string): string => `${route}-maintenance`;

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const html = (message: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Maintenance</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:36rem;margin:20vh auto;padding:0 1rem;text-align:center}</style></head>
<body><h1>503</h1><p>${message.replaceAll(/[&<>"]/g, (char) => escapes[char] ?? char)}</p></body></html>
`;

/** Answers one request with the page, after it has read the head of the request. */
const answer = String.raw`#!/bin/sh
while IFS= read -r line && [ "$(printf %s "$line" | wc -c)" -gt 1 ]; do :; done
printf 'HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %s\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n%s' "$LENGTH" "$PAGE"
`;
/** One busybox goes on listening with -lk, another with -ll. */
const serve = `printf %s "$ANSWER" > /tmp/answer && chmod +x /tmp/answer && { nc -lk -p ${pagePort} -e /tmp/answer 2> /dev/null || exec nc -ll -p ${pagePort} -e /tmp/answer; }`;

/**
 * Code that runs a small container with the page and sets `page` to its id. It is made of the proxy's own image, so
 * that there is nothing to pull, and serves with the busybox in it.
 */
export function startPage(route: string, message: string): Command {
  const page = html(message);
  const name = pageContainer(route);
  return sh`docker rm --force ${name} > /dev/null 2>&1
image=$(docker container inspect --format '{{.Config.Image}}' ${traefikContainer}) || exit ${switchStatus.refused}
page=$(docker run --detach --name ${name} --label ${pageLabel} --restart unless-stopped --network ${network} --env ${`PAGE=${page}`} --env ${`LENGTH=${Buffer.byteLength(page)}`} --env ${`ANSWER=${answer}`} --log-opt max-size=1m --entrypoint sh "$image" -c ${serve}) || exit ${switchStatus.refused}
page=$(printf %s "$page" | cut -c 1-12)
n=0
until docker exec ${traefikContainer} timeout 2 wget -S -O /dev/null http://"$page":${pagePort}/ 2>&1 | grep -q ' 503'; do
  n=$((n + 1))
  [ $n -lt 25 ] || { echo 'The maintenance page does not answer. Its log:' >&2; docker logs --tail 5 ${name} >&2; docker rm --force ${name} > /dev/null; exit ${switchStatus.refused}; }
  sleep 0.2
done`;
}

/** What all of these containers have, whatever route they are for. */
const pageLabel = "capstan.maintenance";

/** Takes the pages of all routes away. */
export const removePages: Command = sh`docker ps --all --quiet --filter ${`label=${pageLabel}`} | while read -r id; do docker rm --force "$id" > /dev/null; done`;

/** Takes the page of one route away; harmless when there is none. */
export const removePage = (route: string): Command => sh`docker rm --force ${pageContainer(route)} > /dev/null 2>&1 || ! docker container inspect ${pageContainer(route)} > /dev/null 2>&1`;
