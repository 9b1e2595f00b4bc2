// One load run over parts that are there already: a registered fleet, a hub's process, a store. Warm-up, a time without faults if one is
// wanted, measurement, report.
import { type Clock, rfc3339 } from "../support/clock.ts";
import type { Counts } from "./lateness.ts";
import { exceededLimits } from "./limits.ts";
import {
  type GroupReport,
  histogramOf,
  type LoadReport,
  type LoadSample,
  type MeasuredPhase,
  memoryOf,
  p99Between,
  type ScenarioOutcome,
  worstOf,
} from "./report.ts";
import type { LoadPlan, LoadSubject, RunOptions } from "./subject.ts";
import { Recoveries, Timeline } from "./timeline.ts";
import { FleetWatch } from "./watch.ts";

const sampleMs = 5_000;
/** Of a fleet that is not complete when the warm-up is over: so many times the warm-up is waited at most. */
const maxWarmUps = 4;
/** Faults that were just switched on: so many intervals until hub and fleet are steady again. */
const settlingIntervals = 2;

/** How long the whole run takes when the fleet is complete in time. */
export function plannedSeconds(plan: LoadPlan): number {
  return plan.warmUpSeconds + secondsAfterWarmUp(plan);
}

function secondsAfterWarmUp({ baselineSeconds, intervalSeconds, durationSeconds }: LoadPlan): number {
  return baselineSeconds + (baselineSeconds > 0 ? settlingIntervals * intervalSeconds : 0) + durationSeconds;
}

/**
 * Measures and reports. The hub was started just before. Rejects when the signal fires, and when the simulator or the hub does not
 * answer at the start or the end of the measured time.
 */
export function runLoad(plan: LoadPlan, subject: LoadSubject, options: RunOptions): Promise<LoadReport> {
  return new LoadRun(plan, subject, options).run();
}

class LoadRun {
  readonly #plan: LoadPlan;
  readonly #subject: LoadSubject;
  readonly #options: RunOptions;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  /** A cycle's beginning is only the newest one's: looking twice in an interval misses none. */
  readonly #lookEveryMs: number;
  readonly #startedAtMs: number;
  readonly #healthyAtFirst: readonly string[];
  readonly #watch: FleetWatch;
  readonly #samples: (Omit<LoadSample, "atSeconds"> & { readonly atMs: number })[] = [];

  constructor(plan: LoadPlan, subject: LoadSubject, options: RunOptions) {
    this.#plan = plan;
    this.#subject = subject;
    this.#options = options;
    this.#clock = options.clock;
    this.#intervalMs = plan.intervalSeconds * 1_000;
    this.#lookEveryMs = Math.min(sampleMs, this.#intervalMs / 3);
    this.#startedAtMs = this.#clock.nowMs();
    this.#healthyAtFirst = subject.clusters.filter((name) => !subject.broken.has(name));
    this.#watch = new FleetWatch(subject, this.#healthyAtFirst, this.#intervalMs, this.#startedAtMs);
  }

  async run(): Promise<LoadReport> {
    const plan = this.#plan;
    const subject = this.#subject;
    const unitBeforeMs = await this.#warmUp();
    const { broken } = subject;
    const before = new Timeline(plan.baselineSeconds > 0 ? new Map() : broken, [], 0);
    let baseline: { readonly fromMs: number; readonly toMs: number } | undefined;
    if (plan.baselineSeconds > 0) {
      const fromMs = this.#clock.nowMs();
      baseline = { fromMs, toMs: fromMs + plan.baselineSeconds * 1_000 };
      await this.#sampleUntil(baseline.toMs, "baseline", this.#healthyAtFirst, before);
      await subject.breakFleet?.();
      const settledMs = this.#clock.nowMs() + settlingIntervals * this.#intervalMs;
      await this.#sampleUntil(settledMs, "settling", this.#healthyAtFirst, new Timeline(broken, [], 0));
    }

    const fromMs = this.#clock.nowMs();
    const toMs = fromMs + plan.durationSeconds * 1_000;
    this.#watch.mostSockets.clear();
    const scenario = await subject.startScenario?.();
    // Those that go or come back have cycles only while they are there: they are in neither group.
    const churned = new Set(scenario?.churned);
    const timeline = new Timeline(broken, scenario?.spells ?? [], fromMs);
    this.#watch.recoveries = new Recoveries(scenario?.spells ?? [], churned, fromMs);
    const healthy = subject.clusters.filter((name) => !timeline.faults.has(name) && !churned.has(name));
    const costs = await this.#watch.costs();
    await this.#sampleUntil(toMs, "measuring", healthy, timeline, churned);
    const spent = await this.#watch.costs();
    const measuredMs = this.#clock.nowMs() - fromMs;
    const played = scenario === undefined ? null : await subject.scenario();
    const unitRangeMs = [unitBeforeMs, await subject.unitMs()] as const;

    const brokenNames = [...timeline.faults.keys()].filter((name) => !churned.has(name));
    const groupOf = (names: readonly string[], counts?: Counts): GroupReport => ({
      ...this.#watch.ledger.report(names, fromMs, toMs, counts),
      maxSocketsPerCluster: Math.max(0, ...names.map((name) => this.#watch.mostSockets.get(name) ?? 0)),
    });
    const healthyReport = groupOf(healthy);
    const baselineReport = baseline && this.#watch.ledger.report(healthy, baseline.fromMs, baseline.toMs);
    const cyclesOf = (names: readonly string[], counts?: Counts) =>
      this.#watch.ledger.cycles(names, fromMs, toMs, counts);
    const latenessOf = (cycles: ReturnType<typeof cyclesOf>): number[] => cycles.map(({ latenessMs }) => latenessMs);
    const healthyCycles = cyclesOf(healthy);
    const perCycle = (ms: number): number => ms / ((subject.clusters.length * measuredMs) / this.#intervalMs);
    const cpuMsPerClusterCycle = perCycle(spent.hub.cpuMs - costs.hub.cpuMs);
    const unitMs = (unitRangeMs[0] + unitRangeMs[1]) / 2;
    const measured = this.#samples.filter(({ phase }) => phase === "measuring");
    // While it ran, a cycle that was not over counted with its age: now it is known how late it was.
    const momentsMs = this.#samples.map(({ atMs }) => atMs);
    const brokenFromMs = baseline?.toMs ?? fromMs;
    const p99Of = (names: readonly string[], sinceMs: number, counts?: Counts): (number | null)[] =>
      p99Between(this.#watch.ledger.cycles(names, sinceMs, toMs, counts), momentsMs);
    const healthyP99 = p99Of(healthy, baseline?.fromMs ?? fromMs);
    const brokenP99 = p99Of(brokenNames, brokenFromMs, timeline.isBroken);
    const series = this.#samples.map(({ atMs, ...sample }, index) => ({
      ...sample,
      atSeconds: (atMs - fromMs) / 1_000,
      healthyLatenessP99Ms: healthyP99[index] ?? null,
      brokenLatenessP99Ms: brokenP99[index] ?? null,
    }));
    const baselineP99 = baselineReport?.latenessMs.p99 ?? 0;
    const figures = {
      firstFullViewMs: this.#watch.firstFullViewMs,
      healthy: healthyReport,
      healthyToBaselineP99:
        baselineP99 > 0 && healthyReport.cycles > 0 ? healthyReport.latenessMs.p99 / baselineP99 : null,
      recoveries: this.#watch.recoveries.report(toMs),
      hub: {
        cpuMsPerClusterCycle,
        cpuPerClusterCycleU: cpuMsPerClusterCycle / unitMs,
        rssBytes: Math.max(...[costs.hub, spent.hub].map(({ residentBytes }) => residentBytes), ...rssOf(measured)),
        rss: memoryOf(series.filter(({ phase }) => phase === "measuring")),
        sockets: mostOf(measured.map(({ hubSockets }) => hubSockets)),
        handshakesPeak: spent.hub.handshakesPeak,
      },
    };
    return {
      version: 1,
      startedAt: rfc3339(this.#startedAtMs),
      command: plan.command,
      machine: plan.machine,
      seed: plan.seed,
      preset: plan.preset,
      clusters: subject.clusters.length,
      intervalSeconds: plan.intervalSeconds,
      warmUpSeconds: Math.round(((baseline?.fromMs ?? fromMs) - this.#startedAtMs) / 1_000),
      durationSeconds: plan.durationSeconds,
      faults: countBy(timeline.faults.values()),
      churned: churned.size,
      scenario: played && outcomeOf(played),
      ...figures,
      broken: groupOf(brokenNames, timeline.isBroken),
      baseline: baselineReport ? { durationSeconds: plan.baselineSeconds, healthy: baselineReport } : null,
      worst: worstOf(healthyCycles, this.#intervalMs),
      tickMs: healthyReport.tickMs,
      unitMs,
      unitRangeMs,
      simulator: {
        cpuMsPerClusterCycle: perCycle(spent.simulator.cpuMs - costs.simulator.cpuMs),
        rssBytes: spent.simulator.residentBytes,
      },
      limits: plan.limits,
      exceeded: exceededLimits(figures, plan.limits),
      series,
      histogram: {
        healthy: histogramOf(latenessOf(healthyCycles)),
        broken: histogramOf(latenessOf(cyclesOf(brokenNames, timeline.isBroken))),
      },
    };
  }

  /** Until the fleet is complete and every cluster has come at its own turn. Resolves with the unit, taken at its end. */
  async #warmUp(): Promise<number> {
    let unitMs: number | undefined;
    for (;;) {
      const leftMs = this.#measureAtMs() - this.#clock.nowMs();
      // One interval before, so that every cluster's turn is known when it begins.
      if (unitMs === undefined && (leftMs <= 0 || (this.#watch.unseen.size === 0 && leftMs <= this.#intervalMs))) {
        this.#watch.noteFrom(this.#clock.nowMs());
        unitMs = await this.#subject.unitMs();
        continue;
      }
      if (unitMs !== undefined && leftMs <= 0) return unitMs;
      if (unitMs !== undefined) await this.#watch.look();
      const secondsLeft = Math.round(leftMs / 1_000) + secondsAfterWarmUp(this.#plan);
      this.#options.progress({ secondsLeft, phase: "warm-up", unseen: this.#watch.unseen.size, sample: undefined });
      await this.#pause(Math.min(this.#lookEveryMs, leftMs));
    }
  }

  #measureAtMs(): number {
    const warmUpMs = this.#plan.warmUpSeconds * 1_000;
    const firstMs = this.#startedAtMs + warmUpMs;
    const lastMs = this.#startedAtMs + maxWarmUps * warmUpMs;
    if (this.#watch.unseen.size > 0) return this.#clock.nowMs() < firstMs ? firstMs : lastMs;
    // Every cluster's second cycle has come at its own turn one and a half intervals after its first.
    const turnsKnownMs = this.#startedAtMs + (this.#watch.firstFullViewMs ?? 0) + 1.5 * this.#intervalMs;
    return Math.min(lastMs, Math.max(firstMs, turnsKnownMs));
  }

  /** Looks again and again, and notes what it saw. */
  async #sampleUntil(
    toMs: number,
    phase: MeasuredPhase,
    healthy: readonly string[],
    timeline: Timeline,
    churned: ReadonlySet<string> = new Set(),
  ): Promise<void> {
    const broken = [...timeline.faults.keys()].filter((name) => !churned.has(name));
    let last = { atMs: this.#clock.nowMs(), cost: await this.#watch.hubCost() };
    while (last.atMs < toMs) {
      await this.#pause(Math.min(this.#lookEveryMs, Math.max(1, toMs - this.#clock.nowMs())));
      await this.#watch.look();
      const cost = (await this.#subject.hubCost()) ?? last.cost;
      const hubSockets = await this.#subject.hubSockets();
      const atMs = this.#clock.nowMs();
      this.#watch.recoveries.handshakes(atMs, cost.handshakesPeak);
      const p99 = (names: readonly string[], counts?: Counts): number | null => {
        const { cycles, latenessMs } = this.#watch.ledger.report(names, last.atMs, atMs, counts);
        return cycles === 0 ? null : latenessMs.p99;
      };
      const sample = {
        phase,
        hubCores: (cost.cpuMs - last.cost.cpuMs) / Math.max(1, atMs - last.atMs),
        hubRssBytes: cost.residentBytes,
        hubSockets,
        healthyLatenessP99Ms: p99(healthy),
        brokenLatenessP99Ms: p99(broken, timeline.isBroken),
      };
      this.#samples.push({ atMs, ...sample });
      last = { atMs, cost };
      const secondsLeft = Math.max(0, Math.round((toMs - atMs) / 1_000)) + this.#secondsAfter(phase);
      this.#options.progress({ secondsLeft, phase, unseen: this.#watch.unseen.size, sample });
    }
  }

  #secondsAfter(phase: MeasuredPhase): number {
    const { durationSeconds, intervalSeconds } = this.#plan;
    switch (phase) {
      case "baseline":
        return settlingIntervals * intervalSeconds + durationSeconds;
      case "settling":
        return durationSeconds;
      case "measuring":
        return 0;
    }
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#options;
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const stop = (): void => {
        cancel();
        reject(signal.reason as Error);
      };
      const cancel = this.#clock.setTimer(() => {
        signal.removeEventListener("abort", stop);
        resolve();
      }, ms);
      signal.addEventListener("abort", stop, { once: true });
    });
  }
}

const rssOf = (samples: readonly { readonly hubRssBytes: number }[]): number[] =>
  samples.map(({ hubRssBytes }) => hubRssBytes);

/** Null when it was unknown once. */
function mostOf(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>(
    (most, value) => (most === null || value === null ? null : Math.max(most, value)),
    0,
  );
}

/** Its own members alone: what is asked may tell more. */
const outcomeOf = ({ actions, done, failed, lastError }: ScenarioOutcome): ScenarioOutcome => ({
  ...{ actions, done, failed, lastError },
});

function countBy(values: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
