// The hub on the recorded fleet, compared with what the original made of it; and that the comparison can fail.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readDifferences } from "../conformance/differences.ts";
import { compareFleet, type Outcome } from "../conformance/fleet.ts";
import { hasRedis, startRedis } from "../support/redis.ts";

const golden = fileURLToPath(new URL("../fixtures/golden-fleet/", import.meta.url));
const corners = fileURLToPath(new URL("../fixtures/corner-fleet/", import.meta.url));
const failuresOf = (outcomes: readonly Outcome[]) =>
  outcomes.flatMap(({ failures }) => failures.map(({ path, original, ours }) => ({ path, original, ours })));

describe("the golden fleet", () => {
  it("differs from the original only as listed, with values in memory", async () => {
    const outcomes = await compareFleet(golden, "memory", readDifferences());
    expect(failuresOf(outcomes)).toEqual([]);
    expect(outcomes.filter(({ isNotYet }) => !isNotYet).length).toBeGreaterThan(70);
  });

  it.runIf(hasRedis())("differs from the original only as listed, with values and messages in Redis", async () => {
    const redis = await startRedis();
    try {
      const outcomes = await compareFleet(golden, redis.url, readDifferences());
      expect(failuresOf(outcomes)).toEqual([]);
      const published = outcomes.filter(({ item, isNotYet }) => item.startsWith("cluster-events/") && !isNotYet);
      expect(published.map(({ item }) => item).toSorted()).toEqual([
        "cluster-events/cluster.reconciled/ocp",
        "cluster-events/cluster.reconciled/plain",
        "cluster-events/cluster.reconciled/sick",
        "cluster-events/registry.reconciled/down",
        "cluster-events/registry.reconciled/local",
      ]);
    } finally {
      await redis.stop();
    }
  });

  it("may have endpoints with names, and be in another namespace", async () => {
    const folder = mkdtempSync(join(tmpdir(), "clusterpulse-conformance-"));
    try {
      cpSync(golden, folder, { recursive: true });
      for (const file of ["fleet.json", "redis.json", "applied-manifests.yaml"]) {
        const text = readFileSync(join(folder, file), "utf8").replaceAll("127.1.0.1:20443", "api.one.example:6443");
        // What a MetricSource stores carries its namespace.
        const moved =
          file === "applied-manifests.yaml"
            ? text.replaceAll("namespace: clusterpulse", "namespace: else")
            : text
                .replaceAll("clusterpulse/", "else/")
                .replaceAll("metricsource:clusterpulse:", "metricsource:else:")
                .replace(/"namespace": ?"clusterpulse"/g, '"namespace":"else"');
        writeFileSync(join(folder, file), moved);
      }
      rmSync(join(folder, "cr"), { recursive: true });
      const outcomes = await compareFleet(folder, "memory", readDifferences());
      const outside = failuresOf(outcomes).filter(({ path }) => path.startsWith("cluster:plain:"));
      expect(outside).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.runIf(hasRedis())("fails on what is changed, missing, unlisted or published otherwise", async () => {
    const redis = await startRedis();
    const folder = mkdtempSync(join(tmpdir(), "clusterpulse-conformance-"));
    try {
      cpSync(golden, folder, { recursive: true });
      const file = join(folder, "redis.json");
      const keys = JSON.parse(readFileSync(file, "utf8")) as Record<string, { value: { json: { version: string } } }>;
      (keys["cluster:plain:info"] as (typeof keys)[string]).value.json.version = "v9";
      writeFileSync(file, JSON.stringify({ ...keys, "cluster:plain:unheard": { type: "string", value: "of" } }));
      const line = (cluster: string, type: string, health: string): string => {
        const message = JSON.stringify({ type, cluster, timestamp: "2026-11-21T08:01:05Z", data: { health } });
        return JSON.stringify({ t: 1, channel: "cluster-events", message });
      };
      const lines = [
        line("plain", "cluster.reconciled", "healthy"),
        line("plain", "cluster.reconciled", "poorly"),
        line("plain", "cluster.unheard", "healthy"),
        line("plain", "cluster.deleted", "healthy"),
        line("pushing", "cluster.reconciled", "healthy"),
      ];
      writeFileSync(join(folder, "pubsub.jsonl"), lines.join("\n"));
      const differences = readDifferences().filter(({ id }) => id !== "console-url");
      expect(failuresOf(await compareFleet(folder, redis.url, differences)).map(({ path }) => path)).toEqual([
        "cluster:plain:info/console_url",
        "cluster:plain:info/version",
        "cluster:sick:info/console_url",
        "cluster:plain:unheard",
        "cluster-events/cluster.reconciled/plain/data/health",
        "cluster-events/cluster.unheard/plain",
      ]);
    } finally {
      rmSync(folder, { recursive: true });
      await redis.stop();
    }
  });
});

describe("the corners of the original", () => {
  it.runIf(hasRedis())("differ only as listed", async () => {
    const redis = await startRedis();
    try {
      const outcomes = await compareFleet(corners, redis.url, readDifferences());
      expect(failuresOf(outcomes)).toEqual([]);
      expect(outcomes.length).toBeGreaterThan(150);
    } finally {
      await redis.stop();
    }
  });

  it("explain nothing that is wrong beside them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "clusterpulse-conformance-"));
    try {
      cpSync(corners, folder, { recursive: true });
      const plantStatus = (name: string, right: string, wrong: string): void => {
        const cr = join(folder, "cr", `cr-${name}.after.yaml`);
        writeFileSync(cr, readFileSync(cr, "utf8").replace(right, wrong));
      };
      plantStatus("metricsources-convert", "resourcesCollected: 2", "resourcesCollected: 5");
      plantStatus("registryconnections-garbled", "available: true", "available: false");
      plantStatus("clusterconnections-small", "phase: Connected", "phase: Error");
      const file = join(folder, "redis.json");
      const keys = JSON.parse(readFileSync(file, "utf8")) as Record<string, { value: unknown }>;
      const plant = (key: string, members: readonly (string | number)[], value: unknown): void => {
        const last = members.at(-1) as string;
        let at = (keys[key] as { value: unknown }).value as Record<string, unknown>;
        for (const member of members.slice(0, -1)) at = at[member] as Record<string, unknown>;
        at[last] = value;
      };
      const rows = "cluster:corner:custom:watch/convert:resources";
      const second = ["json", "resources", 1, "values"];
      plant("cluster:corner:nodes:summary", ["data", "json", "total"], 2);
      plant("cluster:corner:info", ["json", "channel"], "slow");
      plant("cluster:corner:operators", ["json", 2, "provider"], "Q");
      plant("cluster:corner:cluster_operators", ["json", 1, "message"], "fine");
      plant("cluster:small:status", ["json", "health"], "unhealthy");
      plant("cluster:small:node:small-1", ["current", "json", "memory_requested"], 1);
      plant("cluster:garbled:status", ["json", "health"], "healthy");
      plant("clusters:all", [0], "smaller");
      plant("registry:garbled:status", ["json", "available"], false);
      plant("registry:busy:status", ["json", "available"], true);
      plant("registry:paged:status", ["json", "version"], "registry/1.0");
      plant(rows, [...second, "thing"], "simple");
      plant(rows, [...second, "size"], 1);
      plant(rows, [...second, "when"], "2026-01-01T00:00:01Z");
      plant(rows, [...second, "seven"], false);
      plant("cluster:corner:custom:watch/convert:aggregations", ["json", "values", "w1"], 3);
      plant("cluster:small:custom:watch/pods:aggregations", ["json", "values", "by_phase", "Running"], 7);
      plant("cluster:small:custom:watch/pods:resources", ["json", "resources", 1, "_id"], "team/gone");
      plant("metricsource:watch:pods", ["json", "collection", "batchSize"], 7);
      writeFileSync(file, JSON.stringify(keys));
      const failures = failuresOf(await compareFleet(folder, "memory", readDifferences()));
      expect(failures.map(({ path }) => path).toSorted()).toEqual(
        [
          "cluster:corner:nodes:summary/data/total",
          "cluster:corner:info/channel",
          "cluster:corner:operators/apps/spread.v1/provider",
          "cluster:corner:cluster_operators/1/message",
          "cluster:small:status/health",
          "cluster:small:node:small-1/current/memory_requested",
          "cluster:garbled:status/health",
          "clusters:all/smaller",
          "registry:garbled:status/available",
          "registry:busy:status/available",
          // What is said to be available has a response time.
          "registryconnections/busy/status/responseTime",
          "registry:paged:status/version",
          `${rows}/resources/a/w2/values/thing`,
          `${rows}/resources/a/w2/values/size`,
          `${rows}/resources/a/w2/values/when`,
          `${rows}/resources/a/w2/values/seven`,
          "cluster:corner:custom:watch/convert:aggregations/values/w1",
          "cluster:small:custom:watch/pods:aggregations/values/by_phase/Running",
          "cluster:small:custom:watch/pods:resources/resources/team/gone",
          "cluster:small:custom:watch/pods:resources/resources/team/two",
          "metricsource:watch:pods/collection/batchSize",
          "metricsources/convert/status/resourcesCollected",
          "registryconnections/garbled/status/available",
          "clusterconnections/small/status/phase",
        ].toSorted(),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
