// Runs one refresh per key at a time. What is marked during a refresh is refreshed again after it, so nothing is lost or reordered;
// marks of one turn become one refresh; a failed refresh is repeated later and holds up no other key.
import type { Clock } from "../support/clock.ts";

export interface RefresherOptions<W> {
  readonly clock: Clock;
  /** What two marks of one key amount to. */
  merge(earlier: W, later: W): W;
  /** Brings a key up to date. A rejection is a failure of the moment. */
  refresh(key: string, what: W): Promise<void>;
}

/** Refreshes going at once. One turn of the event loop starts no more than these. */
const maxConcurrent = 64;
const retryAfterMs = 1_000;

export class Refresher<W> {
  readonly #options: RefresherOptions<W>;
  readonly #marked = new Map<string, W>();
  readonly #running = new Set<string>();
  /** Failed, until the retry timer marks them again. */
  readonly #failed = new Map<string, W>();
  #scheduled = false;
  #cancelRetry: (() => void) | undefined;
  #idleWaiters: (() => void)[] = [];
  #closed = false;

  constructor(options: RefresherOptions<W>) {
    this.#options = options;
  }

  /** Asks for a refresh in the next turn. */
  mark(key: string, what: W): void {
    const earlier = this.#marked.get(key);
    this.#marked.set(key, earlier === undefined ? what : this.#options.merge(earlier, what));
    this.#schedule();
  }

  /** Takes back what was marked and has not begun. */
  forget(key: string): void {
    this.#marked.delete(key);
    this.#failed.delete(key);
  }

  /** Resolves once nothing is marked, running or waiting to be repeated; at once when closed. */
  idle(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
      this.#schedule();
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#marked.clear();
    this.#failed.clear();
    this.#tellIdle();
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#options.clock.setImmediate(() => {
      this.#scheduled = false;
      if (!this.#closed) this.#start();
    });
  }

  #start(): void {
    for (const [key, what] of this.#marked) {
      if (this.#running.size >= maxConcurrent) break;
      if (this.#running.has(key)) continue;
      this.#marked.delete(key);
      this.#running.add(key);
      this.#options.refresh(key, what).then(
        () => this.#ended(key),
        () => {
          if (!this.#closed) this.#retryLater(key, what);
          this.#ended(key);
        },
      );
    }
    if (this.#marked.size === 0 && this.#running.size === 0 && this.#failed.size === 0) this.#tellIdle();
  }

  // In a later turn, so that readers whose answers are there at once leave room for I/O between two turns' worth of refreshes.
  #ended(key: string): void {
    this.#running.delete(key);
    this.#schedule();
  }

  #retryLater(key: string, what: W): void {
    const earlier = this.#failed.get(key);
    this.#failed.set(key, earlier === undefined ? what : this.#options.merge(earlier, what));
    this.#cancelRetry ??= this.#options.clock.setTimer(() => {
      this.#cancelRetry = undefined;
      const failed = [...this.#failed];
      this.#failed.clear();
      for (const [again, before] of failed) this.mark(again, before);
    }, retryAfterMs);
  }

  #tellIdle(): void {
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}
