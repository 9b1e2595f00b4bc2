// A load report as one HTML file that needs nothing else: no network, no script, light and dark. Pure.

import type { GroupLateness } from "./lateness.ts";
import { limitRows } from "./limits.ts";
import { clock, distributionPlot, type Group, timePlot } from "./plot.ts";
import type { LoadReport, LoadSample, ScenarioOutcome } from "./report.ts";
import { pageStyle } from "./style.ts";

export function reportHtml(report: LoadReport): string {
  const { healthy, broken, baseline, hub, limits } = report;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>ClusterPulse Hub under load</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>${pageStyle}</style></head><body>
<h1>ClusterPulse Hub under load</h1>
<p class="sub">${escaped(summaryOf(report))}</p>
${verdict(report)}
<div class="cards">${cards(report).map(card).join("")}</div>
<h2>Lateness</h2>
<p class="sub">From the time a cycle was due, by the interval of its cluster, to its outcome in the store. One that was unfinished at the end counts with its age.</p>
${table(
  ["", "clusters", "cycles", "missed", "p50", "p99", "max", "most sockets of a cluster"],
  [
    ...(baseline === null ? [] : [groupRow("healthy, before the faults", "healthy", baseline.healthy, "")]),
    groupRow("healthy", "healthy", healthy, counted(healthy.maxSocketsPerCluster)),
    groupRow("broken", "broken", broken, counted(broken.maxSocketsPerCluster)),
  ],
)}
<h3>How late cycles were ${distributionKey(report)}</h3>
${distributionPlot("Distribution of lateness", report.histogram, limits.maxLatenessP99Ms)}
${overTime(report, "Lateness of healthy clusters at p99", "healthy", ({ healthyLatenessP99Ms }) => healthyLatenessP99Ms, milliseconds, latenessLimit(report))}
${overTime(report, "Lateness of broken clusters at p99", "broken", ({ brokenLatenessP99Ms }) => brokenLatenessP99Ms, milliseconds)}
<h2>What it cost the hub</h2>
${overTime(
  report,
  "CPU, in cores",
  "healthy",
  ({ hubCores }) => hubCores,
  (cores) => String(Number(cores.toFixed(3))),
)}
${overTime(report, "Resident memory", "healthy", ({ hubRssBytes }) => hubRssBytes / 1e6, megabytes, limits.maxRssMb)}
${overTime(
  report,
  "Open sockets",
  "healthy",
  ({ hubSockets }) => hubSockets,
  (sockets) => counted(Math.round(sockets)),
)}
${recoveries(report)}
${worst(report)}
<h2>How it was measured</h2>
${table(
  [],
  [
    ["command", commandLine(report.command)],
    ["started", escaped(report.startedAt)],
    [
      "fleet",
      `${counted(report.clusters)} clusters, preset ${escaped(report.preset)}, every ${report.intervalSeconds} s, seed ${report.seed}`,
    ],
    ["times", escaped(timesOf(report))],
    ...(report.scenario === null ? [] : [["scenario", escaped(scenarioOf(report.scenario))]]),
    ["machine", escaped(machineOf(report))],
    [
      "versions",
      escaped(`ClusterPulse Hub ${report.machine.version}, Node.js ${report.machine.node}, ${report.machine.system}`),
    ],
    [
      "unit U",
      `${report.unitMs.toFixed(1)} ms of CPU (${report.unitRangeMs.map((ms) => ms.toFixed(1)).join(" before, ")} after): one JSON.parse of 5,000 PersistentVolumeClaims`,
    ],
    [
      "hub",
      `${hub.cpuMsPerClusterCycle.toFixed(2)} ms of CPU for a cluster's cycle; memory ${megabytes(hub.rss.startBytes / 1e6)} at the start, ${megabytes(hub.rss.endBytes / 1e6)} at the end, ${megabytes(hub.rss.slopeBytesPerHour / 1e6)} an hour by its slope`,
    ],
    [
      "simulator",
      `${report.simulator.cpuMsPerClusterCycle.toFixed(2)} ms of CPU for a cluster's cycle, ${megabytes(report.simulator.rssBytes / 1e6)}`,
    ],
  ].map(([name = "", value = ""]) => [`<b>${name}</b>`, value]),
  "plain",
)}
</body></html>
`;
}

function summaryOf({ clusters, preset, intervalSeconds, faults, churned, durationSeconds }: LoadReport): string {
  const broken = Object.entries(faults).map(([fault, count]) => `${fault} on ${counted(count)}`);
  return [
    `${counted(clusters)} clusters (${preset}) every ${intervalSeconds} s, measured for ${clock(durationSeconds)}`,
    broken.length === 0 ? "nothing broken on purpose" : `broken on purpose: ${broken.join(", ")}`,
    ...(churned > 0 ? [`${counted(churned)} went or came back`] : []),
  ].join("; ");
}

function timesOf({ warmUpSeconds, baseline, durationSeconds }: LoadReport): string {
  const before = baseline === null ? "" : `${baseline.durationSeconds} s without faults, two intervals to settle, `;
  return `${warmUpSeconds} s of warm-up, ${before}${durationSeconds} s measured`;
}

function scenarioOf({ actions, done, failed, lastError }: ScenarioOutcome): string {
  return `${done} of ${actions} actions done, ${failed} of them failed${lastError === null ? "" : `; the last one so: ${lastError}`}`;
}

function machineOf({ machine }: LoadReport): string {
  const { cpu, cores, memoryBytes, loadAverage } = machine;
  return `${cores} cores (${cpu}), ${(memoryBytes / 1e9).toFixed(1)} GB of memory, load average ${loadAverage.toFixed(1)} before it began`;
}

function verdict({ limits, exceeded, ...found }: LoadReport): string {
  const rows = limitRows(found, limits);
  if (rows.length === 0) return '<p class="verdict">No limits were given.</p>';
  const head =
    exceeded.length === 0
      ? '<p class="verdict met">✓ Within its limits</p>'
      : `<p class="verdict missed">✗ ${exceeded.length} over the limit</p>`;
  return `${head}${table(
    ["", "measured", "limit", ""],
    rows.map(({ what, value, limit, isMet }) => [
      escaped(what),
      value,
      limit,
      isMet ? '<span class="met">✓ met</span>' : '<span class="missed">✗ missed</span>',
    ]),
  )}`;
}

interface Card {
  readonly name: string;
  readonly value: string;
  readonly more: string;
}

function cards({ healthy, healthyToBaselineP99, hub, firstFullViewMs, recoveries }: LoadReport): Card[] {
  const [slowest] = recoveries.toSorted(
    (a, b) => (b.fullViewMs ?? Number.MAX_VALUE) - (a.fullViewMs ?? Number.MAX_VALUE),
  );
  return [
    {
      name: "healthy, p99",
      value: healthy.cycles === 0 ? "–" : milliseconds(healthy.latenessMs.p99),
      more: besideP99(healthy, healthyToBaselineP99),
    },
    {
      name: "healthy, missed",
      value: healthy.cycles === 0 ? "–" : counted(healthy.missedCycles),
      more: `of ${counted(healthy.cycles)} cycles`,
    },
    {
      name: "CPU of a cycle",
      value: `${hub.cpuPerClusterCycleU.toFixed(3)} U`,
      more: `${hub.cpuMsPerClusterCycle.toFixed(2)} ms`,
    },
    { name: "memory, at most", value: megabytes(hub.rssBytes / 1e6), more: `${told(hub.sockets)} sockets` },
    {
      name: "first full view",
      value: firstFullViewMs === null ? "–" : milliseconds(firstFullViewMs),
      more: `${told(hub.handshakesPeak)} handshakes at once`,
    },
    ...(slowest === undefined
      ? []
      : [
          {
            name: "slowest recovery",
            value: slowest.fullViewMs === null ? "–" : milliseconds(slowest.fullViewMs),
            more:
              slowest.missing > 0
                ? `${counted(slowest.missing)} of ${counted(slowest.clusters)} not back`
                : `${counted(slowest.clusters)} clusters`,
          },
        ]),
  ];
}

function besideP99({ cycles, latenessMs }: GroupLateness, ratio: number | null): string {
  if (cycles === 0) return "nobody was healthy all the time";
  return ratio === null ? `max ${milliseconds(latenessMs.max)}` : `${ratio.toFixed(2)}x that without faults`;
}

const card = ({ name, value, more }: Card): string =>
  `<div class="card"><span>${name}</span><b>${value}</b><span>${more}</span></div>`;

/** The stricter of both limits on lateness. */
function latenessLimit({ limits, baseline }: LoadReport): number | undefined {
  const byRatio = baseline === null ? undefined : (limits.maxP99Ratio ?? Number.NaN) * baseline.healthy.latenessMs.p99;
  const given = [limits.maxLatenessP99Ms, byRatio].filter((ms) => ms !== undefined && !Number.isNaN(ms)) as number[];
  return given.length === 0 ? undefined : Math.min(...given);
}

function overTime(
  { series, recoveries, intervalSeconds, scenario }: LoadReport,
  title: string,
  group: Group,
  read: (sample: LoadSample) => number | null,
  shown: (value: number) => string,
  limit?: number,
): string {
  const settling = series.find(({ phase }) => phase === "settling");
  const marks = [
    // A scenario begins later, and what it breaks may be all that breaks.
    ...(settling === undefined
      ? []
      : [
          { atSeconds: settling.atSeconds, label: scenario === null ? "faults on" : "settling" },
          { atSeconds: 0, label: "measured" },
        ]),
    // More of them would be a fence.
    ...(recoveries.length > 5 ? [] : recoveries.map(({ atSeconds }) => ({ atSeconds, label: "healed" }))),
  ];
  const points = series.map((sample) => ({ atSeconds: sample.atSeconds, value: read(sample) }));
  // Twice the interval: within it each cluster of a group has a cycle.
  const plot = timePlot(title, { points, group, shown, limit, marks, maxGapSeconds: 2 * intervalSeconds });
  return plot === "" ? "" : `<h3>${title}</h3>${plot}`;
}

function worst({ worst }: LoadReport): string {
  if (worst.length === 0) return "";
  return `<h2>Who was worst off among the healthy</h2>
${table(
  ["cluster", "latest cycle", "missed cycles"],
  worst.map(({ cluster, latenessMs, missedCycles }) => [
    escaped(cluster),
    milliseconds(latenessMs),
    counted(missedCycles),
  ]),
)}`;
}

function recoveries({ recoveries }: LoadReport): string {
  if (recoveries.length === 0) return "";
  const shown = recoveries.slice(0, 50);
  const rest = recoveries.length - shown.length;
  return `<h2>Recoveries</h2>
<p class="sub">From the moment clusters healed until the last of them had a good outcome in the store.</p>
${table(
  ["healed at", "clusters", "full view after", "not back", "handshakes at once, at most"],
  shown.map(({ atSeconds, clusters, fullViewMs, missing, handshakesPeak }) => [
    clock(atSeconds),
    counted(clusters),
    fullViewMs === null ? "–" : milliseconds(fullViewMs),
    counted(missing),
    told(handshakesPeak),
  ]),
)}${rest > 0 ? `<p class="sub">and ${rest} more, in the JSON report</p>` : ""}`;
}

function groupRow(name: string, group: Group, found: GroupLateness, sockets: string): string[] {
  const { clusters, cycles, missedCycles, latenessMs } = found;
  const times = [latenessMs.p50, latenessMs.p99, latenessMs.max].map(milliseconds);
  return [
    groupName(group, name),
    ...[clusters, cycles, missedCycles].map(counted),
    ...(cycles === 0 ? ["–", "–", "–"] : times),
    clusters === 0 ? "–" : sockets,
  ];
}

const groupName = (group: Group, name: string): string => `<span class="group ${group}">${name}</span>`;

function distributionKey({ histogram }: LoadReport): string {
  const shown = (["healthy", "broken"] as const).filter((group) => histogram[group].some(({ cycles }) => cycles > 0));
  if (shown.length === 0) return "";
  const names = shown.map((group) => groupName(group, group)).join(" ");
  return `<span class="key">${names}; shares of a group's cycles, up to the time below each bar</span>`;
}

/** Lines break between words only: a flag is not torn at its hyphens. */
const commandLine = (command: string): string =>
  `<code>${command
    .split(" ")
    .map((word) => `<span>${escaped(word)}</span>`)
    .join(" ")}</code>`;

/** Cells are HTML. */
function table(head: readonly string[], rows: readonly (readonly string[])[], kind = "figures"): string {
  const row = (cells: readonly string[], tag: "th" | "td"): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join("")}</tr>`;
  return `<div class="wide"><table class="${kind}">${head.length === 0 ? "" : row(head, "th")}${rows.map((cells) => row(cells, "td")).join("")}</table></div>`;
}

const milliseconds = (value: number): string =>
  value >= 1_000 ? `${Number((value / 1_000).toFixed(value >= 10_000 ? 1 : 2))} s` : `${Number(value.toFixed(0))} ms`;
const megabytes = (value: number): string => `${counted(Math.round(value))} MB`;
const counted = (count: number): string => count.toLocaleString("en-US");
const told = (count: number | null): string => (count === null ? "–" : counted(count));
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
