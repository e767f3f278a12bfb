import type { Case } from "./case.ts";

const login = "docker login --username bot --password-stdin";
const buildx = (flags: string): string => `docker buildx build --output=type=registry ${flags}`;

export const buildCases: readonly Case[] = [
  {
    name: "H1 default build",
    tries: [{
      argv: "build push --version 77", hosts: ["null"],
      runs: { local: ["docker --version", "docker buildx version", login, "docker buildx inspect kamal-local-docker-container", buildx(`--platform linux/amd64 --builder kamal-local-docker-container -t acme/shop:77 -t acme/shop:latest --label service="shop" --file Dockerfile .`)] },
    }],
  },
  {
    name: "H2 all build options",
    tries: [{
      argv: "build push --no-cache --version 77", files: { ".kamal/secrets": "API_KEY=k1\nTOK=t1\n", "docker/Dockerfile": "FROM scratch\n" },
      yaml: `builder:
  arch: [amd64, arm64]
  args: {A: 1, B: "x y"}
  secrets: [TOK]
  dockerfile: docker/Dockerfile
  target: prod
  ssh: default=$SSH_AUTH_SOCK
  provenance: false
  sbom: true
  context: "."`,
      runs: { local: [buildx(`--platform linux/amd64,linux/arm64 --builder kamal-local-docker-container -t acme/shop:77 -t acme/shop:latest --label service="shop" --build-arg A="1" --build-arg B="x y" --secret id="TOK" --file docker/Dockerfile --target prod --ssh default=$SSH_AUTH_SOCK --provenance false --sbom true --no-cache .`)] },
      never: { local: ["git clone", "t1"] },
    }],
  },
  {
    name: "H3 registry cache",
    tries: [
      { argv: "build push --version 77", yaml: "registry: {server: reg.example}\nbuilder: {arch: arm64, cache: {type: registry, options: mode=max}}", runs: { local: [buildx(`--platform linux/arm64 --builder kamal-local-docker-container -t reg.example/acme/shop:77 -t reg.example/acme/shop:latest --cache-to type=registry,ref=reg.example/acme/shop-build-cache,mode=max --cache-from type=registry,ref=reg.example/acme/shop-build-cache --label service="shop" --file Dockerfile .`)] } },
      { argv: "build push --version 77", yaml: "registry: {server: reg.example}\nbuilder: {arch: arm64, cache: {type: registry, image: own, options: mode=max}}", prints: ["--cache-to type=registry,ref=reg.example/own,mode=max --cache-from type=registry,ref=reg.example/own"] },
      { argv: "build push --version 77", yaml: "builder: {cache: {type: s3}}", status: 3, complains: [/builder\.cache\.type: expected \\"gha\\" or \\"registry\\", found \\"s3\\"/] },
    ],
  },
  {
    name: "H5 local registry",
    tries: [{
      argv: "deploy --version 77 -r web", files: { "config/deploy.yml": 'service: shop\nregistry: {server: "localhost:5001"}\nbuilder: {arch: amd64}\nservers: {web: [10.0.0.1]}\nenv: {secret: [API_KEY]}\n' },
      runs: {
        local: [
          "docker start kamal-docker-registry",
          "docker buildx inspect kamal-local-registry-docker-container",
          'docker buildx build --output=type=registry --platform linux/amd64 --builder kamal-local-registry-docker-container -t localhost:5001/shop:77 -t localhost:5001/shop:latest --label service="shop" --file Dockerfile .',
        ],
        "10.0.0.1": ["docker pull localhost:5001/shop:77"],
      },
      prints: ["docker run --detach -p 127.0.0.1:5001:5000 --name kamal-docker-registry registry:3"],
      never: { local: ["docker login"], "10.0.0.1": ["docker login"] },
    }],
    better: ["The builder is created when the look at it says that there is none: the plan shows the look."],
  },
  { name: "H6 login quoting", tries: [{ argv: "registry login", yaml: "registry: {server: hub.example, username: b$t, password: [RP]}", files: { ".kamal/secrets": "API_KEY=k1\nRP='p\"w`x'\n" }, runs: { local: ['docker login hub.example --username "b\\$t" --password-stdin'], "10.0.0.1": ['docker login hub.example --username "b\\$t" --password-stdin'] }, never: { local: ["p\"w"], "10.0.0.1": ["p\"w"] } }], better: ["The password is on standard input: `docker login -p` shows it to every user of the host."] },
  {
    name: "H7 pull and label check",
    tries: [{ argv: "build pull --version 77 -h 10.0.0.1", hosts: ["10.0.0.1"], runs: { "10.0.0.1": [login, "docker pull acme/shop:77", `docker inspect -f '{{ .Config.Labels.service }}' acme/shop:77 | grep -x shop || (echo "Image acme/shop:77 is missing the 'service' label" >&2 && exit 1)`] } }],
    better: ["`docker image rm` before the pull is left out: when the registry does not answer, the image that is there can still be used. The complaint goes to standard error."],
  },
];
