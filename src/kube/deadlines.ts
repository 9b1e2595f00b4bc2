// How a request is given up: by its caller, by a deadline, or by silence. All three end in one AbortSignal.
import type { Clock } from "../support/clock.ts";
import { KubeError } from "./errors.ts";

export interface LinkedAbort {
  readonly signal: AbortSignal;
  abort(reason: KubeError): void;
  /** Must be called when the work is over: the outer signal may live much longer. */
  unlink(): void;
}

/** A controller that also aborts with `signal`. Its reason is always a KubeError, which undici throws as it is. */
export function linkedAbort(signal: AbortSignal): LinkedAbort {
  const controller = new AbortController();
  const onAbort = () => controller.abort(new KubeError("ABORTED", "request aborted"));
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    unlink: () => signal.removeEventListener("abort", onAbort),
  };
}

/** Calls `onIdle` once nothing has touched it for `timeoutMs`. One timer, however many touches. */
export class IdleTimer {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onIdle: () => void;
  #touchedMs: number;
  #cancel: () => void;

  constructor(clock: Clock, timeoutMs: number, onIdle: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onIdle = onIdle;
    this.#touchedMs = clock.monotonicMs();
    this.#cancel = clock.setTimer(() => this.#check(), timeoutMs);
  }

  touch(): void {
    this.#touchedMs = this.#clock.monotonicMs();
  }

  stop(): void {
    this.#cancel();
  }

  #check(): void {
    const leftMs = this.#touchedMs + this.#timeoutMs - this.#clock.monotonicMs();
    if (leftMs <= 0) this.#onIdle();
    else this.#cancel = this.#clock.setTimer(() => this.#check(), leftMs);
  }
}
