// What pool work costs the main thread in delay: 20 clusters deliver a list of 9 MB each at once. The subject hands every list to the pool, merges
// what comes back and makes the documents; the reference drains the same traffic and drops it. Both are watched for equally long.
// A round's cost is the 99th percentile of the event loop's delay.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { ClusterCredentials } from "../../src/kube/credentials.ts";
import { createTransport, type GetResponse, type KubeTransport } from "../../src/kube/transport.ts";
import { aggregatesJson } from "../../src/metric-source/aggregate/aggregate.ts";
import { compileMetricSource } from "../../src/metric-source/compiled.ts";
import type { MetricSourceInput } from "../../src/metric-source/definition.ts";
import { sourceCollection } from "../../src/store/metric-source-documents.ts";
import { createPoolCompute } from "../../workers/pool.ts";
import { pause } from "../support/processes.ts";
import type { Measure } from "./harness.ts";

const clusters = 20;
const objects = 5_000;
/** Longer than a round of either takes, on two slow cores. */
const watchedMs = 8_000;
const resolutionMs = 1;

/** The loop's delay while something goes on, in milliseconds beyond the timer's own period. */
async function delayOf(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  const startedMs = performance.now();
  await work();
  const leftMs = watchedMs - (performance.now() - startedMs);
  if (leftMs <= 0) console.log(`mainthread: a round took ${(-leftMs).toFixed(0)} ms longer than it is watched`);
  await pause(Math.max(0, leftMs));
  delay.disable();
  return delay.percentile(99) / 1e6 - resolutionMs;
}

export async function* measures(): AsyncIterable<Measure> {
  const script = fileURLToPath(new URL("./children/list-servers.ts", import.meta.url));
  const servers = spawn(process.execPath, [script, String(clusters)], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = (await once(servers.stdout, "data")) as [Buffer];
  const transports = (JSON.parse(line.toString()) as string[]).map((server) =>
    createTransport(
      new ClusterCredentials({ server }),
      { requestTimeoutMs: 60_000, bodyIdleTimeoutMs: 60_000 },
      "bench",
    ),
  );
  const pool = createPoolCompute({ threads: 2, minDeadlineMs: 60_000 });
  const yaml = readFileSync(new URL("../fixtures/golden/engine/metricsource.yaml", import.meta.url), "utf8");
  const compiled = compileMetricSource(parse(yaml) as MetricSourceInput);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const { definition, hash, aggregation } = compiled.source;
  const { signal } = new AbortController();
  const get = async (transport: KubeTransport): Promise<GetResponse> =>
    await transport.get("/list", { accept: "application/json", signal, maxBytes: 16 * 2 ** 20 });
  const collect = async (transport: KubeTransport): Promise<void> => {
    const { bytes, encoding } = await get(transport);
    const sources = [{ definition, hash, maxRows: 2 * objects }];
    const body = { bytes, encoding, format: "json" } as const;
    const { shares } = await pool.run("extract", { body, sources, nowMs: 0, isSuspect: false }, signal);
    const pass = aggregation.start();
    for (const { part } of shares) pass.merge(part.partial);
    const documents = sourceCollection(
      {
        id: { namespace: "bench", name: "pvcs" },
        cluster: "bench",
        rows: shares.map(({ part }) => part.rows),
        aggregates: aggregatesJson(pass.results()),
        ...{ resourceCount: objects, truncated: false, problems: [], collectedAtMs: 0, durationMs: 0 },
        ...{ aggregateMs: 0, staleAfterMs: 0 },
      },
      { cacheTtlSeconds: 600, intervalSeconds: 60 },
    );
    if (shares[0]?.rows !== objects || documents.length !== 3) throw new Error(`${shares[0]?.rows} rows`);
  };
  try {
    yield {
      name: "mainthread",
      goal: 2,
      unit: "burst",
      unitsPerRound: 1,
      warmUps: 2,
      rounds: 7,
      ownCost: true,
      reference: () => delayOf(() => Promise.all(transports.map(get))),
      subject: () => delayOf(() => Promise.all(transports.map(collect))),
    };
  } finally {
    servers.stdin.end();
    await Promise.all([pool.close(), ...transports.map((transport) => transport.close())]);
  }
}
