// Kubernetes Events about the hub's own objects: what `kubectl describe` shows. Best effort: coalesced into series, rate limited,
// bounded; an API server that refuses or forgets them changes nothing else.
// Reasons are stable words; messages are the hub's own and never hold what a server answered.
import type { SafeError } from "../../src/support/errors.ts";
import { hash32 } from "../../src/support/random.ts";
import { defaultWriterLimits, keyedWriter, type WriterMessage } from "../status-writer/keyed-writer.ts";
import type { ActorDefinition } from "../system/index.ts";

/** The object that an event is about. */
export interface EventTarget {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface HubEvent {
  readonly target: EventTarget;
  readonly type: "Normal" | "Warning";
  /** CamelCase, from a closed set. */
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
}

/** A series of equal events, as it is written: times are epoch milliseconds. */
export interface EventSeries extends Omit<HubEvent, "atMs"> {
  /** Of the Event object. */
  readonly name: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly count: number;
}

export interface EventPoster {
  /** Creates the Event of a series, or brings it up to date. Throws ClusterPulseError. */
  post(series: EventSeries, signal: AbortSignal): Promise<void>;
}

/** The side that other actors hold. */
export interface EventSink {
  emit(event: HubEvent): void;
}

/** An event of the same object and reason within this time belongs to the series; after it a new one begins. API servers keep events for an hour. */
const seriesMs = 600_000;
const maxSeries = 4_096;
const maxMessageLength = 1_000;
const limits = { ...defaultWriterLimits, turnMs: 1_000, perTurn: 10, maxInFlight: 4, maxPending: 1_000 };
/** Without the right to write events, without their namespace, or refused: another try changes nothing. */
const pointless: ReadonlySet<string> = new Set(["FORBIDDEN", "NOT_FOUND", "UNEXPECTED_STATUS"]);

export function eventWriter(poster: EventPoster): {
  definition: ActorDefinition<WriterMessage<EventSeries>>;
  sink: EventSink;
} {
  /** By object and reason, the one that was added to last at the end. */
  const known = new Map<string, EventSeries>();
  let refusal: string | undefined;
  const { definition, sink } = keyedWriter<EventSeries>({
    kind: "event-writer",
    limits,
    write: (series, signal) => poster.post(series, signal),
    isWorthRetrying: (code) => !pointless.has(code),
    onSettled(_key, _series, error: SafeError | null, log) {
      if (error !== null && error.code !== refusal) log.warn({ error }, "the hub's API does not take events");
      refusal = error?.code;
    },
  });
  return {
    definition,
    sink: {
      emit({ atMs, message, ...event }) {
        const { namespace, name, uid } = event.target;
        const key = `${namespace}/${name}/${uid} ${event.reason}`;
        const before = known.get(key);
        const isSame = before !== undefined && atMs - before.lastMs < seriesMs;
        const firstMs = isSame ? before.firstMs : atMs;
        const series: EventSeries = {
          ...event,
          message: message.slice(0, maxMessageLength),
          name: isSame ? before.name : eventName(name, `${key} ${atMs}`),
          firstMs,
          lastMs: atMs,
          count: isSame ? before.count + 1 : 1,
        };
        known.delete(key);
        known.set(key, series);
        const [oldest] = known.keys();
        if (known.size > maxSeries && oldest !== undefined) known.delete(oldest);
        sink.put(key, series);
      },
    },
  };
}

/** `name.hash`, as the tools of Kubernetes name events, within the 253 characters of a name. */
function eventName(objectName: string, seed: string): string {
  const hash = `${hash32(seed).toString(16)}${hash32(`${seed} `).toString(16)}`;
  return `${objectName.slice(0, 230).replace(/[^a-z0-9]+$/, "")}.${hash}`;
}
