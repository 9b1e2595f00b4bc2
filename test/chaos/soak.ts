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
import { csvLine, header, judge, type Sample } from "./soak-judge.ts";

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
  say(header);
  await pause(settings.warmUpSeconds * 1_000, undefined, { signal: stop.signal });
  const names = (await parts.admin.clusters()).map(({ name }) => name);
  const { broken, churned } = await parts.admin.startScenario(timeline(names));
  const steady = names.filter((name) => broken[name] === undefined && !churned.includes(name));
  console.error(`soak: ${minutes} min, seed ${settings.seed}, ${steady.length} clusters are never touched`);
  for (let minute = 1; minute <= minutes; minute++) {
    samples.push(await sample(parts, steady));
    say(csvLine(minute, samples.at(-1) as Sample));
  }
} catch (error) {
  if (!stop.signal.aborted) throw error;
  console.error("soak: stopped before its time; judged by what there is");
} finally {
  await parts.close();
  rmSync(scratch, { recursive: true, force: true });
}
const { growth, problems } = judge(samples.slice(settledAfter));
for (const line of [...growth, ...problems]) console.error(`soak: ${line}`);
process.exit(problems.length > 0 ? 1 : 0);

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
