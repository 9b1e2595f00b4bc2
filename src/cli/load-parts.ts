// What a load run stands on: processes of its own (store, simulator, hub), or a hub and a simulator that run already.
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  countSockets,
  type HubCost,
  observeOutcomes,
  observeStream,
  type Seen,
  scrapeCost,
  scrapeMetrics,
} from "../load/observe.ts";
import { AdminClient } from "../simulator/admin-client.ts";
import { findSimulators } from "../simulator/process.ts";
import { ClusterPulseError, InvalidInputError } from "../support/errors.ts";
import { type ChildCommand, startChildCommand, startProgram } from "./child.ts";
import { addMetricSources } from "./load-sources.ts";
import { runningSimulator, warnOnce } from "./running-simulator.ts";

const namespace = "load";
const readyDeadlineMs = 120_000;
const stopDeadlineMs = 10_000;

/** What is started: a fleet, and the hub that watches it. */
export interface FleetSettings {
  readonly clusters: number;
  readonly preset: string;
  readonly seed: number;
  readonly intervalSeconds: number;
  readonly metricSources: number;
  readonly registries: number;
  /** How many serve the simulated clusters. */
  readonly simulatorProcesses: number;
  /** Undefined: a redis-server is started, too. */
  readonly storeUrl: string | undefined;
}

/** As the flags say. */
export interface LoadSettings extends FleetSettings {
  readonly durationSeconds: number;
  readonly warmUpSeconds: number;
  readonly faults: string;
  /** Path of a scenario. */
  readonly scenario: string | undefined;
  /** Origin of a hub that runs already. */
  readonly against: string | undefined;
  /** Process id of its simulator; undefined: the only one that runs. */
  readonly simulator: number | undefined;
  readonly report: string | undefined;
}

/** Parts that are ready to be measured; the hub was just started, or runs already. */
export interface LoadParts {
  readonly admin: AdminClient;
  hubCost(): Promise<HubCost | undefined>;
  hubSockets(): Promise<number | null>;
  /** Prometheus text; undefined: no answer in time. */
  hubMetrics(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** A hub that runs already, on the fleet of a simulator that runs already. Nothing of either is stopped. */
export async function joinParts(url: string, settings: LoadSettings, seen: Seen): Promise<LoadParts> {
  const admin = await runningSimulator(settings.simulator);
  const { storeUrl } = settings;
  const observer = storeUrl === undefined ? await observeStream(url, seen) : await observeOutcomes(storeUrl, seen);
  return {
    admin,
    hubCost: () => scrapeCost(`${url}/metrics`),
    hubMetrics: () => scrapeMetrics(`${url}/metrics`),
    hubSockets: () => Promise.resolve(null),
    close: () => Promise.resolve(observer.close()),
  };
}

/**
 * Starts everything. `ended` is called with the name of a part that ended, also when that was asked for. Rejects when one is not ready in
 * time, with all of them stopped.
 */
export async function startParts(
  settings: FleetSettings,
  seen: Seen,
  ended: (name: string) => void,
): Promise<LoadParts> {
  checkFileLimit(settings.clusters);
  const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-load-"));
  const removeScratch = (): void => rmSync(scratch, { recursive: true, force: true });
  // Who is asked to stop a second time waits for nobody.
  process.once("exit", removeScratch);
  const children: ChildCommand[] = [];
  const started = <T extends ChildCommand>(child: T): T => {
    children.unshift(child);
    return child;
  };
  let closeObserver = (): void => undefined;
  const close = async (): Promise<void> => {
    closeObserver();
    for (const child of children) await child.stop(stopDeadlineMs);
    removeScratch();
    process.off("exit", removeScratch);
  };
  try {
    const storeUrl = settings.storeUrl ?? (await startStore(scratch, started));
    const kubeconfig = join(scratch, "kubeconfig");
    const { clusters, registries, seed, preset, intervalSeconds, simulatorProcesses: processes } = settings;
    const fleet = { clusters, registries, seed, preset, processes, interval: intervalSeconds, register: namespace };
    // A context for each of thousands of clusters would be more than a hub reads.
    const flags = flagsOf({ ...fleet, "kubeconfig-out": kubeconfig, "kubeconfig-of": "hub" });
    const simulator = started(startChildCommand(["simulate", ...flags]));
    await simulator.firstLine(readyDeadlineMs);
    const file = (await findSimulators()).find((running) => running.pid === simulator.pid);
    if (file === undefined) throw new ClusterPulseError("NO_SIMULATOR", "the simulator's run file is missing");
    await addMetricSources(kubeconfig, namespace, settings.metricSources);
    const observer = await observeOutcomes(storeUrl, seen);
    closeObserver = () => observer.close();
    const metricsPort = await freePort();
    const metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
    const addresses = { "health-probe-bind-address": "0", "metrics-bind-address": `127.0.0.1:${metricsPort}` };
    const hubFlags = { kubeconfig, namespace, store: storeUrl, "log-level": "error", ...addresses };
    const hub = started(startChildCommand(["hub", ...flagsOf(hubFlags), "--no-api"]));
    for (const child of children) void child.ended.then(() => ended(child.name));
    return {
      admin: new AdminClient(file.admin, { onSilent: warnOnce() }),
      hubCost: () => scrapeCost(metricsUrl),
      hubMetrics: () => scrapeMetrics(metricsUrl),
      hubSockets: () => countSockets(hub.pid),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
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

const flagsOf = (flags: Readonly<Record<string, string | number>>): string[] =>
  Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);

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
