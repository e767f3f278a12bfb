import { expect, test } from "bun:test";
import { haveLine, loadLine, lowestLine, parseHostImages, receiveImage } from "../../lib/remote/delivery.ts";

test("what a host does to receive an image", () => {
  expect(receiveImage({ service: "shop", destination: "qa" }, "acme/shop:77", ["acme/shop:76", "acme/shop:latest"]).text).toBe(`folder=.kamal/apps/shop-qa/images
mkdir -p "$folder" && chmod 700 "$folder" && cd "$folder" && umask 077 || exit
all=$(docker image inspect --format 'image {{.Id}}{{range .RootFS.Layers}} {{.}}{{end}}' acme/shop:76 acme/shop:latest 2> /dev/null)
read -r lowest platforms || exit 70
if [ "$platforms" -gt 1 ]; then docker version --format 'platform {{.Server.Os}}/{{.Server.Arch}}' || exit; fi
found=$(echo "$all" | grep -E "$lowest")
[ -n "$found" ] || found=$(docker image ls --quiet --no-trunc | sort -u | xargs docker image inspect --format 'image {{.Id}}{{range .RootFS.Layers}} {{.}}{{end}}' 2> /dev/null | grep -E "$lowest")
echo "$found"
for part in *.part; do [ ! -f "$part" ] || echo "part $part $(wc -c < "$part")"; done
echo ready
read -r what archive size || exit 70
for part in *.part; do [ "$part" = "$archive.part" ] || rm -f "$part"; done
if [ "$what" = have ]; then docker tag "$archive" acme/shop:77; exit; fi
part=$archive.part
{ [ ! -f "$part" ] || cat "$part"; tee -a "$part"; } | docker load --quiet
status=$?
[ $status -ne 0 ] && [ "$(wc -c < "$part")" -lt "$size" ] || rm -f "$part"
exit $status`);
});

test("the lines it is told", () => {
  expect([lowestLine(["sha256:a", "sha256:b", "sha256:a"]), lowestLine([""]), haveLine("sha256:c"), loadLine("0f", 12)]).toEqual(["sha256:a|sha256:b 3\n", "^image[^:]*:[^:]*$ 1\n", "have sha256:c\n", "load 0f 12\n"]);
});

test("what it says", () => {
  const part = "0123456789abcdef".repeat(2);
  const answer = parseHostImages(["platform linux/arm64", "image sha256:i sha256:a sha256:b", "image sha256:j", `part ${part}.part    4096`.replace("    ", " "), "part ../x.part 3", "part *.part", "WARNING: something", `part ${part.toUpperCase()}.part 1`]);
  expect(answer).toEqual({ platform: "linux/arm64", images: [{ id: "sha256:i", layers: ["sha256:a", "sha256:b"] }, { id: "sha256:j", layers: [] }], parts: new Map([[part, 4096]]) });
});

test("a host that nothing is known of is looked at whole, and one is only asked for its platform where there are several", () => {
  expect(receiveImage({ service: "shop", destination: undefined }, "shop:1", []).text).toContain('\nall=\nread -r lowest');
  expect(parseHostImages(["image sha256:i sha256:a"]).platform).toBeUndefined();
});
