// What a poll of one cluster costs the hub, in CPU time of its own process, against the barest loop that does the same requests,
// parses the answers and writes one pipeline (reference/cycle.mjs, in this process). Simulator, Redis and hub are processes of their own.
//
//   npm run bench -- fleet                            1,000 clusters of 10 nodes and 300 pods, 30 s apart; about 20 minutes
//   CLUSTERS=200 ROUNDS=3 npm run bench -- fleet      a smaller fleet, to try it out
//
// Both lanes are measured, each by a hub of its own: first with the servers asked for JSON alone, then as it is. Also judges the time to
// the first full view, handshakes in flight, the cost in units of one JSON.parse of 5,000 claims, and memory beyond that of a small fleet.
// Every goal is a line that ends with met or missed; those of cost and memory in other units hold for the protobuf lane.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Redis } from "ioredis";
import { Pool } from "undici";
import { parse } from "yaml";
import { freePort } from "../support/ports.ts";
import { eventually, pause, type Started, startCommand } from "../support/processes.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { type Measure, spreadOf, type Verdict } from "./harness.ts";
import { cycle } from "./reference/cycle.mjs";
import { parseWhole } from "./reference/parse.mjs";

const clusters = Number(process.env["CLUSTERS"] ?? 1_000);
const rounds = Number(process.env["ROUNDS"] ?? 7);
/** Small enough that what it holds is the fixed base. */
const smallFleet = 10;
const intervalMs = 30_000;
/** The reference visits a sample: its cost per cluster does not depend on how many there are. */
const sample = Math.min(clusters, 150);
const sampleAtOnce = 8;
const namespace = "fleet";

interface Kubeconfig {
  readonly contexts: readonly {
    readonly name: string;
    readonly context: { readonly cluster: string; readonly user: string };
  }[];
  readonly clusters: readonly {
    readonly name: string;
    readonly cluster: { readonly server: string; readonly "certificate-authority-data": string };
  }[];
  readonly users: readonly { readonly name: string; readonly user: { readonly token: string } }[];
}

type Fetch = (path: string) => Promise<{ headers: Record<string, unknown>; bytes: Buffer }>;

function fetcher(config: Kubeconfig, name: string): Fetch {
  const { cluster } = config.clusters.find((entry) => entry.name === name) as Kubeconfig["clusters"][number];
  const { user } = config.users.find((entry) => entry.name === name) as Kubeconfig["users"][number];
  const ca = Buffer.from(cluster["certificate-authority-data"], "base64").toString();
  const pool = new Pool(cluster.server, { connections: 1, keepAliveTimeout: 120_000, connect: { ca } });
  const headers = { authorization: `Bearer ${user.token}`, "accept-encoding": "gzip", accept: "application/json" };
  return async (path) => {
    const response = await pool.request({ path, method: "GET", headers });
    return { headers: response.headers, bytes: Buffer.from(await response.body.arrayBuffer()) };
  };
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** CPU time of one JSON.parse of the recorded 5,000 claims: the unit that the original's figures are given in. */
function unitMs(): number {
  const file = join(import.meta.dirname, "../fixtures/golden/engine/pvcs.json.gz");
  const body = gunzipSync(readFileSync(file));
  const times = Array.from({ length: 15 }, () => {
    const before = cpuMs();
    parseWhole(body);
    return cpuMs() - before;
  });
  return spreadOf(times.slice(5)).median;
}

async function gauge(metricsUrl: string, name: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
}

async function healthy(metricsUrl: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  return [...text.matchAll(/^clusterpulse_cluster_health\{[^}]*health="healthy"[^}]*\} 1$/gm)].length;
}

interface Fleet {
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

async function startFleet(size: number, scratch: string): Promise<Fleet> {
  const kubeconfig = join(scratch, `kubeconfig-${size}`);
  const world = ["--clusters", `${size}`, "--seed", "1", "--preset", "medium", "--interval", `${intervalMs / 1_000}`];
  const simulator = startCommand("simulate", ...world, "--kubeconfig-out", kubeconfig, "--register", namespace);
  await simulator.until(/\n/, 180_000);
  return { kubeconfig, stop: () => stop(simulator) };
}

async function stop({ child, ended }: Started): Promise<void> {
  child.kill("SIGTERM");
  await ended;
}

type Lane = "json" | "protobuf";

/** Starts a hub on an empty Redis, and waits until it knows every cluster and its runs are spread over the interval. */
async function startHub(fleet: Fleet, size: number, lane: Lane, redis: TestRedis): Promise<Hub> {
  await redis.admin.flushall();
  const metricsUrl = `http://127.0.0.1:${await freePort()}/metrics`;
  const probe = new URL("./hub-probe.ts", import.meta.url).href;
  const env = { ...process.env, NODE_OPTIONS: `--import=${probe}`, BENCH_LANE: lane };
  const startedAtMs = performance.now();
  const started = startCommand(
    { env },
    ...["hub", "--kubeconfig", fleet.kubeconfig, "--namespace", namespace, "--store", redis.url],
    ...["--log-level", "error", "--no-api", "--health-probe-bind-address", "0"],
    ...["--metrics-bind-address", new URL(metricsUrl).host],
  );
  const isFull = async (): Promise<boolean> => (await healthy(metricsUrl).catch(() => 0)) === size;
  await eventually(isFull, 300_000, `${size} healthy clusters`);
  const fullAfterMs = performance.now() - startedAtMs;
  // The first runs are spread over up to one and a half intervals.
  await pause(1.5 * intervalMs);
  return {
    metricsUrl,
    fullAfterMs,
    async stop() {
      await stop(started);
      return Number(/handshakes in flight at most: (\d+)/.exec(started.errors())?.[1] ?? Number.NaN);
    },
  };
}

interface Hub {
  readonly metricsUrl: string;
  readonly fullAfterMs: number;
  /** Resolves with the most TLS handshakes that were in flight at once. */
  stop(): Promise<number>;
}

const mibOf = async ({ metricsUrl }: Hub, name: string): Promise<number> => (await gauge(metricsUrl, name)) / 2 ** 20;

const residentMib = (hub: Hub): Promise<number> => mibOf(hub, "process_resident_memory_bytes");

/** What the resident memory consists of. The rest: other threads, TLS, the program itself, and what lies free between. */
async function partsOf(hub: Hub, wholeMib: number): Promise<string> {
  const heap = await mibOf(hub, "nodejs_heap_size_total_bytes");
  const external = await mibOf(hub, "nodejs_external_memory_bytes");
  const rest = wholeMib - heap - external;
  return `${heap.toFixed(0)} heap of the main thread, ${external.toFixed(0)} its buffers, ${rest.toFixed(0)} the rest`;
}

/** Polls a sample of the fleet as cycle.mjs does; returns what the whole fleet would have cost. */
function referenceOf(kubeconfig: string, client: Redis): () => Promise<number> {
  const config = parse(readFileSync(kubeconfig, "utf8")) as Kubeconfig;
  const names = config.contexts.map(({ name }) => name).filter((name) => name !== "hub");
  const fetchers = names.slice(0, sample).map((name) => fetcher(config, name));
  const pipeline = async (writes: readonly [string, string][]): Promise<unknown> => {
    const batch = client.pipeline();
    for (const [key, value] of writes) batch.set(`reference:${key}`, value, "EX", 60);
    return await batch.exec();
  };
  return async () => {
    const before = cpuMs();
    const next = fetchers.values();
    const lane = async (): Promise<void> => {
      for (const request of next) await cycle(request, pipeline);
    };
    await Promise.all(Array.from({ length: sampleAtOnce }, lane));
    return ((cpuMs() - before) * clusters) / sample;
  };
}

export async function* measures(): AsyncIterable<Measure> {
  const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-bench-"));
  const redis = await startRedis();
  const open: { stop(): Promise<unknown> }[] = [];
  try {
    const small = await startFleet(smallFleet, scratch);
    open.push(small);
    const smallHub = await startHub(small, smallFleet, "protobuf", redis);
    const baseMib = await residentMib(smallHub);
    await smallHub.stop();
    await small.stop();
    open.pop();

    const fleet = await startFleet(clusters, scratch);
    open.push(fleet);
    const reference = referenceOf(fleet.kubeconfig, redis.admin);
    for (const lane of ["json", "protobuf"] as const) {
      const name = lane === "json" ? "fleet, JSON forced" : "fleet";
      const hub = await startHub(fleet, clusters, lane, redis);
      open.push(hub);
      const costsMs: number[] = [];
      yield {
        name,
        goal: lane === "json" ? 1.8 : 0.8,
        unit: "cluster-cycle",
        unitsPerRound: clusters,
        warmUps: 1,
        rounds,
        ownCost: true,
        reference,
        async subject() {
          const before = await gauge(hub.metricsUrl, "process_cpu_seconds_total");
          await pause(intervalMs);
          const spentMs = ((await gauge(hub.metricsUrl, "process_cpu_seconds_total")) - before) * 1_000;
          costsMs.push(spentMs / clusters);
          return spentMs;
        },
        others: () => verdictsOn(hub, lane, spreadOf(costsMs.slice(1)).median, baseMib),
      };
      open.pop();
    }
  } finally {
    for (const each of open.reverse()) await each.stop();
    await redis.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

const goals = { units: 0.1, fullAfterS: 60, handshakes: 50, kbPerCluster: 250 };

/** What is judged beside the ratio. Ends the hub. */
async function verdictsOn(hub: Hub, lane: Lane, perCycleMs: number, baseMib: number): Promise<readonly Verdict[]> {
  const unit = unitMs();
  const units = perCycleMs / unit;
  const mib = await residentMib(hub);
  const parts = await partsOf(hub, mib);
  const perClusterKb = ((mib - baseMib) * 2 ** 20) / (clusters - smallFleet) / 1_000;
  const handshakes = await hub.stop();
  const fullAfterS = hub.fullAfterMs / 1_000;
  const cost = `${perCycleMs.toFixed(2)} ms of CPU per cluster-cycle, ${units.toFixed(3)} U of ${unit.toFixed(1)} ms`;
  const memory = `${perClusterKb.toFixed(0)} kB for each cluster more than ${smallFleet} (${baseMib.toFixed(0)} to ${mib.toFixed(0)} MiB: ${parts})`;
  const isJudged = lane === "protobuf";
  return [
    { what: `${cost} (goal ${isJudged ? `${goals.units} U` : "none"})`, isMet: !isJudged || units <= goals.units },
    {
      what: `${memory} (goal ${isJudged ? `${goals.kbPerCluster} kB` : "none"})`,
      isMet: !isJudged || perClusterKb <= goals.kbPerCluster,
    },
    {
      what: `first full view of ${clusters} clusters after ${fullAfterS.toFixed(1)} s (goal ${goals.fullAfterS} s)`,
      isMet: fullAfterS <= goals.fullAfterS,
    },
    {
      what: `at most ${handshakes} handshakes in flight (goal ${goals.handshakes})`,
      isMet: handshakes <= goals.handshakes,
    },
  ];
}
