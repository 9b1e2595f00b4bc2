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

  it.runIf(hasRedis())("fails on a message that is published otherwise, or not at all", async () => {
    const redis = await startRedis();
    const folder = mkdtempSync(join(tmpdir(), "clusterpulse-conformance-"));
    try {
      cpSync(golden, folder, { recursive: true });
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
      const failures = failuresOf(await compareFleet(folder, redis.url, readDifferences()));
      expect(failures.map(({ path }) => path)).toEqual([
        "cluster-events/cluster.reconciled/plain/data/health",
        "cluster-events/cluster.unheard/plain",
      ]);
    } finally {
      rmSync(folder, { recursive: true });
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
            : text.replaceAll("clusterpulse/", "else/");
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

  it("fails on a changed value, a missing key and an unlisted difference", async () => {
    const folder = mkdtempSync(join(tmpdir(), "clusterpulse-conformance-"));
    try {
      cpSync(golden, folder, { recursive: true });
      const file = join(folder, "redis.json");
      const keys = JSON.parse(readFileSync(file, "utf8")) as Record<string, { value: { json: { version: string } } }>;
      (keys["cluster:plain:info"] as (typeof keys)[string]).value.json.version = "v9";
      writeFileSync(file, JSON.stringify({ ...keys, "cluster:plain:unheard": { type: "string", value: "of" } }));
      const differences = readDifferences().filter(({ id }) => id !== "console-url");
      expect(failuresOf(await compareFleet(folder, "memory", differences)).map(({ path }) => path)).toEqual([
        "cluster:plain:info/console_url",
        "cluster:plain:info/version",
        "cluster:sick:info/console_url",
        "cluster:plain:unheard",
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
