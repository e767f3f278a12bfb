/** Brings a lab up and keeps it until Ctrl-C: `bun test/lab/up.ts [HOSTS]`. */
import { startLab } from "./lab.ts";
import { PrerequisiteError } from "./prerequisites.ts";

try {
  const started = performance.now();
  await using lab = await startLab({ hosts: Number(process.argv[2] ?? 3), say: console.log });
  console.log(`${lab.hosts.length} hosts are up after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  for (const host of lab.hosts) console.log(`  ssh -i ${lab.key} root@${host.address}`);
  console.log(`registry: ${lab.registry.address}, user ${lab.registry.username}, password ${lab.registry.password}`);
  for (const [name, value] of Object.entries(lab.env)) if (name !== "PATH") console.log(`export ${name}=${value}`);
  console.log("Ctrl-C takes everything down.");
  await new Promise((end) => process.once("SIGINT", end).once("SIGTERM", end));
} catch (error) {
  if (!(error instanceof PrerequisiteError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
process.exit();
