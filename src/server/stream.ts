// The event stream: every reader gets the fleet as it is, then every change of it.
// Guarantees: each change is encoded once for all readers; a reader has seen everything up to the last id it got, so it can resume there;
// a reader that does not keep up is disconnected and counted, and costs no more than its bound. One slow reader delays no other.
import type { ServerResponse } from "node:http";
import type { Clock } from "../support/clock.ts";
import type { FleetView, ViewChange, ViewRow } from "../view/ports.ts";
import type { ServerLimits } from "./ports.ts";

export interface StreamStats {
  readonly clients: number;
  readonly slowDisconnects: number;
  readonly rejected: number;
}

export interface EventStream {
  /** Whether there is room for another reader; a refusal is counted. */
  admits(): boolean;
  /** Serves a reader on a response whose headers are still to be sent. */
  serve(response: ServerResponse, headers: Record<string, string>, lastEventId: string | undefined): void;
  stats(): StreamStats;
  close(): void;
}

interface Client {
  readonly response: ServerResponse;
  /** False while it is given the first state; changes then reach it through that. */
  live: boolean;
  cancelFillDeadline(): void;
}

/** Bytes handed to a connection at once while it is given the first state. */
const fillChunkBytes = 64 * 1024;
/** Deletions remembered for readers that resume. */
const maxTombstones = 1_000;

const keepAlive = Buffer.from(": keep-alive\n\n");
const preamble = Buffer.from("retry: 2000\n\n");
const reset = Buffer.from("event: reset\ndata: {}\n\n");

export function createEventStream(options: {
  view: FleetView;
  clock: Clock;
  limits: Pick<
    ServerLimits,
    "maxStreamClients" | "maxStreamBufferBytes" | "streamFillDeadlineMs" | "streamKeepAliveMs"
  >;
}): EventStream {
  const { view, clock, limits } = options;
  const clients = new Set<Client>();
  const tombstones: { name: string; revision: number }[] = [];
  /** Whoever has seen this revision or a later one can be told everything since. */
  let resumableFrom = view.revision();
  let outbox: Buffer[] = [];
  let flushScheduled = false;
  let slowDisconnects = 0;
  let rejected = 0;
  let closed = false;

  const unsubscribe = view.subscribe((change) => {
    if (change.type === "cluster-deleted") {
      tombstones.push(change);
      if (tombstones.length > maxTombstones) resumableFrom = tombstones.shift()?.revision ?? resumableFrom;
    }
    if (clients.size === 0) return;
    outbox.push(frameOf(change));
    if (flushScheduled) return;
    flushScheduled = true;
    clock.setImmediate(flush);
  });
  let cancelKeepAlive = clock.setTimer(sendKeepAlive, limits.streamKeepAliveMs);

  /** Changes of one turn go out as one buffer. */
  function flush(): void {
    flushScheduled = false;
    if (outbox.length === 0) return;
    const bytes = outbox.length === 1 ? (outbox[0] as Buffer) : Buffer.concat(outbox);
    outbox = [];
    sendToLive(bytes);
  }

  function sendKeepAlive(): void {
    sendToLive(keepAlive);
    cancelKeepAlive = clock.setTimer(sendKeepAlive, limits.streamKeepAliveMs);
  }

  function sendToLive(bytes: Buffer): void {
    for (const client of clients) {
      if (!client.live) continue;
      client.response.write(bytes);
      if (client.response.writableLength > limits.maxStreamBufferBytes) disconnectSlow(client);
    }
  }

  function disconnectSlow(client: Client): void {
    if (!clients.delete(client)) return;
    slowDisconnects++;
    client.response.destroy();
  }

  /** Rows newer than `since` and deletions newer than `goneSince`, in order of revision, so that each id stands for all before it. */
  function newerThan(since: number, goneSince: number): { revision: number; frame: () => Buffer }[] {
    const rows = view.clusters().filter((row) => row.revision > since);
    const gone = tombstones.filter((tombstone) => tombstone.revision > Math.max(since, goneSince));
    return [
      ...rows.map((row) => ({ revision: row.revision, frame: () => clusterFrame(row) })),
      ...gone.map((tombstone) => ({ revision: tombstone.revision, frame: () => deletedFrame(tombstone) })),
    ].sort((a, b) => a.revision - b.revision);
  }

  /** Gives a reader the first state at its own pace; what changes meanwhile is in the next round. */
  async function fill(client: Client, since: number): Promise<void> {
    // A reader that begins anew cannot hold a cluster that is gone already.
    const goneSince = since === 0 ? view.revision() : since;
    let cursor = since;
    for (;;) {
      const pending = newerThan(cursor, goneSince);
      if (pending.length === 0) break;
      let chunk: Buffer[] = [];
      let chunkBytes = 0;
      for (const [index, { revision, frame }] of pending.entries()) {
        const bytes = frame();
        chunk.push(bytes);
        chunkBytes += bytes.length;
        cursor = revision;
        if (chunkBytes < fillChunkBytes && index < pending.length - 1) continue;
        if (!client.response.write(Buffer.concat(chunk, chunkBytes))) await drained(client.response);
        if (!clients.has(client)) return;
        chunk = [];
        chunkBytes = 0;
      }
    }
    flush();
    client.cancelFillDeadline();
    client.live = true;
    const state = { revision: view.revision(), clusters: view.clusters().length };
    client.response.write(`id: ${state.revision}\nevent: synced\ndata: ${JSON.stringify(state)}\n\n`);
  }

  return {
    admits() {
      const hasRoom = !closed && clients.size < limits.maxStreamClients;
      if (!hasRoom) rejected++;
      return hasRoom;
    },
    serve(response, headers, lastEventId) {
      response.writeHead(200, { ...headers, "content-type": "text/event-stream; charset=utf-8" });
      const client: Client = {
        response,
        live: false,
        cancelFillDeadline: clock.setTimer(() => disconnectSlow(client), limits.streamFillDeadlineMs),
      };
      clients.add(client);
      response.on("error", () => {});
      response.on("close", () => {
        client.cancelFillDeadline();
        clients.delete(client);
      });
      response.write(preamble);
      const since = resumePoint(lastEventId, resumableFrom, view.revision());
      if (since === undefined) response.write(reset);
      fill(client, since ?? 0).catch(() => response.destroy());
    },
    stats: () => ({ clients: clients.size, slowDisconnects, rejected }),
    close() {
      closed = true;
      unsubscribe();
      cancelKeepAlive();
      for (const client of clients) {
        client.cancelFillDeadline();
        client.response.end();
        // An orderly end needs a reader that reads; the next turn is all the time it gets.
        clock.setImmediate(() => client.response.destroy());
      }
      clients.clear();
    },
  };
}

/** Where a reader goes on: 0 for a new one, undefined for one whose id is from another time and who must forget what it has. */
function resumePoint(lastEventId: string | undefined, oldest: number, newest: number): number | undefined {
  if (lastEventId === undefined || lastEventId === "") return 0;
  const seen = /^\d{1,16}$/.test(lastEventId) ? Number(lastEventId) : Number.NaN;
  return seen >= oldest && seen <= newest ? seen : undefined;
}

function frameOf(change: ViewChange): Buffer {
  return change.type === "cluster" ? clusterFrame(change.row) : deletedFrame(change);
}

function clusterFrame(row: ViewRow): Buffer {
  return Buffer.concat([Buffer.from(`id: ${row.revision}\nevent: cluster\ndata: `), row.bytes, Buffer.from("\n\n")]);
}

function deletedFrame(deleted: { name: string; revision: number }): Buffer {
  const data = JSON.stringify({ name: deleted.name });
  return Buffer.from(`id: ${deleted.revision}\nevent: cluster-deleted\ndata: ${data}\n\n`);
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off("drain", settle);
      response.off("close", settle);
      resolve();
    };
    response.on("drain", settle);
    response.on("close", settle);
  });
}
