// Writes documents to the store in batches: the only actor that writes. While the store does not answer the newest values
// wait in a bounded buffer, and nothing upstream notices. Documents are handed over beside the mailbox, in the buffer;
// the message only says that there are some.

import type { Document, StoreWriter } from "../../src/store/document.ts";
import { fullJitterMs } from "../../src/support/backoff.ts";
import type { SafeError } from "../../src/support/errors.ts";
import type { Actor, ActorContext, ActorDefinition, RunOutcome, StopReason } from "../system/index.ts";
import { WriteBuffer } from "./buffer.ts";

export interface StoreWriterLimits {
  /** How long documents gather before a batch is written. */
  readonly gatherMs: number;
  readonly maxBatchDocuments: number;
  readonly maxBatchBytes: number;
  /** What may wait while the store is down. */
  readonly maxBufferBytes: number;
  readonly writeDeadlineMs: number;
  readonly backoffMs: { readonly firstMs: number; readonly maxMs: number };
  /** The last flush on the way out. */
  readonly stopDeadlineMs: number;
}

export const defaultStoreWriterLimits: StoreWriterLimits = {
  gatherMs: 50,
  maxBatchDocuments: 500,
  maxBatchBytes: 1024 * 1024,
  maxBufferBytes: 64 * 1024 * 1024,
  writeDeadlineMs: 5_000,
  backoffMs: { firstMs: 200, maxMs: 5_000 },
  stopDeadlineMs: 2_000,
};

/** Refusals of a document itself: writing it again cannot help, and must not keep what waits behind it from being written. */
const permanent: ReadonlySet<string> = new Set(["STORE_WRONG_TYPE", "STORE_FORBIDDEN", "STORE_BAD_PREFIX"]);

export type StoreWriterMessage =
  | { readonly type: "documents-waiting" }
  | { readonly type: "flush" }
  | { readonly type: "flushed"; readonly batch: readonly Document[]; readonly outcome: RunOutcome<void> };

export interface StoreWriterStats {
  readonly documents: number;
  readonly bytes: number;
  /** Lost to the bound of the buffer. */
  readonly dropped: number;
  /** Given up because the store refuses them for good. */
  readonly refused: number;
  readonly batches: number;
  readonly failedBatches: number;
  /** Why the last batch was not written; null after a success. */
  readonly lastError: SafeError | null;
}

/** The writer's side that other actors hold: puts documents in the buffer and wakes the writer. Never blocks, never throws. */
export interface StoreSink {
  write(documents: readonly Document[]): void;
  stats(): StoreWriterStats;
}

/** What outlives a restart of the writer: the buffer, the counters, and the way to wake whoever writes now. */
class Outbox {
  readonly buffer: WriteBuffer;
  wake: () => void = () => undefined;
  batches = 0;
  refused = 0;
  failedBatches = 0;
  failuresInARow = 0;
  lastError: SafeError | null = null;

  constructor(maxBytes: number) {
    this.buffer = new WriteBuffer(maxBytes);
  }
}

/** The definition of the store writer, and the sink that it empties once it runs. */
export function storeWriter(
  store: StoreWriter,
  limits: StoreWriterLimits = defaultStoreWriterLimits,
): { definition: ActorDefinition<StoreWriterMessage>; sink: StoreSink } {
  const outbox = new Outbox(limits.maxBufferBytes);
  return {
    definition: {
      kind: "store-writer",
      create(context) {
        outbox.wake = () => void context.self.tell({ type: "documents-waiting" });
        return new StoreWriterActor(context, store, outbox, limits);
      },
      keyOf: (message) => (message.type === "flushed" ? undefined : message.type),
    },
    sink: {
      write(documents) {
        if (documents.length === 0) return;
        outbox.buffer.put(documents);
        outbox.wake();
      },
      stats() {
        const { buffer, batches, refused, failedBatches, lastError } = outbox;
        return { ...buffer.stats(), batches, refused, failedBatches, lastError };
      },
    },
  };
}

class StoreWriterActor implements Actor<StoreWriterMessage> {
  readonly #context: ActorContext<StoreWriterMessage>;
  readonly #store: StoreWriter;
  readonly #outbox: Outbox;
  readonly #limits: StoreWriterLimits;
  #scheduled = false;
  /** Shrinks while a document that the store refuses for good is being looked for. */
  #batchDocuments: number;
  #inFlight: readonly Document[] = [];

  constructor(
    context: ActorContext<StoreWriterMessage>,
    store: StoreWriter,
    outbox: Outbox,
    limits: StoreWriterLimits,
  ) {
    this.#context = context;
    this.#store = store;
    this.#outbox = outbox;
    this.#limits = limits;
    this.#batchDocuments = limits.maxBatchDocuments;
  }

  onStart(): void {
    this.#schedule(this.#limits.gatherMs);
  }

  onMessage(message: StoreWriterMessage): void {
    switch (message.type) {
      case "documents-waiting":
        this.#schedule(this.#limits.gatherMs);
        return;
      case "flush":
        this.#scheduled = false;
        this.#flush();
        return;
      case "flushed":
        this.#flushed(message.batch, message.outcome);
        return;
    }
  }

  onStop(reason: StopReason): void {
    this.#outbox.buffer.putBack(this.#inFlight);
    if (reason === "restarting") return;
    this.#context.finalRun("last-flush", { deadlineMs: this.#limits.stopDeadlineMs }, async (signal) => {
      while (!this.#outbox.buffer.isEmpty && !signal.aborted) await this.#store.apply(this.#takeBatch(), signal);
    });
  }

  #schedule(delayMs: number): void {
    if (this.#scheduled || this.#outbox.buffer.isEmpty || this.#context.isRunning("write")) return;
    this.#scheduled = true;
    this.#context.timers.once("flush", delayMs, { type: "flush" });
  }

  #takeBatch(): readonly Document[] {
    return this.#outbox.buffer.take(this.#batchDocuments, this.#limits.maxBatchBytes);
  }

  #flush(): void {
    if (this.#outbox.buffer.isEmpty) return;
    const batch = this.#takeBatch();
    this.#inFlight = batch;
    this.#context.run<void>(
      "write",
      { deadlineMs: this.#limits.writeDeadlineMs, onEnd: (outcome) => ({ type: "flushed", batch, outcome }) },
      (signal) => this.#store.apply(batch, signal),
    );
  }

  #flushed(batch: readonly Document[], outcome: RunOutcome<void>): void {
    this.#inFlight = [];
    const outbox = this.#outbox;
    if (outcome.status === "ok") {
      outbox.batches++;
      outbox.failuresInARow = 0;
      outbox.lastError = null;
      this.#batchDocuments = Math.min(2 * this.#batchDocuments, this.#limits.maxBatchDocuments);
      this.#schedule(outbox.buffer.stats().documents >= this.#batchDocuments ? 0 : this.#limits.gatherMs);
      return;
    }
    outbox.failedBatches++;
    outbox.lastError =
      outcome.status === "failed"
        ? outcome.error
        : { code: "STORE_DEADLINE", message: `no answer within ${this.#limits.writeDeadlineMs} ms` };
    if (permanent.has(outbox.lastError.code)) {
      this.#narrow(batch, outbox.lastError);
      return;
    }
    if (outbox.failuresInARow++ === 0)
      this.#context.log.warn({ error: outbox.lastError }, "the store did not take a batch; its values wait");
    outbox.buffer.putBack(batch);
    this.#schedule(fullJitterMs(this.#limits.backoffMs, outbox.failuresInARow, this.#context.random));
  }

  /** Halves the batch until the document that the store refuses for good is alone, and gives that one up. */
  #narrow(batch: readonly Document[], error: SafeError): void {
    const outbox = this.#outbox;
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      outbox.refused++;
      const place = "key" in only ? only.key : only.kind;
      this.#context.log.error({ error, document: place }, "the store refuses a document for good; it is given up");
    } else {
      outbox.buffer.putBack(batch);
      this.#batchDocuments = Math.max(1, Math.floor(batch.length / 2));
    }
    this.#schedule(0);
  }
}
