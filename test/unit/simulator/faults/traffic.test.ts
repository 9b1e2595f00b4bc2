// Which requests a fault meets: patterns, and chance from a seed.
import { describe, expect, it } from "vitest";
import { valuesOf } from "../../../../src/simulator/faults/bounds.ts";
import type { RequestFacts } from "../../../../src/simulator/faults/facts.ts";
import { drawLatency, type LatencyShape } from "../../../../src/simulator/faults/latencies.ts";
import { matcherOf, matchesGlob, Sampler, trafficTables } from "../../../../src/simulator/faults/traffic.ts";
import { seededRandom } from "../../../../src/support/random.ts";

const trafficOf = (given: Record<string, unknown>) => valuesOf(trafficTables.requests, given);
const facts = (verb: string, resource: string, path: string, userAgent = "test/1"): RequestFacts => {
  return { verb, resource, path, userAgent, isWatch: verb === "watch", query: new URLSearchParams(), onEnd() {} };
};
const listPods = facts("list", "pods", "/api/v1/pods");
const patchStatus = facts("patch", "clusterconnections/status", "/apis/clusterpulse.io/v1alpha1/x", "hub/2");
const watchNodes = facts("watch", "nodes", "/api/v1/nodes");
const version = facts("get", "", "/version");

describe("patterns", () => {
  it.each<[Record<string, unknown>, readonly boolean[]]>([
    [{}, [true, true, true, true]],
    [{ verb: "list,watch" }, [true, false, true, false]],
    [{ resource: "pods" }, [true, false, false, false]],
    [{ resource: "nodes,*/status" }, [false, true, true, false]],
    [{ path: "/api/v1/*" }, [true, false, true, false]],
    [{ path: "/version" }, [false, false, false, true]],
    [{ userAgent: "hub/*" }, [false, true, false, false]],
    [{ watch: true }, [false, false, true, false]],
    [{ watch: false, path: "*o*s" }, [true, false, false, false]],
    [{ verb: "list", resource: "nodes" }, [false, false, false, false]],
  ])("%j", (given, met) => {
    expect([listPods, patchStatus, watchNodes, version].map(matcherOf(trafficOf(given)))).toEqual(met);
  });

  it.each<[string, string, boolean]>([
    ["abc", "abc", true],
    ["abc", "abcd", false],
    ["*", "", true],
    ["a*", "a", true],
    ["a*a", "a", false],
    ["*b*", "abc", true],
    ["a*b*c", "a-c-b", false],
    ["a*b*c", "axbxxc", true],
    ["*aab", "aaab", true],
  ])("%s is like %s: %s", (glob, text, is) => {
    expect(matchesGlob(glob, text)).toBe(is);
  });

  it("take no time over what regular expressions despair of", () => {
    expect(matchesGlob("*a".repeat(120), `${"a".repeat(100_000)}b`)).toBe(false);
  });
});

describe("chance", () => {
  const drawn = (given: Record<string, unknown>, name = "c/hang", draws = 2_000): boolean[] => {
    const sampler = new Sampler(trafficOf(given), name);
    return Array.from({ length: draws }, () => sampler.next());
  };
  const share = (met: readonly boolean[]): number => met.filter(Boolean).length / met.length;

  it("is the same with the same seed, and another with another seed or cluster", () => {
    const met = drawn({ probability: 0.3, seed: 5 });
    expect(drawn({ probability: 0.3, seed: 5 })).toEqual(met);
    expect(drawn({ probability: 0.3, seed: 6 })).not.toEqual(met);
    expect(drawn({ probability: 0.3, seed: 5 }, "d/hang")).not.toEqual(met);
  });

  it.each([0, 0.01, 0.3, 0.9, 1])("meets a share of %d", (probability) => {
    expect(share(drawn({ probability }))).toBeCloseTo(probability, 1);
  });

  it("counts: every so many-th, and no more than so many", () => {
    expect(drawn({ everyNth: 3 }, "c", 7)).toEqual([false, false, true, false, false, true, false]);
    expect(drawn({ count: 2 }, "c", 4)).toEqual([true, true, false, false]);
    expect(drawn({ everyNth: 2, count: 1 }, "c", 6)).toEqual([false, true, false, false, false, false]);
  });
});

describe("latencies", () => {
  const draws = (given: Partial<LatencyShape>): number[] => {
    const random = seededRandom(9);
    const shape = { latencyMs: 100, distribution: "fixed", spreadMs: 0, shape: 1.5, maxLatencyMs: 10_000 } as const;
    return Array.from({ length: 5_000 }, () => drawLatency({ ...shape, ...given }, random)).sort((a, b) => a - b);
  };
  const median = (sorted: readonly number[]): number => sorted[sorted.length >> 1] as number;

  it("are fixed, or spread as their distribution says, and never beyond their bound", () => {
    expect(new Set(draws({}))).toEqual(new Set([100]));
    const uniform = draws({ distribution: "uniform", spreadMs: 50 });
    expect(uniform[0]).toBeGreaterThanOrEqual(50);
    expect(uniform.at(-1)).toBeLessThanOrEqual(150);
    expect(median(uniform)).toBeCloseTo(100, -1);
    const normal = draws({ distribution: "normal", spreadMs: 20 });
    expect(median(normal)).toBeCloseTo(100, -1);
    expect(normal.filter((ms) => Math.abs(ms - 100) <= 20).length / normal.length).toBeCloseTo(0.68, 1);
    const pareto = draws({ distribution: "pareto", shape: 1 });
    expect(pareto[0]).toBeGreaterThanOrEqual(100);
    expect(median(pareto) / 200).toBeCloseTo(1, 0);
    expect(pareto.at(-1)).toBe(10_000);
    expect(draws({ distribution: "normal", latencyMs: 1, spreadMs: 500 })[0]).toBe(0);
  });
});
