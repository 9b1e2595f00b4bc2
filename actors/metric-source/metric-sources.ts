// Supervises the MetricSources: one child for each, started when it appears, told when its spec changes, stopped when it goes; then the
// clusters collect it no more, and what was stored of it is removed everywhere. A crash of one child costs that child only.
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import { clusterConnections, metricSources } from "../../src/api/v1alpha1/resources.ts";
import { sourceDeleted } from "../../src/store/metric-source-documents.ts";
import type { ObjectChanged } from "../informer/informer.ts";
import type { Actor, ActorContext, ActorDefinition, ActorRef } from "../system/index.ts";
import {
  type MetricSourceDependencies,
  type MetricSourceMessage,
  metricSourceDefinition,
  type SourceMemory,
} from "./metric-source.ts";

export type MetricSourcesMessage = ObjectChanged | { readonly type: "source-gone"; readonly key: string };

interface Child {
  readonly ref: ActorRef<MetricSourceMessage>;
  readonly uid: string | undefined;
  readonly memory: SourceMemory;
  generation: number | undefined;
}

export function metricSourcesDefinition(dependencies: MetricSourceDependencies): ActorDefinition<MetricSourcesMessage> {
  return {
    kind: "metric-sources",
    create: (context) => new MetricSourcesActor(context, dependencies),
    keyOf: (message) => `${message.type} ${message.key}`,
    // One notice for each source may wait at once: the first list.
    mailbox: { userCapacity: 16_384 },
    supervision: { maxRestarts: 10, withinMs: 60_000 },
  };
}

const nameOf = (key: string): string => key.slice(key.indexOf("/") + 1);

class MetricSourcesActor implements Actor<MetricSourcesMessage> {
  readonly #context: ActorContext<MetricSourcesMessage>;
  readonly #dependencies: MetricSourceDependencies;
  readonly #children = new Map<string, Child>();

  constructor(context: ActorContext<MetricSourcesMessage>, dependencies: MetricSourceDependencies) {
    this.#context = context;
    this.#dependencies = dependencies;
  }

  onStart(): void {
    const subscriber = this.#context.self as ActorRef<ObjectChanged>;
    this.#dependencies.informer.tell({ type: "interest", kind: metricSources.kind, key: null, subscriber });
  }

  onMessage({ type, key }: MetricSourcesMessage): void {
    if (type === "source-gone") this.#gone(key);
    else this.#changed(key);
  }

  /** Level-triggered: whatever happened, the newest object says what is to be. */
  #changed(key: string): void {
    const object = this.#dependencies.cache.get(metricSources.kind, key) as KubeObject | undefined;
    const child = this.#children.get(key);
    const isLeaving = object?.metadata.deletionTimestamp !== undefined;
    if (child === undefined) {
      if (object !== undefined && !isLeaving) this.#start(key, object);
    } else if (object === undefined || isLeaving || object.metadata.uid !== child.uid) {
      this.#dependencies.board.remove(key);
      this.#context.stop(child.ref as ActorRef<never>);
    } else if (object.metadata.generation !== child.generation) {
      child.generation = object.metadata.generation;
      child.ref.tell({ type: "spec-changed" });
    }
  }

  #start(key: string, { metadata: { uid, generation } }: KubeObject): void {
    const memory: SourceMemory = {
      typeNames: new Set(),
      outcomes: new Map(),
      groups: new Map(),
      revision: "",
      status: undefined,
      published: undefined,
    };
    const ref = this.#context.spawn(metricSourceDefinition(key, this.#dependencies, memory), { name: nameOf(key) });
    this.#children.set(key, { ref, uid, generation, memory });
    this.#context.watch(ref as ActorRef<never>, { type: "source-gone", key });
  }

  /** The child has ended and is on no board: what was stored of it is removed. One re-created meanwhile starts anew. */
  #gone(key: string): void {
    const child = this.#children.get(key);
    this.#children.delete(key);
    const { board, cache, status, store } = this.#dependencies;
    // A child that was told to read its spec just before it stopped may have put it there again.
    board.remove(key);
    const [namespace = ""] = key.split("/");
    const id = { namespace, name: nameOf(key) };
    if (child?.uid !== undefined) status.forget({ resource: metricSources.plural, ...id, uid: child.uid });
    const clusters = [...cache.keys(clusterConnections.kind)].map(nameOf);
    store.write(sourceDeleted(id, [...(child?.memory.typeNames ?? [])], clusters, this.#context.clock.nowMs()));
    this.#changed(key);
  }
}
