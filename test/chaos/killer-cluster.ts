// E-20 through a whole hub, on real threads: clusters whose answers take their thread down beside clusters that are well.
import assert from "node:assert/strict";
import { type Hub, startHub } from "../../actors/hub/hub.ts";
import { clusterConnections, metricSources, secrets } from "../../src/api/v1alpha1/resources.ts";
import type { Compute, Transport, TransportResponse } from "../../src/cluster/ports.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { systemClock } from "../../src/support/clock.ts";
import type { ClusterPulseError } from "../../src/support/errors.ts";
import { silentLogger } from "../../src/support/log.ts";
import { ownTroubleOf } from "../../src/support/own-trouble.ts";
import { seededRandom } from "../../src/support/random.ts";
import { createFleetView } from "../../src/view/fleet.ts";
import type { FleetView } from "../../src/view/ports.ts";
import { INLINE_BYTES } from "../../workers/inline.ts";
import { createPoolCompute } from "../../workers/pool.ts";
import { type Row, ScriptedSource } from "../support/virtual-fleet.ts";
import type { Figures, Scenario } from "./scenario.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a cluster's nodes do to the thread that reads them, and what its row then says. */
const killers: Readonly<Record<string, string>> = { heap: "ComputeOutOfMemory", exit: "ComputeCrashed" };

const list = (kind: string, items: object[]) => ({ kind: `${kind}List`, apiVersion: "v1", metadata: {}, items });
const node = {
  metadata: { name: "n1" },
  status: { capacity: { cpu: "4", memory: "8Gi" }, conditions: [{ type: "Ready", status: "True" }] },
};
const answers: readonly [path: string, answer: object][] = [
  ["/version", { gitVersion: "v1.33.2", platform: "linux/amd64" }],
  ["/api/v1/namespaces", list("Namespace", [])],
  ["/api/v1/nodes", list("Node", [node])],
  ["/api/v1/pods", list("Pod", [])],
  ["/apis/apps/v1/deployments", list("Deployment", [])],
];

/** Nodes are always read on a thread: their answer is larger than what is read at once. */
function transportOf(fault: () => string, polled: () => void): Transport {
  return {
    get(path): Promise<TransportResponse> {
      const found = answers.find(([start]) => path.startsWith(start))?.[1];
      if (found === undefined) return Promise.reject(new KubeError("NOT_FOUND", "not found", { httpStatus: 404 }));
      const isNodes = path.startsWith("/api/v1/nodes");
      if (isNodes) polled();
      const padding = isNodes ? fault().padEnd(INLINE_BYTES) : "";
      const bytes = new Uint8Array(Buffer.from(JSON.stringify({ ...found, padding })));
      return Promise.resolve({
        status: 200,
        contentType: "application/json",
        encoding: "identity",
        bytes,
        headersAfterMs: 1,
      });
    },
    close: () => Promise.resolve(),
  };
}

interface KillerFleet {
  readonly hub: Hub;
  readonly view: FleetView;
  /** By cluster: what its nodes hold; empty: nothing bad. */
  readonly faults: Map<string, string>;
  /** By cluster: when its nodes were asked for, on the monotonic clock. */
  readonly pollsMs: Map<string, number[]>;
  /** To answers of clusters that had not harmed a thread before, and of those that had. */
  readonly threadsLost: { readonly trusted: number; readonly suspect: number };
}

async function withHub<T>(
  names: readonly string[],
  { seed, intervalMs }: { readonly seed: number; readonly intervalMs: number },
  work: (fleet: KillerFleet) => Promise<T>,
): Promise<T> {
  const pool = createPoolCompute({
    threads: 2,
    maxHeapMb: 32,
    minDeadlineMs: 30_000,
    worker: new URL("../support/faulty-worker.ts", import.meta.url),
  });
  const threadsLost = { trusted: 0, suspect: 0 };
  const compute: Compute = {
    async run(task, input, signal) {
      try {
        return await pool.run(task, input, signal);
      } catch (error) {
        const isHarm = ownTroubleOf((error as ClusterPulseError).code) === "harmed";
        if (isHarm) threadsLost[input.isSuspect === true ? "suspect" : "trusted"]++;
        throw error;
      }
    },
  };
  const store = createMemoryStore({ clock: systemClock });
  const view = createFleetView({ store, clock: systemClock });
  const faults = new Map<string, string>();
  const pollsMs = new Map<string, number[]>(names.map((name) => [name, []]));
  const sources = new Map<string, ScriptedSource>();
  const hub = startHub({
    clock: systemClock,
    random: seededRandom(seed),
    log: silentLogger,
    limits: { schedule: { minIntervalMs: intervalMs, defaultIntervalMs: intervalMs } },
    ports: {
      store,
      compute,
      createSources(onChange) {
        for (const { kind } of [clusterConnections, metricSources, secrets])
          sources.set(kind, new ScriptedSource(() => onChange(kind)));
        return sources;
      },
      connector: {
        connect: ({ name }) =>
          Promise.resolve(
            transportOf(
              () => faults.get(name) ?? "",
              () => void pollsMs.get(name)?.push(systemClock.monotonicMs()),
            ),
          ),
      },
      statusPatcher: { patch: () => Promise.resolve() },
      finalizerPatcher: { patchFinalizers: () => Promise.resolve() },
      eventPoster: { post: () => Promise.resolve() },
    },
  });
  for (const name of names) {
    const metadata = { name, namespace: "hubs", uid: name, generation: 1 };
    const spec = { displayName: name, endpoint: "https://127.0.0.1:6443", credentialsRef: { name } };
    sources.get(clusterConnections.kind)?.set(`hubs/${name}`, { metadata, spec });
  }
  try {
    return await work({ hub, view, faults, pollsMs, threadsLost });
  } finally {
    await hub.stop(5_000);
    await pool.close();
    view.close();
    await store.close();
  }
}

const killerCluster: Scenario = {
  id: "E-20-hub",
  promise:
    "the answers of a few clusters end the threads that read them: each says so and is left alone, nobody else is late",
  time: "real",
  async run({ form, seed }) {
    const [clusters, seconds, intervalMs] = form === "long" ? [60, 300, 5_000] : [12, 6, 3_000];
    const names = Array.from({ length: clusters }, (_, i) => `cluster-${i}`);
    return await withHub(
      names,
      { seed, intervalMs },
      async ({ view, faults, pollsMs, threadsLost }): Promise<Figures> => {
        const statusOf = (name: string): Row["status"] | undefined =>
          (JSON.parse(view.cluster(name)?.bytes.toString() ?? "{}") as Partial<Row>).status;
        /** A busy machine may take long for what is a moment otherwise. */
        const until = async (what: string, isTrue: () => boolean): Promise<void> => {
          for (let looks = 0; looks < 600 && !isTrue(); looks++) await pause(100);
          assert.ok(isTrue(), what);
        };
        const areWell = (all: readonly string[]): boolean => all.every((name) => statusOf(name)?.health === "healthy");
        await until("every cluster is healthy at first", () => areWell(names));

        const guilty = new Map(
          names.filter((_, i) => i % 6 === 0).map((name, i) => [name, Object.keys(killers)[i % 2] ?? ""]),
        );
        const others = names.filter((name) => !guilty.has(name));
        for (const [name, fault] of guilty) faults.set(name, `fault:${fault} `);
        const fromMs = systemClock.monotonicMs();
        const unwell = new Set<string>();
        for (let look = 0; look < 2 * seconds; look++) {
          await pause(500);
          for (const name of others) {
            const { health, reason } = statusOf(name) ?? {};
            if (health !== "healthy") unwell.add(`${name}: ${reason}`);
          }
        }
        await until("each guilty cluster says what its answers did", () =>
          [...guilty].every(([name, fault]) => statusOf(name)?.reason === killers[fault]),
        );
        const untilMs = systemClock.monotonicMs();
        // The short form runs on busy machines, where a poll may take longer than it may.
        if (form === "long") assert.deepEqual([...unwell], [], "clusters that did nothing");
        else await until("those that did nothing are healthy", () => areWell(others));
        assert.equal(
          threadsLost.trusted,
          guilty.size,
          "only the first answer of each takes a thread that is not for suspects",
        );
        const gapsMs = others.flatMap((name) => {
          const polls = [fromMs, ...(pollsMs.get(name) ?? []).filter((atMs) => atMs >= fromMs), untilMs];
          return polls.slice(1).map((atMs, i) => atMs - (polls[i] as number));
        });
        const mostGapMs = Math.max(...gapsMs);
        // A missed poll alone would make it two intervals.
        const allowedMs = form === "long" ? 1.5 * intervalMs : 30_000;
        assert.ok(mostGapMs <= allowedMs, `one that did nothing was not polled for ${mostGapMs} ms`);
        const mostTries = Math.max(...[...guilty.keys()].map((name) => triesSince(pollsMs, name, fromMs)));
        // Five in a row, and then once a minute at most. The short form is too short to see it.
        const allowed = 6 + Math.ceil((untilMs - fromMs) / 60_000);
        if (form === "long")
          assert.ok(mostTries <= allowed, `a guilty cluster was read ${mostTries} times; ${allowed} are allowed`);
        const suspectsLost = threadsLost.suspect;
        return { clusters, seconds, guilty: guilty.size, suspectsLost, mostGapMs, mostTries, unwell: unwell.size };
      },
    );
  },
};

const triesSince = (pollsMs: ReadonlyMap<string, readonly number[]>, name: string, fromMs: number): number =>
  (pollsMs.get(name) ?? []).filter((atMs) => atMs >= fromMs).length;

export const killerScenarios: readonly Scenario[] = [killerCluster];
