// What a poll of one cluster costs the hub, in CPU time of its own process, against the barest loop that does the same requests,
// parses the answers and writes one pipeline (reference/cycle.mjs, in this process). Simulator, Redis and hub are processes of their own.
//
//   npm run bench -- fleet                 1,000 clusters of 10 nodes and 300 pods, 30 s apart
//   CLUSTERS=200 npm run bench -- fleet    a smaller fleet, to try it out
//
// Also prints the time to the first full view, resident memory, and the cost in units of one JSON.parse of 5,000 claims.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Redis } from "ioredis";
import { Pool } from "undici";
import { parse } from "yaml";
import { eventually, pause, type Started, startCommand } from "../support/processes.ts";
import { freePort, startRedis, type TestRedis } from "../support/redis.ts";
import { type Measure, spreadOf } from "./harness.ts";
import { cycle } from "./reference/cycle.mjs";
import { parseWhole } from "./reference/parse.mjs";

const clusters = Number(process.env["CLUSTERS"] ?? 1_000);
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

export async function* measures(): AsyncIterable<Measure> {
  const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-bench-"));
  const kubeconfig = join(scratch, "kubeconfig");
  const started: Started[] = [];
  let redis: TestRedis | undefined;
  try {
    const simulate = [
      "--clusters",
      `${clusters}`,
      "--seed",
      "1",
      "--preset",
      "medium",
      "--interval",
      `${intervalMs / 1_000}`,
    ];
    const simulator = startCommand("simulate", ...simulate, "--kubeconfig-out", kubeconfig, "--register", namespace);
    started.push(simulator);
    await simulator.until(/\n/);
    redis = await startRedis();
    const port = await freePort();
    const metricsUrl = `http://127.0.0.1:${port}/metrics`;
    const addresses = ["--no-api", "--health-probe-bind-address", "0", "--metrics-bind-address", `127.0.0.1:${port}`];
    const startedAtMs = performance.now();
    const hub = startCommand(
      "hub",
      "--kubeconfig",
      kubeconfig,
      "--namespace",
      namespace,
      "--store",
      redis.url,
      "--log-level",
      "warn",
      ...addresses,
    );
    started.push(hub);
    await eventually(
      async () => (await healthy(metricsUrl).catch(() => 0)) === clusters,
      180_000,
      `${clusters} healthy clusters`,
    );
    console.log(
      `fleet: first full view of ${clusters} clusters after ${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s`,
    );
    // The first runs are spread over up to one and a half intervals.
    await pause(1.5 * intervalMs);

    const config = parse(readFileSync(kubeconfig, "utf8")) as Kubeconfig;
    const names = config.contexts
      .map(({ name }) => name)
      .filter((name) => name !== "hub")
      .slice(0, sample);
    const fetchers = names.map((name) => fetcher(config, name));
    const client = new Redis(redis.url);
    const pipeline = async (writes: readonly [string, string][]): Promise<unknown> => {
      const batch = client.pipeline();
      for (const [key, value] of writes) batch.set(`reference:${key}`, value, "EX", 60);
      return await batch.exec();
    };
    const subjectMs: number[] = [];
    yield {
      name: "fleet",
      goal: Number(process.env["GOAL"] ?? 1.8),
      unit: "cluster-cycle",
      unitsPerRound: clusters,
      warmUps: 1,
      rounds: 7,
      ownCost: true,
      async reference() {
        const before = cpuMs();
        const next = fetchers.values();
        const lane = async (): Promise<void> => {
          for (const request of next) await cycle(request, pipeline);
        };
        await Promise.all(Array.from({ length: sampleAtOnce }, lane));
        return ((cpuMs() - before) * clusters) / sample;
      },
      async subject() {
        const before = await gauge(metricsUrl, "process_cpu_seconds_total");
        await pause(intervalMs);
        const spentMs = ((await gauge(metricsUrl, "process_cpu_seconds_total")) - before) * 1_000;
        subjectMs.push(spentMs / clusters);
        return spentMs;
      },
    };
    const unit = unitMs();
    const perCycle = spreadOf(subjectMs.slice(1)).median;
    console.log(
      `fleet: ${perCycle.toFixed(2)} ms of CPU per cluster-cycle is ${(perCycle / unit).toFixed(3)} U (U ${unit.toFixed(1)} ms)`,
    );
    const residentBytes = await gauge(metricsUrl, "process_resident_memory_bytes");
    console.log(
      `fleet: resident ${(residentBytes / 2 ** 20).toFixed(0)} MiB, ${(residentBytes / clusters / 1_024).toFixed(0)} KiB per cluster all in`,
    );
    client.disconnect();
  } finally {
    for (const each of started) each.child.kill("SIGTERM");
    await Promise.all(started.map((each) => each.ended));
    await redis?.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}
