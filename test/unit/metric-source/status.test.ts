import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { durationText } from "../../../src/metric-source/duration.ts";
import { trusted } from "../../../src/metric-source/quarantine.ts";
import { type ClusterOutcome, type SourceStatusInput, sourceStatus } from "../../../src/metric-source/status.ts";

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);

function outcome(cluster: string, changes: Partial<ClusterOutcome> = {}): ClusterOutcome {
  return {
    cluster,
    state: "collected",
    resources: 3,
    truncated: false,
    problems: [],
    durationMs: 14.2,
    collectedAtMs: nowMs,
    cpuMs: 2,
    bytes: 1_000,
    objects: 5,
    storedBytes: 700,
    stopped: [],
    isQuarantined: false,
    resolved: [3],
    ...changes,
  };
}

function input(changes: Partial<SourceStatusInput> = {}): SourceStatusInput {
  return {
    compileProblems: [],
    computed: ["ratio"],
    fields: [{ name: "phase" }],
    clusters: [
      outcome("ocp"),
      outcome("plain", { resources: 4, resolved: [4] }),
      outcome("sick", { resources: 5, resolved: [5] }),
    ],
    quarantine: trusted,
    previous: undefined,
    observedGeneration: 2,
    nowMs,
    refreshMs: 300_000,
    ...changes,
  };
}

const condition = (status: ReturnType<typeof sourceStatus>, type: string) =>
  status.conditions?.find((found) => found.type === type);

describe("the status of a MetricSource", () => {
  it("has the members and texts of the original where all went well", () => {
    const file = new URL("../../fixtures/golden-fleet/cr/cr-metricsources-nodes-info.after.yaml", import.meta.url);
    const golden = (parse(readFileSync(file, "utf8")) as { status: Record<string, unknown> }).status;
    const { conditions, lastCollectionTime: _time, ...rest } = golden;
    const status = sourceStatus(input());
    expect(status).toMatchObject(rest);
    const [ready] = conditions as Record<string, unknown>[];
    expect(status.conditions?.[0]).toMatchObject({ ...ready, lastTransitionTime: "2026-01-02T03:04:05Z" });
  });

  it("stays as it is, to the byte, while only times, durations and costs change", () => {
    const previous = sourceStatus(input());
    const later = { durationMs: 99, cpuMs: 9, collectedAtMs: nowMs + 60_000 };
    const clusters = input().clusters.map((cluster) => ({ ...cluster, ...later }));
    expect(sourceStatus(input({ previous, clusters, nowMs: nowMs + 60_000 }))).toBe(previous);
    const refreshed = sourceStatus(input({ previous, clusters, nowMs: nowMs + 300_000 }));
    expect(refreshed).toMatchObject({ lastCollectionDuration: "99ms", cost: { cpuMs: 27 } });
    expect(refreshed.conditions).toEqual(previous.conditions);
  });

  it("takes a status that was read back for the same, whatever the order of its members", () => {
    const previous = sourceStatus(input());
    const readBack = Object.fromEntries(Object.entries(previous).toReversed());
    expect(sourceStatus(input({ previous: readBack, nowMs: nowMs + 1_000 }))).toBe(readBack);
  });

  it("moves a transition time only when the condition's status changes", () => {
    const previous = sourceStatus(input());
    const clusters = [outcome("ocp"), outcome("plain", { state: "failed", problems: ["not allowed"] })];
    const status = sourceStatus(input({ previous, clusters, nowMs: nowMs + 5_000 }));
    expect(condition(status, "Ready")).toMatchObject({ status: "True", lastTransitionTime: "2026-01-02T03:04:05Z" });
    expect(condition(status, "Degraded")).toMatchObject({
      status: "True",
      message: "plain: not allowed",
      lastTransitionTime: "2026-01-02T03:04:10Z",
      observedGeneration: 2,
    });
    expect(status).toMatchObject({ phase: "Active", errorsLastRun: 1, message: "Collected with 1 error" });
  });

  it("is an error where every cluster failed, and where the definition does", () => {
    const failing = sourceStatus(input({ clusters: [outcome("a", { state: "failed", problems: ["no"] })] }));
    expect(failing).toMatchObject({ phase: "Error", message: "no" });
    expect(condition(failing, "Ready")).toMatchObject({ status: "False", reason: "CollectionFailed" });
    const compileProblems = ["spec.fields[0].path must not be empty", "spec.computed[0].expression is wrong"];
    const broken = sourceStatus(input({ compileProblems }));
    expect(broken).toMatchObject({ phase: "Error", errorsLastRun: 1, message: compileProblems.join("; ") });
    expect(broken).not.toHaveProperty("fieldValidation");
    expect(condition(broken, "Ready")).toMatchObject({ status: "False", reason: "InvalidSpec" });
  });

  it("does not take an unreachable cluster for an error, and names it", () => {
    const status = sourceStatus(input({ clusters: [outcome("a"), outcome("b", { state: "unreachable" })] }));
    expect(status).toMatchObject({ phase: "Active", errorsLastRun: 0, clustersCollected: 1 });
    expect(condition(status, "Reachable")).toMatchObject({ status: "True", reason: "SomeUnreachable" });
    const none = sourceStatus(input({ clusters: [outcome("b", { state: "unreachable" })] }));
    expect(condition(none, "Reachable")).toMatchObject({ status: "False", message: "b" });
  });

  it("warns of a field that was found nowhere, and says how often the others were", () => {
    const fields = [{ name: "phase" }, { name: "nowhere" }, { name: "odd", warning: "leads nowhere" }];
    const clusters = [outcome("a", { resolved: [2, 0, 0] })];
    expect(sourceStatus(input({ fields, clusters })).fieldValidation).toEqual([
      { field: "phase", status: "valid", message: "found in 2 of 3 resources" },
      { field: "nowhere", status: "warning", message: "found in 0 of 3 resources" },
      { field: "odd", status: "warning", message: "leads nowhere" },
    ]);
    const empty = [outcome("a", { resources: 0, resolved: [0] })];
    expect(sourceStatus(input({ clusters: empty })).fieldValidation?.[0]).toMatchObject({ status: "valid" });
  });

  it("sums the cost up and names the three clusters that take the most", () => {
    const clusters = [1, 4, 2, 3].map((cpuMs, i) => outcome(`c${i}`, { cpuMs }));
    expect(sourceStatus(input({ clusters })).cost).toEqual({
      cpuMs: 10,
      bytes: 4_000,
      objects: 20,
      storedBytes: 2_800,
      topClusters: [
        { cluster: "c1", cpuMs: 4 },
        { cluster: "c3", cpuMs: 3 },
        { cluster: "c2", cpuMs: 2 },
      ],
    });
  });

  it("warns when groups near their limit, says when they pass it, and recovers", () => {
    const of = (most: number) => condition(sourceStatus(input({ groups: { most, limit: 100 } })), "Degraded");
    expect(of(79)).toMatchObject({ status: "False", reason: "AsExpected" });
    expect(of(80)).toMatchObject({ status: "False", reason: "ManyGroups" });
    expect(of(100)).toMatchObject({ status: "False", reason: "ManyGroups" });
    expect(of(101)).toMatchObject({ status: "True", reason: "TooManyGroups" });
  });

  it("says that a source is in quarantine, and that rows were cut", () => {
    const quarantine = { strikes: 3, untilMs: 1, code: "COMPUTE_DEADLINE" };
    const status = sourceStatus(input({ quarantine }));
    expect(condition(status, "Degraded")).toMatchObject({ status: "True", reason: "Quarantined" });
    const cut = sourceStatus(input({ clusters: [outcome("a", { truncated: true })] }));
    expect(condition(cut, "Synced")).toMatchObject({ status: "False", reason: "Truncated" });
  });
});

describe("the text of a duration", () => {
  it.each([
    [0, "0s"],
    [0.4, "0s"],
    [56.4, "56ms"],
    [1_235, "1.235s"],
    [61_235, "1m1.235s"],
    [60_000, "1m0s"],
    [3_600_000, "1h0m0s"],
    [7_325_500, "2h2m5.5s"],
  ])("of %s ms is %s", (ms, text) => expect(durationText(ms)).toBe(text));
});
