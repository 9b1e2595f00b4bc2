import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { parseMetricSource } from "../../../src/api/v1alpha1/metric-source.ts";
import { compileMetricSource } from "../../../src/metric-source/compiled.ts";
import { previewSource } from "../../../src/metric-source/preview.ts";
import { seededRandom } from "../../../src/support/random.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

const fixtures = new URL("../../fixtures/golden-fleet/", import.meta.url);
const stored = JSON.parse(readFileSync(new URL("redis.json", fixtures), "utf8")) as Record<
  string,
  { value: { json: Record<string, unknown> } }
>;
const manifests = parseAllDocuments(readFileSync(new URL("applied-manifests.yaml", fixtures), "utf8"))
  .map((document) => document.toJS() as { kind?: string; metadata: { name: string; namespace: string } } | null)
  .filter((object) => object?.kind === "MetricSource");

function compiled(name: string) {
  const parsed = parseMetricSource(manifests.find((object) => object?.metadata.name === name));
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  const result = compileMetricSource({ metadata: { name, namespace: "clusterpulse" }, spec: parsed.value.spec });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.source;
}

type Labelled = { metadata: { labels?: Record<string, string> } };

/** Serves what a cluster of the recording served; the selector of the one source that has one is applied as the API server did. */
function recorded(cluster: string) {
  const paths: string[] = [];
  return {
    paths,
    async get(path: string) {
      paths.push(path);
      const plural = /\/([a-z]+)\?/.exec(path)?.[1] ?? "";
      const file = new URL(`cluster-${cluster}/${plural}.json`, fixtures);
      if (!existsSync(file)) throw new Error(`nothing recorded of ${path}`);
      const list = JSON.parse(readFileSync(file, "utf8")) as { items: Labelled[] };
      const apps = new Set(["api", "web", "worker", "console", "shop", "prom", "job"]);
      const items = path.includes("labelSelector")
        ? list.items.filter(
            ({ metadata: { labels = {} } }) => labels["tier"] === "front" && apps.has(labels["app"] ?? ""),
          )
        : list.items;
      const bytes = new Uint8Array(new TextEncoder().encode(JSON.stringify({ ...list, items })));
      return { status: 200, bytes, encoding: "identity" as const, contentType: "application/json", headersAfterMs: 1 };
    },
  };
}

const asPlain = (value: unknown): unknown =>
  value instanceof Map ? Object.fromEntries([...value].map(([name, member]) => [name, asPlain(member)])) : value;

describe("the preview of a MetricSource", () => {
  it.each(["plain", "ocp", "sick"])(
    "gives the rows and aggregates that the original stored of cluster %s",
    async (cluster) => {
      const transport = recorded(cluster);
      const ports = { transport, clock: new VirtualClock(), random: seededRandom(1) };
      const preview = await previewSource(compiled("pvc-capacity"), ports, new AbortController().signal);
      const text = preview.rows
        .filter(({ byteLength }) => byteLength > 0)
        .map((part) => Buffer.from(part).toString())
        .join();
      const prefix = `cluster:${cluster}:custom:clusterpulse/pvc-capacity`;
      const golden = stored[`${prefix}:resources`]?.value.json;
      expect(JSON.parse(`[${text}]`)).toEqual(golden?.["resources"]);
      expect(preview.resourceCount).toBe(golden?.["resourceCount"]);
      expect(preview).toMatchObject({ truncated: false, problems: [] });
      expect(asPlain(preview.aggregates)).toEqual(stored[`${prefix}:aggregations`]?.value.json["values"]);
      expect(transport.paths).toEqual(["/api/v1/persistentvolumeclaims?limit=10"]);
    },
  );

  it("asks with the selector, and says how often each path led to a value", async () => {
    const transport = recorded("plain");
    const ports = { transport, clock: new VirtualClock(), random: seededRandom(1) };
    const preview = await previewSource(compiled("pods-by-node"), ports, new AbortController().signal);
    expect(preview.resourceCount).toBe(13);
    expect(transport.paths[0]).toContain("labelSelector=tier%3Dfront%2Capp%20in%20(api%2Cweb");
    expect(preview.fields[0]).toMatchObject({ found: 13, nowhere: 0 });
    expect(preview.cost).toMatchObject({ requests: 1 });
  });
});
