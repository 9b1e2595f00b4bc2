// E-26, over processes of their own: what a hub holds in memory while Redis is away, and how soon all is there again. By hand only; what
// a hub does meanwhile is asserted in test/integration/redis-outage.test.ts, whose outage is short.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { type FleetSettings, type LoadParts, startParts } from "../../src/cli/load-parts.ts";
import { metricValue } from "../../src/load/observe.ts";
import { startRedis } from "../support/redis.ts";
import type { Figures, Scenario } from "./scenario.ts";

const intervalSeconds = 30;
const maxGrowthBytes = 50_000_000;

const residentBytes = async (parts: LoadParts): Promise<number> =>
  metricValue((await parts.hubMetrics()) ?? "", "process_resident_memory_bytes");

const outage: Scenario = {
  id: "E-26",
  promise:
    "Redis is away for ten minutes and comes back empty: the hub's process grows by less than 50 MB, all is there again two polls later",
  time: "by hand",
  async run({ form, seed }): Promise<Figures> {
    const [clusters, outageSeconds] = form === "long" ? [100, 600] : [20, 60];
    const redis = await startRedis();
    const settings: FleetSettings = {
      clusters,
      preset: "small",
      seed,
      intervalSeconds,
      metricSources: 1,
      registries: 0,
      simulatorProcesses: 1,
      storeUrl: redis.url,
    };
    try {
      const ended = new AbortController();
      const parts = await startParts(
        settings,
        () => undefined,
        () => ended.abort(),
      );
      try {
        const complete = async (): Promise<boolean> => {
          const names = (await parts.admin.clusters()).map(({ name }) => name);
          const found = await Promise.all(
            names.map((name) => redis.admin.exists(`cluster:${name}:metrics`, `cluster:${name}:nodes`)),
          );
          return found.every((count) => count === 2);
        };
        const untilComplete = async (withinSeconds: number): Promise<number> => {
          for (let second = 0; second <= withinSeconds; second++) {
            if (await complete()) return second;
            await pause(1_000, undefined, { signal: ended.signal });
          }
          assert.fail(`not every cluster was written within ${withinSeconds} s`);
        };
        await untilComplete(120);
        // Two intervals more, so that a process that still warms up is not taken for one that grows.
        await pause(2_000 * intervalSeconds, undefined, { signal: ended.signal });
        const beforeBytes = await residentBytes(parts);
        await redis.kill();
        let mostBytes = beforeBytes;
        for (let waited = 0; waited < outageSeconds; waited += 5) {
          await pause(5_000, undefined, { signal: ended.signal });
          mostBytes = Math.max(mostBytes, await residentBytes(parts));
        }
        const grownBytes = mostBytes - beforeBytes;
        assert.ok(grownBytes <= maxGrowthBytes, `the process grew from ${beforeBytes} to ${mostBytes} bytes`);
        await redis.start();
        // Two polls, and the longest pause between two attempts of the writer.
        const backAfterSeconds = await untilComplete(2 * intervalSeconds + 5);
        return { clusters, outageSeconds, beforeBytes, grownBytes, backAfterSeconds };
      } finally {
        await parts.close();
      }
    } finally {
      await redis.stop();
    }
  },
};

export const outageScenarios: readonly Scenario[] = [outage];
