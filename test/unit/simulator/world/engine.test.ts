// Generated clusters: the same bytes every time, a truth that an independent count of the JSON confirms, and pages that add up.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Engine } from "../../../../src/simulator/http/engine.ts";
import { ApiError } from "../../../../src/simulator/http/status.ts";
import { WorldEngine } from "../../../../src/simulator/world/engine.ts";
import { type ExpectedCluster, expectedOf } from "../../../../src/simulator/world/expected.ts";
import { buildModel } from "../../../../src/simulator/world/model.ts";
import { type ClusterIdentity, clusterIdentities, type PresetName } from "../../../../src/simulator/world/profile.ts";
import { type HeldWorlds, World } from "../../../../src/simulator/world/world.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";
import {
  ask,
  type Item,
  type List,
  list,
  type Resource,
  recount,
  resourceGroups,
} from "../../../support/generated-cluster.ts";

function engineAt(seed: number, index: number, preset: PresetName): Engine {
  const identity = clusterIdentities(seed, index + 1)[index];
  if (identity === undefined) throw new Error("no such cluster");
  const held: HeldWorlds = new Map();
  held.set = () => {
    throw new Error("a read touched the cluster");
  };
  return new World({ seed, index, preset }, identity, new VirtualClock(), held).engine();
}

function expectedAt(seed: number, index: number, preset: PresetName): ExpectedCluster {
  const identity = clusterIdentities(seed, index + 1)[index];
  if (identity === undefined) throw new Error("no such cluster");
  return expectedOf(buildModel({ seed, index, preset }, identity));
}

const worlds = fc.record({
  seed: fc.integer({ min: 0, max: 0xffff_ffff }),
  index: fc.integer({ min: 0, max: 300 }),
  preset: fc.constantFrom<PresetName>("tiny", "small", "medium"),
});

describe("a generated cluster", () => {
  it("has a ground truth that an independent count of its JSON confirms", () => {
    fc.assert(
      fc.property(worlds, ({ seed, index, preset }) => {
        expect(recount(engineAt(seed, index, preset))).toEqual(expectedAt(seed, index, preset));
      }),
      { numRuns: 60 },
    );
  });

  it("counts a large cluster right", () => {
    expect(recount(engineAt(7, 0, "large"))).toEqual(expectedAt(7, 0, "large"));
  });

  it("shows the same bytes every time, and others for another seed", () => {
    const digest = (seed: number): string => {
      const hash = createHash("sha256");
      for (let index = 0; index < 40; index++) {
        const engine = engineAt(seed, index, "small");
        for (const resource of Object.keys(resourceGroups) as Resource[]) hash.update(ask(engine, resource));
        hash.update(JSON.stringify(engine.version()));
      }
      return hash.digest("hex");
    };
    expect(digest(42)).toBe(digest(42));
    expect(digest(43)).not.toBe(digest(42));
  });

  it("keeps what holds in a real cluster", () => {
    fc.assert(
      fc.property(worlds, ({ seed, index, preset }) => {
        const engine = engineAt(seed, index, preset);
        const pods = list(engine, "pods").items;
        const nodeNames = new Set(list(engine, "nodes").items.map((node) => node.metadata.name));
        const namespaces = new Set(list(engine, "namespaces").items.map((namespace) => namespace.metadata.name));
        const keys = pods.map((pod) => `${pod.metadata.namespace}/${pod.metadata.name}`);
        expect(keys).toEqual([...new Set(keys)].sort());
        for (const pod of pods) {
          if (pod.spec.nodeName !== undefined) expect(nodeNames).toContain(pod.spec.nodeName);
          else expect(pod.status.phase).toBe("Pending");
          expect(namespaces).toContain(pod.metadata.namespace);
        }
        for (const deployment of list(engine, "deployments").items) {
          const own = pods.filter(
            (pod) =>
              pod.metadata.namespace === deployment.metadata.namespace &&
              pod.metadata.labels["app"] === deployment.spec.selector?.matchLabels.app,
          );
          expect(deployment.status.replicas).toBe(own.length);
          expect(deployment.status.readyReplicas ?? 0).toBe(own.filter((pod) => pod.status.phase === "Running").length);
        }
        for (const node of Object.values(expectedAt(seed, index, preset).perNode)) {
          expect(node.cpuRequestedCores).toBeLessThanOrEqual(node.cpuAllocatableCores);
          expect(node.memoryRequestedBytes).toBeLessThanOrEqual(node.memoryAllocatableBytes);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("shows every state that a reader has to tell apart somewhere in a small fleet", () => {
    const seen = { statuses: new Set<string>(), phases: new Set<string>(), unscheduled: 0, noRole: 0 };
    for (let index = 0; index < 60; index++) {
      const expected = expectedAt(1, index, "small");
      seen.unscheduled += expected.podsUnscheduled;
      for (const [phase, count] of Object.entries(expected.podsByPhase)) if (count > 0) seen.phases.add(phase);
      for (const node of Object.values(expected.perNode)) {
        seen.statuses.add(node.status);
        if (node.roles.length === 0) seen.noRole++;
      }
    }
    expect([...seen.statuses].sort()).toEqual(["NotReady", "Ready", "SchedulingDisabled", "Unknown"]);
    expect([...seen.phases].sort()).toEqual(["Failed", "Pending", "Running", "Succeeded"]);
    expect(seen.unscheduled).toBeGreaterThan(0);
    expect(seen.noRole).toBeGreaterThan(0);
  });
});

describe("lists", () => {
  it("come in pages that are the whole list, each telling what remains", () => {
    fc.assert(
      fc.property(worlds, fc.integer({ min: 1, max: 120 }), ({ seed, index, preset }, limit) => {
        const engine = engineAt(seed, index, preset);
        const whole = list(engine, "pods");
        const items: Item[] = [];
        for (let token: string | undefined = ""; token !== undefined; ) {
          const page: List = list(engine, "pods", `limit=${limit}&continue=${token}`);
          items.push(...page.items);
          token = page.metadata.continue;
          expect(page.metadata.resourceVersion).toBe(whole.metadata.resourceVersion);
          expect(page.metadata.remainingItemCount ?? 0).toBe(whole.items.length - items.length);
        }
        expect(items).toEqual(whole.items);
      }),
      { numRuns: 20 },
    );
  });

  it("are narrowed by namespace, labels and fields", () => {
    const engine = engineAt(3, 0, "medium");
    const all = list(engine, "pods").items;
    const namespace = all[0]?.metadata.namespace as string;
    expect(list(engine, "pods", "", { namespace }).items).toEqual(
      all.filter((pod) => pod.metadata.namespace === namespace),
    );
    const app = all[5]?.metadata.labels["app"] as string;
    expect(list(engine, "pods", `labelSelector=app%3D${app}`).items).toEqual(
      all.filter((pod) => pod.metadata.labels["app"] === app),
    );
    const running = list(engine, "pods", "fieldSelector=status.phase%3DRunning,spec.nodeName!%3D&limit=3");
    expect(running.items).toEqual(
      all.filter((pod) => pod.status.phase === "Running" && pod.spec.nodeName !== undefined).slice(0, 3),
    );
    expect(running.metadata.remainingItemCount).toBeUndefined();
    expect(() => list(engine, "pods", "fieldSelector=spec.nope%3D1")).toThrow("field label not supported: spec.nope");
  });

  it("show metadata alone when asked for it", () => {
    const engine = engineAt(3, 1, "tiny");
    const partial = list(engine, "namespaces", "limit=2", { form: "metadata" });
    const whole = list(engine, "namespaces");
    expect(partial.kind).toBe("PartialObjectMetadataList");
    expect(partial.items).toEqual(
      whole.items.slice(0, 2).map(({ metadata }) => ({
        kind: "PartialObjectMetadata",
        apiVersion: "meta.k8s.io/v1",
        metadata,
      })),
    );
    expect(partial.metadata.remainingItemCount).toBe(whole.items.length - 2);
  });

  it("refuse a continue token of another moment or of nobody", () => {
    const engine = engineAt(3, 2, "tiny");
    const token = list(engineAt(4, 2, "tiny"), "pods", "limit=1").metadata.continue as string;
    const status = (run: () => unknown): number | undefined => {
      try {
        run();
        return undefined;
      } catch (error) {
        return error instanceof ApiError ? error.status : -1;
      }
    };
    expect(status(() => list(engine, "pods", `limit=1&continue=${token}`))).toBe(410);
    expect(status(() => list(engine, "pods", "limit=1&continue=nonsense"))).toBe(400);
    expect(status(() => list(engine, "pods", "limit=-1"))).toBe(400);
    expect(status(() => list(engine, "pods", "resourceVersion=999999999999"))).toBe(504);
  });
});

describe("single objects", () => {
  it("are found by the names that lists show, and are what lists show", () => {
    const engine = engineAt(9, 3, "small");
    for (const resource of Object.keys(resourceGroups) as Resource[]) {
      for (const item of list(engine, resource).items) {
        const { name, namespace = "" } = item.metadata;
        expect(JSON.parse(ask(engine, resource, "", { namespace, name }))).toMatchObject(item);
      }
    }
    expect(() => ask(engine, "pods", "", { namespace: "default", name: "nobody" })).toThrow('pods "nobody" not found');
  });
});

describe("a fleet", () => {
  it("has friendly, unique names, and a larger one starts with the same", () => {
    const fleet = clusterIdentities(5, 5000);
    expect(new Set(fleet.map(({ name }) => name)).size).toBe(5000);
    for (const { name } of fleet) expect(name).toMatch(/^(prod|stage|dev)-[a-z]{3}-\d{2,3}$/);
    expect(fleet.slice(0, 25)).toEqual(clusterIdentities(5, 25));
  });
});

/** The object, and whatever objects it holds, telling of each member that is read. */
function watched<T extends object>(object: T, onRead: () => void): T {
  return new Proxy(object, {
    get(target, member) {
      onRead();
      const value: unknown = Reflect.get(target, member, target);
      return typeof value === "object" && value !== null ? watched(value, onRead) : value;
    },
  });
}

describe("the cost of a list", () => {
  it("grows with the number of pods alone: each is looked at as often in a large cluster as in a small one", () => {
    const looksPerPod = (preset: PresetName): number => {
      let looks = 0;
      const identity = clusterIdentities(1, 1)[0] as ClusterIdentity;
      const model = watched(buildModel({ seed: 1, index: 0, preset }, identity), () => looks++);
      const source = { overlay: undefined, isAsSeeded: true, model: () => model, modelAt: () => undefined };
      const engine = new WorldEngine(source, () => expect.fail("a read touched the cluster"));
      const { length } = list(engine, "pods").items;
      return looks / length;
    };
    const [small, large] = [looksPerPod("small"), looksPerPod("large")];
    expect(small).toBeGreaterThan(1);
    expect(large).toBeLessThanOrEqual(1.5 * small);
  });
});
