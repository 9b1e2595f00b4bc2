// `clusterpulse load`: a simulated fleet and a hub, each in a process of its own, and a report of how late whom the hub saw.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import type { LoadReport } from "../load/report.ts";
import type { Progress } from "../load/run.ts";
import { faultNames } from "../simulator/faults/names.ts";
import { presetNames } from "../simulator/world/profile.ts";
import { systemClock } from "../support/clock.ts";
import { ClusterPulseError, InvalidInputError } from "../support/errors.ts";
import { type ChildCommand, startChildCommand, startProgram } from "./child.ts";
import { Flags } from "./options.ts";
import { untilAskedToStop } from "./signals.ts";

const namespace = "load";
const readyDeadlineMs = 120_000;
const stopDeadlineMs = 10_000;
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
    .option("--store <url>", "redis://...; a redis-server of its own unless told")
    .option("--report <name>", "writes NAME.json and NAME.html")
    .option("--max-lateness-p99 <ms>", "exit 1 when healthy clusters are later, or miss a cycle")
    .option("--compare", "compare two reports: load --compare A.json B.json")
    .action(async (_options, command: Command) => {
      if (command.opts<{ compare?: boolean }>().compare === true) await compare(command);
      else await load(readSettings(command));
    });
}

interface LoadSettings {
  readonly clusters: number;
  readonly preset: string;
  readonly seed: number;
  readonly intervalSeconds: number;
  readonly durationSeconds: number;
  readonly warmUpSeconds: number;
  readonly faults: string;
  readonly storeUrl: string | undefined;
  readonly report: string | undefined;
  readonly maxLatenessP99Ms: number | undefined;
}

function readSettings(command: Command): LoadSettings {
  const flags = new Flags(command);
  const intervalSeconds = flags.integer("interval", { min: 30, max: 3_600 }, 30);
  const settings: LoadSettings = {
    clusters: flags.integer("clusters", { min: 1, max: 5_000 }, 100),
    preset: flags.oneOf("preset", presetNames, "small"),
    seed: flags.integer("seed", { min: 0, max: 2 ** 32 - 1 }, 1),
    intervalSeconds,
    durationSeconds: flags.integer("duration", { min: 1, max: 7 * 86_400 }, 120),
    warmUpSeconds: flags.integer("warm-up", { min: 1, max: 86_400 }, 2 * intervalSeconds),
    faults: flags.text("faults") ?? "",
    storeUrl: flags.text("store"),
    report: flags.text("report")?.replace(/\.(json|html)$/, ""),
    maxLatenessP99Ms: flags.integer("max-lateness-p99", { min: 1, max: 3_600_000 }, undefined),
  };
  flags.end();
  return settings;
}

async function load(settings: LoadSettings): Promise<void> {
  const { parseFaultShares, chooseBroken } = await import("../simulator/scenario/shares.ts");
  const { observeOutcomes, scrapeCost, countSockets } = await import("../load/observe.ts");
  const { runLoad } = await import("../load/run.ts");
  checkFileLimit(settings.clusters);
  const shares = parseFaultShares(settings.faults, faultNames);
  const asked = untilAskedToStop();
  const stopped = new AbortController();
  void asked.then(() => stopped.abort(new ClusterPulseError("STOPPED", "stopped before the end; there is no report")));

  const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-load-"));
  const kubeconfig = join(scratch, "kubeconfig");
  const children: ChildCommand[] = [];
  const started = <T extends ChildCommand>(child: T): T => {
    children.unshift(child);
    return child;
  };
  const closers: (() => void)[] = [];
  try {
    const storeUrl = settings.storeUrl ?? (await startStore(scratch, started));
    const { clusters, seed, preset, intervalSeconds } = settings;
    const simulate = {
      clusters,
      seed,
      preset,
      interval: intervalSeconds,
      register: namespace,
      "kubeconfig-out": kubeconfig,
    };
    const simulator = started(startChildCommand(["simulate", ...flagsOf(simulate)]));
    await Promise.race([simulator.firstLine(readyDeadlineMs), untilAborted(stopped.signal)]);
    const admin = await adminOf(simulator.pid);
    const names = (await admin.clusters()).map(({ name }) => name);
    const broken = chooseBroken(names, shares, seed);
    for (const [cluster, fault] of broken) await admin.addFault({ cluster, fault });

    const outcomes = { listener: (_cluster: string, _atMs: number): void => undefined };
    const observer = await observeOutcomes(storeUrl, (cluster, atMs) => outcomes.listener(cluster, atMs));
    closers.push(() => observer.close());
    const metricsPort = await freePort();
    const addresses = { "health-probe-bind-address": "0", "metrics-bind-address": `127.0.0.1:${metricsPort}` };
    const hubFlags = { kubeconfig, namespace, store: storeUrl, "log-level": "error", ...addresses };
    const hub = started(startChildCommand(["hub", ...flagsOf(hubFlags), "--no-api"]));
    for (const child of [simulator, hub])
      void child.ended.then(() =>
        stopped.abort(new ClusterPulseError("CHILD_ENDED", "the hub or the simulator ended while it was measured")),
      );
    const report = await runLoad(
      { ...settings, limits: { maxLatenessP99Ms: settings.maxLatenessP99Ms } },
      {
        clusters: names,
        broken,
        outcomes,
        polls: () => admin.polls(),
        hubCost: () => scrapeCost(`http://127.0.0.1:${metricsPort}/metrics`),
        hubSockets: () => countSockets(hub.pid),
        simulatorCost: () => admin.process(),
        connections: () => admin.connections(),
      },
      { clock: { ...systemClock, setTimer: keepAlive }, signal: stopped.signal, progress },
    );
    await writeReport(report, settings.report);
  } finally {
    for (const close of closers) close();
    for (const child of children) await child.stop(stopDeadlineMs);
    rmSync(scratch, { recursive: true, force: true });
  }
  process.exit(process.exitCode ?? 0);
}

/** Of one cluster: a listener and two connections in the simulator, and two connections in the hub; each has a process of its own. */
const filesPerCluster = 3;
const filesOfAProcess = 500;

/** Throws at once what would show as refused connections in the middle of the run. Node.js raises the soft limit to the hard one by itself. */
function checkFileLimit(clusters: number): void {
  // Looking up names of peers would take seconds.
  Object.assign(process.report, { excludeNetwork: true });
  const report = process.report.getReport() as { userLimits?: { open_files?: { hard?: number | string } } };
  const hard = Number(report.userLimits?.open_files?.hard ?? "unlimited");
  const needed = clusters * filesPerCluster + filesOfAProcess;
  if (hard < needed)
    throw new InvalidInputError([
      `--clusters: ${clusters} need ${needed} open files in a process and the limit is ${hard}; raise it with ulimit -n, or take fewer`,
    ]);
}

/** A timer that keeps this process alive, which has nothing else that would. */
function keepAlive(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}

const flagsOf = (flags: Readonly<Record<string, string | number>>): string[] =>
  Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
  );
}

/** A redis-server without persistence on a free port; removed at the end. */
async function startStore(scratch: string, started: (child: ChildCommand) => ChildCommand): Promise<string> {
  const port = await freePort();
  const args = ["--bind", "127.0.0.1", "--port", String(port), "--dir", scratch, "--save", "", "--appendonly", "no"];
  try {
    await started(startProgram("redis-server", args)).firstLine(readyDeadlineMs);
  } catch {
    throw new ClusterPulseError(
      "NO_STORE",
      "redis-server did not start; install it, or give --store redis://host:6379",
    );
  }
  return `redis://127.0.0.1:${port}`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", () => reject(new ClusterPulseError("LISTEN_FAILED", "no port is free on 127.0.0.1")));
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function adminOf(pid: number) {
  const { AdminClient } = await import("../simulator/admin-client.ts");
  const { findSimulators } = await import("../simulator/process.ts");
  const simulator = (await findSimulators()).find((running) => running.pid === pid);
  if (simulator === undefined) throw new ClusterPulseError("NO_SIMULATOR", "the simulator's run file is missing");
  return new AdminClient(simulator.admin);
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
