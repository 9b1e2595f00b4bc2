// Supervises the fleet: one child for each ClusterConnection, started when it appears, told when its spec changes, stopped when
// it goes. What a crash of one child costs is decided here: that child only.
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import { clusterConnections } from "../../src/api/v1alpha1/resources.ts";
import { clusterDeleted } from "../../src/store/documents.ts";
import type { ObjectChanged } from "../informer/informer.ts";
import type { Actor, ActorContext, ActorDefinition, ActorRef, SupervisionStrategy } from "../system/index.ts";
import { type ClusterDependencies, type ClusterMessage, clusterDefinition } from "./cluster.ts";

export type ClustersMessage = ObjectChanged | { readonly type: "cluster-gone"; readonly key: string };

const supervision: SupervisionStrategy = { maxRestarts: 10, withinMs: 60_000 };

export function clustersDefinition(dependencies: ClusterDependencies): ActorDefinition<ClustersMessage> {
  return {
    kind: "clusters",
    create: (context) => new ClustersActor(context, dependencies),
    keyOf: (message) => `${message.type} ${message.key}`,
    // One notice for each cluster may wait at once: the first list of a large fleet.
    mailbox: { userCapacity: 65_536 },
    supervision,
  };
}

interface Child {
  readonly ref: ActorRef<ClusterMessage>;
  readonly uid: string | undefined;
  generation: number | undefined;
  stopping: boolean;
}

const nameOf = (key: string): string => key.slice(key.indexOf("/") + 1);

class ClustersActor implements Actor<ClustersMessage> {
  readonly #context: ActorContext<ClustersMessage>;
  readonly #dependencies: ClusterDependencies;
  readonly #children = new Map<string, Child>();

  constructor(context: ActorContext<ClustersMessage>, dependencies: ClusterDependencies) {
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
    }
  }

  /** Level-triggered: whatever happened, the newest object says what is to be. */
  #connectionChanged(key: string): void {
    const object = this.#dependencies.cache.get(clusterConnections.kind, key) as KubeObject | undefined;
    const child = this.#children.get(key);
    if (child === undefined) {
      if (object !== undefined) this.#start(key, object);
      return;
    }
    if (object === undefined || object.metadata.uid !== child.uid) {
      child.stopping = true;
      this.#context.stop(child.ref as ActorRef<never>);
    } else if (object.metadata.generation !== child.generation) {
      child.generation = object.metadata.generation;
      child.ref.tell({ type: "spec-changed" });
    }
  }

  #start(key: string, { metadata }: KubeObject): void {
    const ref = this.#context.spawn(clusterDefinition(key, this.#dependencies), { name: nameOf(key) });
    this.#children.set(key, { ref, uid: metadata.uid, generation: metadata.generation, stopping: false });
    this.#context.watch(ref as ActorRef<never>, { type: "cluster-gone", key });
  }

  /** The child has ended and writes no more: now what it wrote is removed, and a connection re-created meanwhile gets its own child. */
  #gone(key: string): void {
    const child = this.#children.get(key);
    this.#children.delete(key);
    if (child?.uid !== undefined) {
      const [namespace = ""] = key.split("/");
      this.#dependencies.status.forget({
        resource: clusterConnections.plural,
        namespace,
        name: nameOf(key),
        uid: child.uid,
      });
    }
    this.#dependencies.store.write(clusterDeleted(nameOf(key), this.#context.clock.nowMs()));
    this.#connectionChanged(key);
  }
}
