// The extract task on real threads: equal to inline, to the other lane and to one big page.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { ResponseBody } from "../../src/kube/list-page.ts";
import { encodeBody } from "../../src/kube/protobuf/encode.ts";
import { aggregatesJson } from "../../src/metric-source/aggregate/aggregate.ts";
import { type CompiledSource, compileMetricSource } from "../../src/metric-source/compiled.ts";
import type { ExtractInput } from "../../src/metric-source/extract.ts";
import { createInlineCompute } from "../../workers/inline.ts";
import { createPoolCompute, type PoolCompute } from "../../workers/pool.ts";

const never = new AbortController().signal;
const fixture = new URL("../fixtures/golden/engine/pvcs.json.gz", import.meta.url);
const list = JSON.parse(gunzipSync(readFileSync(fixture)).toString()) as { items: object[] };
const spec = parse(`
source: { apiVersion: v1, kind: PersistentVolumeClaim }
fields:
  - { name: phase, path: .status.phase, type: string, default: Unknown }
  - { name: storageClass, path: .spec.storageClassName, type: string }
  - { name: requested, path: .spec.resources.requests.storage, type: quantity }
computed:
  - { name: requestedGiB, expression: "round(requested / 1073741824, 2)", type: float }
aggregations:
  - { name: total, function: count }
  - { name: boundBytes, function: sum, field: requested, filter: { field: phase, operator: equals, value: Bound } }
  - { name: bytesByClass, function: sum, field: requested, groupBy: storageClass }
  - { name: p95RequestedGiB, function: percentile, field: requestedGiB, percentile: 95 }
`);

let source: CompiledSource;
let pool: PoolCompute;

beforeAll(() => {
  const compiled = compileMetricSource({ metadata: { name: "pvcs", namespace: "test" }, spec });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  source = compiled.source;
  pool = createPoolCompute({ threads: 2, minDeadlineMs: 60_000 });
});
afterAll(() => pool.close());

function bodyOf(items: readonly object[], format: ResponseBody["format"]): ResponseBody {
  const page = { kind: "PersistentVolumeClaimList", apiVersion: "v1", metadata: { continue: "more" }, items };
  const bytes = format === "json" ? new Uint8Array(Buffer.from(JSON.stringify(page))) : encodeBody(page);
  return { bytes: bytes as Uint8Array<ArrayBuffer>, encoding: "identity", format };
}

function inputOf(items: readonly object[], format: ResponseBody["format"], maxRows = 10_000): ExtractInput {
  const { definition, hash } = source;
  return { body: bodyOf(items, format), sources: [{ definition, hash, maxRows }], nowMs: 0, isSuspect: false };
}

/** What a page gave, without what it cost. Labels come in the server's order, which the recorded list does not have sorted. */
function essence(page: Awaited<ReturnType<typeof extract>>): unknown {
  const shares = page.shares.map(({ part: { rows, cpuMs, ...part }, ...share }) => {
    expect(cpuMs).toBeGreaterThanOrEqual(0);
    return { ...share, ...part, rows: JSON.parse(`[${Buffer.from(rows).toString()}]`) };
  });
  return { continueToken: page.continueToken, objects: page.objects, shares };
}

const extract = (input: ExtractInput) => pool.run("extract", input, never);

describe("extracting one page", () => {
  it("gives the same on a thread, inline, from JSON and from protobuf", async () => {
    const items = list.items.slice(0, 500);
    const fromThread = essence(await extract(inputOf(items, "json")));
    expect(fromThread).toMatchObject({ continueToken: "more", objects: 500, shares: [{ skipped: 0 }] });
    expect(essence(await extract(inputOf(items, "protobuf")))).toEqual(fromThread);
    expect(essence(await createInlineCompute().run("extract", inputOf(items, "json"), never))).toEqual(fromThread);
  });

  it("aggregates of ten pages, merged, are those that were recorded of the whole list", async () => {
    const merged = source.aggregation.start();
    for (let from = 0; from < list.items.length; from += 500) {
      const page = await extract(inputOf(list.items.slice(from, from + 500), "protobuf"));
      for (const { part } of page.shares) merged.merge(part.partial);
    }
    expect(JSON.parse(aggregatesJson(merged.results()))).toEqual({
      boundBytes: 478400300974080,
      bytesByClass: { gp3: 237269025816576, io2: 246228327596032, standard: 234045652860928 },
      p95RequestedGiB: 500,
      total: 5000,
    });
  });

  it("E-36: no more rows than asked for, and the cut is said", async () => {
    const page = await extract(inputOf(list.items.slice(0, 500), "json", 7));
    expect(page.shares[0]).toMatchObject({ cut: true });
    expect(JSON.parse(`[${Buffer.from(page.shares[0]?.part.rows ?? []).toString()}]`)).toHaveLength(7);
  });

  it("E-35: what users compute never runs on the main thread, however small the page", async () => {
    const before = pool.stats();
    await extract(inputOf(list.items.slice(0, 2), "json"));
    expect(pool.stats()).toMatchObject({ inline: before.inline, completed: before.completed + 1 });
  });
});
