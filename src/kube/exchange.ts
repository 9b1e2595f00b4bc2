// One request and its whole answer, on a pool's connections. Guarantees: it ends at once when it is given up, wherever it was; the body of
// an answer is bounded while it arrives, and giving up closes the connection that it was coming on. Rejects with what it was given up
// with, or with the client's own error. Does not: judge the answer, retry. No stream in between: bodies are small and wanted whole.
import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";

/** An answer whose body has arrived, or as much of it as was wanted. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** In a buffer of exactly their size. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What becomes of the body: read whole or refused beyond `maxBytes`. */
export interface BodyLimit {
  readonly maxBytes: number;
  /** Thrown for a longer body; absent: what came is enough, and the rest is not waited for. */
  readonly tooLarge?: () => Error;
}

/** Called once the headers have arrived. What it throws ends the exchange. */
export type OnHeaders = (status: number, headers: IncomingHttpHeaders) => BodyLimit;

export class Exchange implements Dispatcher.DispatchHandler {
  readonly answer: Promise<Answer>;
  readonly #onHeaders: OnHeaders;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: unknown) => void;
  /** The body so far, in front of room for more. */
  #bytes = new Uint8Array();
  #length = 0;
  #limit: BodyLimit | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #controller: Dispatcher.DispatchController | undefined;
  #givenUp: Error | undefined;

  constructor(pool: Dispatcher, options: Dispatcher.DispatchOptions, onHeaders: OnHeaders) {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onHeaders = onHeaders;
    pool.dispatch(options, this);
  }

  /** Ends it with `reason`, unless it has ended. */
  giveUp(reason: Error): void {
    if (this.#givenUp !== undefined) return;
    this.#givenUp = reason;
    this.#fail(reason);
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It waited for a connection until now.
    if (this.#givenUp !== undefined) controller.abort(this.#givenUp);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200 || this.#givenUp !== undefined) return;
    this.#status = status;
    this.#headers = headers;
    try {
      this.#limit = this.#onHeaders(status, headers);
    } catch (error) {
      this.giveUp(error as Error);
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#givenUp !== undefined || this.#limit === undefined) return;
    this.#length += chunk.byteLength;
    if (this.#length <= this.#limit.maxBytes) {
      this.#append(chunk, this.#limit.maxBytes);
      return;
    }
    this.#length -= chunk.byteLength;
    this.giveUp(this.#limit.tooLarge?.() ?? new Error("the rest is not wanted"));
  }

  onResponseEnd(): void {
    this.#end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  /** Where less than the whole body is enough, this is an end like any other. */
  #fail(error: Error): void {
    const isEnough = this.#limit !== undefined && this.#limit.tooLarge === undefined;
    if (isEnough) this.#end();
    else this.#reject(error);
  }

  #end(): void {
    const { buffer } = this.#bytes;
    const bytes = buffer.byteLength === this.#length ? this.#bytes : new Uint8Array(buffer.transfer(this.#length));
    this.#resolve({ status: this.#status, headers: this.#headers, bytes });
  }

  /** Copies at once: a chunk lies in a slab among those of other connections, and would keep all of it until this body is whole. */
  #append(chunk: Buffer, maxBytes: number): void {
    const start = this.#length - chunk.byteLength;
    if (this.#length > this.#bytes.byteLength) {
      const room = Math.max(this.#length, Math.min(2 * start, maxBytes));
      this.#bytes = new Uint8Array(this.#bytes.buffer.transfer(room));
    }
    this.#bytes.set(chunk, start);
  }
}
