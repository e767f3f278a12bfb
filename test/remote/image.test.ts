import { describe, expect, test } from "bun:test";
import { Secret } from "../../lib/ground/secret.ts";
import { checkServiceLabel, imagesOf, pullImage, tagDigest, tagLatest } from "../../lib/remote/image.ts";
import { createNetwork, networkExists } from "../../lib/remote/network.ts";
import { isLoggedIn, login, loginHere, logout, logoutHere } from "../../lib/remote/registry.ts";
import { Home, shells } from "../support/shell.ts";
import { settingsOf } from "../support/settings.ts";
import { words } from "../support/words.ts";

const open = (secret: string | Secret | undefined): string | undefined => (secret instanceof Secret ? secret.reveal() : secret);

describe("images", () => {
  test("H7: pull and label check", () => {
    expect(pullImage("acme/shop:77").text).toBe("docker pull acme/shop:77");
    expect(words(checkServiceLabel("acme/shop:77", "shop").text.replace(" >&2", ""))).toEqual(words(
      `docker inspect -f '{{ .Config.Labels.service }}' acme/shop:77 | grep -x shop || (echo "Image acme/shop:77 is missing the 'service' label" && exit 1)`));
  });

  test.each([["shop", 0, ""], ["shop2", 1, "Image acme/shop:77 is missing the 'service' label\n"], ["", 1, "Image acme/shop:77 is missing the 'service' label\n"]])("H7: an image labelled %j ends with %i", async (label, status, stderr) => {
    using home = new Home().program("docker", `echo '${label}'`);
    expect(await home.run(checkServiceLabel("acme/shop:77", "shop").text)).toMatchObject({ status, stderr });
  });

  test("tagLatest() names the destination", () => {
    expect(tagLatest(settingsOf(), "77").text).toBe("docker tag acme/shop:77 acme/shop:latest");
    expect(tagLatest(settingsOf({ destination: "qa", repository: "reg.example:5000/acme/shop" }), "77").text).toBe("docker tag reg.example:5000/acme/shop:77 reg.example:5000/acme/shop:latest-qa");
  });

  test("imagesOf() gives tags under the repository's own name", () => {
    const { command, parse } = imagesOf({ repository: "docker.io/acme/shop" });
    expect(command.text).toBe("docker image ls docker.io/acme/shop --format '{{.Tag}} {{.Digest}}'");
    expect(parse("77 <none>\nlatest <none>\n<none> <none>\n")).toEqual({ tagged: ["docker.io/acme/shop:77", "docker.io/acme/shop:latest"], digests: [] });
    expect(parse("")).toEqual({ tagged: [], digests: [] });
  });

  test("imagesOf() gives each tag and each digest once", () => {
    const [a, b] = ["a", "b"].map((digit) => `sha256:${digit.repeat(64)}`);
    expect(imagesOf({ repository: "acme/shop" }).parse(`77 ${a}\n77 ${b}\n76 ${a}\n<none> ${b}\n`)).toEqual({ tagged: ["acme/shop:77", "acme/shop:76"], digests: [a ?? "", b ?? ""] });
    expect(() => imagesOf({ repository: "acme/shop" }).parse("77 sha256:$(reboot)\n")).toThrow("Cannot read the digest of an image");
  });

  test("tagDigest() names what came from the registry", () => {
    expect(tagDigest({ repository: "reg.example/acme/shop" }, "sha256:aa", "77").text).toBe("docker tag reg.example/acme/shop@sha256:aa reg.example/acme/shop:77");
  });
});

describe("the registry", () => {
  const password = new Secret("RP", 'p"w`x');

  test("H6: a login has its password on standard input and quotes its user name", () => {
    const command = login({ server: "hub.example", username: "b$t", password });
    expect(words(command?.text ?? "")).toEqual(["docker", "login", "hub.example", "--username", "b$t", "--password-stdin"]);
    expect(open(command?.input)).toBe('p"w`x');
    expect(loginHere({ server: "hub.example", username: "b$t", password })).toEqual({ argv: ["docker", "login", "hub.example", "--username", "b$t", "--password-stdin"], input: password });
  });

  test("H1: without a server it is Docker Hub", () => {
    expect(login(settingsOf().registry)?.text).toBe("docker login --username bot --password-stdin");
    expect(logout(settingsOf().registry).text).toBe("docker logout");
    expect(logoutHere({ server: "hub.example", username: "b", password })).toEqual({ argv: ["docker", "logout", "hub.example"] });
  });

  test.each(shells.map((shell) => [shell.join(" "), shell] as const))("a secret user name never stands in the text, in %s", async (_name, shell) => {
    using home = new Home().program("docker", `printf '%s\\n' "$@"; echo ---; cat`);
    const registry = { server: "hub.example", username: new Secret("RU", "it's $me"), password };
    const command = login(registry);
    expect(command?.text).toBe('IFS= read -r user && docker login hub.example --username "$user" --password-stdin');
    const { stdout } = await home.run(command?.text ?? "", { shell, input: open(command?.input) ?? "" });
    expect(stdout).toBe('login\nhub.example\n--username\nit\'s $me\n--password-stdin\n---\np"w`x');
    expect(loginHere(registry)?.argv).toEqual(["sh", "-c", command?.text ?? ""]);
  });

  describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("isLoggedIn(), in %s", (_name, shell) => {
    const long = new Secret("RP", `${"p\"w\\`x".repeat(20)} `);
    const of = (user: string, secret: string): string => Buffer.from(`${user}:${secret}`).toString("base64");
    const file = (auths: Readonly<Record<string, unknown>>, more: object = {}): string => JSON.stringify({ auths, ...more }, null, "\t");
    const mine = { auth: of("b$t", long.reveal()) };
    const asked = async (content: string | undefined, registry: Parameters<typeof isLoggedIn>[0] = { server: "hub.example:5000", username: "b$t", password: long }, env = {}): Promise<boolean> => {
      using home = new Home();
      if (content !== undefined) home.place(".docker/config.json", content);
      const { status, stdout } = await home.run(isLoggedIn(registry)?.text ?? "", { shell, input: open(login(registry)?.input) ?? "", env });
      expect(stdout).toBe("");
      return status === 0;
    };

    test("says yes for the very credentials", async () => {
      expect(await asked(file({ "hub.example:5000": mine }))).toBe(true);
      expect(await asked(file({ "a.example": {}, "hub.example:5000": mine, "z.example": { auth: "eA==" } }, { HttpHeaders: { a: "b" } }))).toBe(true);
      expect(await asked(file({ "a.example": mine, "hub.example:5000": mine, "z.example": mine }))).toBe(true);
      for (const server of [undefined, "docker.io"]) expect(await asked(file({ "https://index.docker.io/v1/": mine }), { server, username: "b$t", password: long })).toBe(true);
      expect(await asked(file({ "hub.example": mine }), { server: "hub.example", username: new Secret("RU", "b$t"), password: long })).toBe(true);
    });

    test.each<[string, string | undefined]>([
      ["no file", undefined], ["an empty one", ""], ["nothing", "{}"], ["not as Docker writes it", JSON.stringify({ auths: { "hub.example:5000": mine } })],
      ["another registry's", file({ "hub.example": mine })], ["of another after an empty entry", file({ "hub.example:5000": {}, "z.example": mine })], ["of one that only begins like it", file({ "my.hub.example:5000": mine })],
      ["another password", file({ "hub.example:5000": { auth: of("b$t", `${long.reveal()}x`) } })], ["another user", file({ "hub.example:5000": { auth: of("b", long.reveal()) } })], ["an empty one of it", file({ "hub.example:5000": { auth: "" } })],
      ["a helper for all", file({ "hub.example:5000": mine }, { credsStore: "pass" })], ["a helper for one", file({ "hub.example:5000": mine }, { credHelpers: { "hub.example:5000": "pass" } })],
    ])("says no: %s", async (_what, content) => expect(await asked(content)).toBe(false));

    test("says no where Docker looks elsewhere", async () => {
      expect(await asked(file({ "docker.io": mine }), { server: "docker.io", username: "b$t", password: long })).toBe(false);
      using home = new Home();
      home.place(".docker/config.json", file({ "hub.example": mine }));
      home.place("snap/docker/current/x");
      const registry = { server: "hub.example", username: "b$t", password: long };
      expect((await home.run(isLoggedIn(registry)?.text ?? "", { shell, input: long.reveal() })).status).not.toBe(0);
    });

    test("says no where the password has several lines, or is empty", async () => {
      for (const lines of ["x\ny", "x\n\ny", "x\n \n", "x\n\n"]) expect(await asked(file({ "hub.example": { auth: of("b", "x") } }), { server: "hub.example", username: "b", password: new Secret("RP", lines) })).toBe(false);
      for (const ends of ["x", "x\n"]) expect(await asked(file({ "hub.example": { auth: of("b", "x") } }), { server: "hub.example", username: "b", password: new Secret("RP", ends) })).toBe(true);
      expect(await asked(file({ "hub.example": { auth: of("b", "") } }), { server: "hub.example", username: "b", password: new Secret("RP", "") })).toBe(false);
    });

    test("looks where Docker is told to", async () => expect(await asked(file({ "hub.example:5000": mine }), undefined, { DOCKER_CONFIG: "/nowhere" })).toBe(false));
  });

  test("without credentials there is no login", () => {
    expect(isLoggedIn({ server: "localhost:5000", username: undefined, password: undefined })).toBeUndefined();
    expect(login({ server: "localhost:5000", username: undefined, password: undefined })).toBeUndefined();
    expect(loginHere({ server: "localhost:5000", username: undefined, password: undefined })).toBeUndefined();
  });
});

describe("the network", () => {
  test("D1: createNetwork() creates it where it is missing", async () => {
    using home = new Home().program("docker", `echo "$*" >> log; [ "$2" = inspect ]`);
    expect((await home.run(`${createNetwork()}; cat log`)).stdout).toBe("network inspect kamal\n");
    using fresh = new Home().program("docker", `echo "$*" >> log; case $2 in inspect) [ -e there ] ;; create) touch there ;; esac`);
    expect((await fresh.run(`${createNetwork()} && grep -v inspect log`)).stdout).toBe("network create kamal\n");
  });
  test("createNetwork() makes one for all that ask at the same moment", async () => {
    using home = new Home().program("docker", `case $2 in inspect) [ -e there ] ;; create) echo created >> log; sleep 0.3; touch there ;; esac`);
    expect((await home.run(`for i in 1 2 3 4; do ( ${createNetwork()} ) & done; wait; cat log`)).stdout).toBe("created\n");
  });
  test("createNetwork() fails when docker does", async () => {
    using home = new Home().program("docker", "exit 1");
    expect((await home.run(createNetwork().text)).status).toBe(1);
  });
  test("networkExists()", () => {
    expect([networkExists().parse("d0a1\n"), networkExists().parse("")]).toEqual([true, false]);
  });
});
