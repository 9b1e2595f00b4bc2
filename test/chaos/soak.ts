// `npm run soak`: a hub and a fleet of which one cluster goes and comes back every ten seconds and a hundredth is broken, for as
// long as one likes (E-47, E-48). One CSV line a minute; at the end the slopes of what must not grow.
//   --clusters N (1000) --preset P (tiny) --hours H (24) or --minutes M --seed N (1) --csv FILE
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type LoadParts, type LoadSettings, startParts } from "../../src/cli/load-parts.ts";
import { LatenessLedger } from "../../src/load/lateness.ts";
import { metricValue } from "../../src/load/observe.ts";
import { slope } from "./slope.ts";

const { values } = parseArgs({
  options: {
    clusters: { type: "string", default: "1000" },
    preset: { type: "string", default: "tiny" },
    hours: { type: "string", default: "24" },
    minutes: { type: "string" },
    seed: { type: "string", default: "1" },
    csv: { type: "string" },
  },
});
const numbers = [values.clusters, values.hours, values.minutes ?? "1", values.seed].map(Number);
if (numbers.some((value) => !(value > 0))) {
  console.error("soak: --clusters, --hours, --minutes and --seed must be numbers above 0");
  process.exit(2);
}
const intervalMs = 30_000;
const minutes = values.minutes === undefined ? Number(values.hours) * 60 : Number(values.minutes);
/** The first samples are of a process that still warms up. */
const settledAfter = Math.min(60, Math.ceil(minutes / 4));
/** An hour may add so much to the resident memory, and the whole time so large a share to each of the others. */
const limits = { rssBytesPerHour: 1_000_000, share: 0.1 };

const settings: LoadSettings = {
  clusters: Number(values.clusters),
  preset: values.preset,
  seed: Number(values.seed),
  intervalSeconds: intervalMs / 1_000,
  durationSeconds: minutes * 60,
  warmUpSeconds: 60,
  faults: "",
  scenario: undefined,
  metricSources: 1,
  simulatorProcesses: 1,
  registries: 0,
  against: undefined,
  simulator: undefined,
  storeUrl: undefined,
  report: undefined,
};

interface Sample {
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly openFiles: number;
  readonly lagP99Ms: number;
  readonly latenessP99Ms: number;
  readonly missed: number;
  readonly polls: number;
  readonly errors: number;
}

const columns = [
  "rssBytes",
  "heapBytes",
  "openFiles",
  "lagP99Ms",
  "latenessP99Ms",
  "missed",
  "polls",
  "errors",
] as const;

let ledger = new LatenessLedger(intervalMs);
const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-soak-"));
const say = (line: string): void => {
  console.log(line);
  if (values.csv !== undefined) appendFileSync(values.csv, `${line}\n`);
};

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());
const parts = await startParts(
  settings,
  (cluster, atMs) => {
    ledger.written(cluster, atMs);
  },
  () => stop.abort(),
);
const samples: Sample[] = [];
try {
  if (values.csv !== undefined) writeFileSync(values.csv, "");
  say(`minute,${columns.join(",")}`);
  await pause(settings.warmUpSeconds * 1_000, undefined, { signal: stop.signal });
  const names = (await parts.admin.clusters()).map(({ name }) => name);
  const { broken, churned } = await parts.admin.startScenario(timeline(names));
  const steady = names.filter((name) => broken[name] === undefined && !churned.includes(name));
  console.error(`soak: ${minutes} min, seed ${settings.seed}, ${steady.length} clusters are never touched`);
  for (let minute = 1; minute <= minutes; minute++) {
    samples.push(await sample(parts, steady));
    say([minute, ...columns.map((column) => Math.round((samples.at(-1) as Sample)[column]))].join(","));
  }
} catch (error) {
  if (!stop.signal.aborted) throw error;
  console.error("soak: stopped before its time; judged by what there is");
} finally {
  await parts.close();
  rmSync(scratch, { recursive: true, force: true });
}
process.exit(judge(samples.slice(settledAfter)) ? 0 : 1);

/** Of a tenth of the fleet one goes every ten seconds, and comes back half a round later; a hundredth is dead. */
function timeline(names: readonly string[]): string {
  const guests = names.slice(0, Math.max(2, Math.min(100, Math.floor(names.length / 10))));
  const round = 10 * guests.length;
  const until = `${Math.ceil(minutes) + 10}m`;
  const steps = guests.flatMap((name, i) => [
    `{ at: ${10 * i}s, every: ${round}s, until: ${until}, remove: [${name}] }`,
    `{ at: ${10 * i + round / 2}s, every: ${round}s, until: ${until}, add: [${name}] }`,
  ]);
  const dead = names.slice(-Math.ceil(names.length / 100));
  const rules = dead.map((cluster) => `{ cluster: ${cluster}, fault: blackhole }`);
  return `steps:\n${[`{ at: 0s, faults: [${rules.join(", ")}] }`, ...steps].map((step) => `  - ${step}\n`).join("")}`;
}

/** One minute, looked at every ten seconds. */
async function sample({ admin, hubMetrics, hubSockets }: LoadParts, steady: readonly string[]): Promise<Sample> {
  const fromMs = Date.now();
  for (let i = 0; i < 6; i++) {
    await pause(10_000, undefined, { signal: stop.signal });
    for (const { cluster, atMs } of await admin.polls()) ledger.asked(cluster, atMs);
  }
  // What came due in the first half has had its time.
  const { latenessMs, missedCycles } = ledger.report(steady, fromMs, fromMs + intervalMs);
  ledger = new LatenessLedger(intervalMs);
  const text = (await hubMetrics()) ?? "";
  const value = (name: string): number => metricValue(text, name);
  return {
    rssBytes: value("process_resident_memory_bytes"),
    heapBytes: value("nodejs_heap_size_used_bytes"),
    openFiles: (await hubSockets()) ?? value("process_open_fds"),
    lagP99Ms: 1_000 * value('clusterpulse_eventloop_lag_seconds{quantile="0.99"}'),
    latenessP99Ms: latenessMs.p99,
    missed: missedCycles,
    polls: value('clusterpulse_reconcile_total{kind="ClusterConnection",result="success"}'),
    errors: value('clusterpulse_reconcile_total{kind="ClusterConnection",result="error"}'),
  };
}

/** Whether nothing grew. A run of less than four hours is judged by shares alone: an hour says too little of resident memory. */
function judge(settled: readonly Sample[]): boolean {
  if (settled.length < 4) {
    console.error("soak: too short to judge; nothing was found wrong");
    return true;
  }
  const problems: string[] = [];
  for (const column of ["rssBytes", "heapBytes", "openFiles"] as const) {
    const values = settled.map((one) => one[column]);
    const perMinute = slope(values);
    const grown = (perMinute * values.length) / Math.max(1, values[0] as number);
    console.error(
      `soak: ${column} ${(60 * perMinute).toFixed(0)} an hour, ${(100 * grown).toFixed(1)} % over the time`,
    );
    if (grown > limits.share) problems.push(`${column} grew by ${(100 * grown).toFixed(1)} %`);
    if (column === "rssBytes" && values.length >= 240 && 60 * perMinute > limits.rssBytesPerHour)
      problems.push(`resident memory grew by ${(60 * perMinute).toFixed(0)} bytes an hour`);
  }
  const missed = settled.reduce((sum, one) => sum + one.missed, 0);
  if (missed > 0) problems.push(`${missed} cycles of clusters that were never touched were missed`);
  for (const problem of problems) console.error(`soak: ${problem}`);
  return problems.length === 0;
}
