/** What kamal-proxy v0.9.2 really printed and saved, shortened in the options that nothing here reads. */

const options = (hosts: string): string => `"options":{"hosts":[${hosts}],"path_prefixes":["/"],"tls_enabled":false,"tls_redirect":true,"canonical_host":"","strip_prefix":true},"target_options":{"health_check_config":{"path":"/up","port":0,"interval":1000000000,"timeout":5000000000,"host":""},"response_timeout":30000000000,"log_request_headers":null}`;
const service = (name: string, targets: string, pause: string): string =>
  `{"name":"${name}",${options('"shop.example"')},"active_targets":[${targets}],"active_readers":[],"rollout_targets":null,"rollout_readers":null,"pause_controller":{${pause}},"rollout_controller":null}`;

/** The state file: shop-web live, api-web paused, sec in maintenance with two targets. */
export const state = `[${[
  service("shop-web", '"127.0.0.1:9001"', '"state":0,"stop_message":"","fail_after":0'),
  service("api-web", '"127.0.0.1:9002"', '"state":1,"stop_message":"","fail_after":30000000000'),
  service("sec", '"127.0.0.1:9001","127.0.0.1:9002"', String.raw`"state":2,"stop_message":"\"active_targets\":[\"x\"] {\"name\":\"shop-web\",","fail_after":30000000000`),
].join(",")}]\n`;

const head = ["Service", "Host", "Path", "Target", "State", "TLS"];
const row = (cells: readonly string[], widths: readonly number[], open: (i: number) => string): string =>
  cells.map((cell, i) => `${open(i)}${cell}\x1b[0m${" ".repeat((widths[i] ?? 0) - cell.length)}  `).join("");
const table = (rows: readonly (readonly string[])[]): string => {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((cells) => cells[i]?.length ?? 0)));
  return [row(head, widths, () => "\x1b[3;94m"), ...rows.map((cells) => row(cells, widths, (i) => (i === 0 ? "\x1b[1;34m" : "\x1b[m")))].join("\n");
};

/** `kamal-proxy list` of the same routes, byte for byte. */
export const list = `${table([
  ["api-web", "*", "/", "127.0.0.1:9002", "paused", "no"],
  ["sec", "secure.example,b.example", "/api,/auth", "127.0.0.1:9001,127.0.0.1:9002", "stopped", "yes"],
  ["shop-web", "shop.example", "/", "127.0.0.1:9001", "running", "no"],
])}\n`;
/** Without any route. */
export const emptyList = `${table([])}\n`;
/** With one route that is sent to `targets`. */
export const listOf = (route: string, targets: string): string => `${table([[route, "shop.example", "/", targets, "running", "no"]])}\n`;
/** Its state file. */
export const stateOf = (route: string, targets: string): string => `[${service(route, targets.split(",").map((target) => `"${target}"`).join(","), '"state":0,"stop_message":"","fail_after":0')}]\n`;
