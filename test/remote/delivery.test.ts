import { expect, test } from "bun:test";
import { haveLine, loadLine, lookLine, parseHostImages, receiveImage } from "../../lib/remote/delivery.ts";

test("what a host does to receive an image", () => {
  expect(receiveImage({ service: "shop", destination: "qa" }, "acme/shop:77", ["acme/shop:76", "acme/shop:latest"]).text).toBe(`folder=.kamal/apps/shop-qa/images
mkdir -p "$folder" && chmod 700 "$folder" && cd "$folder" && umask 077 && exec 3>&1 || exit
again() { for kept in *.kept; do [ ! -f "$kept" ] || mv -f "$kept" "$(basename "$kept" .kept).part"; done; rm -f *.handed; }
again
trap 'again; exit 143' HUP TERM
{
docker image inspect --format 'image {{.Id}}{{range .RootFS.Layers}} {{.}}{{end}}' acme/shop:76 acme/shop:latest 2> /dev/null >&3
for part in *.part; do [ ! -f "$part" ] || echo "part $part $(wc -c < "$part")" >&3; done
echo ready >&3
read -r what archive size left digest || exit
if [ "$what" = look ]; then
docker version --format 'platform {{.Server.Os}}/{{.Server.Arch}}' >&3
docker image ls --quiet --no-trunc | sort -u | xargs docker image inspect --format 'image {{.Id}}{{range .RootFS.Layers}} {{.}}{{end}}' 2> /dev/null | grep -E "$archive" >&3
echo ready >&3
read -r what archive size left digest || exit
fi
file=$archive-$size part=$archive-$size.part
for other in *.part; do [ "$other" = "$part" ] || rm -f "$other"; done
if [ "$what" = have ]; then docker tag "$archive" acme/shop:77 && echo tagged >&3; exit; fi
if [ "$what" = take ]; then
if [ "$(sha256sum < "$file.handed" | cut -d ' ' -f 1)" = "$digest" ]; then mv -f "$file.handed" "$part"; echo same >&3
else rm -f "$file.handed"; echo differs >&3; read -r what archive size left || exit; fi
fi
[ ! -f "$part" ] || cat "$part"
if [ "$what" = load ]; then tee -a "$part"; exit; fi
[ "$left" = 0 ] || head -c "$left" | tee -a "$part"
[ "$(wc -c < "$part")" -eq "$size" ] && mv "$part" "$file.kept" && echo received >&3
} | docker load --quiet
status=$?
[ $status -le 128 ] || { again; exit $status; }
trap 'rm -f *.kept *.handed; exit 143' HUP TERM
rm -f *.handed
for kept in *.kept; do
[ -f "$kept" ] || continue
(echo "loaded $status" >&3) 2> /dev/null
cat > /dev/null
rm -f "$kept"
done
[ $status -ne 0 ] || { rm -f *.part; exit; }
for part in *.part; do
size=$(echo "$part" | cut -d - -f 2 | cut -d . -f 1)
[ ! -f "$part" ] || [ "$(wc -c < "$part")" -lt "$size" ] || rm -f "$part"
done
exit $status`);
});

test("the lines it is told", () => {
  expect([lookLine(["sha256:a", "sha256:b", "sha256:a"]), lookLine([""]), haveLine("sha256:c"), loadLine("0f", 12)]).toEqual(["look sha256:a|sha256:b\n", "look ^image[^:]*:[^:]*$\n", "have sha256:c\n", "load 0f 12\n"]);
});

test("what it says", () => {
  const part = "0123456789abcdef".repeat(2);
  const answer = parseHostImages(["platform linux/arm64", "image sha256:i sha256:a sha256:b", "image sha256:j", `part ${part}-9000.part 4096`, "part ../x.part 3", "part *.part", "WARNING: something", `part ${part.toUpperCase()}-1.part 1`, `part ${part}.part 2`]);
  expect(answer).toEqual({ platform: "linux/arm64", images: [{ id: "sha256:i", layers: ["sha256:a", "sha256:b"] }, { id: "sha256:j", layers: [] }], parts: new Map([[part, 4096]]) });
});

test("a host of which nothing is known is asked for nothing at first", () => {
  expect(receiveImage({ service: "shop", destination: undefined }, "shop:1", []).text).toContain("\n{\n:\nfor part in");
});
