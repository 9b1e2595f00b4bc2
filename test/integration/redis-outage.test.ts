// Redis away for half a minute, and empty when it comes back: a whole hub over real sockets, with a short interval.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openHubProcess } from "../../src/cli/hub-process.ts";
import { loadHubKubeconfig } from "../../src/kube/kubeconfig.ts";
import { pollStarts } from "../../src/simulator/http/poll-starts.ts";
import { startSimulator } from "../../src/simulator/index.ts";
import { silentLogger } from "../../src/support/log.ts";
import { eventually, pause } from "../support/processes.ts";
import { hasRedis, startRedis } from "../support/redis.ts";

const withRedis = hasRedis();
const namespace = "fleet";
const intervalSeconds = 4;
const outageMs = 30_000;
const parts = "spec status info metrics namespaces nodes nodes:summary".split(" ");
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

test("E-26 Redis killed for thirty seconds and back empty: polls go on, and all keys are there again two polls later", async (context) => {
  if (!withRedis) return context.skip();
  const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-outage-"));
  cleanups.push(() => rmSync(scratch, { recursive: true, force: true }));
  const redis = await startRedis();
  cleanups.push(() => redis.stop());
  const simulator = await startSimulator({ clusters: 6, seed: 4, preset: "tiny" });
  cleanups.push(() => simulator.close());
  simulator.register({ namespace, intervalSeconds });
  const kubeconfig = join(scratch, "kubeconfig");
  writeFileSync(kubeconfig, simulator.kubeconfig(), { mode: 0o600 });
  const opened = await openHubProcess({ version: "test", namespace, store: redis.url, log: silentLogger });
  cleanups.push(() => opened.stop(4_000));
  const hub = opened.watch({
    kubeconfig: await loadHubKubeconfig({ path: kubeconfig, env: {} }),
    limits: { schedule: { minIntervalMs: intervalSeconds * 1_000, minTimeoutMs: 1_000 } },
  });
  const names = simulator.clusters.map(({ name }) => name);
  const polls = (): number[] =>
    names.map((name) => {
      const startOf = pollStarts();
      return simulator.requests.recent(name).filter(({ path, atMs }) => startOf(path, atMs) !== undefined).length;
    });
  const isComplete = async (name: string): Promise<boolean> => {
    const keys = parts.map((part) => `cluster:${name}:${part}`);
    const [known, found] = await Promise.all([
      redis.admin.sismember("clusters:all", name),
      redis.admin.exists(keys),
    ]).catch(() => [0, 0]);
    return known === 1 && found === parts.length;
  };
  const missing = async (): Promise<string[]> => {
    const complete = await Promise.all(names.map(isComplete));
    return names.filter((_, i) => !complete[i]);
  };
  await eventually(async () => (await missing()).length === 0, 30_000, "everything is written");

  await redis.admin.set("only-before", "1");
  const before = polls();
  await redis.kill();
  await pause(outageMs);
  for (const [i, count] of polls().entries())
    expect(count - (before[i] ?? 0), names[i]).toBeGreaterThanOrEqual(
      Math.floor(outageMs / 1_000 / intervalSeconds) - 2,
    );
  expect(hub.store.stats()).toMatchObject({
    dropped: 0,
    refused: 0,
    lastError: { code: expect.stringMatching(/^STORE_/) },
  });
  await redis.start();
  const survived = (): Promise<number | false> => redis.admin.exists("only-before").catch(() => false);
  expect(
    await eventually(async () => [await survived()].find((n) => n !== false)?.toString(), 10_000, "an answer"),
  ).toBe("0");

  // Counted in polls, not in seconds. The third may have begun: the writer's longest pause (5 s) is longer than these intervals.
  const back = polls();
  await eventually(
    async () => {
      const left = await missing();
      const late = left.filter((name) => (polls()[names.indexOf(name)] ?? 0) - (back[names.indexOf(name)] ?? 0) > 3);
      expect(late, "still missing when a fourth poll has begun").toEqual([]);
      return left.length === 0;
    },
    40_000,
    "all keys of all clusters",
  );
  expect(hub.store.stats()).toMatchObject({ dropped: 0, lastError: null });
});
