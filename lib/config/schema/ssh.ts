import { z } from "zod";
import { list, seconds, secretInput, text } from "./common.ts";

export const port = z.int({ error: "a port: 1 to 65535" }).min(1, { error: "a port: 1 to 65535" }).max(65535, { error: "a port: 1 to 65535" });

export const Ssh = z
  .strictObject({
    user: text("a login name").optional().meta({ description: "Login name on the hosts. `user@host` in a host list goes before it.", example: `"deploy"`, fallback: "as ~/.ssh/config says, else root" }),
    port: port.optional().meta({ description: "Port of the SSH servers. `host:port` in a host list goes before it.", example: "2222", fallback: "as ~/.ssh/config says, else 22" }),
    transport: z.enum(["auto", "ssh2", "openssh"]).default("auto").meta({ description: "What opens the connections: `ssh2`, which is built in, or `openssh`, the `ssh` program on PATH. `auto` is ssh2, and OpenSSH for each host that needs it: user certificates, security keys, certificates of hosts, PKCS#11, one-time passwords, algorithms that ssh2 lacks. A notice says why. OpenSSH's own questions are asked where there is a terminal." }),
    keys: list(text("a key file")).default([]).meta({ description: "Private key files, relative to the config file; `~` is your home directory.", example: `["~/.ssh/deploy"]`, fallback: "the agent and the usual files" }),
    keyData: list(secretInput).default([]).meta({ description: "Private keys that are secrets, PEM or OpenSSH, instead of files.", example: `[secret("SSH_KEY")]` }),
    keysOnly: z.boolean().default(false).meta({ description: "Offer only `keys` and `keyData`, not those of the agent." }),
    proxy: text("[user@]host[:port]").regex(/^[\w[][\w.:@[\]%-]*$/, { error: "[user@]host[:port]" }).optional().meta({ description: "Host to jump through: `[user@]host[:port]`.", example: `"bastion.example"` }),
    proxyCommand: text("a command").optional().meta({ description: "Command whose input and output are the connection; `%h`, `%p` and `%r` are host, port and user.", example: `"nc -X 5 -x socks.example:1080 %h %p"` }),
    config: z.union([z.boolean(), text("a file"), list(text("a file"))], { error: "true, false, a file or a list of files" }).default(true).meta({ description: "Whether ~/.ssh/config is read; paths read those files instead, what stands first holds.", example: `"./ssh_config"` }),
    strictHostKeyChecking: z.enum(["yes", "accept-new", "no"]).default("accept-new").meta({ description: "Keys of hosts that are not in known_hosts: refuse them, remember them, or take any. A key that has changed is refused unless this is `no`; such a host gets neither the agent nor a tunnel." }),
    connectTimeout: seconds.default(15).meta({ description: "How long one connection may take to open.", example: `"30s"` }),
    dnsRetries: z.int({ error: "an integer of at least 0" }).min(0, { error: "an integer of at least 0" }).default(3).meta({ description: "How often the name of a host is looked up again when it is not found.", example: "0" }),
    forwardAgent: z.boolean().default(false).meta({ description: "Let programs on the hosts sign with the keys of your SSH agent while capstan is connected. Whoever is root there can use them too." }),
    maxConcurrentStarts: z.int().min(1, { error: "an integer of at least 1" }).default(30).meta({ description: "How many connections may be opening at once; at one sshd that many hosts are reached through it is at most eight, since sshd drops some of those who come at once (MaxStartups).", example: "10" }),
  })
  .meta({ typeName: "SshConfig", description: "How hosts are reached." });
