// `npm run soak`: a hub and a fleet of which one cluster goes and comes back every ten seconds and a hundredth is broken, for as
// long as one likes (E-47, E-48). One CSV line a minute; at the end the slopes of what must not grow.
import { appendFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { Command } from "commander";
import { type FleetSettings, type LoadParts, startParts } from "../../src/cli/load-parts.ts";
import { Flags } from "../../src/cli/options.ts";
import { runProgram } from "../../src/cli/program.ts";
import { untilAskedToStop } from "../../src/cli/signals.ts";
import { LatenessLedger } from "../../src/load/lateness.ts";
import { metricValue } from "../../src/load/observe.ts";
import { presetNames } from "../../src/simulator/world/profile.ts";
import { ClusterPulseError } from "../../src/support/errors.ts";
import { csvLine, header, judge, type Sample } from "./soak-judge.ts";

const intervalMs = 30_000;
const warmUpMs = 60_000;
const unchanged = {
  intervalSeconds: intervalMs / 1_000,
  metricSources: 1,
  registries: 0,
  simulatorProcesses: 1,
  storeUrl: undefined,
};

const program = new Command("npm run -s soak --")
  .description("watch a hub for hours, one CSV line a minute; exit code 1 when something grew or a poll was missed")
  .option("--clusters <n>", "how many clusters (1000)")
  .option("--preset <size>", `${presetNames.join(", ")} (tiny)`)
  .option("--hours <n>", "how long (24)")
  .option("--minutes <n>", "how long, in place of --hours")
  .option("--seed <n>", "the same seed makes the same fleet (1)")
  .option("--csv <file>", "write the lines to a file, too")
  .allowUnknownOption(true)
  .allowExcessArguments(true)
  .action(async (_options, command: Command) => {
    const flags = new Flags(command);
    const clusters = flags.integer("clusters", { min: 3, max: 5_000 }, 1_000);
    const preset = flags.oneOf("preset", presetNames, "tiny");
    const hours = flags.decimal("hours", { min: 0.1, max: 10_000 }, 24);
    const minutes = flags.integer("minutes", { min: 1, max: 600_000 }, Math.round(60 * hours));
    const seed = flags.integer("seed", { min: 0, max: 2 ** 32 - 1 }, 1);
    const csv = flags.text("csv");
    try {
      if (csv !== undefined) writeFileSync(csv, "");
    } catch {
      flags.problem(`--csv must be a file that can be written to, not ${JSON.stringify(csv)}`);
    }
    flags.end();
    const say = (line: string): void => {
      console.log(line);
      if (csv !== undefined) appendFileSync(csv, `${line}\n`);
    };
    await soak({ ...unchanged, clusters, preset, seed }, minutes, say);
  });

async function soak(settings: FleetSettings, minutes: number, say: (line: string) => void): Promise<never> {
  // The first samples are of a process that still warms up.
  const settledAfter = Math.min(60, Math.ceil(minutes / 4));
  const stop = new AbortController();
  void untilAskedToStop().then(() => stop.abort());
  let ledger = new LatenessLedger(intervalMs);
  const parts = await startParts(
    settings,
    (cluster, atMs) => ledger.written(cluster, atMs),
    (name) => stop.abort(new ClusterPulseError("CHILD_ENDED", `${name} ended by itself`)),
  );
  const samples: Sample[] = [];
  try {
    say(header);
    await pause(warmUpMs, undefined, { signal: stop.signal });
    const names = (await parts.admin.clusters()).map(({ name }) => name);
    const { broken, churned } = await parts.admin.startScenario(timeline(names, minutes));
    const steady = names.filter((name) => broken[name] === undefined && !churned.includes(name));
    console.error(`soak: ${minutes} min, seed ${settings.seed}, ${steady.length} clusters are never touched`);
    for (let minute = 1; minute <= minutes; minute++) {
      ledger = new LatenessLedger(intervalMs);
      samples.push(await sample(parts, ledger, steady, stop.signal));
      say(csvLine(minute, samples.at(-1) as Sample));
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    if (stop.signal.reason instanceof ClusterPulseError) throw stop.signal.reason;
    console.error("soak: stopped before its time; judged by what there is");
  } finally {
    await parts.close();
  }
  const { growth, problems } = judge(samples.slice(settledAfter));
  for (const line of [...growth, ...problems]) console.error(`soak: ${line}`);
  process.exit(problems.length > 0 ? 1 : 0);
}

/** Of a tenth of the fleet one goes every ten seconds, and comes back half a round later; a hundredth is dead. */
function timeline(names: readonly string[], minutes: number): string {
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

/** One minute, looked at every ten seconds. @param ledger of this minute, which outcomes are told to */
async function sample(
  { admin, hubMetrics, hubSockets }: LoadParts,
  ledger: LatenessLedger,
  steady: readonly string[],
  signal: AbortSignal,
): Promise<Sample> {
  const fromMs = Date.now();
  for (let i = 0; i < 6; i++) {
    await pause(10_000, undefined, { signal });
    for (const { cluster, atMs } of await admin.polls()) ledger.asked(cluster, atMs);
  }
  // What came due in the first half has had its time.
  const { latenessMs, missedCycles } = ledger.report(steady, fromMs, fromMs + intervalMs);
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

await runProgram(program, "soak");
