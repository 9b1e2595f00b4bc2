// Churn of generated clusters in virtual time: what lists show, what watches tell and what is true stay one.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Churn } from "../../../../src/simulator/churn/churn.ts";
import type { ChurnSettings } from "../../../../src/simulator/churn/settings.ts";
import { type ChurnKind, churnKinds, stageSets } from "../../../../src/simulator/churn/stages.ts";
import { expectedOf } from "../../../../src/simulator/world/expected.ts";
import { type ClusterIdentity, clusterIdentities, type PresetName } from "../../../../src/simulator/world/profile.ts";
import { maxHistory } from "../../../../src/simulator/world/variants.ts";
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
  type WatchedEvent,
  watch,
} from "../../../support/generated-cluster.ts";

const resources = Object.keys(resourceGroups) as Resource[];
const keyOf = ({ metadata: { namespace = "", name } }: Item): string => `${namespace}/${name}`;

/** Clusters with churn in them, and no sockets. */
class Fleet {
  readonly clock = new VirtualClock();
  readonly held: HeldWorlds = new Map();
  readonly churn: Churn;
  readonly #identities: readonly ClusterIdentity[];
  readonly #seed: number;
  readonly #preset: PresetName;

  constructor({ count = 3, seed = 1, preset = "tiny" }: { count?: number; seed?: number; preset?: PresetName } = {}) {
    this.#seed = seed;
    this.#preset = preset;
    this.#identities = clusterIdentities(seed, count);
    const worldAt = (place: number): World => this.world(place);
    this.churn = new Churn({ count, seed, worldAt, worldOf: (name) => worldAt(this.place(name)) }, this.clock);
  }

  world(index: number): World {
    const key = { seed: this.#seed, index, preset: this.#preset };
    return new World(key, this.#identities[index] as ClusterIdentity, this.clock, this.held);
  }

  name(place: number): string {
    return this.#identities[place]?.name ?? "";
  }

  place(name: string): number {
    const place = this.#identities.findIndex((identity) => identity.name === name);
    if (place < 0) throw new Error(`no cluster ${name}`);
    return place;
  }

  engine(index: number) {
    return this.world(index).engine();
  }

  revision(index: number): number {
    return Number(list(this.engine(index), "pods").metadata.resourceVersion);
  }

  async run(settings: ChurnSettings, forMs: number): Promise<void> {
    this.churn.set(settings);
    await this.clock.advance(forMs);
  }
}

const only = (kind: ChurnKind, eventsPerSecond = 5): ChurnSettings => ({ eventsPerSecond, kinds: { [kind]: 1 } });
const fleets = fc.record({
  seed: fc.integer({ min: 0, max: 0xffff_ffff }),
  preset: fc.constantFrom<PresetName>("tiny", "small"),
});

describe("churn", () => {
  it("shows in lists and in single objects, each state with its own version", async () => {
    const fleet = new Fleet();
    const texts = new Map<string, string>();
    for (let round = 0; round < 20; round++) {
      await fleet.run({ eventsPerSecond: 20 }, 5_000);
      for (const resource of resources) {
        const engine = fleet.engine(0);
        expect(ask(engine, resource)).toBe(ask(fleet.engine(0), resource));
        for (const item of list(engine, resource).items) {
          const { name, namespace = "", resourceVersion } = item.metadata;
          const text = ask(engine, resource, "", { name, namespace });
          const { kind, apiVersion, ...object } = JSON.parse(text);
          expect(object).toEqual(item);
          const state = `${resource} ${namespace}/${name} ${resourceVersion}`;
          expect(texts.get(state) ?? text).toBe(text);
          texts.set(state, text);
        }
      }
    }
    const states = [...texts.keys()].filter((state) => state.startsWith("pods "));
    expect(states.length).toBeGreaterThan(2 * list(fleet.engine(0), "pods").items.length);
  });

  it("is told in full by a list and the watch that goes on from it, whatever a client writes in between", async () => {
    const property = fc.asyncProperty(fleets, fc.integer({ min: 0, max: 8_000 }), async (what, lateMs) => {
      const fleet = new Fleet({ ...what, count: 1 });
      await fleet.run({ eventsPerSecond: 8, seed: what.seed }, 10_000);
      const before = resources.map((resource) => list(fleet.engine(0), resource));
      // Within what the history reaches, no watch is too late.
      await fleet.clock.advance(lateMs);
      const watches = resources.map((resource, i) => {
        const from = (before[i] as List).metadata.resourceVersion;
        return watch(fleet.world(0).touch(), resource, `resourceVersion=${from}`);
      });
      const [node] = list(fleet.engine(0), "nodes").items;
      const body = { metadata: { labels: { written: "yes" } } };
      ask(fleet.engine(0), "nodes", "", { verb: "patch", name: node?.metadata.name ?? "", body });
      await fleet.clock.advance(20_000);
      resources.forEach((resource, i) => {
        const { events, stop } = watches[i] as ReturnType<typeof watch>;
        stop();
        expect(replayed(before[i] as List, events)).toEqual(list(fleet.engine(0), resource).items);
      });
      expect(watches.some(({ events }) => events.length > 0)).toBe(true);
    });
    await fc.assert(property, { numRuns: 12 });
  });

  it("keeps what holds in a real cluster, and the truth with it", async () => {
    const property = fc.asyncProperty(fleets, async (what) => {
      const fleet = new Fleet(what);
      for (let round = 0; round < 5; round++) {
        await fleet.run({ eventsPerSecond: 15 }, 7_000);
        for (let i = 0; i < 3; i++) {
          const engine = fleet.engine(i);
          expect(recount(engine)).toEqual(expectedOf(fleet.world(i).model()));
          checkRules(fleet, i);
        }
      }
    });
    await fc.assert(property, { numRuns: 8 });
  });

  it("gives every page of a list the moment of the first, also when a server takes over in between", async () => {
    const fleet = new Fleet({ count: 1, preset: "small" });
    for (const touches of [false, true]) {
      await fleet.run({ eventsPerSecond: 5 }, 10_000);
      const whole = list(fleet.engine(0), "pods");
      const first = list(fleet.engine(0), "pods", "limit=7");
      await fleet.clock.advance(4_000);
      expect(fleet.revision(0)).toBeGreaterThan(Number(whole.metadata.resourceVersion));
      if (touches) fleet.world(0).touch();
      const items = [...first.items];
      for (let token = first.metadata.continue; token !== undefined; ) {
        const page = list(fleet.engine(0), "pods", `limit=7&continue=${token}`);
        items.push(...page.items);
        token = page.metadata.continue;
      }
      expect(items).toEqual(whole.items);
    }
  });

  it("answers 410 to pages and watches of a moment that is forgotten", async () => {
    const fleet = new Fleet({ count: 1 });
    const first = list(fleet.engine(0), "pods", "limit=7");
    await fleet.run({ eventsPerSecond: 100, kinds: { steady: 1 } }, 10_000);
    const since = fleet.revision(0) - Number(first.metadata.resourceVersion);
    expect(since).toBeGreaterThan(maxHistory);
    expect(() => list(fleet.engine(0), "pods", `limit=7&continue=${first.metadata.continue}`)).toThrow("too old");
    const { events } = watch(fleet.engine(0), "pods", `resourceVersion=${first.metadata.resourceVersion}`);
    expect(events.map(({ type, object }) => [type, (object as unknown as { code: number }).code])).toEqual([
      ["ERROR", 410],
    ]);
  });

  it("draws the same from the same seed, and another from another", async () => {
    const digestOf = async (seed: number): Promise<string> => {
      const fleet = new Fleet();
      await fleet.run({ eventsPerSecond: 10, seed }, 60_000);
      const hash = createHash("sha256");
      for (let i = 0; i < 3; i++) for (const resource of resources) hash.update(ask(fleet.engine(i), resource));
      return hash.digest("hex");
    };
    expect(await digestOf(5)).toBe(await digestOf(5));
    expect(await digestOf(6)).not.toBe(await digestOf(5));
  });

  it("leaves alone what a client wrote over", async () => {
    const fleet = new Fleet({ count: 1 });
    const body = { metadata: { labels: { mine: "yes" } } };
    for (const resource of ["pods", "nodes", "deployments"] as const) {
      for (const { metadata } of list(fleet.engine(0), resource).items) {
        const { name, namespace = "" } = metadata;
        ask(fleet.world(0).touch(), resource, "", { verb: "patch", name, namespace, body });
      }
    }
    const shown = ["pods", "nodes", "deployments"].map((resource) => list(fleet.engine(0), resource as Resource).items);
    const model = fleet.world(0).model();
    await fleet.run({ eventsPerSecond: 20, kinds: { rollout: 1, crashloop: 1, "node-flap": 1 } }, 30_000);
    const after = ["pods", "nodes", "deployments"].map((resource) => list(fleet.engine(0), resource as Resource).items);
    expect(after).toEqual(shown);
    expect(expectedOf(fleet.world(0).model())).toEqual(expectedOf(model));
    expect(fleet.churn.state().idle).toBeGreaterThan(0);
  });
});

/** A list with the events of a watch on it, in order of key as lists are. Throws for events that make no sense. */
function replayed({ items }: List, events: readonly WatchedEvent[]): Item[] {
  const objects = new Map(items.map((item) => [keyOf(item), item]));
  let version = 0;
  for (const { type, object } of events) {
    const { kind, apiVersion, ...item } = object as Item & { kind: string; apiVersion: string };
    expect(Number(item.metadata.resourceVersion)).toBeGreaterThan(version);
    version = Number(item.metadata.resourceVersion);
    expect(objects.has(keyOf(item))).toBe(type !== "ADDED");
    if (type === "DELETED") objects.delete(keyOf(item));
    else objects.set(keyOf(item), item);
  }
  return [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

function checkRules(fleet: Fleet, index: number): void {
  const engine = fleet.engine(index);
  const pods = list(engine, "pods").items;
  expect(pods.map(keyOf)).toEqual([...new Set(pods.map(keyOf))].sort());
  for (const deployment of list(engine, "deployments").items) {
    const own = pods.filter(
      (pod) =>
        pod.metadata.namespace === deployment.metadata.namespace &&
        pod.metadata.labels["app"] === deployment.spec.selector?.matchLabels.app,
    );
    const ready = own.filter((pod) => pod.status.containerStatuses?.every((container) => container.ready));
    expect(deployment.status.replicas).toBe(own.length);
    expect(deployment.status.readyReplicas ?? 0).toBe(ready.length);
  }
  for (const node of Object.values(expectedOf(fleet.world(index).model()).perNode)) {
    expect(node.cpuRequestedCores).toBeLessThanOrEqual(node.cpuAllocatableCores);
    expect(node.memoryRequestedBytes).toBeLessThanOrEqual(node.memoryAllocatableBytes);
  }
}

describe("each kind of churn", () => {
  const truth = (fleet: Fleet) => Array.from({ length: 3 }, (_, i) => expectedOf(fleet.world(i).model()));

  it.each([...churnKinds])("%s ends where everything is whole again, once nothing more begins", async (kind) => {
    const fleet = new Fleet({ preset: "small" });
    const before = truth(fleet);
    await fleet.run(only(kind), 60_000);
    expect(fleet.churn.state().begun[kind]).toBeGreaterThan(0);
    await fleet.run({ eventsPerSecond: 0 }, 40 * 60_000);
    expect(fleet.churn.state().pending).toBe(0);
    // Pods that waited for an image have one after a rollout, and versions stay; all else is as it was.
    const lasting = ({
      podsByPhase,
      podsRunning,
      perNode,
      version,
      persistentVolumeClaims,
      ...rest
    }: (typeof before)[number]) => rest;
    expect(truth(fleet).map(lasting)).toEqual(before.map(lasting));
    for (let i = 0; i < 3; i++) {
      checkRules(fleet, i);
      expect(recount(fleet.engine(i))).toEqual(truth(fleet)[i]);
    }
  });

  it("rollouts give a Deployment other pods of the next revision", async () => {
    const fleet = new Fleet({ count: 1 });
    const before = list(fleet.engine(0), "pods").items;
    await fleet.run(only("rollout"), 5_000);
    await fleet.run({ eventsPerSecond: 0 }, 10 * 60_000);
    const after = list(fleet.engine(0), "pods").items;
    const names = new Set(before.map(keyOf));
    const fresh = after.filter((pod) => !names.has(keyOf(pod)));
    expect(after).toHaveLength(before.length);
    expect(fresh.length).toBeGreaterThan(0);
    const hashes = (pods: readonly Item[]) => new Set(pods.map((pod) => pod.metadata.labels["pod-template-hash"]));
    expect([...hashes(fresh)].filter((hash) => hashes(before).has(hash))).toEqual([]);
  });

  it("upgrades raise the version of the cluster and then of its nodes, which are cordoned one by one", async () => {
    const fleet = new Fleet({ count: 1 });
    const before = fleet.engine(0).version()["gitVersion"];
    fleet.churn.set(only("cluster-upgrade", 1));
    await fleet.clock.advance(1_500);
    fleet.churn.set({ eventsPerSecond: 0 });
    const statuses = new Set<string>();
    for (let i = 0; i < 120; i++) {
      await fleet.clock.advance(1_000);
      for (const { status } of Object.values(expectedOf(fleet.world(0).model()).perNode)) statuses.add(status);
    }
    expect(fleet.engine(0).version()["gitVersion"]).not.toBe(before);
    expect(statuses).toContain("SchedulingDisabled");
    const kubelets = (
      list(fleet.engine(0), "nodes").items as unknown as { status: { nodeInfo: { kubeletVersion: string } } }[]
    ).map(({ status }) => status.nodeInfo.kubeletVersion);
    expect(new Set(kubelets)).toEqual(new Set([fleet.engine(0).version()["gitVersion"]]));
  });
});

describe("the rate of churn", () => {
  it("is the one that was asked for, on the average", async () => {
    for (const kind of ["steady", "rollout", "crashloop", "node-flap", "pvc-pending"] as const) {
      const fleet = new Fleet({ count: 10, preset: "small" });
      const at = (): number => Array.from({ length: 10 }, (_, i) => fleet.revision(i)).reduce((a, b) => a + b);
      await fleet.run(only(kind, 4), 5 * 60_000);
      const before = at();
      await fleet.clock.advance(5 * 60_000);
      expect((at() - before) / (4 * 5 * 60), kind).toBeGreaterThan(0.5);
      expect((at() - before) / (4 * 5 * 60), kind).toBeLessThan(1.5);
    }
  });

  it("counts for each cluster where that is asked, comes in bursts, and follows the day", async () => {
    const begun = async (settings: ChurnSettings): Promise<number> => {
      const fleet = new Fleet({ count: 10 });
      await fleet.run({ ...settings, kinds: { steady: 1 } }, 60_000);
      return fleet.churn.state().steps;
    };
    expect(await begun({ perClusterRate: 0.5 })).toBeGreaterThan(290);
    expect(await begun({ eventsPerSecond: 0, burst: { everyMs: 20_000, size: 100 } })).toBeGreaterThan(200);
    // The virtual day begins at midnight.
    expect(await begun({ eventsPerSecond: 5, diurnal: 1 })).toBeLessThan(10);
  });

  it("is not caught up on beyond a bound, and what is left out is counted", async () => {
    const fleet = new Fleet();
    await fleet.run({ eventsPerSecond: 10_000, maxCatchUp: 10, kinds: { steady: 1 } }, 1_000);
    expect(fleet.churn.state().steps).toBe(100);
    expect(fleet.churn.state().dropped).toBeGreaterThan(9_000);
  });

  it("holds nothing of clusters in which nothing happened, and no timer when it is stopped", async () => {
    const fleet = new Fleet({ count: 100 });
    await fleet.run({ eventsPerSecond: 3 }, 10_000);
    expect(fleet.held.size).toBeGreaterThan(0);
    expect(fleet.held.size).toBeLessThan(60);
    fleet.churn.stop();
    const before = [...fleet.held.keys()].map((place) => fleet.revision(place));
    await fleet.clock.advance(60 * 60_000);
    expect([...fleet.held.keys()].map((place) => fleet.revision(place))).toEqual(before);
    expect(fleet.churn.state()).toMatchObject({ settings: null, pending: 0 });
  });
});

describe("a trace", () => {
  const lines = (...steps: object[]): string => steps.map((step) => JSON.stringify(step)).join("\n");

  it("happens again, at its times or faster, by place or by name, and the truth knows", async () => {
    const fleet = new Fleet();
    const cluster = fleet.name(1);
    const ready = Object.entries(expectedOf(fleet.world(1).model()).perNode).filter(
      ([, { status }]) => status === "Ready",
    );
    const [[name = ""] = []] = ready;
    const pods = list(fleet.engine(1), "pods").items.filter(({ metadata }) => metadata.labels["pod-template-hash"]);
    const pod = pods.find(({ status }) => status.containerStatuses?.every((container) => container.ready)) as Item;
    const trace = lines(
      { t: 4_000, cluster, kind: "nodes", name, op: "ready" },
      { t: 2_000, cluster, kind: "nodes", name, op: "notReady" },
      { t: 2_000, cluster, kind: "pods", name: keyOf(pod), op: "crashed" },
      { t: 2_000, cluster, kind: "namespaces", idx: 3, op: "active" },
      { t: 2_000, cluster, kind: "namespaces", idx: 3, op: "active" },
      { t: 2_000, cluster, kind: "nodes", name: "nobody", op: "notReady" },
      { t: 2_000, cluster, kind: "clusters", idx: 0, op: "upgraded" },
    );
    const before = expectedOf(fleet.world(1).model());
    fleet.churn.replay(trace, 2);
    await fleet.clock.advance(900);
    expect(expectedOf(fleet.world(1).model())).toEqual(before);
    await fleet.clock.advance(300);
    const middle = expectedOf(fleet.world(1).model());
    expect(middle.perNode[name]?.status).toBe("NotReady");
    expect(middle.namespaces.length).toBe(before.namespaces.length + 1);
    expect(middle.version).not.toBe(before.version);
    expect(recount(fleet.engine(1))).toEqual(middle);
    checkRules(fleet, 1);
    expect(fleet.churn.state().trace).toEqual({ steps: 7, played: 6, refused: 2 });
    await fleet.clock.advance(10_000);
    expect(expectedOf(fleet.world(1).model()).perNode[name]?.status).toBe("Ready");
    expect(fleet.churn.state().trace).toEqual({ steps: 7, played: 7, refused: 2 });
    expect([...fleet.held.keys()]).toEqual([1]);
  });

  it("patches objects as a client would, by place or by name, the status too, and counts what is refused", async () => {
    // Its clusters have claims.
    const fleet = new Fleet({ preset: "small" });
    const cluster = fleet.name(1);
    const before = expectedOf(fleet.world(1).model());
    const pod = list(fleet.engine(1), "pods").items[0] as Item;
    const step = (kind: string, object: object, patch: object) => ({
      t: 1_000,
      cluster,
      kind,
      op: "patch",
      ...object,
      patch,
    });
    const labels = { metadata: { labels: { traced: "yes" } } };
    fleet.churn.replay(
      lines(
        step("nodes", { idx: 0 }, { ...labels, spec: { unschedulable: true } }),
        step("pods", { name: keyOf(pod) }, { ...labels, status: { phase: "Unknown" } }),
        step("deployments", { idx: 0 }, labels),
        step("namespaces", { name: "default" }, labels),
        step("persistentvolumeclaims", { idx: 0 }, labels),
        step("nodes", { name: "nobody" }, labels),
        step("pods", { idx: 99_999 }, labels),
        step("nodes", { idx: 1 }, { metadata: { labels: { "not a key": "x" } } }),
        step("nodes", { idx: 1 }, {}),
      ),
    );
    await fleet.clock.advance(2_000);
    expect(fleet.churn.state().trace).toEqual({ steps: 9, played: 9, refused: 4 });
    for (const resource of resources) {
      const traced = list(fleet.engine(1), resource).items.filter(
        ({ metadata }) => metadata.labels["traced"] === "yes",
      );
      expect([resource, traced.length]).toEqual([resource, 1]);
    }
    const node = list(fleet.engine(1), "nodes").items.find(({ metadata }) => metadata.labels["traced"] === "yes");
    const patched = list(fleet.engine(1), "pods").items.find((item) => keyOf(item) === keyOf(pod));
    expect([node?.spec.unschedulable, patched?.status.phase]).toEqual([true, "Unknown"]);
    expect(expectedOf(fleet.world(1).model())).toEqual(before);
    expect(list(fleet.engine(0), "nodes").items.some(({ metadata }) => metadata.labels["traced"] !== undefined)).toBe(
      false,
    );
  });

  it.each([
    ["clusters", { op: "patch", patch: {} }, "op: must be one of upgraded"],
    ["nodes", { op: "patch" }, "patch: must be an object"],
    ["nodes", { op: "patch", patch: [] }, "patch: must be an object"],
    ["nodes", { op: "patch", patch: { a: "x".repeat(16_384) } }, "of at most 16384 characters"],
    ["nodes", { op: "ready", patch: {} }, "patch: belongs to the op patch"],
  ])("is refused with a patch of %s that is none: %j", (kind, part, problem) => {
    const fleet = new Fleet();
    const step = { t: 0, cluster: fleet.name(0), kind, idx: 0, ...part };
    expect(() => fleet.churn.replay(lines(step))).toThrow(problem);
  });

  it("is refused whole, with the lines that are wrong, and stopped with everything else", async () => {
    const fleet = new Fleet();
    const cluster = fleet.name(0);
    const bad = [
      "nonsense",
      JSON.stringify({ t: -1, cluster, kind: "pods", idx: 0, op: "gone" }),
      JSON.stringify({ t: 1, cluster, kind: "secrets", idx: 0, op: "gone" }),
      JSON.stringify({ t: 1, cluster, kind: "pods", idx: 0, op: "explodes" }),
      JSON.stringify({ t: 1, cluster, kind: "pods", op: "gone" }),
    ].join("\n");
    for (const line of [1, 2, 3, 4, 5]) expect(() => fleet.churn.replay(bad)).toThrow(`trace line ${line}:`);
    const step = { t: 1_000, cluster, kind: "namespaces", idx: 0, op: "active" };
    expect(() => fleet.churn.replay("")).toThrow("has no steps");
    expect(() => fleet.churn.replay(lines(step), 0)).toThrow("speed");
    expect(() => fleet.churn.replay(lines({ ...step, cluster: "nobody" }))).toThrow("nobody");
    fleet.churn.replay(lines(step));
    fleet.churn.stop();
    await fleet.clock.advance(60_000);
    expect(fleet.held.size).toBe(0);
  });
});

describe("stage sets", () => {
  it("begin somewhere, and lead only to conditions that follow from others", () => {
    for (const { stages } of Object.values(stageSets)) {
      expect(stages.some(({ when }) => when === "start")).toBe(true);
      const reached = new Set(["start", ...stages.map(({ next }) => next)]);
      for (const { when, each, delayMs } of stages) {
        expect(reached).toContain(when);
        expect(delayMs[0]).toBeLessThanOrEqual(delayMs[1]);
        if (each !== undefined) expect(stageSets).toHaveProperty(each.set);
      }
    }
  });
});
