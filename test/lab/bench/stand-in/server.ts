import { writeFileSync } from "node:fs";
import { latencyOf, StandInDocker, stateFile } from "./docker.ts";

/**
 * Answers for the `docker` of all stand-in hosts, after the latency of each verb, and as the application that is probed.
 * A process of its own in their network: `bun test/lab/bench/stand-in/server.ts FOLDER`; prints `ready`. What the proxy of a host saves
 * lies in the folder of that host's number.
 */
const [, , folder = "."] = process.argv;

/** Where the `docker` of the hosts asks. */
const port = 2375;
const hosts = new Map<string, StandInDocker>();

function dockerOf(host: string): StandInDocker {
  const known = hosts.get(host);
  if (known !== undefined) return known;
  const volume = `${folder}/${host}`;
  const made = new StandInDocker(host, { volume, save: (text) => writeFileSync(`${volume}/${stateFile}`, text) });
  hosts.set(host, made);
  return made;
}

Bun.listen<{ text: string }>({
  hostname: "127.0.0.1", port,
  socket: {
    open: (socket) => {
      socket.data = { text: "" };
    },
    data: (socket, chunk) => {
      socket.data.text += chunk.toString("utf8");
      // Host, number of arguments, arguments: each ends with a NUL.
      const [host = "", count = "", ...args] = socket.data.text.split("\0");
      if (count === "" || args.length <= Number(count)) return;
      const call = args.slice(0, Number(count));
      setTimeout(() => {
        const { status, stdout, stderr } = dockerOf(host).answer(call);
        socket.end(call[0] === "cp" ? `cat\n${stdout}` : `${status}\n${stdout}\0${stderr}\0`);
      }, latencyOf(call));
    },
  },
});
Bun.serve({ hostname: "127.0.0.1", port: 80, fetch: () => new Response("ok") });
process.stdout.write("ready\n");
