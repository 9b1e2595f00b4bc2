// The engine in the protobuf lane: 5,000 PersistentVolumeClaims, response bytes to stored bytes of rows and aggregates in pages of 500, against
// JSON.parse of the same objects as JSON, which extracts nothing.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { parse } from "yaml";
import { MAX_INFLATED_BYTES } from "../../src/kube/list-page.ts";
import { encodeBody } from "../../src/kube/protobuf/encode.ts";
import { aggregatesJson } from "../../src/metric-source/aggregate/aggregate.ts";
import { compileMetricSource } from "../../src/metric-source/compiled.ts";
import { extractPage } from "../../src/metric-source/extract.ts";
import type { Measure } from "./harness.ts";
import { parseWhole } from "./reference/parse.mjs";

const pageSize = 500;
const spec = parse(`
source: { apiVersion: v1, kind: PersistentVolumeClaim }
fields:
  - { name: ns, path: .metadata.namespace, type: string }
  - { name: phase, path: .status.phase, type: string, default: Unknown }
  - { name: storageClass, path: .spec.storageClassName, type: string }
  - { name: requested, path: .spec.resources.requests.storage, type: quantity }
  - { name: capacity, path: .status.capacity.storage, type: quantity }
computed:
  - { name: requestedGiB, expression: "round(requested / 1073741824, 2)", type: float }
  - { name: label, expression: "concat(storageClass ?? 'none', ':', lower(phase))", type: string }
aggregations:
  - { name: total, function: count }
  - { name: boundBytes, function: sum, field: requested, filter: { field: phase, operator: equals, value: Bound } }
  - { name: bytesByClass, function: sum, field: requested, groupBy: storageClass }
  - { name: p95RequestedGiB, function: percentile, field: requestedGiB, percentile: 95 }
`);

export async function* measures(): AsyncIterable<Measure> {
  const json = gunzipSync(readFileSync(new URL("../fixtures/golden/engine/pvcs.json.gz", import.meta.url)));
  const { items } = JSON.parse(json.toString()) as { items: object[] };
  const pages = Array.from({ length: items.length / pageSize }, (_, i) => {
    const page = {
      apiVersion: "v1",
      kind: "PersistentVolumeClaimList",
      items: items.slice(i * pageSize, (i + 1) * pageSize),
    };
    return encodeBody(page) as Uint8Array<ArrayBuffer>;
  });
  const compiled = compileMetricSource({ metadata: { name: "pvc-bench", namespace: "clusterpulse" }, spec });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const { definition, hash, aggregation } = compiled.source;
  const sources = [{ definition, hash, maxRows: 10_000 }];
  const wireBytes = pages.reduce((sum, page) => sum + page.length, 0);
  console.log(`engine-protobuf: ${items.length} objects, ${json.length} bytes as JSON, ${wireBytes} as protobuf`);
  yield {
    name: "engine-protobuf",
    goal: 0.4,
    unit: "list",
    unitsPerRound: 1,
    reference: () => parseWhole(json),
    subject() {
      const pass = aggregation.start();
      let rows = 0;
      for (const bytes of pages) {
        const body = { bytes, encoding: "identity", format: "protobuf" } as const;
        const [share] = extractPage({ body, sources, nowMs: 0, isSuspect: false }, MAX_INFLATED_BYTES, () => 0).shares;
        if (share === undefined) throw new Error("a page without a share");
        rows += share.rows;
        pass.merge(share.part.partial);
      }
      const stored = aggregatesJson(pass.results());
      if (rows !== items.length || !stored.includes("478400300974080")) throw new Error(`${rows} rows, ${stored}`);
    },
  };
}
