// Writes a series of events as a core/v1 Event, which every API server takes: created once, then patched with its count. The newer
// events.k8s.io/v1 shows the same objects.
import { type ResourceType, resourcePath } from "../../src/api/v1alpha1/resources.ts";
import { isKubeError } from "../../src/kube/errors.ts";
import type { KubeTransport } from "../../src/kube/transport.ts";
import { rfc3339 } from "../../src/support/clock.ts";
import type { EventPoster, EventSeries } from "./event-writer.ts";

const events: ResourceType = { group: "", version: "v1", kind: "Event", plural: "events" };
const component = "clusterpulse-hub";
const maxAnswerBytes = 1 << 20;

export function kubernetesEventPoster(hub: Pick<KubeTransport, "requestJson">): EventPoster {
  return {
    async post(series, signal) {
      const { namespace } = series.target;
      const path = resourcePath(events, { namespace });
      const options = { signal, maxBytes: maxAnswerBytes };
      const { count, message, lastMs } = series;
      if (count > 1) {
        const body = { count, message, lastTimestamp: rfc3339(lastMs) };
        const named = resourcePath(events, { namespace, name: series.name });
        try {
          await hub.requestJson("PATCH", named, { ...options, body, contentType: "application/merge-patch+json" });
          return;
        } catch (error) {
          // Never created, because the series grew while its first event waited; or forgotten meanwhile.
          if (!isKubeError(error, "NOT_FOUND")) throw error;
        }
      }
      try {
        await hub.requestJson("POST", path, { ...options, body: eventBody(series) });
      } catch (error) {
        // Created by a request whose answer was lost.
        if (!isKubeError(error, "CONFLICT")) throw error;
      }
    },
  };
}

function eventBody({ name, target, type, reason, message, firstMs, lastMs, count }: EventSeries): object {
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace: target.namespace },
    involvedObject: target,
    type,
    reason,
    message,
    source: { component },
    reportingComponent: component,
    reportingInstance: component,
    firstTimestamp: rfc3339(firstMs),
    lastTimestamp: rfc3339(lastMs),
    count,
  };
}
