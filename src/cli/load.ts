// `clusterpulse load`: a simulated fleet and a hub, each in a process of its own, and a report of how late whom the hub saw.
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { arch, cpus, loadavg, platform, totalmem } from "node:os";
import { Command } from "commander";
import type { Seen } from "../load/observe.ts";
import type { LoadReport, Machine } from "../load/report.ts";
import type { Progress } from "../load/subject.ts";
import type { AdminClient } from "../simulator/admin-client.ts";
import { systemClock } from "../support/clock.ts";
import { ClusterPulseError, InvalidInputError } from "../support/errors.ts";
import { startChildCommand } from "./child.ts";
import { type LoadRunSettings, readLoadSettings, scenarioSeconds, withLoadFlags } from "./load-settings.ts";
import { Flags } from "./options.ts";
import { untilAskedToStop } from "./signals.ts";

const maxReportBytes = 64 * 1024 * 1024;
const unitDeadlineMs = 60_000;

/** @param version of the product */
export function loadCommand(version: string): Command {
  const command = new Command("load").description(
    "run a hub against a simulated fleet, part of it broken, and report how late each cluster was",
  );
  return withLoadFlags(command).action(async () => {
    const { compare: comparing, unit } = command.opts<{ compare?: boolean; unit?: boolean }>();
    if (comparing === true) await compare(command);
    else if (unit === true) await printUnit(command);
    else await load(await readLoadSettings(command), version);
  });
}

async function load(settings: LoadRunSettings, version: string): Promise<void> {
  const { chooseBroken } = await import("../simulator/scenario/shares.ts");
  const { plannedSeconds, runLoad } = await import("../load/run.ts");
  const { joinParts, startParts } = await import("./load-parts.ts");
  const { against, baselineSeconds, scenarioText } = settings;
  const machine = thisMachine(version);
  const stopped = new AbortController();
  const stop = (code: string, message: string) => (): void => stopped.abort(new ClusterPulseError(code, message));
  void untilAskedToStop().then(stop("STOPPED", "stopped before the end; there is no report"));
  const gone = (name: string): void => stop("CHILD_ENDED", `${name} ended by itself; there is no report`)();

  const outcomes: { listener: Seen } = { listener: () => undefined };
  const seen: Seen = (cluster, atMs, good) => outcomes.listener(cluster, atMs, good);
  const starting = against === undefined ? startParts(settings, seen, gone) : joinParts(against, settings, seen);
  const parts = await Promise.race([starting, untilAborted(stopped.signal)]).catch(async (error: unknown) => {
    await starting.then(
      (late) => late.close(),
      () => undefined,
    );
    throw error;
  });
  const { admin } = parts;
  const broken = new Map<string, string>();
  let mend = (): Promise<void> => Promise.resolve();
  try {
    const names = (await admin.clusters()).map(({ name }) => name);
    // It begins only after the warm-up: what is wrong with it is worth knowing now.
    const takesSeconds = scenarioText === undefined ? 0 : await scenarioSeconds(scenarioText, names, settings.seed);
    if (takesSeconds > settings.durationSeconds)
      process.stderr.write(`load: the scenario takes ${takesSeconds} s: --duration ends before it\n`);
    for (const { cluster, fault } of await admin.listFaults()) if (names.includes(cluster)) broken.set(cluster, fault);
    const sound = names.filter((name) => !broken.has(name));
    if (against !== undefined) mend = () => mendAgain(admin, sound);
    const chosen = chooseBroken(sound, settings.faultShares, settings.seed);
    for (const [cluster, fault] of chosen) broken.set(cluster, fault);
    const breakFleet = async (): Promise<void> => {
      for (const [cluster, fault] of chosen) await admin.addFault({ cluster, fault });
    };
    if (baselineSeconds === 0) await breakFleet();
    const plan = {
      ...settings,
      preset: against === undefined ? settings.preset : "unknown",
      command: typed(),
      machine,
    };
    process.stderr.write(`load: about ${plannedSeconds(plan)} s\n`);
    const report = await runLoad(
      plan,
      {
        clusters: names,
        broken,
        breakFleet,
        outcomes,
        polls: () => admin.polls(),
        hubCost: parts.hubCost,
        hubSockets: parts.hubSockets,
        simulatorCost: () => admin.process(),
        connections: () => admin.connections(),
        scenario: () => admin.scenario(),
        unitMs: measureUnit,
        ...(scenarioText === undefined ? {} : { startScenario: () => admin.startScenario(scenarioText) }),
      },
      { clock: { ...systemClock, setTimer: keepAlive }, signal: stopped.signal, progress },
    );
    await writeReport(report, settings.report);
  } finally {
    await mend().finally(() => parts.close());
  }
  process.exit(process.exitCode ?? 0);
}

/** Ends what this run began in a simulator that goes on: the scenario with its churn, and the faults of clusters that had none before. */
async function mendAgain(admin: AdminClient, sound: readonly string[]): Promise<void> {
  try {
    await admin.stopScenario();
  } finally {
    const names = new Set(sound);
    const faulty = new Set((await admin.listFaults()).map(({ cluster }) => cluster));
    for (const cluster of faulty) if (names.has(cluster)) await admin.removeFault(cluster);
  }
}

/** Measures the unit in a process of its own: this one holds what it saw. */
async function measureUnit(): Promise<number> {
  const child = startChildCommand(["load", "--unit"]);
  const { unitMs } = JSON.parse(await child.firstLine(unitDeadlineMs)) as { unitMs: number };
  await child.ended;
  return unitMs;
}

async function printUnit(command: Command): Promise<void> {
  const flags = new Flags(command);
  standsAlone("unit", command, flags);
  flags.end();
  const { measureUnitMs } = await import("../load/unit.ts");
  process.stdout.write(`${JSON.stringify({ unitMs: measureUnitMs() })}\n`);
}

function thisMachine(version: string): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryBytes: totalmem(),
    system: `${platform()} ${arch()}`,
    node: process.version,
    version,
    loadAverage: loadavg()[0] ?? 0,
  };
}

/** What was typed; user and password of a URL are not told. */
function typed(): string {
  return ["clusterpulse", ...process.argv.slice(2)].map((word) => word.replace(/\/\/[^/]*@/, "//***@")).join(" ");
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
      : `  healthy p99 ${sample.healthyLatenessP99Ms?.toFixed(0) ?? "-"} ms  hub ${sample.hubCores.toFixed(2)} cores, ${(sample.hubRssBytes / 1e6).toFixed(0)} MB`;
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
  const { scenario } = report;
  if (scenario !== null && scenario.failed > 0)
    process.stderr.write(
      `clusterpulse: ${scenario.failed} of ${scenario.done} actions of the scenario failed, the last one so: ${scenario.lastError}\n`,
    );
  for (const line of report.exceeded) process.stderr.write(`clusterpulse: ${line}\n`);
  process.exitCode = report.exceeded.length > 0 ? 1 : 0;
}

/** Names every other flag that was given: none would be heard. */
function standsAlone(name: string, command: Command, flags: Flags): void {
  const given = command.opts<Record<string, unknown>>();
  for (const option of command.options)
    if (option.attributeName() !== name && given[option.attributeName()] !== undefined)
      flags.problem(`${option.long} does not go with --${name}`);
}

async function compare(command: Command): Promise<void> {
  const flags = new Flags(command, 2);
  standsAlone("compare", command, flags);
  if (command.args.length !== 2) flags.problem("--compare must be followed by two files: load --compare A.json B.json");
  flags.end();
  const { compareReports } = await import("../load/compare.ts");
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
