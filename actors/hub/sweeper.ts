// Once after the start, when everything that exists is known: removes what an earlier life of this hub stored of clusters that
// are gone since. Tries again when the store is away; then it is done and stops.
import { clusterConnections } from "../../src/api/v1alpha1/resources.ts";
import { fullJitterMs } from "../../src/support/backoff.ts";
import type { ObjectCache } from "../informer/informer.ts";
import type { ActorDefinition, RunOutcome } from "../system/index.ts";

export type SweeperMessage = { readonly type: "look" } | { readonly type: "swept"; readonly outcome: RunOutcome<void> };

const lookEveryMs = 1_000;
const sweepDeadlineMs = 60_000;
const retryMs = { firstMs: 5_000, maxMs: 60_000 };

/** @param sweep removes what is not of `liveClusters`; it may refuse, which is final */
export function sweeperDefinition(
  sweep: (liveClusters: readonly string[], signal: AbortSignal) => Promise<void>,
  cache: ObjectCache,
): ActorDefinition<SweeperMessage> {
  return {
    kind: "sweeper",
    create(context) {
      let failures = 0;
      const look = (delayMs: number): void => context.timers.once("look", delayMs, { type: "look" });
      return {
        onStart: () => look(lookEveryMs),
        onMessage(message) {
          switch (message.type) {
            case "look": {
              if (!cache.synced()) {
                look(lookEveryMs);
                return;
              }
              const live = [...cache.keys(clusterConnections.kind)].map((key) => key.slice(key.indexOf("/") + 1));
              const onEnd = (outcome: RunOutcome<void>): SweeperMessage => ({ type: "swept", outcome });
              context.run("sweep", { deadlineMs: sweepDeadlineMs, onEnd }, (signal) => sweep(live, signal));
              return;
            }
            case "swept": {
              const { outcome } = message;
              if (outcome.status === "ok") {
                context.stopSelf();
                return;
              }
              const error =
                outcome.status === "failed"
                  ? outcome.error
                  : { code: "STORE_DEADLINE", message: "the store did not answer" };
              context.log.warn({ error }, "the sweep of the store did not succeed");
              if (error.code === "STORE_SWEEP_REFUSED") context.stopSelf();
              else look(fullJitterMs(retryMs, ++failures, context.random));
              return;
            }
          }
        },
      };
    },
  };
}
