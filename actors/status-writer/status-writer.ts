// Patches the status of custom resources: only on change, the newest wish per object only, a bounded number at once and per
// second. An API server of the hub that is slow or down delays statuses and nothing else.
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import type { ResourceType } from "../../src/api/v1alpha1/resources.ts";
import type { ActorDefinition } from "../system/index.ts";
import {
  defaultWriterLimits,
  keyedWriter,
  type WriterLimits,
  type WriterMessage,
  type WriterStats,
} from "./keyed-writer.ts";

/** The object whose status is meant. The uid keeps a re-created object of the same name from getting its forerunner's status. */
export interface StatusTarget {
  /** Plural resource name: "clusterconnections". */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The object as a target; undefined: it is not there, or not whole. */
export function statusTargetOf({ plural }: ResourceType, object: unknown): StatusTarget | undefined {
  const { namespace, name, uid } = (object as KubeObject | undefined)?.metadata ?? {};
  const isWhole = namespace !== undefined && name !== undefined && uid !== undefined;
  return isWhole ? { resource: plural, namespace, name, uid } : undefined;
}

/** Writes one status. Throws ClusterPulseError NOT_FOUND when the object is gone (also when its uid is another). */
export interface StatusPatcher {
  patch(target: StatusTarget, status: object, signal: AbortSignal): Promise<void>;
}

interface StatusWish {
  readonly target: StatusTarget;
  readonly json: string;
}

export type StatusWriterMessage = WriterMessage<StatusWish>;

/** The side that other actors hold. */
export interface StatusSink {
  /** Wishes this status for the object; nothing happens when it is what was written last. */
  set(target: StatusTarget, status: object): void;
  /** Forgets an object that is gone. */
  forget(target: StatusTarget): void;
  stats(): WriterStats;
}

const keyOf = (target: StatusTarget): string => `${target.resource}/${target.namespace}/${target.name}/${target.uid}`;

/** The definition of the status writer, and the sink that it empties once it runs. */
export function statusWriter(
  patcher: StatusPatcher,
  limits: WriterLimits = defaultWriterLimits,
): { definition: ActorDefinition<StatusWriterMessage>; sink: StatusSink } {
  /** What was written last of each object that is there; null: nothing yet. */
  const written = new Map<string, string | null>();
  const { definition, sink } = keyedWriter<StatusWish>({
    kind: "status-writer",
    limits,
    write: ({ target, json }, signal) => patcher.patch(target, JSON.parse(json), signal),
    isWorthRetrying: (code) => code !== "NOT_FOUND",
    onSettled(key, { json }, error) {
      if (written.has(key)) written.set(key, error === null ? json : null);
    },
  });
  return {
    definition,
    sink: {
      set(target, status) {
        const key = keyOf(target);
        const json = JSON.stringify(status);
        const last = written.get(key) ?? null;
        if ((sink.pending(key)?.json ?? last) === json) return;
        written.set(key, last);
        sink.put(key, { target, json });
      },
      forget(target) {
        sink.forget(keyOf(target));
        written.delete(keyOf(target));
      },
      stats: sink.stats,
    },
  };
}
