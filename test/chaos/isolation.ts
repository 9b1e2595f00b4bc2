// E-01, E-04 and hung runs, in virtual time: the real tree of actors over scripted clusters. What stands between one cluster's
// trouble and another's polls is taken away here one at a time, to see that it was what held.
import assert from "node:assert/strict";
import type { HubOptions } from "../../actors/hub/hub.ts";
import { type Behaviour, startVirtualFleet } from "../support/virtual-fleet.ts";
import { type Figures, type Protection, percentile, type Scenario, type ScenarioOptions } from "./scenario.ts";
import { tamperedSystem } from "./tampered-system.ts";

export type VirtualFleet = ReturnType<typeof startVirtualFleet>;

export const intervalMs = 30_000;
/** The timer wheel turns every 100 ms; a poll may be that late. */
const wheelMs = 100;
const minute = 60_000;

/** How the hub is robbed of a protection. */
export function robbedOf(
  protection: Protection | undefined,
): NonNullable<Parameters<typeof startVirtualFleet>[1]>["hub"] & object {
  const robbed: Record<Protection, Pick<HubOptions, "limits" | "createSystem">> = {
    supervision: { createSystem: tamperedSystem({ unsupervised: true }) },
    breaker: { limits: { failuresBeforePause: Number.MAX_SAFE_INTEGER } },
    admission: { limits: { maxHandshakes: 1_000_000 } },
    "run deadlines": { createSystem: tamperedSystem({ endlessRuns: true }) },
  };
  return protection === undefined ? {} : robbed[protection];
}

/** Runs the body over a fleet of so many healthy clusters, and stops it whatever happens. */
export async function withFleet<T>(
  clusters: number,
  { seed, without }: ScenarioOptions,
  body: (fleet: VirtualFleet, names: readonly string[]) => Promise<T>,
  options: Parameters<typeof startVirtualFleet>[1] = {},
): Promise<T> {
  const names = Array.from({ length: clusters }, (_, i) => `cluster-${i}`);
  const fleet = startVirtualFleet(names, { seed, hub: robbedOf(without), ...options });
  try {
    return await body(fleet, names);
  } finally {
    await fleet.stop();
  }
}

/**
 * Every poll of these clusters, of those that came between the two times, came one interval after the one before, give or take a turn of
 * the wheel. Returns how far off each was.
 */
export function latenessMs(
  fleet: VirtualFleet,
  names: readonly string[],
  fromMs: number,
  untilMs = fleet.clock.monotonicMs(),
): number[] {
  const found: number[] = [];
  for (const name of names) {
    const polls = (fleet.pollsMs.get(name) ?? []).filter((atMs) => atMs >= fromMs && atMs <= untilMs);
    assert.ok(
      polls.length >= Math.floor((untilMs - fromMs) / intervalMs),
      `${name} missed a poll: ${polls.length} since ${fromMs}`,
    );
    for (let i = 1; i < polls.length; i++) {
      const lateMs = Math.abs((polls[i] as number) - (polls[i - 1] as number) - intervalMs);
      assert.ok(lateMs <= wheelMs, `${name} was polled ${lateMs} ms off its time at ${polls[i]}`);
      found.push(lateMs);
    }
  }
  return found;
}

/** As latenessMs, until now. Returns the most that one was off. */
export function assertOnTime(fleet: VirtualFleet, names: readonly string[], fromMs: number): number {
  return percentile(latenessMs(fleet, names, fromMs), 1);
}

const breakAll = (fleet: VirtualFleet, names: readonly string[], how: Behaviour): void => {
  for (const name of names) fleet.behaviours.set(name, how);
};

const pollsSince = (fleet: VirtualFleet, name: string, fromMs: number): number =>
  (fleet.pollsMs.get(name) ?? []).filter((atMs) => atMs >= fromMs).length;

const blackHoles: Scenario = {
  id: "E-01",
  promise:
    "a fifth of the fleet accepts connections and says nothing: nobody else is late, and the dead are left alone",
  time: "virtual",
  async run(options) {
    const [clusters, minutes] = options.form === "long" ? [1_000, 30] : [100, 10];
    return await withFleet(clusters, options, async (fleet, names) => {
      await fleet.clock.advance(2 * minute);
      const dead = names.filter((_, i) => i % 5 === 0);
      const healthy = names.filter((_, i) => i % 5 !== 0);
      const brokenAtMs = fleet.clock.monotonicMs();
      breakAll(fleet, dead, "blackhole");
      await fleet.clock.advance(minutes * minute);

      // The same clusters before anything was wrong are what they are compared with.
      const [calm, beside] = [
        latenessMs(fleet, healthy, minute, brokenAtMs),
        latenessMs(fleet, healthy, brokenAtMs),
      ].map((all) => percentile(all, 0.99));
      assert.ok(
        (beside as number) <= 1.1 * (calm as number),
        `p99 of the lateness of healthy clusters is ${beside} ms beside dead ones, ${calm} ms without`,
      );
      // Five polls at the interval, then at most one a minute.
      const allowed = 5 + Math.ceil(minutes - 2);
      const mostProbes = Math.max(...dead.map((name) => pollsSince(fleet, name, brokenAtMs)));
      assert.ok(
        mostProbes <= allowed,
        `a dead cluster was asked ${mostProbes} times in ${minutes} min; ${allowed} are allowed`,
      );
      const mostConnections = Math.max(...fleet.open.values());
      assert.ok(mostConnections <= 1, `${mostConnections} connections are open to one cluster`);
      const { peak } = fleet.hub.admission.stats();
      assert.ok(peak <= 50, `${peak} handshakes were in flight`);
      for (const name of dead) assert.equal(fleet.row(name).status.reason, "ConnectTimeout", `the row of ${name}`);
      return { clusters, minutes, p99LateMs: beside as number, mostProbes, mostConnections, handshakesInFlight: peak };
    });
  },
};

/** Virtual time until every row is healthy, seen once a second. */
async function untilAllHealthy(fleet: VirtualFleet, names: readonly string[], withinMs: number): Promise<number> {
  const fromMs = fleet.clock.monotonicMs();
  const missing = new Set(names);
  while (missing.size > 0) {
    for (const name of missing) if (fleet.row(name).status?.health === "healthy") missing.delete(name);
    const sinceMs = fleet.clock.monotonicMs() - fromMs;
    assert.ok(
      missing.size === 0 || sinceMs < withinMs,
      `after ${sinceMs / 1_000} s ${missing.size} clusters are not seen healthy`,
    );
    if (missing.size > 0) await fleet.clock.advance(1_000);
  }
  return fleet.clock.monotonicMs() - fromMs;
}

const allBack: Scenario = {
  id: "E-04",
  promise:
    "a whole fleet starts, goes for an hour and comes back at once: at most 50 handshakes in flight and 10 lists a second of a cluster, all seen within 60 s and 90 s",
  time: "virtual",
  async run(options) {
    const clusters = options.form === "long" ? 1_000 : 100;
    const latencyMs = (): number => 100;
    const lists = new ListCounter();
    return await withFleet(
      clusters,
      options,
      async (fleet, names) => {
        const coldStartMs = await untilAllHealthy(fleet, names, minute);
        assertHandshakes(fleet);
        await fleet.clock.advance(2 * minute);
        breakAll(fleet, names, "refuse");
        // Long enough that each is left alone for five minutes.
        await fleet.clock.advance(60 * minute);
        const backAtMs = fleet.clock.monotonicMs();
        breakAll(fleet, names, "healthy");
        const fullViewMs = await untilAllHealthy(fleet, names, 90_000);
        assertHandshakes(fleet);
        const mostPolls = Math.max(...names.map((name) => pollsSince(fleet, name, backAtMs)));
        assert.ok(mostPolls <= 5, `a cluster that was back was polled ${mostPolls} times within ${fullViewMs} ms`);
        assert.ok(lists.mostASecond <= 10, `a cluster was asked for ${lists.mostASecond} lists within a second`);
        const { peak } = fleet.hub.admission.stats();
        return { clusters, coldStartMs, fullViewMs, handshakesInFlight: peak, listsASecond: lists.mostASecond };
      },
      { seed: options.seed, hub: robbedOf(options.without), latencyMs, onRequest: lists.count },
    );
  },
};

/** How many lists one cluster was asked for within any one second. */
class ListCounter {
  readonly #recentMs = new Map<string, number[]>();
  mostASecond = 0;

  readonly count = (cluster: string, path: string, atMs: number): void => {
    if (path === "/version") return;
    const recent = [...(this.#recentMs.get(cluster) ?? []).filter((earlierMs) => earlierMs > atMs - 1_000), atMs];
    this.#recentMs.set(cluster, recent);
    this.mostASecond = Math.max(this.mostASecond, recent.length);
  };
}

function assertHandshakes(fleet: VirtualFleet): void {
  const { peak } = fleet.hub.admission.stats();
  assert.ok(peak <= 50, `${peak} handshakes were in flight`);
}

const hungRuns: Scenario = {
  id: "hung-runs",
  promise:
    "polls that never end, whatever is told them, are ended by their deadline: each cluster says so and comes back",
  time: "virtual",
  async run(options) {
    const clusters = options.form === "long" ? 1_000 : 50;
    return await withFleet(clusters, options, async (fleet, names): Promise<Figures> => {
      await fleet.clock.advance(2 * minute);
      const hung = names.filter((_, i) => i % 5 === 0);
      breakAll(fleet, hung, "deaf");
      await fleet.clock.advance(5 * minute);
      for (const name of hung) {
        const { reason } = fleet.row(name).status;
        assert.equal(reason, "CollectionTimeout", `${name}, whose polls never end, says ${reason}`);
      }
      breakAll(fleet, hung, "healthy");
      const backMs = await untilAllHealthy(fleet, names, 2 * minute);
      assertOnTime(
        fleet,
        names.filter((_, i) => i % 5 !== 0),
        minute,
      );
      return { clusters, backMs, runsEndedByDeadline: fleet.hub.system.counters().runsDeadlined };
    });
  },
};

export const isolationScenarios: readonly Scenario[] = [blackHoles, allBack, hungRuns];
