import { expect, test } from "bun:test";
import { locate, type Path } from "../../lib/config/locate.ts";
import { suggest } from "../../lib/config/suggest.ts";

const source = `
import { defineConfig } from "capstan"; // { service: "no" }
const helper = { other: { deep: 1 } };
/* { service: "no" } */
const text = \`{ service: \${[1].map((x) => \`\${x} }\`)} \`;
const pattern = /[{"'/]+/;
export default defineConfig(({ destination }) => ({
  service: "a: b", 'image': "x",
  servers: { web: ["h1", \`h\${2}\`, ...more()], "job-s": { hosts: ["h3"] } },
  registry,
  env: (await load({ clear: 1 })) as Record<string, string>,
  hooks: { async postDeploy({ log }) { log({ service: 1 }); }, preDeploy: () => { return { a: 1 } } },
  proxy: { ssl: destination === "x" ? { certificatePem: "C" } : true, host: "h" },
}));
`;

/** What stands at the place that was found, and how deep it is. */
const at = (path: Path): [string, number] | undefined => {
  const found = locate(source, path);
  return found && [/^.[\w-]*/.exec(source.slice(found.offset))?.[0] ?? "", found.depth];
};

test.each<[Path, ReturnType<typeof at>]>([
  [["service"], ["service", 1]],
  [["image"], ["'image", 1]],
  [["servers", "web"], ["web", 2]],
  [["servers", "web", 1], ["`h", 3]],
  [["servers", "job-s", "hosts", 0], ['"h3', 4]],
  [["servers", "job-s", "cmd"], ['"job-s', 2]],
  [["registry", "password"], ["registry", 1]],
  [["hooks", "postDeploy"], ["postDeploy", 2]],
  [["proxy", "host"], ["host", 2]],
  [["proxy", "ssl", "certificatePem"], ["ssl", 2]],
  [["nowhere"], undefined],
  [[], undefined],
])("locate(%j) finds %j", (path, expected) => {
  expect(at(path)).toEqual(expected as [string, number]);
});

test("locate() prefers the export to what stands before it", () => {
  expect(locate(`const x = { a: 1 };\nexport default { a: 2 };`, ["a"])?.offset).toBe(38 - 1);
});

test.each(["export default {", "export default { a: `${", "'", "/", "{ a: [", "}", ""])("locate() survives %j", (broken) => {
  expect(() => locate(broken, ["a", 0])).not.toThrow();
});

test.each([
  ["registri", ["registry", "servers"], "registry"],
  ["app_port", ["appPort"], "appPort"],
  ["HOST", ["hosts", "host"], "host"],
  ["sevrers", ["service", "servers"], "servers"],
  ["lables", ["labels", "volumes"], "labels"],
  ["x", ["ssl"], undefined],
  ["zebra", ["labels", "volumes"], undefined],
  ["a", [], undefined],
])("suggest(%p, %p) is %p", (word, candidates, expected) => {
  expect(suggest(word, candidates)).toBe(expected as string);
});
