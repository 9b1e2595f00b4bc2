// The folds against what the original stored for the same bytes. Only timestamps differ between runs.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { MAX_INFLATED_BYTES } from "../../../src/cluster/body.ts";
import { foldNodes } from "../../../src/cluster/fold-nodes.ts";
import { foldPods } from "../../../src/cluster/fold-pods.ts";
import { listNames } from "../../../src/cluster/names.ts";
import type { NodeRow, PodFold, ResponseBody } from "../../../src/cluster/ports.ts";
import { readVersion } from "../../../src/cluster/version.ts";
import { clusterNodes } from "../../../src/store/documents.ts";

const golden = new URL("../../fixtures/golden/", import.meta.url);
const stored = JSON.parse(readFileSync(new URL("stored.json", golden), "utf8")) as Record<string, unknown>;
const collectedAtMs = Date.parse("2026-11-21T08:03:35Z");

type Encoding = ResponseBody["encoding"];
type Format = ResponseBody["format"];

function recorded(cluster: string, file: string, encoding: Encoding = "identity", format: Format = "json") {
  const bytes = readFileSync(new URL(`cluster-${cluster}/${file}.${format === "json" ? "json" : "pb"}`, golden));
  return { bytes: new Uint8Array(encoding === "gzip" ? gzipSync(bytes) : bytes), encoding, format };
}

function podsOf(cluster: string, encoding: Encoding, format: Format): PodFold {
  return foldPods({ body: recorded(cluster, "pods", encoding, format) }, MAX_INFLATED_BYTES);
}

function rowsOf(cluster: string, encoding: Encoding, format: Format = "json"): readonly NodeRow[] {
  const body = recorded(cluster, "nodes", encoding, format);
  return foldNodes({ body, pods: [podsOf(cluster, encoding, format)], collectedAtMs }, MAX_INFLATED_BYTES).nodes;
}

/** Equal texts, lists and members; numbers within the noise of the original's float sums. */
function expectSame(ours: unknown, theirs: unknown, path: string): void {
  if (typeof theirs === "number") {
    expect(Math.abs((ours as number) - theirs), path).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(theirs)));
  } else if (Array.isArray(theirs)) {
    expect((ours as unknown[]).length, path).toBe(theirs.length);
    theirs.forEach((item, i) => {
      expectSame((ours as unknown[])[i], item, `${path}[${i}]`);
    });
  } else if (typeof theirs === "object" && theirs !== null) {
    expect(Object.keys(ours as object).sort(), path).toEqual(Object.keys(theirs).sort());
    for (const [key, value] of Object.entries(theirs)) {
      expectSame((ours as Record<string, unknown>)[key], value, `${path}.${key}`);
    }
  } else {
    expect(ours, path).toBe(theirs);
  }
}

describe.each([
  ["plain", 3],
  ["sick", 5],
])("cluster %s as recorded", (cluster, count) => {
  it.each(["identity", "gzip"] as const)("every node's current value and history point, %s", (encoding) => {
    const rows = rowsOf(cluster, encoding);
    expect(rows.length).toBe(count);
    for (const row of rows) {
      const hash = stored[`cluster:${cluster}:node:${row.name}`] as { current: { json: Record<string, unknown> } };
      const theirs: Record<string, unknown> = { ...hash.current.json, timestamp: "2026-11-21T08:03:35Z" };
      // The original leaves the order of roles to chance; ours sorts.
      expectSame(JSON.parse(row.current), { ...theirs, roles: [...(theirs["roles"] as string[])].sort() }, row.name);
      const [newest] = stored[`cluster:${cluster}:node:${row.name}:metrics`] as [{ member: { json: object } }];
      expectSame(JSON.parse(row.point), { ...newest.member.json, timestamp: "2026-11-21T08:03:35Z" }, row.name);
    }
  });

  it("the summary", () => {
    const { data } = stored[`cluster:${cluster}:nodes:summary`] as { data: { json: object } };
    const times = { atMs: collectedAtMs, cacheTtlSeconds: 600, retentionSeconds: 3600 };
    const [ours] = clusterNodes(cluster, rowsOf(cluster, "identity"), times)
      .filter((written) => written.kind === "hash" && written.key === `cluster:${cluster}:nodes:summary`)
      .map((written) => (written.kind === "hash" ? (JSON.parse(String(written.fields["data"])) as object) : {}));
    expectSame(ours, { ...data.json, timestamp: "2026-11-21T08:03:35Z" }, "summary");
  });

  it("version and platform", () => {
    const info = (stored[`cluster:${cluster}:info`] as { json: { version: string; platform: string } }).json;
    expect(readVersion({ body: recorded(cluster, "version") }, MAX_INFLATED_BYTES)).toEqual({
      gitVersion: info.version,
      platform: info.platform,
    });
  });

  it("names of namespaces", () => {
    const list = JSON.parse(readFileSync(new URL(`cluster-${cluster}/namespaces.json`, golden), "utf8")) as {
      items: { metadata: { name: string } }[];
    };
    const page = listNames({ body: recorded(cluster, "namespaces", "gzip") }, MAX_INFLATED_BYTES);
    expect(page).toEqual({
      continueToken: "",
      remainingItemCount: null,
      skipped: 0,
      names: list.items.map((item) => item.metadata.name),
    });
  });
});

it("requests are exact where the original's float sums drift", () => {
  const theirs = stored["cluster:sick:node:sick-2"] as { current: { json: { cpu_requested: number } } };
  expect(theirs.current.json.cpu_requested).toBe(0.21000000000000002);
  const ours = rowsOf("sick", "identity").find((row) => row.name === "sick-2");
  expect((JSON.parse(ours?.current ?? "") as { cpu_requested: number }).cpu_requested).toBe(0.21);
});

describe.each(["plain", "sick", "ocp"])("cluster %s recorded as protobuf", (cluster) => {
  it.each(["identity", "gzip"] as const)("folds to what its JSON folds to, %s", (encoding) => {
    expect(podsOf(cluster, encoding, "protobuf")).toEqual(podsOf(cluster, "identity", "json"));
    expect(rowsOf(cluster, encoding, "protobuf")).toEqual(rowsOf(cluster, "identity", "json"));
  });

  it.each(["namespaces", "deployments", "pods"])("has the same names of %s", (file) => {
    const names = (format: Format) => listNames({ body: recorded(cluster, file, "gzip", format) }, MAX_INFLATED_BYTES);
    expect(names("protobuf")).toEqual(names("json"));
  });
});

it("a first page as protobuf says how to go on and how many remain", () => {
  expect(listNames({ body: recorded("plain", "namespaces-l1", "identity", "protobuf") }, MAX_INFLATED_BYTES)).toEqual({
    continueToken: "MQ",
    remainingItemCount: 5,
    skipped: 0,
    names: ["default"],
  });
});
