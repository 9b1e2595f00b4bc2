// Keeps the fleet store current: reads the event stream, notices when it ends, stalls or is refused, says so, and tries
// again for ever. After repeated failures it fetches whole lists between the attempts.
// It reads the stream with fetch rather than EventSource, which hides the keep-alive comments (a dead connection would look
// like a quiet one) and the status of a refusal.
import { explainFailure, explainStatus, fetchClusters, toClusterRow } from "./api.ts";
import { createEventParser, type ServerEvent } from "./event-stream.ts";
import type { FleetEvent, FleetStore } from "./fleet-store.ts";
import { hubNowMs, setHubTime } from "./ticker.ts";

/** The server sends at least a comment every 15 s: longer silence is a lost connection. */
const silenceDeadlineMs = 25_000;
/** Events are shown together this often at most: a burst of 2,000 rows is one update of the page. */
const batchMs = 200;
const maxRetryMs = 15_000;
const failuresBeforePolling = 3;

/** Connects `store` to the hub. Returns the function that disconnects. */
export function connectFleet(store: FleetStore): () => void {
  const stopped = new AbortController();
  let wake: () => void = () => {};
  const hurry = () => {
    if (document.visibilityState === "visible") wake();
  };
  document.addEventListener("visibilitychange", hurry);
  window.addEventListener("online", hurry);

  const run = async () => {
    let retryMs = 2000;
    let failures = 0;
    while (!stopped.signal.aborted) {
      const problem = await readStream(store, stopped.signal, {
        retry: (ms) => {
          retryMs = ms;
        },
        synced: () => {
          failures = 0;
        },
      });
      if (stopped.signal.aborted) return;
      failures += 1;
      dispatch(store, [{ type: "lost", problem }]);
      if (failures >= failuresBeforePolling) await pollOnce(store, stopped.signal);
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, Math.min(retryMs * 2 ** (failures - 1), maxRetryMs));
      });
    }
  };
  void run();

  return () => {
    stopped.abort();
    wake();
    document.removeEventListener("visibilitychange", hurry);
    window.removeEventListener("online", hurry);
  };
}

interface StreamHooks {
  retry(ms: number): void;
  synced(): void;
}

/** Reads one connection to its end. Resolves with what ended it, in words to show. */
async function readStream(store: FleetStore, stopped: AbortSignal, hooks: StreamHooks): Promise<string> {
  const silence = new AbortController();
  let lastByteAt = Date.now();
  // Wall-clock time on purpose: after the laptop slept, the first turn of this timer sees the whole gap.
  const watchdog = setInterval(() => {
    if (Date.now() - lastByteAt > silenceDeadlineMs) silence.abort();
  }, 1000);
  let batch: FleetEvent[] = [];
  const flush = () => {
    if (batch.length > 0) dispatch(store, batch);
    batch = [];
  };
  const flusher = setInterval(flush, batchMs);
  try {
    const signal = AbortSignal.any([stopped, silence.signal]);
    const response = await fetch("api/v1/stream", {
      headers: { accept: "text/event-stream" },
      cache: "no-store",
      signal,
    });
    if (!response.ok || response.body === null) return explainStatus(response.status);
    setHubTime(response.headers.get("date"));
    batch.push({ type: "opened" });
    const parse = createEventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "The hub closed the connection.";
      lastByteAt = Date.now();
      const chunk = parse(value);
      if (chunk.retryMs !== undefined) hooks.retry(chunk.retryMs);
      for (const serverEvent of chunk.events) {
        const event = toFleetEvent(serverEvent);
        if (event !== null) batch.push(event);
        if (event?.type === "synced") hooks.synced();
      }
    }
  } catch (error) {
    return silence.signal.aborted ? "Nothing has arrived from the hub for 25 s." : explainFailure(error);
  } finally {
    clearInterval(watchdog);
    clearInterval(flusher);
    flush();
  }
}

function toFleetEvent({ event, data }: ServerEvent): FleetEvent | null {
  switch (event) {
    case "cluster":
      return { type: "cluster", row: toClusterRow(JSON.parse(data)) };
    case "cluster-deleted":
      return { type: "cluster-deleted", name: (JSON.parse(data) as { name: string }).name };
    case "synced":
      return { type: "synced" };
    default:
      return null;
  }
}

async function pollOnce(store: FleetStore, signal: AbortSignal): Promise<void> {
  try {
    dispatch(store, [{ type: "listed", rows: await fetchClusters(signal) }]);
  } catch {
    dispatch(store, [{ type: "list-failed" }]); // why is already shown: it is the same hub
  }
}

function dispatch(store: FleetStore, events: readonly FleetEvent[]): void {
  store.dispatch(events, hubNowMs());
}
