import type { Kind } from "./fleet.ts";
import { rowOf, type Row } from "./rows.ts";

/** Read on light and on dark ground. */
const colours = ["#3d8bd4", "#d98324", "#8b6fc0", "#3f9e6e", "#c7566a", "#7f8c3a", "#4a9fa8", "#a8794a"];
const titles: Readonly<Record<Kind, string>> = { real: "Real hosts: sshd, Docker and kamal-proxy each", "stand-in": "Stand-in hosts: a Docker of fixed latency" };
const [width, left, right, panelHeight, plotHeight, head] = [760, 46, 12, 260, 180, 64];

/** Wall time of deploys by hosts and delay as a picture of its own: SVG, without scripts, fonts or other files. */
export function chart(rows: readonly Row[], date: string): string {
  const deploys = rows.filter(({ of }) => of.work === "deploy");
  const delays = [...new Set(deploys.map(({ of }) => of.delayMs))].sort((a, b) => a - b);
  const kinds = (["real", "stand-in"] as const).filter((kind) => deploys.some(({ of }) => of.kind === kind));
  const height = head + kinds.length * panelHeight;
  const legend = [...delays.map((delay, i) => [colours[i % colours.length] ?? "", `${delay} ms one way`]), ["", "its docker commands bare"]]
    .map(([colour, text], i) => `<g transform="translate(${left + i * 150} 36)">${colour === "" ? '<line class="floor" x1="0" x2="14" y1="6" y2="6"/>' : `<rect width="12" height="12" fill="${colour}"/>`}<text x="19" y="10">${text}</text></g>`).join("\n");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Wall time of capstan deploy --skip-push by number of hosts and delay">
<style>
text { font: 12px system-ui, sans-serif; fill: #333 }
.title { font-weight: 600; font-size: 14px }
.value { font-size: 10px }
.grid { stroke: #888; stroke-opacity: .3 }
.floor { stroke: #333; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .floor { stroke: #ddd } }
</style>
<text class="title" x="${left}" y="20">capstan deploy --skip-push: wall time in seconds, ${date}</text>
${legend}
${kinds.map((kind, i) => `<g transform="translate(0 ${head + i * panelHeight})">\n${panel(rows, kind, delays)}\n</g>`).join("\n")}
</svg>
`;
}

function panel(rows: readonly Row[], kind: Kind, delays: readonly number[]): string {
  const own = rows.filter(({ of }) => of.kind === kind && of.work === "deploy");
  const counts = [...new Set(own.map(({ of }) => of.hosts))];
  const top = niceTop(Math.max(...own.map(({ wallMs }) => wallMs)) / 1000);
  const y = (value: number): number => round(34 + plotHeight * (1 - value / top));
  const lines = [0, 0.25, 0.5, 0.75, 1].map((part) => `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(part * top)}" y2="${y(part * top)}"/><text class="value" x="${left - 6}" y="${y(part * top) + 3}" text-anchor="end">${round(part * top)}</text>`);
  const slot = (width - left - right) / counts.length;
  const bar = Math.min(34, (slot * 0.8) / delays.length);
  const groups = counts.map((hosts, i) => {
    const middle = left + slot * (i + 0.5);
    const from = middle - (bar * delays.length) / 2;
    const bars = delays.map((delay, n) => {
      const row = rowOf(rows, "deploy", kind, hosts, delay);
      if (row === undefined) return "";
      const at = y(row.wallMs / 1000);
      return `<rect x="${round(from + n * bar + 1)}" y="${at}" width="${round(bar - 2)}" height="${round(34 + plotHeight - at)}" fill="${colours[n % colours.length]}"/><text class="value" x="${round(from + (n + 0.5) * bar)}" y="${round(at - 4)}" text-anchor="middle">${(row.wallMs / 1000).toFixed(1)}</text>`;
    });
    const floor = rowOf(rows, "floor", kind, hosts, 0);
    const mark = floor === undefined ? "" : `<line class="floor" x1="${round(from - 3)}" x2="${round(from + bar * delays.length + 3)}" y1="${y(floor.wallMs / 1000)}" y2="${y(floor.wallMs / 1000)}"/>`;
    return `${bars.join("")}${mark}<text x="${round(middle)}" y="${34 + plotHeight + 18}" text-anchor="middle">${hosts} host${hosts === 1 ? "" : "s"}</text>`;
  });
  return [`<text x="${left}" y="14">${titles[kind]}</text>`, ...lines, ...groups].join("\n");
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** The next number that divides well: 1, 2, 4 or 8 times a power of ten. */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 0.1)));
  return [1, 2, 4, 8, 10].map((step) => step * power).find((step) => step >= value * 1.08) ?? 20 * power;
}
