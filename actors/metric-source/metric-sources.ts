// Supervises the MetricSources: one child for each. When one goes, the clusters collect it no more, and what was stored of it is removed
// everywhere.
import { clusterConnections, metricSources } from "../../src/api/v1alpha1/resources.ts";
import { crashLoopingStatus } from "../../src/metric-source/status.ts";
import { sourceDeleted } from "../../src/store/metric-source-documents.ts";
import { Children, type ChildrenMessage, childrenDefaults, nameOf } from "../informer/children.ts";
import type { Actor, ActorContext, ActorDefinition } from "../system/index.ts";
import {
  type MetricSourceDependencies,
  type MetricSourceMessage,
  metricSourceDefinition,
  type SourceMemory,
} from "./metric-source.ts";

export function metricSourcesDefinition(dependencies: MetricSourceDependencies): ActorDefinition<ChildrenMessage> {
  // Outlives the instances of the supervisor too: the clusters tell what is new, not what they told before.
  const memories = new Map<string, SourceMemory>();
  return {
    ...childrenDefaults,
    kind: "metric-sources",
    create: (context) => new MetricSourcesActor(context, dependencies, memories),
    keyOf: (message) => `${message.type} ${message.key}`,
    // One notice for each source may wait at once: the first list.
    mailbox: { userCapacity: 16_384 },
  };
}

const newMemory = (): SourceMemory => ({
  typeNames: new Set(),
  outcomes: new Map(),
  groups: new Map(),
  revision: "",
  status: undefined,
  published: undefined,
});

class MetricSourcesActor implements Actor<ChildrenMessage> {
  readonly #children: Children<MetricSourceMessage, SourceMemory>;

  constructor(
    context: ActorContext<ChildrenMessage>,
    dependencies: MetricSourceDependencies,
    memories: Map<string, SourceMemory>,
  ) {
    const { board, cache, status, store } = dependencies;
    this.#children = new Children<MetricSourceMessage, SourceMemory>(context, dependencies, {
      resource: metricSources,
      remember(key) {
        const memory = memories.get(key) ?? newMemory();
        memories.set(key, memory);
        return memory;
      },
      define: (key, memory) => metricSourceDefinition(key, dependencies, memory),
      stopping: (key) => board.remove(key),
      crashLooping(_key, { metadata }, memory, code) {
        const { namespace = "", name, uid, generation } = metadata;
        const input = { previous: memory.status, observedGeneration: generation, nowMs: context.clock.nowMs() };
        const said = crashLoopingStatus(input, code);
        memory.status = said;
        if (uid !== undefined) status.set({ resource: metricSources.plural, namespace, name, uid }, said);
      },
      ended(key, { typeNames }) {
        memories.delete(key);
        // A child that was told to read its spec just before it stopped may have put it there again.
        board.remove(key);
        const [namespace = ""] = key.split("/");
        const clusters = [...cache.keys(clusterConnections.kind)].map(nameOf);
        store.write(sourceDeleted({ namespace, name: nameOf(key) }, [...typeNames], clusters, context.clock.nowMs()));
      },
    });
  }

  onStart(): void {
    this.#children.start();
  }

  onMessage(message: ChildrenMessage): void {
    this.#children.take(message);
  }
}
