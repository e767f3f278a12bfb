import { describe, expect, test } from "bun:test";
import { ignoredByPack } from "../../lib/build/pack.ts";
import { Secret } from "../../lib/ground/secret.ts";
import { buildOf, notGit, stepsOf, textsOf, withBuilder } from "../support/build.ts";
import { words } from "../support/words.ts";

const pack = { builder: "heroku/builder:24", buildpacks: ["heroku/ruby", "heroku/procfile"] };

describe("a build with buildpacks", () => {
  test("labels the image, then pushes both tags", () => {
    expect(textsOf(withBuilder({ pack }), notGit)).toEqual([
      "pack build acme/shop --platform linux/amd64 --creation-time now --builder heroku/builder:24 --buildpack heroku/ruby --buildpack heroku/procfile --buildpack paketo-buildpacks/image-labels -t acme/shop:77 -t acme/shop:latest --env BP_IMAGE_LABELS=service=shop --path .",
      "docker push acme/shop:77", "docker push acme/shop:latest",
    ]);
  });

  test("has arguments and secrets in its environment, secrets by name only", () => {
    const settings = withBuilder({ pack, args: { A: 1, B: "x y" }, secrets: { TOK: new Secret("TOK", "t0ken") }, context: "web" });
    const { program } = buildOf(settings, { noCache: true });
    expect(program.argv).toEqual(words(`pack build acme/shop --platform linux/amd64 --creation-time now --builder heroku/builder:24 --buildpack heroku/ruby --buildpack heroku/procfile --buildpack paketo-buildpacks/image-labels -t acme/shop:77 -t acme/shop:latest --clear-cache --env BP_IMAGE_LABELS=service=shop --env A=1 --env B="x y" --env TOK --path web`));
    expect([program.cwd, String(program.env?.["TOK"])]).toEqual(["/app", "‹secret TOK›"]);
  });

  test("builds a clean clone of the commit like any other, and needs no Dockerfile", () => {
    expect(textsOf(withBuilder({ pack }), { dockerfile: "missing" })[0]).toStartWith("git clone --recurse-submodules /src/shop /cache/clones/shop-");
    expect(buildOf(withBuilder({ pack })).program.cwd).toStartWith("/cache/clones/shop-");
  });

  test("needs no buildx", () => expect(stepsOf(withBuilder({ pack }), { buildx: undefined })).toHaveLength(10));
  test("needs pack", () => expect(() => stepsOf(withBuilder({ pack }), { pack: undefined })).toThrow(expect.objectContaining({ failure: "missing", message: "pack is not installed here, which builder.pack needs" })));

  test("stays here with --output docker; it can go nowhere else", () => {
    expect(textsOf(withBuilder({ pack }), { ...notGit, output: "docker" })).toHaveLength(1);
    expect(textsOf(withBuilder({ pack }), { dev: true, output: "docker" })[0]).toContain(" -t acme/shop:77-dirty -t acme/shop:latest-dirty ");
    expect(() => stepsOf(withBuilder({ pack }), { output: "local,dest=out" })).toThrow("Cannot use --output local,dest=out with builder.pack");
  });
});

test("ignoredByPack() names what is for Dockerfiles only", () => {
  expect(ignoredByPack(withBuilder({ pack, target: "prod", sbom: true, cache: { type: "gha", image: "c", options: undefined } }))).toEqual(["builder.cache", "builder.target", "builder.sbom"]);
  expect(ignoredByPack(withBuilder({ target: "prod" }))).toEqual([]);
});
