// `clusterpulse demo` (npm start): a simulated fleet in a process of its own, the hub, the embedded store, API and page.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { ClusterPulseError } from "../support/errors.ts";
import { createLogger, type LogLevel, logLevels } from "../support/log.ts";
import type { FleetView } from "../view/ports.ts";
import { startChildCommand } from "./child.ts";
import { Flags } from "./options.ts";
import { untilAskedToStop } from "./signals.ts";

/** Within this, everything that the demo started is gone. */
const stopDeadlineMs = 4_000;
const simulatorReadyMs = 30_000;
const seenDeadlineMs = 10_000;
const namespace = "clusterpulse";
/** A hub polls every 30 s at the least; the demo does so more often, so that one need not wait to see a fault. */
const intervalSeconds = 10;

/** What is broken from the start, one cluster each, and what that looks like from outside. */
const brokenOnPurpose = [
  { fault: "blackhole", looks: "accepts connections, then not a single byte" },
  { fault: "refuse", looks: "refuses connections" },
  { fault: "hang", looks: "takes requests and never answers" },
  { fault: "unauthorized", looks: "rejects the token" },
  { fault: "latency", looks: "answers, but slowly" },
] as const;
const registries = 2;
/** And what is broken with the last of the registries. */
const brokenRegistry = { fault: "tls", looks: "a container registry whose certificate has expired" } as const;

export function demoCommand(version: string): Command {
  return new Command("demo")
    .description("a simulated fleet, some of it broken, with hub, store, API and page, all on loopback")
    .option("--port <n>", "port of API and page; 0 chooses a free one", "8080")
    .option("--clusters <n>", "how many clusters", "25")
    .option("--seed <n>", "the same seed makes the same fleet", "1")
    .option("--log-level <level>", logLevels.join(", "), "error")
    .action(async (_options, command: Command) => {
      const flags = new Flags(command);
      const port = flags.integer("port", { min: 0, max: 65_535 }, 8080);
      const clusters = flags.integer("clusters", { min: 1, max: 2_000 }, 25);
      const seed = flags.integer("seed", { min: 0, max: 2 ** 32 - 1 }, 1);
      const logLevel = flags.oneOf("log-level", logLevels, "error");
      flags.end();
      await runDemo({ version, port, clusters, seed, logLevel });
    });
}

interface DemoOptions {
  readonly version: string;
  readonly port: number;
  readonly clusters: number;
  readonly seed: number;
  readonly logLevel: LogLevel;
}

async function runDemo(options: DemoOptions): Promise<void> {
  const asked = untilAskedToStop();
  const log = createLogger({ level: options.logLevel, stream: process.stderr });
  const { openHubProcess } = await import("./hub-process.ts");
  const { buildDashboardIfStale, dashboardDist } = await import("../dashboard/build.ts");
  if ((await buildDashboardIfStale()) === "built") process.stdout.write("the page was built\n");
  // The port is taken before the simulator is started: a busy one costs nothing but a message.
  const hub = await openHubProcess({
    version: options.version,
    namespace,
    port: options.port,
    log,
    staticDir: dashboardDist,
  });
  const fleet = startFleet(options);
  const watchdog = (): NodeJS.Timeout => setTimeout(() => process.exit(1), 2 * stopDeadlineMs);
  try {
    const ready = await Promise.race([fleet.ready, asked]);
    if (typeof ready === "string") return;
    const { loadHubKubeconfig } = await import("../kube/kubeconfig.ts");
    const kubeconfig = await loadHubKubeconfig({ path: fleet.kubeconfigFile, env: {} });
    fleet.removeKubeconfig();
    const { createSamples } = await import("./samples.ts");
    await createSamples(kubeconfig, namespace);
    hub.watch({ kubeconfig, limits: { schedule: { minIntervalMs: intervalSeconds * 1_000 } } });
    // What breaks has worked before, as in life: so it keeps its last numbers, and their age shows.
    await Promise.race([seenOnce(hub.view, ready.clusters), asked]);
    const broken = await breakSome(ready.pid);
    process.stdout.write(banner(hub.url, ready, options, broken));
    const ended = await Promise.race([asked, fleet.ended]);
    if (ended === "simulator-ended") {
      throw new ClusterPulseError("SIMULATOR_ENDED", "the simulator ended unexpectedly; everything is stopped");
    }
    process.stdout.write("stopping\n");
  } finally {
    const timer = watchdog();
    await hub.stop(stopDeadlineMs / 2);
    await fleet.stop();
    clearTimeout(timer);
  }
}

interface ReadyLine {
  readonly pid: number;
  readonly hub: string;
  readonly clusters: number;
  readonly registries: number;
}

interface Fleet {
  readonly ready: Promise<ReadyLine>;
  /** Holds credentials: there only until it has been read. */
  readonly kubeconfigFile: string;
  removeKubeconfig(): void;
  readonly ended: Promise<"simulator-ended">;
  stop(): Promise<void>;
}

/** Starts the simulator as a child that ends with this process, also if this process is killed. */
function startFleet(options: DemoOptions): Fleet {
  const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-demo-"));
  const kubeconfigFile = join(scratch, "kubeconfig");
  const flags = {
    clusters: options.clusters,
    registries,
    seed: options.seed,
    interval: intervalSeconds,
    register: namespace,
    "kubeconfig-out": kubeconfigFile,
  };
  const child = startChildCommand([
    "simulate",
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
  ]);
  const removeKubeconfig = (): void => rmSync(scratch, { recursive: true, force: true });
  const ready = child.firstLine(simulatorReadyMs).then((line) => JSON.parse(line) as ReadyLine);
  ready.catch(() => undefined);
  return {
    ready,
    ended: child.ended.then(() => "simulator-ended"),
    kubeconfigFile,
    removeKubeconfig,
    async stop() {
      await child.stop(stopDeadlineMs / 2);
      removeKubeconfig();
    },
  };
}

/** Resolves when every cluster has been polled once, or after a few seconds: a large fleet need not be complete to be shown. */
async function seenOnce(view: FleetView, clusters: number): Promise<void> {
  const deadlineMs = performance.now() + seenDeadlineMs;
  const polled = (): boolean =>
    view.clusters().filter(({ bytes }) => bytes.includes('"last_check"')).length >= clusters;
  while (!polled() && performance.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 100));
}

interface Broken {
  readonly servers: readonly { readonly cluster: string; readonly fault: string; readonly looks: string }[];
  /** A cluster that works, to try the commands on. */
  readonly example: string;
}

/** Breaks up to five clusters, a fifth of a small fleet, evenly spread over it, and a registry. */
async function breakSome(simulatorPid: number): Promise<Broken> {
  const { AdminClient } = await import("../simulator/admin-client.ts");
  const { findSimulators } = await import("../simulator/process.ts");
  const simulator = (await findSimulators()).find(({ pid }) => pid === simulatorPid);
  if (simulator === undefined) throw new ClusterPulseError("NO_SIMULATOR", "the simulator's run file is missing");
  const admin = new AdminClient(simulator.admin);
  const names = (await admin.clusters()).map(({ name }) => name);
  const count = Math.min(brokenOnPurpose.length, Math.floor(names.length / 5));
  const broken: { cluster: string; fault: string; looks: string }[] = [];
  for (const [i, { fault, looks }] of brokenOnPurpose.slice(0, count).entries()) {
    const cluster = names[Math.floor(((i + 0.5) * names.length) / count)];
    if (cluster === undefined) continue;
    await admin.addFault({ cluster, fault, ...(fault === "latency" ? { parameters: { latencyMs: 1_500 } } : {}) });
    broken.push({ cluster, fault, looks });
  }
  const registry = (await admin.registries()).at(-1)?.name;
  if (registry !== undefined && broken.length > 0) {
    await admin.addFault({ cluster: registry, fault: brokenRegistry.fault });
    broken.push({ cluster: registry, ...brokenRegistry });
  }
  const example = names.find((name) => broken.every(({ cluster }) => cluster !== name)) ?? "NAME";
  return { servers: broken, example };
}

function banner(url: string, simulator: ReadyLine, options: DemoOptions, { servers: broken, example }: Broken): string {
  const cli = "npm run -s clusterpulse --";
  const server = options.port === 8080 ? "" : ` --server ${url}`;
  const width = Math.max(0, ...broken.map(({ cluster }) => cluster.length));
  return `
ClusterPulse Hub ${options.version}: ${simulator.clusters} simulated clusters, ${simulator.registries} registries, seed ${options.seed}

  page and API   ${url}
  hub            this process (${process.pid}); polls every ${intervalSeconds} s; values are kept in memory and end with it
  simulator      process ${simulator.pid}; hub API ${simulator.hub}, each cluster on a port of its own

${
  broken.length === 0
    ? "  nothing is broken: five clusters or more have some broken on purpose\n"
    : `  broken on purpose:\n${broken.map(({ cluster, fault, looks }) => `    ${cluster.padEnd(width)}  ${fault.padEnd(12)}  ${looks}\n`).join("")}`
}
  try next, in another terminal:
    ${cli} fleet --watch${server}
    ${cli} fault add ${example} hang        (then watch that the others do not care)
    ${cli} fault remove ${example}
    curl -s ${url}/api/v1/clusters
    curl -s ${url}/api/v1/metricsources
    curl -s ${url}/api/v1/registries/status

  Ctrl-C stops all of it.

`;
}
