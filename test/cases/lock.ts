import type { Case } from "./case.ts";

export const lockCases: readonly Case[] = [
  {
    name: "G1 acquire",
    tries: [{ argv: "lock acquire -d qa -m busy --version 77", hosts: ["10.0.0.1"], runs: { "10.0.0.1": ["mkdir -p .kamal"] }, prints: [/mkdir \.kamal\/lock-shop-qa /, /> \.kamal\/lock-shop-qa\/details/] }],
    elsewhere: ["test/remote/lock.test.ts: G1"],
  },
  {
    name: "G2 status and release",
    tries: [{ argv: "lock status", runs: { "10.0.0.1": ["show .kamal/lock-shop"] }, hosts: ["10.0.0.1"] }, { argv: "lock release", hosts: ["10.0.0.1"], prints: [".kamal/lock-shop"] }],
    better: ["A release in one step: two commands may be cut off between them, and leave a lock without its details."],
  },
  {
    name: "G3 audit line",
    tries: [
      { argv: "app boot --version 77 -d qa -r web", runs: { "10.0.0.1": ['mkdir -p .kamal && echo "[TIME] [ann@example.com] [qa] [web] Booted app version 77" >> .kamal/shop-qa-audit.log'] } },
      { argv: "app boot --version 77 -r web", runs: { "10.0.0.1": ['mkdir -p .kamal && echo "[TIME] [ann@example.com] [web] Booted app version 77" >> .kamal/shop-audit.log'] } },
      { argv: "audit", prints: ["tail -n 50 .kamal/shop-audit.log"] },
    ],
  },
  { name: "G4 hook environment", tries: [], elsewhere: ["test/config/shell-hooks.test.ts: G4 tells pre-deploy what Kamal tells it", "test/config/shell-hooks.test.ts: G4 without -r there are no roles"] },
  {
    name: "G5 lock already held", tries: [], elsewhere: ["test/remote/lock.test.ts: G5", "test/lab/lock.test.ts: a second deploy is refused with who holds the lock"],
    better: ["The lock is taken before the build: who is refused has not built and pulled in vain."],
  },
];
