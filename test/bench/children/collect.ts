// Collects one MetricSource over as many objects as are asked for, `node collect.ts COUNT`, through the pool and into a document, as a hub does with
// one cluster. Prints the most resident memory that the process ever had and the bytes stored, as JSON.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { parse } from "yaml";
import { boundlessRoom } from "../../../src/kube/answer-room.ts";
import { aggregatesJson } from "../../../src/metric-source/aggregate/aggregate.ts";
import { collectList } from "../../../src/metric-source/collect.ts";
import { compileMetricSource } from "../../../src/metric-source/compiled.ts";
import type { MetricSourceInput } from "../../../src/metric-source/definition.ts";
import { sourceCollection } from "../../../src/store/metric-source-documents.ts";
import { systemClock } from "../../../src/support/clock.ts";
import { seededRandom } from "../../../src/support/random.ts";
import { createPoolCompute } from "../../../workers/pool.ts";

const fixtures = new URL("../../fixtures/golden/engine/", import.meta.url);
const objects = Number(process.argv[2]);
const batchSize = 500;

function recordedPages(): string[] {
  const { items } = JSON.parse(gunzipSync(readFileSync(new URL("pvcs.json.gz", fixtures))).toString()) as {
    items: object[];
  };
  return Array.from({ length: items.length / batchSize }, (_, at) =>
    JSON.stringify(items.slice(at * batchSize, (at + 1) * batchSize)),
  );
}

const pages = recordedPages();
const compiled = compileMetricSource(
  parse(readFileSync(new URL("metricsource.yaml", fixtures), "utf8")) as MetricSourceInput,
);
if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
const { source } = compiled;
const pool = createPoolCompute({ threads: 2, minDeadlineMs: 60_000 });
let sent = 0;
const collected = await collectList(
  {
    path: "/list",
    pathIn: () => "/list",
    namespaces: null,
    labelSelector: "",
    accept: "application/json",
    batchSize,
    parallelism: 1,
    retryAttempts: 0,
    timeoutMs: 600_000,
    sources: [{ source, maxResources: objects }],
  },
  {
    transport: {
      async get() {
        const page = pages[(sent / batchSize) % pages.length] as string;
        sent += batchSize;
        const metadata = sent < objects ? `{"continue":"${sent}"}` : "{}";
        const text = `{"kind":"PersistentVolumeClaimList","apiVersion":"v1","metadata":${metadata},"items":${page}}`;
        return {
          bytes: new Uint8Array(Buffer.from(text)),
          encoding: "identity" as const,
          contentType: "application/json",
        };
      },
    },
    extract: async (body, wanting, signal) => {
      const sources = wanting.map(({ maxRows }) => ({ definition: source.definition, hash: source.hash, maxRows }));
      return await pool.run("extract", { body, sources, nowMs: 0, isSuspect: false }, signal);
    },
    clock: systemClock,
    random: seededRandom(1),
    room: boundlessRoom,
    aheadRoom: boundlessRoom,
  },
  new AbortController().signal,
);
const [own] = collected.sources;
if (own === undefined || own.resourceCount !== objects) throw new Error(`${own?.resourceCount} rows`);
const pass = source.aggregation.start();
for (const { partial } of own.parts) pass.merge(partial);
const documents = sourceCollection(
  {
    id: { namespace: "bench", name: "pvcs" },
    cluster: "bench",
    rows: own.parts.map(({ rows }) => rows),
    resourceCount: objects,
    truncated: false,
    problems: [],
    aggregates: aggregatesJson(pass.results()),
    collectedAtMs: 0,
    durationMs: 0,
    aggregateMs: 0,
    staleAfterMs: 0,
  },
  { cacheTtlSeconds: 600, intervalSeconds: 60 },
);
let storedBytes = 0;
for (const document of documents) if (document.kind === "string") storedBytes += document.value.length;
const peakBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ peakBytes, storedBytes }));
await pool.close();
