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

  it.runIf(hasRedis())("differs from the original only as listed, with values in Redis", async () => {
    const redis = await startRedis();
    try {
      expect(failuresOf(await compareFleet(golden, redis.url, readDifferences()))).toEqual([]);
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
        const moved =
          file === "applied-manifests.yaml" ? text.replaceAll("namespace: clusterpulse", "namespace: else") : text;
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
