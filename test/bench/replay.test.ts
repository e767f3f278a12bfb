import { expect, test } from "bun:test";
import { leastOf, readRecord, replayScript, type Recorded } from "../lab/bench/replay.ts";

const calls = [
  ["version", "--format", "{{.Server.Version}}"], ["login", "registry.example", "--password-stdin"], ["pull", "registry.example/acme/shop:r1002"],
  ["run", "--detach", "--name", "shop-web-r1002", "--label", "destination", "registry.example/acme/shop:r1002"],
  ["exec", "kamal-proxy", "kamal-proxy", "deploy", "shop-web", "--target=0123456789ab:80"], ["exec", "kamal-proxy", "kamal-proxy", "list"],
  ["ps", "--filter", "name=^shop-web-r1001$", "--format", "it's"], ["stop", "ba9876543210"], ["ps", ""],
];
const recorded: Recorded = { calls, from: { version: "r1001", id: "ba9876543210" }, to: { version: "r1002", id: "0123456789ab" } };

test("a record is read back word by word, empty ones and line breaks too", () => {
  const text = [["ps", "a\nb", ""], ["version"]].map((call) => [String(call.length), ...call].map((word) => `${word}\0`).join("")).join("");
  expect(readRecord(text)).toEqual([["ps", "a\nb", ""], ["version"]]);
  expect(readRecord("")).toEqual([]);
});

test("the replay is the recorded calls with the versions and containers of its own", () => {
  expect(replayScript(calls, recorded, { from: "r1002", to: "r1003" }, "cccccccccccc", "/tmp/pass word")).toBe(`docker version --format '{{.Server.Version}}' < /dev/null > /dev/null 2>&1
docker login registry.example --password-stdin < '/tmp/pass word' > /dev/null 2>&1
docker pull registry.example/acme/shop:r1003 < /dev/null > /dev/null 2>&1 || exit
new=$(docker run --detach --name shop-web-r1003 --label destination registry.example/acme/shop:r1003) || exit
new=\${new%"\${new#????????????}"}
docker exec kamal-proxy kamal-proxy deploy shop-web --target="$new":80 < /dev/null > /dev/null 2>&1 || exit
docker exec kamal-proxy kamal-proxy list < /dev/null > /dev/null 2>&1
docker ps --filter 'name=^shop-web-r1002$' --format 'it'\\''s' < /dev/null > /dev/null 2>&1
docker stop cccccccccccc < /dev/null > /dev/null 2>&1 || exit
docker ps '' < /dev/null > /dev/null 2>&1
exit 0
`);
});

test("the least is pull, run, switch and stop", () => {
  expect(leastOf(calls).map(([verb]) => verb)).toEqual(["pull", "run", "exec", "stop"]);
  expect(leastOf(calls)[2]?.[3]).toBe("deploy");
  expect(leastOf([["ps"]])).toEqual([]);
});
