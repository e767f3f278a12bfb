import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { buildGoProgram, cacheFolder } from "./go-toolchain.ts";

const source = fileURLToPath(new URL("./load-app", import.meta.url));

/** Makes the build context of the app that websockets, streams and slow uploads can be tried on. Its program is built once. */
export async function makeLoadApp(folder: string): Promise<void> {
  const files = Object.fromEntries(await Promise.all(["go.mod", "main.go"].map(async (name) => [name, await readFile(`${source}/${name}`, "utf8")] as const)));
  const program = `${cacheFolder}/load-app-${Bun.hash(JSON.stringify(files)).toString(16)}`;
  await mkdir(cacheFolder, { recursive: true });
  await buildGoProgram(program, `${cacheFolder}/load-app-module`, { purpose: "The app under load", command: ".", goVersion: "1.25.5", flags: ["-ldflags", "-s -w"], files }, () => undefined);
  await mkdir(folder, { recursive: true });
  await copyFile(program, `${folder}/app`);
  await writeFile(`${folder}/Dockerfile`, `FROM scratch
COPY app /app
ARG VERSION=unknown
ENV VERSION=$VERSION
EXPOSE 80
CMD ["/app"]
`);
}
