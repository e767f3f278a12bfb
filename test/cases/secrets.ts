import type { Case } from "./case.ts";

const three = { ".kamal/secrets-common": "A=1\nB=2\n", ".kamal/secrets": "B=3\n", ".kamal/secrets.qa": "B=4\n", "config/deploy.other.yml": "" };
const wants = (...names: readonly string[]): string => `env: {secret: [${names.join(", ")}]}`;
const project = (names: readonly string[]): string => `service: shop\nimage: acme/shop\nregistry: {username: bot, password: pw}\nbuilder: {arch: amd64}\nservers: [10.0.0.1]\n${wants(...names)}\n`;
const all = (text: string): RegExp => new RegExp(`^${text.replaceAll("$", "\\$")}$`, "m");

export const secretCases: readonly Case[] = [
  {
    name: "J1 files",
    tries: [
      { argv: "secrets print", plain: true, files: { ...three, "config/deploy.yml": project(["A", "B"]) }, env: { B: "9" }, prints: [/^A=1$/m, /^B=3$/m] },
      { argv: "secrets print -d qa", plain: true, files: { ...three, "config/deploy.yml": project(["A", "B"]) }, env: { B: "9" }, prints: [/^A=1$/m, /^B=4$/m] },
      { argv: "secrets print -d other", plain: true, files: { ...three, "config/deploy.yml": project(["A", "B"]) }, env: { B: "9" }, prints: [/^A=1$/m, /^B=2$/m] },
    ],
  },
  {
    name: "J2 substitution",
    tries: [
      {
        argv: "secrets print", plain: true, env: { HOME_KEY: "hk" },
        files: { "config/deploy.yml": project(["A", "B", "C", "D", "E", "F", "H"]), ".kamal/secrets": "A=abc\nB=${A}def\nC=$HOME_KEY\nD='$A'\nE=\"x $(echo y) z\"\nF=one#two\nH=\\$A\n" },
        prints: ["A=abc", "B=abcdef", "C=hk", "D=$A", "E=x y z", "F=one", "H=$A"].map(all),
      },
      { argv: "secrets print", plain: true, files: { "config/deploy.yml": project(["G"]), ".kamal/secrets": "A=1\nG=$(false)\n" }, status: 3, complains: [/\.kamal\/secrets:2/, /false/] },
    ],
    better: ["A command that fails stops the run with file, line and command: Kamal goes on with an empty secret."],
  },
  {
    name: "J3 missing secret",
    tries: [
      { argv: "secrets print", plain: true, files: { "config/deploy.yml": project(["NOPE"]), ".kamal/secrets": undefined, ".kamal/secrets-common": "A=1\n" }, status: 3, complains: [/NOPE/, /\.kamal\/secrets-common/] },
      { argv: "secrets print", plain: true, files: { "config/deploy.yml": project(["NOPE"]), ".kamal/secrets": undefined }, status: 3, complains: [/NOPE/, /\.kamal\/secrets-common/, /\.kamal\/secrets\b/] },
      { argv: "secrets print -d qa", plain: true, files: { "config/deploy.yml": project(["NOPE"]), ".kamal/secrets": undefined, ".kamal/secrets.qa": undefined }, status: 3, complains: [/NOPE/, /\.kamal\/secrets\.qa/] },
      { argv: "app details", files: { "config/deploy.yml": project(["NOPE"]), ".kamal/secrets": undefined } },
    ],
    better: ["All secrets that a run needs are looked for before the first connection, and all missing ones are named at once."],
  },
  {
    name: "J4 extract",
    tries: [
      { argv: `secrets extract PW '{"vault/item/PW":"s1","PW2":"s2"}'`, plain: true, prints: [/^s1$/m] },
      { argv: `secrets extract PW '{"vault/item/PW":"s1","PW":"s2"}'`, plain: true, prints: [/^s2$/m] },
      { argv: `secrets extract NONE '{"PW":"s2"}'`, plain: true, status: 3, complains: [/NONE/] },
    ],
  },
  {
    name: "J5 adapters",
    tries: [
      { argv: "secrets fetch --adapter lastpass X", plain: true, status: 2, complains: ["--account"] },
      { argv: "secrets fetch --adapter vaultwarden X", plain: true, status: 2, complains: ["vaultwarden"] },
    ],
    better: ["Without an account Kamal prints a message and exits 0. What each adapter runs is in test/config/secret-sources/."],
  },
];
