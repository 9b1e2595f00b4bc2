// What churn is asked for: texts and objects, and everything that is wrong with them at once.
import { describe, expect, it } from "vitest";
import { joinStates, shareOf } from "../../../../src/simulator/churn/parts.ts";
import { parseChurn, parseChurnText } from "../../../../src/simulator/churn/settings.ts";
import { InvalidInputError } from "../../../../src/support/errors.ts";

const problemsOf = (read: () => unknown): readonly string[] => {
  try {
    read();
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidInputError);
    return (error as InvalidInputError).problems;
  }
};

describe("settings of churn", () => {
  it("are read from an object and from the text of a flag", () => {
    const settings = {
      eventsPerSecond: 50,
      kinds: { rollout: 2, "node-flap": 1 },
      burst: { everyMs: 60_000, size: 500 },
      diurnal: 0.5,
      maxCatchUp: 200,
      seed: 7,
    };
    expect(parseChurn(settings)).toEqual(settings);
    const text = "eventsPerSecond=50,kinds=rollout:2+node-flap,burst=500/60s,diurnal=0.5,maxCatchUp=200,seed=7";
    expect(parseChurnText(text)).toEqual(settings);
    expect(parseChurnText("perClusterRate=0.1")).toEqual({ perClusterRate: 0.1 });
  });

  it("say everything that is wrong at once", () => {
    const wrong = {
      eventsPerSecond: -1,
      perClusterRate: "2",
      kinds: { meteor: 1, rollout: 0 },
      burst: { size: 5, often: true },
      diurnal: 2,
      maxCatchUp: 1.5,
      speed: 3,
    };
    const problems = problemsOf(() => parseChurn(wrong)).join("; ");
    for (const what of [
      "speed",
      "eventsPerSecond: must",
      "perClusterRate: must",
      "exactly one",
      "meteor",
      "kinds.rollout",
    ]) {
      expect(problems).toContain(what);
    }
    for (const what of ["churn.burst: must", "burst.everyMs", "diurnal", "maxCatchUp: must be a whole"]) {
      expect(problems).toContain(what);
    }
    expect(problemsOf(() => parseChurnText("fast,kinds=meteor,seed=1,seed=2,burst=5"))).toHaveLength(5);
    expect(problemsOf(() => parseChurn([]))).toHaveLength(1);
    expect(problemsOf(() => parseChurn({ eventsPerSecond: Number.NaN }))).toHaveLength(1);
  });

  it("are shared by processes, and what came of them is summed", () => {
    const settings = { eventsPerSecond: 50, kinds: { rollout: 1 }, burst: { everyMs: 1_000, size: 10 } };
    expect(shareOf(settings, 0.4)).toEqual({ ...settings, eventsPerSecond: 20, burst: { everyMs: 1_000, size: 4 } });
    expect(shareOf({ perClusterRate: 2 }, 0.4)).toEqual({ perClusterRate: 2 });
    const begun = { steady: 1, rollout: 2, crashloop: 0, "node-flap": 0, "scale-out": 0 };
    const state = {
      settings: null,
      trace: { steps: 4, played: 2, refused: 1 },
      ...{ steps: 3, idle: 1, pending: 4, dropped: 5 },
      begun: { ...begun, namespaces: 0, "pvc-pending": 0, "cluster-upgrade": 0 },
    };
    expect(joinStates(settings, [state, state])).toMatchObject({
      settings,
      trace: { steps: 8, played: 4, refused: 2 },
      ...{ steps: 6, idle: 2, pending: 8, dropped: 10 },
      begun: { steady: 2, rollout: 4, crashloop: 0 },
    });
  });
});
