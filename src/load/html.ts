// A load report as one HTML file that needs nothing else: figures, plots over time, and the distribution of lateness. Pure.
import type { GroupReport, HistogramBar, LoadReport, LoadSample } from "./report.ts";

const size = { width: 760, height: 200, left: 64, bottom: 24 };

export function reportHtml(report: LoadReport): string {
  const { healthy, broken, hub, simulator } = report;
  const faults = Object.entries(report.faults).map(([fault, count]) => `${fault} on ${count}`);
  const rows: readonly (readonly [string, string])[] = [
    [
      "Fleet",
      `${report.clusters} clusters, preset ${report.preset}, every ${report.intervalSeconds} s, seed ${report.seed}`,
    ],
    ["Measured", `${report.durationSeconds} s after ${report.warmUpSeconds} s of warm-up, started ${report.startedAt}`],
    ["Broken on purpose", faults.length === 0 ? "nothing" : faults.join(", ")],
    ...(report.churned > 0 ? [["Went or came back", `${report.churned} clusters`] as const] : []),
    [
      "First full view",
      report.firstFullViewMs === null ? "not within the warm-up" : milliseconds(report.firstFullViewMs),
    ],
    [
      "Hub",
      `${hub.cpuMsPerClusterCycle.toFixed(2)} ms of CPU per cluster and cycle, ${mebibytes(hub.rssBytes)}, ${hub.sockets ?? "?"} sockets`,
    ],
    [
      "Simulator",
      `${simulator.cpuMsPerClusterCycle.toFixed(2)} ms of CPU per cluster and cycle, ${mebibytes(simulator.rssBytes)}`,
    ],
    ["Verdict", report.exceeded.length === 0 ? "within its limits" : report.exceeded.join("; ")],
  ];
  const series = (read: (sample: LoadSample) => number): number[] => report.series.map(read);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>ClusterPulse Hub under load</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:860px;padding:0 1rem;color:#151515;background:#fff}
table{border-collapse:collapse;margin:1rem 0}th,td{text-align:left;padding:.25rem .9rem .25rem 0;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}svg{width:100%;height:auto}h2{margin-top:2.2rem;font-size:1.1rem}
.healthy{stroke:#06c;fill:#06c}.broken{stroke:#c9190b;fill:#c9190b}polyline{fill:none!important;stroke-width:1.6}
text{font:11px system-ui,sans-serif;fill:#555;stroke:none}line{stroke:#ddd}
@media(prefers-color-scheme:dark){body{background:#151515;color:#eee}text{fill:#aaa}line{stroke:#444}}
</style></head><body>
<h1>ClusterPulse Hub under load</h1>
<table>${rows.map(([name, value]) => `<tr><th>${escaped(name)}</th><td>${escaped(value)}</td></tr>`).join("")}</table>
<h2>Lateness</h2>
<p>From the time a cycle was due to its outcome in the store.</p>
<table><tr><th></th><th>clusters</th><th>cycles</th><th>missed</th><th>p50</th><th>p99</th><th>max</th><th>sockets per cluster, at most</th></tr>
${groupRow("healthy", healthy)}${groupRow("broken", broken)}</table>
<h2>How late, healthy clusters</h2>${bars(report.histogram.healthy, "healthy")}
<h2>How late, broken clusters</h2>${bars(report.histogram.broken, "broken")}
<h2>Lateness at p99 over time (ms), healthy clusters</h2>${plot(
    series(({ healthyLatenessP99Ms }) => healthyLatenessP99Ms),
    report.series,
    "healthy",
  )}
<h2>Lateness at p99 over time (ms), broken clusters</h2>${plot(
    series(({ brokenLatenessP99Ms }) => brokenLatenessP99Ms),
    report.series,
    "broken",
  )}
<h2>CPU of the hub over time (cores)</h2>${plot(
    series(({ hubCores }) => hubCores),
    report.series,
    "healthy",
  )}
<h2>Resident memory of the hub over time (MiB)</h2>${plot(
    series(({ hubRssBytes }) => hubRssBytes / 2 ** 20),
    report.series,
    "healthy",
  )}
</body></html>
`;
}

function groupRow(
  name: string,
  { clusters, cycles, missedCycles, latenessMs, maxSocketsPerCluster }: GroupReport,
): string {
  const cells = [
    clusters,
    cycles,
    missedCycles,
    milliseconds(latenessMs.p50),
    milliseconds(latenessMs.p99),
    milliseconds(latenessMs.max),
    maxSocketsPerCluster,
  ];
  return `<tr><th>${name}</th>${cells.map((cell) => `<td class="n">${cell}</td>`).join("")}</tr>`;
}

function bars(histogram: readonly HistogramBar[], group: "healthy" | "broken"): string {
  const most = Math.max(1, ...histogram.map(({ cycles }) => cycles));
  const step = (size.width - size.left) / Math.max(1, histogram.length);
  const room = size.height - size.bottom - 16;
  const drawn = histogram.map(({ toMs, cycles }, index) => {
    const height = (cycles / most) * room;
    const x = size.left + index * step;
    const label = toMs === null ? "more" : toMs >= 1_000 ? `${toMs / 1_000} s` : `${toMs} ms`;
    return `<rect class="${group}" x="${(x + 3).toFixed(1)}" y="${(size.height - size.bottom - height).toFixed(1)}" width="${(step - 6).toFixed(1)}" height="${height.toFixed(1)}"/><text x="${(x + step / 2).toFixed(1)}" y="${size.height - 6}" text-anchor="middle">${label}</text>${cycles === 0 ? "" : `<text x="${(x + step / 2).toFixed(1)}" y="${(size.height - size.bottom - height - 4).toFixed(1)}" text-anchor="middle">${cycles}</text>`}`;
  });
  return svg(drawn.join(""));
}

function plot(values: readonly number[], samples: readonly LoadSample[], group: "healthy" | "broken"): string {
  const most = Math.max(1e-9, ...values);
  const lastSeconds = Math.max(1, samples.at(-1)?.atSeconds ?? 1);
  const bottom = size.height - size.bottom;
  const points = values.map((value, index) => {
    const x = size.left + ((samples[index]?.atSeconds ?? 0) / lastSeconds) * (size.width - size.left - 8);
    return `${x.toFixed(1)},${(bottom - (value / most) * (bottom - 12)).toFixed(1)}`;
  });
  const grid = [0, 0.5, 1].map((share) => {
    const y = (bottom - share * (bottom - 12)).toFixed(1);
    return `<line x1="${size.left}" x2="${size.width}" y1="${y}" y2="${y}"/><text x="${size.left - 6}" y="${y}" text-anchor="end">${short(share * most)}</text>`;
  });
  return svg(
    `${grid.join("")}<polyline class="${group}" points="${points.join(" ")}"/><text x="${size.width - 4}" y="${size.height - 6}" text-anchor="end">${lastSeconds.toFixed(0)} s</text>`,
  );
}

const svg = (content: string): string => `<svg viewBox="0 0 ${size.width} ${size.height}" role="img">${content}</svg>`;
const short = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2);
const milliseconds = (value: number): string =>
  value >= 10_000 ? `${(value / 1_000).toFixed(1)} s` : `${value.toFixed(0)} ms`;
const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
