// What the sweeper asks for, kind by kind, and what it does when it is refused or the store is away.
import { expect, it } from "vitest";
import { sweeperDefinition } from "../../../../actors/hub/sweeper.ts";
import type { ObjectCache } from "../../../../actors/informer/informer.ts";
import { createActorSystem } from "../../../../actors/system/index.ts";
import { ClusterPulseError } from "../../../../src/support/errors.ts";
import { silentLogger } from "../../../../src/support/log.ts";
import { seededRandom } from "../../../../src/support/random.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";

const keys: Readonly<Record<string, readonly string[]>> = {
  ClusterConnection: ["fleet/prod", "fleet/dev"],
  RegistryConnection: ["fleet/quay"],
  MetricSource: ["fleet/pods"],
};

/** Runs a sweeper whose n-th sweep ends with `codes[n]`; undefined: well. */
async function sweeps(codes: readonly (string | undefined)[], synced = true): Promise<unknown[][]> {
  const clock = new VirtualClock();
  const system = createActorSystem({ clock, random: seededRandom(1), log: silentLogger });
  const asked: unknown[][] = [];
  const cache = { keys: (kind: string) => keys[kind] ?? [], synced: () => synced, get: () => undefined };
  const sweep = async (kind: string, live: readonly string[]): Promise<void> => {
    const code = codes[asked.push([kind, live]) - 1];
    if (code !== undefined) throw new ClusterPulseError(code, "no");
  };
  system.spawn(sweeperDefinition(sweep, cache as unknown as ObjectCache), { name: "sweeper" });
  await clock.advance(300_000);
  const stopped = system.stop(1_000);
  await clock.advance(1_000);
  await stopped;
  return asked;
}
const clusters = ["cluster", ["prod", "dev"]];
const registries = ["registry", ["quay"]];
const sources = ["metricsource", ["fleet/pods"]];

it("sweeps clusters, registries and MetricSources once each, given the names of those that there are", async () => {
  expect(await sweeps([])).toEqual([clusters, registries, sources]);
});

it("sweeps registries although the sweep of clusters was refused, which is final", async () => {
  expect(await sweeps(["STORE_SWEEP_REFUSED"])).toEqual([clusters, registries, sources]);
});

it("tries a kind again while the store is away, then goes on", async () => {
  const away = "STORE_UNAVAILABLE";
  expect(await sweeps([away, away, undefined, away])).toEqual([
    clusters,
    clusters,
    clusters,
    registries,
    registries,
    sources,
  ]);
});

it("sweeps nothing before everything that there is is known", async () => {
  expect(await sweeps([], false)).toEqual([]);
});
