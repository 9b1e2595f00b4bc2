// A scenario from its text to its last action, in virtual time.
import { describe, expect, it } from "vitest";
import type { ChurnSettings } from "../../../../src/simulator/churn/settings.ts";
import type { FaultRule } from "../../../../src/simulator/faults/rule.ts";
import { type Action, planScenario, spellsOf } from "../../../../src/simulator/scenario/plan.ts";
import { ScenarioRun } from "../../../../src/simulator/scenario/run.ts";
import { parseScenario } from "../../../../src/simulator/scenario/steps.ts";
import { InvalidInputError } from "../../../../src/support/errors.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";

const names = Array.from({ length: 20 }, (_, i) => `c${i}`);
const plan = (text: string, seed = 1) => planScenario(parseScenario(text), names, seed);
const clusterOf = (action: Action): string => ("cluster" in action ? action.cluster : "");
const shown = (action: Action): string => `${action.atMs} ${action.kind} ${clusterOf(action)}`;

const problemsOf = (text: string): readonly string[] => {
  try {
    plan(text);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidInputError);
    return (error as InvalidInputError).problems;
  }
};

describe("a scenario", () => {
  it("breaks and heals parts of the fleet at their times, and says beforehand whom it touches", () => {
    const text = `
steps:
  - { at: 30s, faults: "blackhole=20%,hang=1" }
  - { at: 2m, heal: all }
  - { at: 5m, faults: [{ cluster: c3, fault: status, parameters: { code: 429 } }] }
`;
    const { actions, broken, churned, durationMs } = plan(text);
    expect(actions.map(({ atMs, kind }) => `${atMs} ${kind}`)).toEqual([
      ...Array.from({ length: 5 }, () => "30000 break"),
      ...Array.from({ length: 5 }, () => "120000 heal"),
      "300000 break",
    ]);
    expect(actions.at(-1)).toMatchObject({ rules: [{ cluster: "c3", fault: "status", parameters: { code: 429 } }] });
    expect([...broken.values()].filter((fault) => fault === "blackhole")).toHaveLength(4);
    expect(broken.has("c3")).toBe(true);
    expect(churned.size).toBe(0);
    expect(durationMs).toBe(300_000);
  });

  it("gives a cluster several rules in one step, in their order, in place of what it had", () => {
    const rules = [
      { cluster: "c3", fault: "status", id: "lists", parameters: { verb: "list", durationMs: 30_000 } },
      { cluster: "c3", fault: "latency", parameters: { startMs: 5_000, durationMs: 60_000 } },
    ];
    const told = plan(
      `steps: [{ at: 0s, faults: [{ cluster: c3, fault: hang }] }, { at: 10s, faults: ${JSON.stringify(rules)} }]`,
    );
    expect(told.actions).toEqual([
      { atMs: 0, kind: "break", cluster: "c3", rules: [{ cluster: "c3", fault: "hang" }] },
      { atMs: 10_000, kind: "break", cluster: "c3", rules },
    ]);
    expect(spellsOf(told)).toEqual([{ cluster: "c3", fault: "hang", fromMs: 0, toMs: 75_000 }]);
  });

  it("lets clusters go and come back at a pace", () => {
    const { actions, churned } = plan(
      "steps: [{ at: 10s, remove: 3 }, { at: 20s, every: 10s, until: 1m, add: 1, remove: 1 }]",
    );
    expect(actions.map(({ atMs, kind }) => `${atMs / 1_000} ${kind}`)).toEqual([
      ...["10 remove", "10 remove", "10 remove"],
      ...[20, 30, 40, 50, 60].flatMap((at) => [`${at} add`, `${at} remove`]),
    ]);
    for (const cluster of actions.map(clusterOf)) expect(churned.has(cluster)).toBe(true);
    const there = new Set(names);
    for (const action of actions) {
      const [kind, cluster] = [action.kind, clusterOf(action)];
      expect(there.has(cluster), cluster).toBe(kind === "remove");
      if (kind === "remove") there.delete(cluster);
      else there.add(cluster);
    }
  });

  it("says beforehand from when to when each cluster is broken", () => {
    const text = `
steps:
  - { at: 10s, faults: [{ cluster: c1, fault: hang }, { cluster: c2, fault: refuse }] }
  - { at: 20s, faults: [{ cluster: c1, fault: refuse }] }
  - { at: 30s, heal: [c1] }
  - { at: 40s, faults: [{ cluster: c1, fault: latency }] }
  - { at: 50s, faults: [{ cluster: c3, fault: hang, parameters: { startMs: 1000, durationMs: 3000 } }] }
  - { at: 60s, heal: [c3], faults: [{ cluster: c3, fault: reset, parameters: { durationMs: 9000 } }] }
  - { at: 65s, heal: [c3] }
`;
    expect(spellsOf(plan(text))).toEqual([
      { cluster: "c1", fault: "hang", fromMs: 10_000, toMs: 30_000 },
      { cluster: "c2", fault: "refuse", fromMs: 10_000, toMs: null },
      { cluster: "c1", fault: "latency", fromMs: 40_000, toMs: null },
      { cluster: "c3", fault: "hang", fromMs: 51_000, toMs: 54_000 },
      { cluster: "c3", fault: "reset", fromMs: 60_000, toMs: 65_000 },
    ]);
  });

  it("is the same for the same seed, and another for another", () => {
    const text = "steps: [{ at: 1s, faults: hang=5 }, { at: 2s, remove: 20% }]";
    expect(plan(text, 7).actions).toEqual(plan(text, 7).actions);
    expect(plan(text, 7).actions.map(shown)).not.toEqual(plan(text, 8).actions.map(shown));
  });

  it.each<[string, RegExp]>([
    ["steps: []", /must have one member, steps/],
    ["{ steps: [{ at: 1s, heal: all }], more: 1 }", /must have one member, steps/],
    ["\t{", /is not YAML/],
    ["steps: [7]", /steps\[0\]: must be an object/],
    ["steps: [{ at: soon, heal: all }]", /steps\[0\]\.at: must be a time such as 30s/],
    ["steps: [{ heal: all }]", /steps\[0\]\.at: is missing/],
    ["steps: [{ at: 1s }]", /steps\[0\]: nothing happens/],
    ["steps: [{ at: 1s, churn: { rate: 5 } }]", /steps\[0\]: churn\.rate: unknown.*exactly one of eventsPerSecond/],
    ["steps: [{ at: 1s, fault: hang=1 }]", /steps\[0\]\.fault: unknown/],
    ["steps: [{ at: 1s, faults: fire=1 }]", /steps\[0\]\.faults: .*fire must be one of/],
    ["steps: [{ at: 1s, remove: 101% }]", /steps\[0\]\.remove: must be all, a number/],
    ["steps: [{ at: 1s, every: 1s, remove: 1 }]", /every and until go together/],
    ["steps: [{ at: 1s, every: 1ms, until: 2s, heal: all }]", /every: must be 100ms or more/],
    ["steps: [{ at: 0s, every: 100ms, until: 4h, heal: all }]", /happens more than 100000 times/],
    ["steps: [{ at: 1s, add: 1 }]", /steps\[0\]\.add: 1 are wanted and there are 0/],
    ["steps: [{ at: 1s, remove: [c99] }]", /c99 is not one of those/],
    [
      "steps: [{ at: 1s, faults: [{ cluster: c1, fault: refuse }, { cluster: c1, fault: tls }] }]",
      /steps\[0\]\.faults: fault: tls meets connections, and so does refuse of c1/,
    ],
    [
      "steps: [{ at: 1s, faults: [{ cluster: c1, fault: hang }, { cluster: c1, fault: hang }] }]",
      /id: c1 has two rules called hang/,
    ],
    ["steps: [{ at: 1s, faults: [{ cluster: c99, fault: hang }] }]", /no simulated cluster is called c99/],
  ])("%s is refused with what is wrong", (text, problem) => {
    expect(problemsOf(text).join("; ")).toMatch(problem);
  });

  it("names everything that is wrong at once", () => {
    expect(problemsOf("steps: [{ at: soon, heal: 0 }, { at: 1s, faults: fire=1 }]")).toHaveLength(3);
  });
});

describe("a run of a scenario", () => {
  const start = (text: string, before: ChurnSettings | null = null) => {
    let settings = before;
    const clock = new VirtualClock();
    const seen: string[] = [];
    const note = (what: string): void => void seen.push(`${clock.monotonicMs()} ${what}`);
    const subject = {
      breakCluster: async (cluster: string, rules: readonly FaultRule[]) =>
        note(`${rules.map(({ fault }) => fault).join("+")} ${cluster}`),
      healCluster: (cluster: string) => Promise.reject(new Error(`cannot heal ${cluster}`)),
      addCluster: (cluster: string) => note(`add ${cluster}`),
      removeCluster: (cluster: string) => note(`remove ${cluster}`),
      churn: {
        set: (asked: ChurnSettings) => {
          settings = asked;
          note(`churn ${asked.eventsPerSecond}`);
        },
        stop: () => {
          settings = null;
          note("churn stops");
        },
        state: () => ({ settings }),
      },
    };
    return { clock, seen, churn: subject.churn, run: new ScenarioRun(plan(text), subject, clock) };
  };

  it("does each thing at its time, goes on after what failed, and says so", async () => {
    const { clock, seen, run } = start(`
steps:
  - { at: 1s, faults: [{ cluster: c1, fault: hang }] }
  - { at: 2s, heal: [c1], remove: [c2] }
  - { at: 4s, add: [c2] }
`);
    await clock.advance(2_500);
    expect(seen).toEqual(["1000 hang c1", "2000 remove c2"]);
    expect(run.state).toMatchObject({ actions: 4, done: 3, failed: 1, running: true });
    expect(run.state.lastError).toMatch(/^heal c1: /);
    await clock.advance(2_000);
    expect(seen.at(-1)).toBe("4000 add c2");
    expect(run.state).toMatchObject({ done: 4, running: false });
  });

  it("lets clusters change by themselves from a time to another", async () => {
    const { clock, seen } = start(`
steps:
  - { at: 1s, churn: { eventsPerSecond: 50, kinds: { rollout: 2, node-flap: 1 } } }
  - { at: 2s, churn: "eventsPerSecond=5,kinds=steady" }
  - { at: 3s, churn: stop }
`);
    await clock.advance(5_000);
    expect(seen).toEqual(["1000 churn 50", "2000 churn 5", "3000 churn stops"]);
  });

  it.each([[null], [{ eventsPerSecond: 3 }]])(
    "leaves churn as it was before, %j, when it is stopped",
    async (before) => {
      const steps =
        "steps: [{ at: 1s, churn: { eventsPerSecond: 50 } }, { at: 2s, churn: stop }, { at: 3s, churn: eventsPerSecond=9 }]";
      for (const untilMs of [1_500, 2_500, 5_000]) {
        const { clock, run, churn } = start(steps, before);
        await clock.advance(untilMs);
        await run.stop();
        expect(churn.state()).toEqual({ settings: before });
        await clock.advance(10_000);
        expect(churn.state()).toEqual({ settings: before });
      }
    },
  );

  it("leaves churn alone that it did not change, or that somebody else has changed since", async () => {
    const untouched = start("steps: [{ at: 1s, remove: 1 }]", { eventsPerSecond: 3 });
    await untouched.clock.advance(2_000);
    await untouched.run.stop();
    const changed = start("steps: [{ at: 1s, churn: { eventsPerSecond: 50 } }]", { eventsPerSecond: 3 });
    await changed.clock.advance(2_000);
    changed.churn.set({ eventsPerSecond: 70 });
    await changed.run.stop();
    expect([untouched.seen.length, untouched.churn.state().settings, changed.churn.state().settings]).toEqual([
      ...[1, { eventsPerSecond: 3 }, { eventsPerSecond: 70 }],
    ]);
  });

  it("stops where it is", async () => {
    const { clock, seen, run } = start("steps: [{ at: 1s, every: 1s, until: 1m, remove: 1, add: all }]");
    await clock.advance(2_500);
    await run.stop();
    await clock.advance(60_000);
    expect(seen).toHaveLength(3);
    expect(run.state.running).toBe(false);
  });
});
