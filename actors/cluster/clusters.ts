// Supervises the fleet: one child for each ClusterConnection, started when it appears, told when its spec changes, stopped when
// it goes. What a crash of one child costs is decided here: that child only.
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import { clusterConnections } from "../../src/api/v1alpha1/resources.ts";
import { clusterDeleted } from "../../src/store/documents.ts";
import type { ObjectChanged } from "../informer/informer.ts";
import type { Actor, ActorContext, ActorDefinition, ActorRef, SupervisionStrategy } from "../system/index.ts";
import { Attempts } from "./attempts.ts";
import { type ClusterDependencies, type ClusterMemory, type ClusterMessage, clusterDefinition } from "./cluster.ts";
import { type FinalizerSink, isLeaving } from "./finalizers.ts";
import { ClusterReport } from "./report.ts";

export type ClustersMessage =
  | ObjectChanged
  | { readonly type: "cluster-gone"; readonly key: string }
  /** The actor of this cluster crashes too often; `key` is its name. */
  | { readonly type: "cluster-degraded"; readonly key: string; readonly code: string }
  /** Other MetricSources are to be collected. */
  | { readonly type: "plan-changed" };

const supervision: SupervisionStrategy = { maxRestarts: 10, withinMs: 60_000 };

export interface ClustersDependencies extends ClusterDependencies {
  readonly finalizers: FinalizerSink;
}

export function clustersDefinition(dependencies: ClustersDependencies): ActorDefinition<ClustersMessage> {
  return {
    kind: "clusters",
    create: (context) => new ClustersActor(context, dependencies),
    keyOf: (message) => (message.type === "plan-changed" ? message.type : `${message.type} ${message.key}`),
    // One notice for each cluster may wait at once: the first list of a large fleet.
    mailbox: { userCapacity: 65_536 },
    onChildDegraded: ({ name }, { code }) => ({ type: "cluster-degraded", key: name, code }),
    supervision,
  };
}

interface Child {
  readonly ref: ActorRef<ClusterMessage>;
  readonly uid: string | undefined;
  readonly memory: ClusterMemory;
  generation: number | undefined;
  /** Set once it is told to stop: a fresh one follows, or what it wrote is removed. */
  stopping: "replace" | "remove" | undefined;
}

const crashLooping = (code: string): string =>
  `The actor of this cluster crashes again and again (${code}): it is started again at growing intervals, and at once when the ` +
  "ClusterConnection is edited";

const nameOf = (key: string): string => key.slice(key.indexOf("/") + 1);

class ClustersActor implements Actor<ClustersMessage> {
  readonly #context: ActorContext<ClustersMessage>;
  readonly #dependencies: ClustersDependencies;
  readonly #children = new Map<string, Child>();
  /** The uids of objects that are still there though what was stored of them has been removed. */
  readonly #removed = new Map<string, string | undefined>();

  constructor(context: ActorContext<ClustersMessage>, dependencies: ClustersDependencies) {
    this.#context = context;
    this.#dependencies = dependencies;
  }

  onStart(): void {
    const subscriber = this.#context.self as ActorRef<ObjectChanged>;
    this.#dependencies.informer.tell({ type: "interest", kind: clusterConnections.kind, key: null, subscriber });
  }

  onMessage(message: ClustersMessage): void {
    switch (message.type) {
      case "object-changed":
        this.#connectionChanged(message.key);
        return;
      case "cluster-gone":
        this.#gone(message.key);
        return;
      case "cluster-degraded":
        this.#degraded(message.key, message.code);
        return;
      case "plan-changed":
        for (const { ref } of this.#children.values()) ref.tell({ type: "plan-changed" });
        return;
    }
  }

  #object(key: string): KubeObject | undefined {
    return this.#dependencies.cache.get(clusterConnections.kind, key) as KubeObject | undefined;
  }

  /** Level-triggered: whatever happened, the newest object says what is to be. */
  #connectionChanged(key: string): void {
    const object = this.#object(key);
    const child = this.#children.get(key);
    if (object !== undefined && !isLeaving(object)) this.#dependencies.finalizers.hold(object, key);
    if (child === undefined) {
      if (object === undefined) this.#removed.delete(key);
      else if (isLeaving(object)) this.#letGo(key, object);
      else this.#start(key, object);
    } else if (object === undefined || isLeaving(object) || object.metadata.uid !== child.uid) {
      this.#stop(child, "remove");
    } else if (object.metadata.generation !== child.generation) {
      child.generation = object.metadata.generation;
      // One that crashed waits longer and longer for its next start; an edited spec is worth one at once.
      if (child.memory.fallen) this.#stop(child, "replace");
      else child.ref.tell({ type: "spec-changed" });
    }
  }

  /** Nothing writes of it any more, also if another hub process did before. */
  #letGo(key: string, object: KubeObject): void {
    const { uid } = object.metadata;
    if (!this.#removed.has(key) || this.#removed.get(key) !== uid) this.#remove(key, uid);
    this.#dependencies.finalizers.release(object, key);
  }

  #stop(child: Child, then: "replace" | "remove"): void {
    child.stopping = child.stopping === "remove" ? "remove" : then;
    this.#context.stop(child.ref as ActorRef<never>);
  }

  #start(key: string, { metadata }: KubeObject, attempts = this.#newAttempts()): void {
    const memory = { attempts, fallen: false };
    const definition = clusterDefinition(key, this.#dependencies, memory);
    const ref = this.#context.spawn(definition, { name: nameOf(key) });
    const { uid, generation } = metadata;
    this.#children.set(key, { ref, uid, generation, memory, stopping: undefined });
    this.#context.watch(ref as ActorRef<never>, { type: "cluster-gone", key });
  }

  #newAttempts(): Attempts {
    const { clock, random } = this.#context;
    return new Attempts(clock, random, this.#dependencies.limits.failuresBeforePause);
  }

  /** No instance is there that could say it. */
  #degraded(name: string, code: string): void {
    const [key = "", child] = [...this.#children].find(([own]) => nameOf(own) === name) ?? [];
    const object = this.#object(key);
    if (child === undefined || child.stopping !== undefined || object === undefined) return;
    const { memory } = child;
    memory.fallen = true;
    const { clock } = this.#context;
    const { limits } = this.#dependencies;
    const breaker = () => memory.attempts.breaker;
    const report = new ClusterReport(name, object, this.#dependencies, clock, limits, breaker);
    report.about(object);
    report.failed({ code, reason: "ActorCrashLooping", message: crashLooping(code) });
  }

  /** The child has ended and writes no more. Unless another takes its place, what it wrote is removed; one re-created meanwhile starts anew. */
  #gone(key: string): void {
    const child = this.#children.get(key);
    this.#children.delete(key);
    const object = this.#object(key);
    if (child?.stopping === "replace" && object !== undefined && object.metadata.uid === child.uid) {
      child.memory.attempts.mended();
      this.#start(key, object, child.memory.attempts);
      return;
    }
    child?.memory.attempts.close();
    this.#remove(key, child?.uid);
    this.#connectionChanged(key);
  }

  #remove(key: string, uid: string | undefined): void {
    this.#removed.set(key, uid);
    if (uid !== undefined) {
      const [namespace = ""] = key.split("/");
      this.#dependencies.status.forget({ resource: clusterConnections.plural, namespace, name: nameOf(key), uid });
    }
    this.#dependencies.store.write(clusterDeleted(nameOf(key), this.#context.clock.nowMs()));
    for (const { actor } of this.#dependencies.board.sources())
      actor.tell({ type: "cluster-left", cluster: nameOf(key) });
  }

  onStop(): void {
    for (const { memory } of this.#children.values()) memory.attempts.close();
  }
}
