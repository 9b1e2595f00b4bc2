// One MetricSource: compiled when its spec changes, put on the board for the clusters, its definition stored, and its status said from what
// the clusters tell. It collects nothing itself. A definition that does not compile is not collected; what it stored stays until it expires.
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import {
  type MetricSourceSpec,
  type MetricSourceStatus,
  parseMetricSource,
} from "../../src/api/v1alpha1/metric-source.ts";
import { clusterConnections, metricSources } from "../../src/api/v1alpha1/resources.ts";
import { defaultMaxGroups } from "../../src/metric-source/aggregate/definition.ts";
import { type CompiledSource, compileMetricSource } from "../../src/metric-source/compiled.ts";
import type { SourceProblem } from "../../src/metric-source/problem.ts";
import { laneOf } from "../../src/metric-source/protobuf-lane.ts";
import {
  type ClusterOutcome,
  coverageOf,
  currentStatus,
  isTransition,
  neverCollected,
  type SourceStatusInput,
  sourceStatus,
} from "../../src/metric-source/status.ts";
import { sourceDefinition, sourceEvent, sourceState } from "../../src/store/metric-source-documents.ts";
import type { SourceId } from "../../src/store/metric-source-keys.ts";
import { rfc3339 } from "../../src/support/clock.ts";
import { nameOf } from "../informer/children.ts";
import type { InformerMessage, ObjectCache } from "../informer/informer.ts";
import type { StatusSink } from "../status-writer/status-writer.ts";
import type { StoreSink } from "../store-writer/store-writer.ts";
import type { Actor, ActorContext, ActorDefinition, ActorRef } from "../system/index.ts";
import type { SourceBoard, SourceNews } from "./board.ts";

export type MetricSourceMessage =
  | SourceNews
  /** The MetricSource has a new generation. */
  | { readonly type: "spec-changed" }
  | { readonly type: "say" };

export interface MetricSourceDependencies {
  readonly cache: ObjectCache;
  readonly informer: ActorRef<InformerMessage>;
  readonly board: SourceBoard;
  readonly store: StoreSink;
  readonly status: StatusSink;
  readonly statusRefreshMs: number;
  /** Whether fields may lead to the data of Secrets. */
  readonly allowSecretFields: boolean;
}

/** What outlives the instances of one source's actor. */
export interface SourceMemory {
  /** Every type name that it was indexed under. */
  readonly typeNames: Set<string>;
  readonly outcomes: Map<string, ClusterOutcome>;
  readonly groups: Map<string, number>;
  /** Of the definition that the outcomes are of. */
  revision: string;
  status: MetricSourceStatus | undefined;
  /** Of the last event. */
  published: MetricSourceStatus | undefined;
}

type Watched = KubeObject & { readonly spec?: Partial<MetricSourceSpec>; readonly status?: MetricSourceStatus };

/** What the clusters tell within this time is said at once: longer where there are many, since saying it looks at all of them. */
const gatherMs = { least: 1_000, perCluster: 5 };
/** For so long after the start a status of before is left alone, while there are clusters that were not asked yet. */
const settleMs = 60_000;

/** @param key `namespace/name` */
export function metricSourceDefinition(
  key: string,
  dependencies: MetricSourceDependencies,
  memory: SourceMemory,
): ActorDefinition<MetricSourceMessage> {
  return {
    kind: "metric-source",
    create: (context) => new MetricSourceActor(key, context, dependencies, memory),
    keyOf(message) {
      switch (message.type) {
        case "collected":
          return `collected ${message.outcome.cluster}`;
        case "unreachable":
        case "cluster-left":
          return `${message.type} ${message.cluster}`;
        case "spec-changed":
        case "say":
          return message.type;
      }
    },
    // Every cluster may have something to tell at once.
    mailbox: { userCapacity: 65_536 },
  };
}

class MetricSourceActor implements Actor<MetricSourceMessage> {
  readonly #key: string;
  readonly #context: ActorContext<MetricSourceMessage>;
  readonly #dependencies: MetricSourceDependencies;
  readonly #memory: SourceMemory;
  #problems: readonly string[] = [];
  #fields: SourceStatusInput["fields"] = [];
  /** Undefined: it does not compile. */
  #compiled: CompiledSource | undefined;
  #lane: SourceStatusInput["lane"];
  #saysSoon = false;
  /** Until then, what was said before the start holds. Monotonic. */
  #settlesAtMs = 0;

  constructor(
    key: string,
    context: ActorContext<MetricSourceMessage>,
    dependencies: MetricSourceDependencies,
    memory: SourceMemory,
  ) {
    this.#key = key;
    this.#context = context;
    this.#dependencies = dependencies;
    this.#memory = memory;
  }

  onStart(): void {
    this.#memory.status ??= this.#object()?.status;
    this.#settlesAtMs = this.#context.clock.monotonicMs() + settleMs;
    this.#readSpec();
  }

  onMessage(message: MetricSourceMessage): void {
    const { outcomes, groups } = this.#memory;
    switch (message.type) {
      case "spec-changed":
        this.#readSpec();
        return;
      case "collected":
        if (message.revision !== this.#compiled?.hash) return;
        outcomes.set(message.outcome.cluster, message.outcome);
        groups.set(message.outcome.cluster, message.groups);
        this.#saySoon();
        return;
      case "unreachable": {
        const before = outcomes.get(message.cluster) ?? unknown(message.cluster);
        if (before.state === "unreachable") return;
        outcomes.set(message.cluster, { ...before, state: "unreachable" });
        this.#saySoon();
        return;
      }
      case "cluster-left":
        if (outcomes.delete(message.cluster)) this.#saySoon();
        groups.delete(message.cluster);
        return;
      case "say":
        this.#saysSoon = false;
        this.#say();
        return;
    }
  }

  #object(): Watched | undefined {
    return this.#dependencies.cache.get(metricSources.kind, this.#key) as Watched | undefined;
  }

  #readSpec(): void {
    const parsed = parseMetricSource(this.#object());
    if (!parsed.ok) {
      this.#broken(parsed.problems);
      return;
    }
    const { metadata, spec } = parsed.value;
    const { allowSecretFields } = this.#dependencies;
    const namespace = metadata.namespace ?? this.#key.slice(0, this.#key.indexOf("/"));
    const result = compileMetricSource({ metadata: { name: metadata.name, namespace }, spec }, { allowSecretFields });
    if (!result.ok) {
      this.#broken(result.problems.map(sentence));
      return;
    }
    const { definition, hash } = result.source;
    this.#problems = [];
    this.#fields = definition.fields.map(({ name }, i) => {
      const found = result.warnings.find(({ field }) => field.startsWith(`spec.fields[${i}]`));
      return { name, warning: found && sentence(found) };
    });
    const { board, store } = this.#dependencies;
    const { typeNames, outcomes, groups } = this.#memory;
    if (hash !== this.#memory.revision) {
      outcomes.clear();
      groups.clear();
    }
    this.#memory.revision = hash;
    this.#compiled = result.source;
    this.#lane = laneOf(result.source);
    const { resourceTypeName } = definition.rbac;
    const value = { ...definition, compiledAt: rfc3339(this.#context.clock.nowMs()), hash };
    for (const former of typeNames.size === 0 ? [""] : typeNames) store.write(sourceDefinition(value, former));
    typeNames.clear();
    typeNames.add(resourceTypeName);
    board.post(result.source, this.#context.self as ActorRef<SourceNews>);
    this.#saySoon();
  }

  #broken(problems: readonly string[]): void {
    this.#problems = problems;
    this.#compiled = undefined;
    this.#dependencies.board.remove(this.#key);
    this.#say();
  }

  #saySoon(): void {
    if (this.#saysSoon) return;
    this.#saysSoon = true;
    const waitMs = gatherMs.least + gatherMs.perCluster * this.#memory.outcomes.size;
    this.#context.timers.once("say", waitMs, { type: "say" });
  }

  #say(): void {
    const object = this.#object();
    if (object === undefined) return;
    const { cache, board, status, statusRefreshMs } = this.#dependencies;
    const { namespace = "", name, uid, generation } = object.metadata;
    const { outcomes, groups, status: previous } = this.#memory;
    const nowMs = this.#context.clock.nowMs();
    const clusters = [...cache.keys(clusterConnections.kind)]
      .map(nameOf)
      .sort()
      .map((cluster) => outcomes.get(cluster) ?? unknown(cluster));
    const input: SourceStatusInput = {
      compileProblems: this.#problems,
      fields: this.#fields,
      computed: this.#compiled?.computed.map((computed) => computed.name) ?? [],
      lane: this.#lane,
      clusters,
      quarantine: board.quarantine(this.#key),
      groups: { most: Math.max(0, ...groups.values()), limit: defaultMaxGroups },
      previous,
      observedGeneration: generation,
      nowMs,
      refreshMs: statusRefreshMs,
    };
    if (this.#mustWait(input)) {
      this.#saySoon();
      return;
    }
    const current = currentStatus(input);
    const said = sourceStatus(input, current);
    this.#memory.status = said;
    if (uid !== undefined) status.set({ resource: metricSources.plural, namespace, name, uid }, said);
    this.#show({ namespace, name }, object.spec, current, input);
    this.#publish({ namespace, name }, current);
  }

  /** After a start it is not known yet what the clusters hold: what was said of this generation before stays, with its times. */
  #mustWait({ previous, observedGeneration, clusters, compileProblems }: SourceStatusInput): boolean {
    const isKnown = previous?.observedGeneration === observedGeneration && (previous?.clustersCollected ?? 0) > 0;
    const isWaiting = isKnown && compileProblems.length === 0 && clusters.some(({ state }) => state === "pending");
    if (isWaiting && this.#context.clock.monotonicMs() < this.#settlesAtMs) return true;
    this.#settlesAtMs = 0;
    return false;
  }

  /** What readers see is always of now: it costs no write of the custom resource. */
  #show(
    id: SourceId,
    spec: Partial<MetricSourceSpec> | undefined,
    status: MetricSourceStatus,
    input: SourceStatusInput,
  ): void {
    const { clusters, missing, oldestMs } = coverageOf(input.clusters);
    const collection = this.#compiled?.definition.collection;
    const state = {
      apiVersion: textOf(spec?.source?.apiVersion),
      kind: textOf(spec?.source?.kind),
      resourceTypeName: textOf(spec?.rbac?.resourceTypeName),
      status,
      clusters,
      groups: input.groups,
      missing,
      asOfMs: oldestMs,
      staleAfterMs:
        oldestMs === null || collection === undefined ? oldestMs : oldestMs + 2_000 * collection.intervalSeconds,
    };
    this.#dependencies.store.write(sourceState(id, state));
  }

  /** Only what became better or worse is news. */
  #publish(id: SourceId, status: MetricSourceStatus): void {
    const { published } = this.#memory;
    const { resourcesCollected = 0, clustersCollected = 0, errorsLastRun = 0 } = status;
    if (this.#compiled === undefined || clustersCollected === 0 || !isTransition(published, status)) return;
    this.#memory.published = status;
    const data = { resources: resourcesCollected, clusters: clustersCollected, errors: errorsLastRun };
    this.#dependencies.store.write(sourceEvent(id, "reconciled", data, this.#context.clock.nowMs()));
  }
}

/** The spec may be anything. */
const textOf = (value: unknown): string => (typeof value === "string" ? value.slice(0, 253) : "");

const sentence = ({ field, message }: SourceProblem): string => `${field} ${message}`;

const unknown = (cluster: string): ClusterOutcome => ({ cluster, state: "pending", ...neverCollected });
