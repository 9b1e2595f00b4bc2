// The hub's finalizer on ClusterConnections: one that is deleted stays until what was stored of it has been given up for removal.
// Neither the remote cluster nor the store is waited for, so a namespace never hangs on them. A hub that may not patch works
// without, and says so once: then the sweep at its next start removes what a deletion that it missed left behind.
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import { clusterConnections } from "../../src/api/v1alpha1/resources.ts";
import { isLeaving } from "../informer/children.ts";
import type { ObjectCache } from "../informer/informer.ts";
import { defaultWriterLimits, keyedWriter, type WriterMessage } from "../status-writer/keyed-writer.ts";
import type { ActorDefinition } from "../system/index.ts";

export const cleanupFinalizer = "clusterpulse.io/cleanup";

/** The version of the object that a list of finalizers was made from. */
export interface FinalizerTarget {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface FinalizerPatcher {
  /**
   * Replaces the finalizers of a ClusterConnection. Throws ClusterPulseError, among them NOT_FOUND (it is gone), CONFLICT (it
   * has changed since that version) and FORBIDDEN.
   */
  patchFinalizers(target: FinalizerTarget, finalizers: readonly string[], signal: AbortSignal): Promise<void>;
}

interface FinalizerWish {
  /** `namespace/name`. */
  readonly key: string;
  readonly wish: "hold" | "release";
}

/** The side that other actors hold. */
export interface FinalizerSink {
  /** Brings an object's finalizer in line with it: there unless it is being deleted. */
  hold(object: KubeObject, key: string): void;
  /** Lets an object that is being deleted go. */
  release(object: KubeObject, key: string): void;
}

const has = ({ metadata }: KubeObject): boolean => metadata.finalizers?.includes(cleanupFinalizer) === true;

const limits = { ...defaultWriterLimits, writeDeadlineMs: 3_000, backoffMs: { firstMs: 500, maxMs: 30_000 } };
/** Refusals that another try does not change. To let an object go is always tried again: it would hang otherwise. */
const final: ReadonlySet<string> = new Set(["FORBIDDEN", "UNEXPECTED_STATUS"]);

export function finalizerWriter(
  patcher: FinalizerPatcher,
  cache: ObjectCache,
): { definition: ActorDefinition<WriterMessage<FinalizerWish>>; sink: FinalizerSink } {
  let forbidden = false;
  const { definition, sink } = keyedWriter<FinalizerWish>({
    kind: "finalizers",
    limits,
    async write({ key, wish }, signal) {
      // The newest object, not the one of the wish: others may have changed its finalizers since.
      const object = cache.get(clusterConnections.kind, key) as KubeObject | undefined;
      if (object === undefined || isLeaving(object) !== (wish === "release") || has(object) === (wish === "hold"))
        return;
      const { namespace, name, uid, resourceVersion, finalizers = [] } = object.metadata;
      if (namespace === undefined || uid === undefined || resourceVersion === undefined) return;
      const others = finalizers.filter((finalizer) => finalizer !== cleanupFinalizer);
      const wanted = wish === "hold" ? [...others, cleanupFinalizer] : others;
      await patcher.patchFinalizers({ namespace, name, uid, resourceVersion }, wanted, signal);
    },
    isWorthRetrying: (code, { wish }) => code !== "NOT_FOUND" && !(wish === "hold" && final.has(code)),
    onSettled(_key, { wish }, error, log) {
      if (error?.code !== "FORBIDDEN" || wish !== "hold" || forbidden) return;
      forbidden = true;
      log.warn({ error }, "the hub may not patch ClusterConnections: it goes on without its finalizer");
    },
  });
  return {
    definition,
    sink: {
      hold(object, key) {
        if (!forbidden && !has(object)) sink.put(key, { key, wish: "hold" });
      },
      release(object, key) {
        if (has(object)) sink.put(key, { key, wish: "release" });
        else sink.forget(key);
      },
    },
  };
}
