// When a cluster may be asked again, and what its failures in a row say. Outlives its connection and the actor's restarts: neither a
// new client nor a crash makes a cluster that is down look untried.
// The first failures are retried at the cluster's own interval. After five in a row the pauses grow with the time the cluster has
// failed, up to five minutes: outages open its circuit breaker, answers that are no use (a refused token) wait likewise.
import { isKubeError, KubeError } from "../../src/kube/errors.ts";
import { Breaker, pauseMs, type Verdict } from "../../src/support/breaker.ts";
import type { Clock } from "../../src/support/clock.ts";
import { ClusterPulseError } from "../../src/support/errors.ts";
import { ownTroubleOf } from "../../src/support/own-trouble.ts";
import type { Random } from "../../src/support/random.ts";

export const defaultFailuresBeforePause = 5;
const pause = { firstMs: 60_000, maxMs: 300_000 };
/** The bound of whoever gives no deadline of its own: a run always does. */
const callDeadlineMs = 600_000;

/** Statuses of an API server that is up and says no. */
const answerStatuses: ReadonlySet<number | undefined> = new Set([401, 403, 404, 422]);

/** What the end of a collection says of the cluster's API server. */
export function verdictOf(error: unknown): Verdict {
  if (isKubeError(error) && answerStatuses.has(error.httpStatus)) return "answer";
  return ClusterPulseError.is(error) && ownTroubleOf(error.code) !== undefined ? "nothing" : "outage";
}

/** How long the server asked to be left alone, at most five minutes; 0: it did not. */
export function retryAfterMsOf(error: unknown): number {
  const asked = error instanceof KubeError ? error.retryAfterMs : undefined;
  return asked === undefined ? 0 : Math.min(pause.maxMs, Math.max(0, asked));
}

export class Attempts {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #breaker: Breaker;
  readonly #failuresBeforePause: number;
  readonly #onRecovered: () => void;
  #failures = 0;
  #failingSinceMs = 0;
  #notBeforeMs = 0;
  #isHarmful = false;

  /**
   * @param failuresBeforePause failures in a row after which it is left alone for a while
   * @param onRecovered called when one that was left alone answers again
   */
  constructor(
    clock: Clock,
    random: Random,
    failuresBeforePause = defaultFailuresBeforePause,
    onRecovered: () => void = () => undefined,
  ) {
    this.#failuresBeforePause = failuresBeforePause;
    this.#onRecovered = onRecovered;
    this.#clock = clock;
    this.#random = random;
    this.#breaker = new Breaker({
      clock,
      random,
      threshold: failuresBeforePause,
      open: pause,
      deadlineMs: callDeadlineMs,
      verdictOf,
    });
  }

  /** How long the cluster is to be left alone from now on, in milliseconds; 0: not at all. */
  get waitMs(): number {
    return Math.max(0, this.#notBeforeMs - this.#clock.monotonicMs());
  }

  /** It failed so often in a row that it was left alone. */
  get wasLeftAlone(): boolean {
    return this.#failures >= this.#failuresBeforePause;
  }

  /** Of the cluster's circuit breaker. */
  get breaker(): "closed" | "open" | "half-open" {
    return this.#breaker.state.state;
  }

  /** What it sent last harmed a thread that read it. */
  get isHarmful(): boolean {
    return this.#isHarmful;
  }

  /** What it sent was read, with these failures. */
  wasRead(codes: readonly string[]): void {
    this.#isHarmful = codes.some((code) => ownTroubleOf(code) === "harmed");
  }

  /** All that goes to the cluster goes through here. Rejects with BREAKER_OPEN, without a call, while it is to be left alone. */
  collect<T>(action: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#breaker.run(action, signal);
  }

  succeeded(): void {
    const hasRecovered = this.wasLeftAlone;
    this.#failures = 0;
    this.#notBeforeMs = 0;
    if (hasRecovered) this.#onRecovered();
  }

  /** A poll failed, whatever the reason. */
  failed(retryAfterMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#failures++ === 0) this.#failingSinceMs = nowMs;
    const { opensUntilMs } = this.#breaker.state;
    if (opensUntilMs !== null) this.#notBeforeMs = opensUntilMs;
    else if (this.#failures < this.#failuresBeforePause) this.#notBeforeMs = 0;
    else this.#notBeforeMs = nowMs + pauseMs(pause, nowMs - this.#failingSinceMs, this.#random);
    this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs + retryAfterMs);
  }

  /** The owner changed the spec or the credentials: whatever was wrong may be mended, so the next poll need not wait. */
  mended(): void {
    this.#notBeforeMs = 0;
    this.#breaker.probeSoon();
  }

  close(): void {
    this.#breaker.close();
  }
}
