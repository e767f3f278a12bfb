import { describe, expect, test } from "bun:test";
import { identityProgram, isPushed, parseIdentity, pushedDigest } from "../../lib/build/identity.ts";
import { buildOf, notGit, stepsOf, withBuilder } from "../support/build.ts";

const [a, b, c] = ["a", "b", "c"].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string, string];
const repository = "reg.example/acme/shop";

test("parseIdentity() reads the ID, and the digests of the service's own repository", () => {
  expect(identityProgram("acme/shop:77").argv).toEqual(["docker", "image", "inspect", "--format", "{{.Id}}{{range .RepoDigests}} {{.}}{{end}}", "acme/shop:77"]);
  expect(parseIdentity({ repository }, `${a} ${repository}@${b} other.example/acme/shop@${c}\n`)).toEqual({ ids: [a, b], digests: [b] });
  expect(parseIdentity({ repository: "docker.io/acme/shop" }, `${a} acme/shop@${b}\n`)).toEqual({ ids: [a, b], digests: [b] });
  expect(parseIdentity({ repository: "docker.io/library/shop" }, `${a} shop@${b}\n`).digests).toEqual([b]);
  expect([`${a}\n`, "", `nonsense ${repository}@sha256:no\n`].map((text) => parseIdentity({ repository }, text))).toEqual([{ ids: [a], digests: [] }, { ids: [], digests: [] }, { ids: [], digests: [] }]);
});

/** Lines of buildx 0.24 with `--progress plain`, which it takes where no terminal is. */
test.each([
  [`#9 pushing manifest for reg.example:5000/acme/shop:77@${a}`, a],
  [`#9 pushing manifest for reg.example:5000/acme/shop:77@${a} 0.1s done`, a],
  [`#9 exporting manifest ${a} done`, undefined],
  [`#7 0.213 #9 pushing manifest for reg.example/acme/shop:77@${a}`, undefined],
  ["#9 pushing manifest for reg.example/acme/shop:77@sha256:aa", undefined],
])("pushedDigest(%j)", (line, digest) => expect(pushedDigest(line)).toBe(digest));

describe("what buildx pushes", () => {
  test("has no attestation with the time of the build, unless the config or the user's environment says otherwise", () => {
    const preferences = (builder: object, more = {}) => buildOf(withBuilder(builder), { ...notGit, ...more }).program.preferences;
    expect(preferences({})).toEqual({ BUILDX_NO_DEFAULT_ATTESTATIONS: "1" });
    expect([preferences({ provenance: "mode=max" }), preferences({ provenance: "false" }), preferences({ sbom: true }), preferences({}, { output: "docker" })]).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("tells its digest", () => {
    expect(buildOf(withBuilder({}), notGit).digestIn?.(`#9 pushing manifest for acme/shop:77@${a}`)).toBe(a);
    expect(buildOf(withBuilder({}), { ...notGit, output: "docker" }).digestIn).toBeUndefined();
  });
});

describe("what Docker pushes", () => {
  const { asks, because } = isPushed({ repository }, `${repository}:77`);
  const verbose = (digest: string): string => JSON.stringify({ Ref: `${repository}:77`, Descriptor: { digest }, SchemaV2Manifest: {} });

  test("is looked for in the registry under each tag", () => {
    const pushes = stepsOf(withBuilder({}), { ...notGit, buildx: undefined }).filter(({ title }) => title.startsWith("Push"));
    expect(pushes.map(({ unless }) => unless?.asks.map(({ program }) => program([]).argv.slice(1).join(" ")))).toEqual(["77", "latest"].map((tag) => [
      `image inspect --format {{.Id}}{{range .RepoDigests}} {{.}}{{end}} acme/shop:${tag}`, "info --format {{json .RegistryConfig.IndexConfigs}}", `manifest inspect --verbose acme/shop:${tag}`,
    ]));
    expect(because).toBe(`The registry has ${repository}:77 as it was built: it is not pushed`);
  });

  test.each<[string, string[]]>([
    ["{}", []], ["nonsense", []], ['{"reg.example":{"Secure":true}}', []], ['{"other.example":{"Secure":false}}', []], ['{"reg.example":{"Secure":false,"Mirrors":[]}}', ["--insecure"]],
  ])("is asked for as the daemon was told to ask: %s", (registries, flags) => expect(asks[2]?.program(["", registries]).argv).toEqual(["docker", "manifest", "inspect", "--verbose", ...flags, `${repository}:77`]));

  test.each<[string, string, readonly boolean[], string]>([
    ["that was never pushed is not asked for", `${a}\n`, [false], ""],
    ["that was pushed elsewhere is not asked for", `${a} acme/shop@${b}\n`, [false], ""],
    ["that the registry has", `${a} ${repository}@${b}\n`, [true, true, true], verbose(b)],
    ["that the registry has another of under that tag", `${a} ${repository}@${b}\n`, [true, true, false], verbose(c)],
    ["that the registry has for several platforms", `${a} ${repository}@${b}\n`, [true, true, false], JSON.stringify([{ Descriptor: { digest: b } }])],
    ["of which the registry says nothing that can be read", `${a} ${repository}@${b}\n`, [true, true, false], "no such manifest"],
  ])("an image %s", (_title, identity, expected, manifest) => {
    const said = [identity, "{}", manifest];
    const answers: boolean[] = [];
    for (const [i, { yes }] of asks.entries()) if (answers.every(Boolean)) answers.push(yes(said[i] ?? "", said.slice(0, i)));
    expect(answers).toEqual([...expected]);
  });
});
