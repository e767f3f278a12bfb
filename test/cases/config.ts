import type { Case } from "./case.ts";

const merge = { "config/deploy.yml": `service: shop
image: acme/shop
registry: {username: bot, password: pw}
builder: {arch: amd64}
servers: {web: [a, b], jobs: {hosts: [c], cmd: x}}
env: {clear: {A: "1", B: "2"}, secret: [S1]}
`, "config/deploy.qa.yml": "servers: {web: [d]}\nenv: {clear: {B: \"3\"}, secret: [S2]}\n" };
const refused = (yaml: string, ...complains: readonly (string | RegExp)[]) => ({ argv: "deploy -P --version 77", yaml, status: 3, complains });
const hostsOf = (argv: string, hosts: readonly string[]) => ({ argv, yaml: "servers: {web: [10.0.0.1, 10.0.0.3]}\naccessories: {db: {image: m, host: 10.0.0.9}}", hosts });

export const configCases: readonly Case[] = [
  {
    name: "I1 destination merge",
    tries: [
      { argv: "app boot -d qa --version 77", files: { ...merge, ".kamal/secrets-common": "S1=c\n", ".kamal/secrets.qa": "S2=q\n" }, hosts: ["d", "c"], prints: [`--env A=1 --env B=3 --env-file`] },
      { argv: "app boot -d qa --version 77", files: { "config/deploy.qa.yml": undefined }, status: 3, complains: ["Cannot find config/deploy.qa.yml"] },
    ],
  },
  {
    name: "I2 validation messages",
    tries: [
      refused("foo: 1", "foo: unknown key"),
      refused("foo: 1\nbar: 2", "foo: unknown key", "bar: unknown key"),
      { argv: "deploy -P --version 77", yaml: "x-foo: {any: thing}" },
      refused("service: []", /service: expected .*found an empty list/),
      refused("retain_containers: two", /retain_containers: expected an integer.*found \\"two\\"/),
      refused("servers: text", /servers: expected a list or a map, found \\"text\\"/),
      refused("servers: [{a: t, b: u}]", /servers\[0\]: /),
      refused("servers: {web: {hosts: h1}}", /servers\.web\.hosts: expected a list/),
      { ...refused("", /registry\.password: /), files: { "config/deploy.yml": "service: shop\nimage: acme/shop\nbuilder: {arch: amd64}\nservers: [10.0.0.1]\nregistry: {username: u}\n" } },
      refused("registry: {username: u, password: [A, B]}", /registry\.password: expected .*\[NAME\]/),
      refused("env: {clear: {A: []}}", /env\.clear\.A: expected a text, a number, true or false, found an empty list/),
      { ...refused("", /builder\.arch: /), files: { "config/deploy.yml": "service: shop\nimage: acme/shop\nbuilder: {}\nservers: [10.0.0.1]\nregistry: {username: u, password: p}\n" } },
      refused("proxy: false", /proxy: expected/),
    ],
    better: ["All problems are told at once, each with file, line and column, on standard error."],
  },
  {
    name: "a version of Kamal that the config asks for",
    tries: [{ argv: "deploy -P --version 77", yaml: "minimum_version: 2.3.0" }, refused("minimum_version: 99.0.0", "minimum_version: expected a capstan of at least 99.0.0")],
  },
  {
    name: "I3 version",
    tries: [
      { argv: "deploy -r web", env: { VERSION: "v9" }, prints: ["acme/shop:v9"] },
      { argv: "deploy -r web --version 5", env: { VERSION: "v9" }, prints: ["acme/shop:5"] },
      { argv: "deploy -r web", status: 2, complains: [/git/] },
    ],
  },
  {
    name: "I4 host and role filters",
    tries: [
      { ...hostsOf("server exec -h '10.0.0.[12]' date", ["10.0.0.2", "10.0.0.1"]) },
      { ...hostsOf("server exec -r 'j*' date", ["10.0.0.2"]) },
      { ...hostsOf("server exec -r web -h 10.0.0.3,10.0.0.2 date", ["10.0.0.3"]) },
      { ...hostsOf("server exec -p date", ["10.0.0.1"]) },
      { ...hostsOf("server exec date", ["10.0.0.1", "10.0.0.3", "10.0.0.2", "10.0.0.9"]) },
      { argv: "server exec -h 'nope*' date", status: 2, complains: ["nope*"] },
    ],
  },
  {
    name: "I5 order of roles and hosts",
    tries: [{
      argv: "server exec date", files: { "config/deploy.yml": "service: shop\nimage: acme/shop\nregistry: {username: bot, password: pw}\nbuilder: {arch: amd64}\nservers: {zeta: {hosts: [h3]}, web: {hosts: [h1, h2]}, api: {hosts: [h2, h4]}}\n" },
      hosts: ["h2", "h1", "h4", "h3"],
    }],
  },
  {
    name: "I6 boot groups",
    tries: ([["boot: {limit: 3, wait: 2}", ["h1 h2 h3", "h4"]], ['boot: {limit: "50%"}', ["h1 h2", "h3 h4"]], ['boot: {limit: "1%"}', ["h1", "h2", "h3", "h4"]], ["", ["h1 h2 h3 h4"]]] as const).map(([yaml, groups]) => ({
      argv: "app boot --version 77 -r web", yaml: `servers: {web: [h1, h2, h3, h4]}\naccessories: {db: {image: m, host: h9}}\n${yaml}`,
      prints: groups.map((group) => new RegExp(group.split(" ").map((host) => `"phase":"Boot web[^"]*","host":"${host}"`).join("[\\s\\S]*"))),
    })),
    better: ["A percentage is of the hosts that boot, not of those with accessories only too."],
  },
];
