// `clusterpulse load`: a simulated fleet and a hub, each in a process of its own, and a report of how late whom the hub saw.
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Command } from "commander";
import type { LoadReport } from "../load/report.ts";
import type { Progress } from "../load/run.ts";
import { faultNames } from "../simulator/faults/names.ts";
import { presetNames } from "../simulator/world/profile.ts";
import { systemClock } from "../support/clock.ts";
import { ClusterPulseError, InvalidInputError } from "../support/errors.ts";
import type { LoadSettings } from "./load-parts.ts";
import { Flags } from "./options.ts";
import { untilAskedToStop } from "./signals.ts";

const maxReportBytes = 64 * 1024 * 1024;

export function loadCommand(): Command {
  return new Command("load")
    .description("run a hub against a simulated fleet, part of it broken, and report how late each cluster was")
    .option("--clusters <n>", "how many clusters", "100")
    .option("--preset <size>", presetNames.join(", "), "small")
    .option("--seed <n>", "the same seed makes the same fleet and breaks the same clusters", "1")
    .option("--interval <seconds>", "between two cycles of a cluster; a hub takes 30 at the least", "30")
    .option("--duration <seconds>", "how long to measure", "120")
    .option("--warm-up <seconds>", "before measuring; two intervals unless told")
    .option("--faults <list>", "such as blackhole=20%,slowbody=5% or hang=3")
    .option(
      "--scenario <file>",
      "a timeline of faults, heals and clusters that go and come back, from the first measured second on",
    )
    .option("--metric-sources <n>", "how many MetricSources read every cluster", "0")
    .option("--registries <n>", "how many container registries", "0")
    .option(
      "--against <url>",
      "measure the hub that serves its API there, on the simulator that runs here; nothing is started",
    )
    .option("--simulator <pid>", "with --against: the process id of its simulator, when several run")
    .option("--store <url>", "redis://...; a redis-server of its own unless told")
    .option("--report <name>", "writes NAME.json and NAME.html")
    .option("--max-lateness-p99 <ms>", "exit 1 when healthy clusters are later, or miss a cycle")
    .option("--compare", "compare two reports: load --compare A.json B.json")
    .action(async (_options, command: Command) => {
      if (command.opts<{ compare?: boolean }>().compare === true) await compare(command);
      else await load(readSettings(command));
    });
}

function readSettings(command: Command): LoadSettings {
  const flags = new Flags(command);
  const against = flags.text("against") === undefined ? undefined : flags.url("against", "http://127.0.0.1:8080");
  // A hub that runs already may poll as often as it likes.
  const intervalSeconds = flags.integer("interval", { min: against === undefined ? 30 : 1, max: 3_600 }, 30);
  const settings: LoadSettings = {
    clusters: flags.integer("clusters", { min: 1, max: 5_000 }, 100),
    preset: flags.oneOf("preset", presetNames, "small"),
    seed: flags.integer("seed", { min: 0, max: 2 ** 32 - 1 }, 1),
    intervalSeconds,
    durationSeconds: flags.integer("duration", { min: 1, max: 7 * 86_400 }, 120),
    warmUpSeconds: flags.integer("warm-up", { min: 1, max: 86_400 }, 2 * intervalSeconds),
    faults: flags.text("faults") ?? "",
    scenario: flags.text("scenario"),
    metricSources: flags.integer("metric-sources", { min: 0, max: 200 }, 0),
    registries: flags.integer("registries", { min: 0, max: 500 }, 0),
    against,
    simulator: flags.integer("simulator", { min: 1, max: 2 ** 31 }, undefined),
    storeUrl: flags.text("store"),
    report: flags.text("report")?.replace(/\.(json|html)$/, ""),
    maxLatenessP99Ms: flags.integer("max-lateness-p99", { min: 1, max: 3_600_000 }, undefined),
  };
  if (against !== undefined && settings.metricSources + settings.registries > 0)
    flags.problem("--against takes what is there: --metric-sources and --registries belong to a fleet of its own");
  flags.end();
  return settings;
}

async function load(settings: LoadSettings): Promise<void> {
  const { parseFaultShares, chooseBroken } = await import("../simulator/scenario/shares.ts");
  const { runLoad } = await import("../load/run.ts");
  const { joinParts, readScenarioFile, startParts } = await import("./load-parts.ts");
  const shares = parseFaultShares(settings.faults, faultNames);
  const scenario = settings.scenario === undefined ? undefined : readScenarioFile(settings.scenario);
  const stopped = new AbortController();
  const stop = (code: string, message: string) => (): void => stopped.abort(new ClusterPulseError(code, message));
  void untilAskedToStop().then(stop("STOPPED", "stopped before the end; there is no report"));
  const gone = stop("CHILD_ENDED", "the hub or the simulator ended while it was measured");

  const outcomes = { listener: (_cluster: string, _atMs: number): void => undefined };
  const seen = (cluster: string, atMs: number): void => outcomes.listener(cluster, atMs);
  const { against } = settings;
  const starting = against === undefined ? startParts(settings, seen, gone) : joinParts(against, settings, seen);
  const parts = await Promise.race([starting, untilAborted(stopped.signal)]).catch(async (error: unknown) => {
    await starting.then(
      (late) => late.close(),
      () => undefined,
    );
    throw error;
  });
  const { admin } = parts;
  const faulty: string[] = [];
  try {
    const names = (await admin.clusters()).map(({ name }) => name);
    const broken = new Map<string, string>();
    for (const { cluster, fault } of await admin.listFaults()) if (names.includes(cluster)) broken.set(cluster, fault);
    const sound = names.filter((name) => !broken.has(name));
    for (const [cluster, fault] of chooseBroken(sound, shares, settings.seed)) {
      await admin.addFault({ cluster, fault });
      faulty.push(cluster);
      broken.set(cluster, fault);
    }
    const report = await runLoad(
      { ...settings, limits: { maxLatenessP99Ms: settings.maxLatenessP99Ms } },
      {
        clusters: names,
        broken,
        outcomes,
        polls: () => admin.polls(),
        hubCost: parts.hubCost,
        hubSockets: parts.hubSockets,
        simulatorCost: () => admin.process(),
        connections: () => admin.connections(),
        ...(scenario === undefined ? {} : { startScenario: () => admin.startScenario(scenario) }),
      },
      { clock: { ...systemClock, setTimer: keepAlive }, signal: stopped.signal, progress },
    );
    await writeReport(report, settings.report);
  } finally {
    if (against !== undefined) {
      if (scenario !== undefined) await admin.stopScenario();
      for (const cluster of faulty) await admin.removeFault(cluster);
    }
    await parts.close();
  }
  process.exit(process.exitCode ?? 0);
}

/** A timer that keeps this process alive, which has nothing else that would. */
function keepAlive(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
  );
}

function progress({ secondsLeft, phase, unseen, sample }: Progress): void {
  const measured =
    sample === undefined
      ? unseen > 0
        ? `  ${unseen} healthy clusters are not seen yet`
        : ""
      : `  healthy p99 ${sample.healthyLatenessP99Ms.toFixed(0)} ms  hub ${sample.hubCores.toFixed(2)} cores, ${(sample.hubRssBytes / 2 ** 20).toFixed(0)} MiB`;
  process.stderr.write(`load: ${phase}, ${secondsLeft} s left${measured}\n`);
}

async function writeReport(report: LoadReport, name: string | undefined): Promise<void> {
  if (name !== undefined) {
    const { reportHtml } = await import("../load/html.ts");
    writeFileSync(`${name}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
    writeFileSync(`${name}.html`, reportHtml(report));
  }
  const { series: _series, histogram: _histogram, ...figures } = report;
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  for (const line of report.exceeded) process.stderr.write(`clusterpulse: ${line}\n`);
  process.exitCode = report.exceeded.length > 0 ? 1 : 0;
}

async function compare(command: Command): Promise<void> {
  const flags = new Flags(command, 2);
  if (command.args.length !== 2) flags.problem("--compare must be followed by two files: load --compare A.json B.json");
  flags.end();
  const { compareReports } = await import("../load/report.ts");
  const [first, second] = await Promise.all(command.args.map(readReport));
  for (const line of compareReports(first as LoadReport, second as LoadReport)) process.stdout.write(`${line}\n`);
}

async function readReport(path: string): Promise<LoadReport> {
  const wrong = (why: string): InvalidInputError => new InvalidInputError([`${path}: ${why}`]);
  const text = await readFile(path, "utf8").catch(() => {
    throw wrong("cannot be read");
  });
  if (text.length > maxReportBytes) throw wrong("is too large for a load report");
  try {
    const report = JSON.parse(text) as LoadReport;
    if (report.version === 1 && typeof report.healthy.latenessMs.p99 === "number") return report;
  } catch {
    // Said below.
  }
  throw wrong("is not a report that load --report wrote");
}
