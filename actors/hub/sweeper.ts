// Once after the start, when everything that exists is known: removes what an earlier life of this hub stored of clusters,
// registries and MetricSources that are gone since, one kind after the other. Tries again when the store is away; then it is done and stops.
import { clusterConnections, metricSources, registryConnections } from "../../src/api/v1alpha1/resources.ts";
import { type SweptKind, sweptKinds } from "../../src/store/redis/sweep.ts";
import { fullJitterMs } from "../../src/support/backoff.ts";
import { nameOf } from "../informer/children.ts";
import type { ObjectCache } from "../informer/informer.ts";
import type { ActorDefinition, RunOutcome } from "../system/index.ts";

export type SweeperMessage = { readonly type: "look" } | { readonly type: "swept"; readonly outcome: RunOutcome<void> };

/** Removes what is stored of a kind and is not of `live`; a rejection with STORE_SWEEP_REFUSED is final for the kind. */
export type Sweep = (kind: SweptKind, live: readonly string[], signal: AbortSignal) => Promise<void>;

const resourceKinds: Readonly<Record<SweptKind, string>> = {
  cluster: clusterConnections.kind,
  registry: registryConnections.kind,
  metricsource: metricSources.kind,
};
const lookEveryMs = 1_000;
const sweepDeadlineMs = 60_000;
const retryMs = { firstMs: 5_000, maxMs: 60_000 };

export function sweeperDefinition(sweep: Sweep, cache: ObjectCache): ActorDefinition<SweeperMessage> {
  return {
    kind: "sweeper",
    create(context) {
      const waiting: SweptKind[] = [...sweptKinds];
      let failures = 0;
      const look = (delayMs: number): void => context.timers.once("look", delayMs, { type: "look" });
      const next = (): void => {
        waiting.shift();
        failures = 0;
        if (waiting.length === 0) context.stopSelf();
        else look(0);
      };
      return {
        onStart: () => look(lookEveryMs),
        onMessage(message) {
          switch (message.type) {
            case "look": {
              if (!cache.synced()) {
                look(lookEveryMs);
                return;
              }
              const [kind] = waiting;
              if (kind === undefined) return;
              const keys = [...cache.keys(resourceKinds[kind])];
              const live = kind === "metricsource" ? keys : keys.map(nameOf);
              const onEnd = (outcome: RunOutcome<void>): SweeperMessage => ({ type: "swept", outcome });
              context.run("sweep", { deadlineMs: sweepDeadlineMs, onEnd }, (signal) => sweep(kind, live, signal));
              return;
            }
            case "swept": {
              const { outcome } = message;
              if (outcome.status === "ok") {
                next();
                return;
              }
              const error =
                outcome.status === "failed"
                  ? outcome.error
                  : { code: "STORE_DEADLINE", message: "the store did not answer" };
              context.log.warn({ error, kind: waiting[0] }, "the sweep of the store did not succeed");
              if (error.code === "STORE_SWEEP_REFUSED") next();
              else look(fullJitterMs(retryMs, ++failures, context.random));
              return;
            }
          }
        },
      };
    },
  };
}
