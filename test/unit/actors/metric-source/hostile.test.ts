// MetricSources in a hub, in virtual time: definitions and objects that mean no good, and what the status says of them.
import { afterEach, describe, expect, test } from "vitest";
import type { Compute } from "../../../../src/cluster/ports.ts";
import { ClusterPulseError } from "../../../../src/support/errors.ts";
import { createInlineCompute } from "../../../../workers/inline.ts";
import { sourceReader, sourceSpec as spec } from "../../../support/source-reader.ts";
import { startVirtualFleet } from "../../../support/virtual-fleet.ts";

/** For a machine that is busy with other things. */
const patient = { timeout: 60_000 };

let fleet: ReturnType<typeof startVirtualFleet>;
const { statusOf, conditionOf, lastCollectedMs, aggregatesOf, metaOf } = sourceReader(() => fleet);
afterEach(async () => {
  await fleet.stop();
});

describe("what a MetricSource says of itself", patient, () => {
  test("E-37: groups are warned of at 80 % of the limit, cut off at the limit, and all is well again when there are fewer", async () => {
    let count = 0;
    const items = (_cluster: string, path: string) =>
      path.startsWith("/api/v1/pods?limit=5000")
        ? Array.from({ length: count }, (_, i) => ({ metadata: { name: `p${i}`, namespace: "default", uid: `u${i}` } }))
        : undefined;
    fleet = startVirtualFleet(["one"], { items });
    const fields = [{ name: "uid", path: ".metadata.uid" }];
    const aggregations = [{ name: "by_uid", function: "count", groupBy: "uid" }];
    fleet.declareSource(
      "grouped",
      spec({ fields, aggregations, collection: { intervalSeconds: 60, batchSize: 5_000 } }),
    );
    for (const [pods, condition, groups] of [
      [799, "False AsExpected", 799],
      [800, "False ManyGroups", 800],
      [1_000, "False ManyGroups", 1_000],
      [1_200, "True TooManyGroups", 1_000],
      [10, "False AsExpected", 10],
    ] as const) {
      count = pods;
      await fleet.clock.advance(65_000);
      expect(conditionOf("grouped", "Degraded"), `${pods} groups`).toBe(condition);
      expect(Object.keys((await aggregatesOf("grouped", "one"))["by_uid"] as object)).toHaveLength(groups);
    }
  });

  test("E-17: that its actor crashes in a loop, until an edit mends it; the others are collected on time", async () => {
    fleet = startVirtualFleet(["one"]);
    fleet.declareSource("calm", spec());
    fleet.declareSource("cursed", spec());
    await fleet.clock.advance(120_000);
    const cursed = Object.defineProperty({}, "source", {
      enumerable: true,
      get: () => {
        throw new TypeError("a canary");
      },
    });
    fleet.declareSource("cursed", cursed, 2);
    await fleet.clock.advance(150_000);
    expect(statusOf("cursed")).toMatchObject({
      phase: "Error",
      clustersCollected: 1,
      message: expect.stringContaining("(UNEXPECTED)"),
    });
    expect(conditionOf("cursed", "Ready")).toBe("False ActorCrashLooping");
    expect(conditionOf("cursed", "Degraded")).toBe("True ActorCrashLooping");
    expect(conditionOf("cursed", "Reachable")).toBe("Unknown ActorCrashLooping");
    expect(JSON.stringify(statusOf("cursed"))).not.toContain("canary");
    expect(fleet.clock.nowMs() - (await lastCollectedMs("calm", "one"))).toBeLessThan(90_000);

    fleet.declareSource("cursed", spec(), 3);
    await fleet.clock.advance(120_000);
    expect(statusOf("cursed").phase).toBe("Active");
    expect(conditionOf("cursed", "Ready")).toBe("True CollectionSuccessful");
  });

  test("E-35: evaluations that a limit stopped are null, named in the status, and cost nobody else anything", async () => {
    const note = "x".repeat(40_000);
    const items = (_cluster: string, path: string) =>
      path.startsWith("/api/v1/pods?limit=499")
        ? [
            { metadata: { name: "long", namespace: "default", annotations: { note } } },
            { metadata: { name: "short", namespace: "default", annotations: { note: "x" } } },
          ]
        : undefined;
    fleet = startVirtualFleet(["one"], { items });
    const fields = [{ name: "note", path: ".metadata.annotations.note" }];
    const computed = [{ name: "twice", expression: "concat(note, note)", type: "string" }];
    fleet.declareSource("bomb", spec({ fields, computed, collection: { intervalSeconds: 60, batchSize: 499 } }));
    await fleet.clock.advance(60_000);
    expect(statusOf("bomb")).toMatchObject({ phase: "Active", resourcesCollected: 2 });
    expect(statusOf("bomb").fieldValidation).toContainEqual({
      field: "twice",
      status: "warning",
      message: "stopped by a limit in 1 of 2 resources: null there",
    });
    expect(await fleet.store.string("cluster:one:custom:hubs/bomb:resources")).toContain('"twice":null');
  });

  test.each([false, true])(
    "is that the data of Secrets is not read, unless the operator allows it: %s",
    async (allowSecretFields) => {
      const items = (_cluster: string, path: string) =>
        path.startsWith("/api/v1/secrets")
          ? [{ metadata: { name: "s", namespace: "default" }, data: { key: "Y2FuYXJ5" } }]
          : undefined;
      fleet = startVirtualFleet(["one"], { items, hub: { tuning: { allowSecretFields } } });
      const source = { apiVersion: "v1", kind: "Secret" };
      fleet.declareSource("names", spec({ source, fields: [{ name: "name", path: ".metadata.name" }] }));
      fleet.declareSource("keys", spec({ source, fields: [{ name: "key", path: ".data.key" }] }));
      await fleet.clock.advance(60_000);
      expect(statusOf("names")).toMatchObject({ phase: "Active", resourcesCollected: 1 });
      const rows = await fleet.store.string("cluster:one:custom:hubs/keys:resources");
      if (allowSecretFields) expect(rows).toContain("Y2FuYXJ5");
      else {
        expect(rows).toBeUndefined();
        expect(conditionOf("keys", "Ready")).toBe("False InvalidSpec");
        expect(statusOf("keys").message).toContain("--allow-secret-fields");
      }
    },
  );

  test("is how its objects are read, and why not as protobuf", async () => {
    fleet = startVirtualFleet(["one"]);
    fleet.declareSource("fast", spec());
    fleet.declareSource("whole", spec({ fields: [{ name: "spec", path: ".spec" }] }));
    await fleet.clock.advance(30_000);
    expect(statusOf("fast")).toMatchObject({ lane: "protobuf", laneReason: "" });
    expect(statusOf("whole").lane).toBe("json");
    expect(statusOf("whole").laneReason).toMatch(/^\.spec: /);
  });

  test.each([
    ["wrong types", { source: 7, fields: "x", collection: { intervalSeconds: "soon" } }],
    ["a spec that is no object", "nothing"],
    ["a negative interval", spec({ collection: { intervalSeconds: -5 } })],
    [
      "numbers out of range",
      spec({ collection: { intervalSeconds: Number.NaN, maxResources: Number.POSITIVE_INFINITY } }),
    ],
    ["a text of a megabyte", spec({ fields: [{ name: "x".repeat(1 << 20), path: ".a" }] })],
    [
      "names that look alike and controls",
      spec({
        fields: [
          { name: "phаse\u202e\u0000", path: ".a" },
          { name: "__proto__", path: ".b" },
        ],
        aggregations: [{ name: "t", function: "sum", field: "nowhere" }],
      }),
    ],
    ["null for lists", spec({ fields: null, aggregations: null, computed: null })],
  ])("E-32: %s past the schema is an error in its status or is read as it is, and no crash", async (_what, broken) => {
    fleet = startVirtualFleet(["one"]);
    fleet.declareSource("good", spec());
    fleet.declareSource("broken", broken as object);
    await fleet.clock.advance(65_000);
    expect(fleet.hub.system.counters().restarts).toBe(0);
    expect(statusOf("good")).toMatchObject({ phase: "Active", clustersCollected: 1 });
    const { phase, message } = statusOf("broken");
    expect(["Active", "Error"]).toContain(phase);
    expect(message.length).toBeLessThanOrEqual(1_024);
    if (phase === "Error") expect(conditionOf("broken", "Ready")).toBe("False InvalidSpec");
    expect(JSON.stringify(fleet.row("one").status)).toContain("healthy");
  });
});

describe("objects that mean no good", patient, () => {
  const podsOnly = (items: () => object[]) => (_cluster: string, path: string) =>
    path.startsWith("/api/v1/pods?limit=4999") ? items() : undefined;
  const collection = { intervalSeconds: 60, batchSize: 4_999 };

  test("E-34: names of Object.prototype are data in paths, names and groups, and change nothing", async () => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
    const items = podsOnly(() =>
      names.map((name, i) => ({
        metadata: { name: `p${i}`, namespace: "default", labels: { group: name } },
        data: { ["__proto__"]: `v${i}` },
      })),
    );
    fleet = startVirtualFleet(["one"], { items });
    const fields = [
      { name: "__proto__", path: ".data.__proto__" },
      { name: "constructor", path: ".data.constructor.prototype.x" },
      { name: "group", path: ".metadata.labels.group" },
    ];
    const aggregations = [{ name: "toString", function: "count", groupBy: "group" }];
    fleet.declareSource("proto", spec({ fields, aggregations, collection }));
    await fleet.clock.advance(60_000);
    expect(statusOf("proto")).toMatchObject({ phase: "Active", resourcesCollected: 4 });
    const text = (await fleet.store.string("cluster:one:custom:hubs/proto:resources")) ?? "";
    expect(text).toContain('"__proto__":"v0"');
    const groups = (await aggregatesOf("proto", "one"))["toString"] as object;
    expect(Object.entries(groups).sort()).toEqual(names.map((name) => [name, 1]).sort());
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  test("E-33: patterns that would take for ever elsewhere take no time here, and what is no RE2 is refused", async () => {
    const name = "a".repeat(250);
    const items = podsOnly(() => [{ metadata: { name, namespace: name }, status: { phase: `${name}!` } }]);
    fleet = startVirtualFleet(["one"], { items });
    const matching = (value: string) => [
      { name: "hits", function: "count", filter: { field: "phase", operator: "matches", value } },
    ];
    fleet.declareSource("nested", spec({ aggregations: matching("^(a+)+$"), collection }));
    fleet.declareSource("repeated", spec({ aggregations: matching("^(.*a){20}$"), collection }));
    fleet.declareSource("behind", spec({ aggregations: matching("(?<=a)b"), collection }));
    const namespaces = { include: [`${"*a".repeat(100)}*b`, `${"?*".repeat(100)}`] };
    fleet.declareSource("wild", spec({ source: { apiVersion: "v1", kind: "Pod", namespaces }, collection }));
    await fleet.clock.advance(65_000);
    expect(await aggregatesOf("nested", "one")).toEqual({ hits: 0 });
    expect(await aggregatesOf("repeated", "one")).toEqual({ hits: 0 });
    expect(conditionOf("behind", "Ready")).toBe("False InvalidSpec");
    expect(statusOf("behind").message).toContain("spec.aggregations[0].filter.value");
    expect(statusOf("wild")).toMatchObject({ phase: "Active", resourcesCollected: 1 });
  });

  test("E-36: of far too many objects as many are kept as may be, and the cut is said to the digit", async () => {
    let count = 20_000;
    const items = podsOnly(() =>
      Array.from({ length: count }, (_, i) => ({ metadata: { name: `p${i}`, namespace: "default" } })),
    );
    fleet = startVirtualFleet(["one"], { items });
    fleet.declareSource("many", spec({ collection: { ...collection, maxResources: 100 } }));
    await fleet.clock.advance(60_000);
    expect(await metaOf("many", "one")).toMatchObject({ resourceCount: 100, truncated: true });
    expect(await aggregatesOf("many", "one")).toEqual({ total: 100 });
    expect(conditionOf("many", "Synced")).toBe("False Truncated");
    count = 100;
    await fleet.clock.advance(65_000);
    expect(await metaOf("many", "one")).toMatchObject({ resourceCount: 100, truncated: false });
    expect(conditionOf("many", "Synced")).toBe("True Collected");
  });

  test("E-36: an object of megabytes, thousands of labels and a list of a hundred thousand are read like any other", async () => {
    const labels = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`label-${i}`, "x"]));
    const metadata = { name: "huge", namespace: "default", labels, annotations: { note: "x".repeat(1_500_000) } };
    const list = Array.from({ length: 100_000 }, (_, i) => i);
    const items = podsOnly(() => [{ metadata, list }, { metadata: { name: "small", namespace: "default" } }]);
    fleet = startVirtualFleet(["one"], { items });
    const fields = [
      { name: "length", path: ".list", type: "arrayLength" },
      { name: "last", path: ".metadata.labels.label-4999" },
    ];
    fleet.declareSource("huge", spec({ fields, collection }));
    await fleet.clock.advance(60_000);
    const text = (await fleet.store.string("cluster:one:custom:hubs/huge:resources")) ?? "";
    expect(text).toContain('"values":{"length":100000,"last":"x"}');
    expect(statusOf("huge")).toMatchObject({ phase: "Active", resourcesCollected: 2 });
  });
});

describe("a pool that is full", patient, () => {
  test("E-21: delays collections, blames no source, polls on, and all is collected when there is room", async () => {
    let isFull = false;
    const inline = createInlineCompute();
    const compute: Compute = {
      run: (task, input, signal) =>
        isFull && task === "extract"
          ? Promise.reject(new ClusterPulseError("COMPUTE_QUEUE_FULL", "too many tasks wait"))
          : inline.run(task, input, signal),
    };
    const clusters = ["one", "two", "three"];
    fleet = startVirtualFleet(clusters, { compute });
    fleet.declareSource("pods", spec({ collection: { intervalSeconds: 60, timeoutSeconds: 30, retryAttempts: 2 } }));
    await fleet.clock.advance(90_000);
    const before = await lastCollectedMs("pods", "one");
    isFull = true;
    await fleet.clock.advance(300_000);
    expect(await lastCollectedMs("pods", "one")).toBeLessThan(before + 61_000);
    expect(await aggregatesOf("pods", "one")).toEqual({ total: 1 });
    expect(conditionOf("pods", "Degraded")).toBe("True Incomplete");
    for (const cluster of clusters) {
      expect(fleet.row(cluster).status.health).toBe("healthy");
      expect((fleet.pollsMs.get(cluster) ?? []).length).toBeGreaterThanOrEqual(12);
    }
    isFull = false;
    await fleet.clock.advance(65_000);
    expect(statusOf("pods")).toMatchObject({ phase: "Active", clustersCollected: 3 });
    expect(conditionOf("pods", "Degraded")).toBe("False AsExpected");
  });
});
