// Supervises the fleet: one child for each ClusterConnection, whose finalizer it holds while there is something stored of it.
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import { clusterConnections } from "../../src/api/v1alpha1/resources.ts";
import { clusterDeleted } from "../../src/store/documents.ts";
import { Children, type ChildrenMessage, childrenDefaults, nameOf } from "../informer/children.ts";
import type { Actor, ActorContext, ActorDefinition } from "../system/index.ts";
import { Attempts } from "./attempts.ts";
import { type ClusterDependencies, type ClusterMessage, clusterDefinition } from "./cluster.ts";
import type { FinalizerSink } from "./finalizers.ts";
import { ClusterReport } from "./report.ts";

export type ClustersMessage =
  | ChildrenMessage
  /** Other MetricSources are to be collected. */
  | { readonly type: "plan-changed" }
  /** One that was left alone answers again. */
  | { readonly type: "cluster-recovered" };

export interface ClustersDependencies extends ClusterDependencies {
  readonly finalizers: FinalizerSink;
}

export function clustersDefinition(dependencies: ClustersDependencies): ActorDefinition<ClustersMessage> {
  return {
    ...childrenDefaults,
    kind: "clusters",
    create: (context) => new ClustersActor(context, dependencies),
    keyOf: (message) => ("key" in message ? `${message.type} ${message.key}` : message.type),
    // One notice for each cluster may wait at once: the first list of a large fleet.
    mailbox: { userCapacity: 65_536 },
  };
}

const crashLooping = (code: string): string =>
  `The actor of this cluster crashes again and again (${code}): it is started again at growing intervals, and at once when the ` +
  "ClusterConnection is edited";

const roundPauseMs = 60_000;

class ClustersActor implements Actor<ClustersMessage> {
  readonly #context: ActorContext<ClustersMessage>;
  readonly #dependencies: ClustersDependencies;
  readonly #children: Children<ClusterMessage, Attempts>;
  /** The uids of objects that are still there though what was stored of them has been removed. */
  readonly #removed = new Map<string, string | undefined>();
  /** Before this time the whole fleet is not asked again because one came back. */
  #nextRoundMs = 0;

  constructor(context: ActorContext<ClustersMessage>, dependencies: ClustersDependencies) {
    const { clock, random } = context;
    const { finalizers, limits } = dependencies;
    const recovered = (): void => void context.self.tell({ type: "cluster-recovered" });
    this.#context = context;
    this.#dependencies = dependencies;
    this.#children = new Children(context, dependencies, {
      resource: clusterConnections,
      remember: () => new Attempts(clock, random, limits.failuresBeforePause, recovered),
      define: (key, attempts) => clusterDefinition(key, dependencies, attempts),
      present: (key, object) => finalizers.hold(object, key),
      absent: (key, object) => this.#letGo(key, object),
      replaced: (attempts) => attempts.mended(),
      crashLooping(key, object, attempts, code) {
        const breaker = () => attempts.breaker;
        const report = new ClusterReport(nameOf(key), object, dependencies, clock, limits, breaker);
        report.about(object);
        report.failed({ code, reason: "ActorCrashLooping", message: crashLooping(code) });
      },
      ended: (key, attempts, uid) => {
        attempts.close();
        this.#remove(key, uid);
      },
    });
  }

  onStart(): void {
    this.#children.start();
  }

  onMessage(message: ClustersMessage): void {
    if (message.type === "plan-changed") this.#children.tellAll(message);
    else if (message.type === "cluster-recovered") this.#recovered();
    else this.#children.take(message);
  }

  /**
   * When most of the fleet is down and one comes back, what was broken lay between: the others are asked at once instead of one by
   * one in minutes. Once a minute at most, and within the slots of handshakes of which suspects hold no more than half.
   */
  #recovered(): void {
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs < this.#nextRoundMs) return;
    const all = this.#children.memories();
    const down = all.filter(({ breaker }) => breaker !== "closed").length;
    if (2 * down < all.length) return;
    this.#nextRoundMs = nowMs + roundPauseMs;
    this.#children.tellAll({ type: "fleet-recovered" });
  }

  /** Nothing writes of it any more, also if another hub process did before. */
  #letGo(key: string, object: KubeObject | undefined): void {
    if (object === undefined) {
      this.#removed.delete(key);
      return;
    }
    const { uid } = object.metadata;
    if (!this.#removed.has(key) || this.#removed.get(key) !== uid) {
      this.#children.forgetStatus(key, uid);
      this.#remove(key, uid);
    }
    this.#dependencies.finalizers.release(object, key);
  }

  #remove(key: string, uid: string | undefined): void {
    this.#removed.set(key, uid);
    this.#dependencies.store.write(clusterDeleted(nameOf(key), this.#context.clock.nowMs()));
    for (const { actor } of this.#dependencies.board.sources())
      actor.tell({ type: "cluster-left", cluster: nameOf(key) });
  }

  onStop(): void {
    for (const attempts of this.#children.memories()) attempts.close();
  }
}
