// A bounded amount of something costly at once, first come first served, in two classes: those known to be bad may hold at most half of
// it and never wait in front of the others. So a wave of dead clusters cannot keep a live one from its handshake, nor slow ones fill the
// memory for answers. Whoever comes again comes last: who asks for one thing at a time gets its turn like everybody else.
// It does not limit how many wait: each waiter is one run of one actor, and those are bounded.
import type { Clock } from "./clock.ts";
import { ClusterPulseError } from "./errors.ts";
import { ownTrouble } from "./own-trouble.ts";

/** `suspect`: failed, or took long, the last time it was admitted. */
export type AdmissionClass = "fresh" | "suspect";

/** What was admitted, until it is given back. */
export interface Admitted {
  /** It is less than was asked for: others get the rest. More than it holds changes nothing. */
  shrinkTo(weight: number): void;
  /** Calling it twice does nothing. */
  release(): void;
}

export interface AcquireOptions {
  /** How much of the capacity. Default 1. */
  readonly weight?: number;
  /** How long it waits at most. Absent: until the signal aborts. */
  readonly atMost?: { readonly clock: Clock; readonly ms: number };
  /** It is given back when the signal aborts: for work that may ignore its signal, and never end. */
  readonly untilAborted?: boolean;
}

export interface AdmissionStats {
  /** How much of the capacity is held, and the most that ever was. */
  readonly held: number;
  readonly peak: number;
  /** How many hold some of it, and how many wait. */
  readonly holders: number;
  readonly waiting: number;
}

interface Waiter {
  readonly weight: number;
  readonly admit: () => void;
}

export class Admission {
  readonly #limits: Readonly<Record<AdmissionClass, number>>;
  readonly #what: string;
  readonly #held = { fresh: 0, suspect: 0 };
  readonly #waiting: { readonly fresh: Set<Waiter>; readonly suspect: Set<Waiter> } = {
    fresh: new Set(),
    suspect: new Set(),
  };
  #holders = 0;
  #peak = 0;

  /**
   * @param capacity how much may be admitted at once; at least 2, so that suspects and others both get on
   * @param what is waited for, in words for people
   */
  constructor(capacity: number, what = "slot") {
    if (!Number.isInteger(capacity) || capacity < 2)
      throw new ClusterPulseError("INVALID_INPUT", `admission slots must be an integer of 2 or more, not ${capacity}`);
    this.#limits = { fresh: capacity, suspect: Math.floor(capacity / 2) };
    this.#what = what;
  }

  /**
   * Waits for its turn. Rejects with ClusterPulseError ADMISSION_ABORTED when `signal` aborts first, ADMISSION_TIMEOUT when it has waited
   * long enough, and INVALID_INPUT for more than its class can ever hold.
   */
  acquire(
    kind: AdmissionClass,
    signal: AbortSignal,
    { weight = 1, atMost, untilAborted = false }: AcquireOptions = {},
  ): Promise<Admitted> {
    const until = untilAborted ? signal : undefined;
    if (weight > this.#limits[kind])
      return Promise.reject(new ClusterPulseError("INVALID_INPUT", `${weight} is more than ${this.#what} there is`));
    if (signal.aborted) return Promise.reject(this.#gaveUp());
    const isFirst = this.#waiting.fresh.size === 0 && (kind === "fresh" || this.#waiting.suspect.size === 0);
    if (isFirst && this.#fits(kind, weight)) return Promise.resolve(this.#hold(kind, weight, until));
    return new Promise((resolve, reject) => {
      const leave = (error: ClusterPulseError): void => {
        cancelTimer?.();
        signal.removeEventListener("abort", abort);
        this.#waiting[kind].delete(waiter);
        reject(error);
        // It may have been in front of others that fit.
        this.#admit();
      };
      const abort = (): void => leave(this.#gaveUp());
      const cancelTimer = atMost?.clock.setTimer(() => leave(this.#tooLate(atMost.ms)), atMost.ms);
      const waiter: Waiter = {
        weight,
        admit: () => {
          cancelTimer?.();
          signal.removeEventListener("abort", abort);
          resolve(this.#hold(kind, weight, until));
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting[kind].add(waiter);
    });
  }

  stats(): AdmissionStats {
    return {
      held: this.#held.fresh + this.#held.suspect,
      peak: this.#peak,
      holders: this.#holders,
      waiting: this.#waiting.fresh.size + this.#waiting.suspect.size,
    };
  }

  #gaveUp(): ClusterPulseError {
    return ownTrouble("ADMISSION_ABORTED", `gave up waiting for a ${this.#what}`);
  }

  #tooLate(ms: number): ClusterPulseError {
    const seconds = Math.round(ms / 100) / 10;
    return ownTrouble("ADMISSION_TIMEOUT", `the hub is busy: no ${this.#what} within ${seconds} s`);
  }

  #fits(kind: AdmissionClass, weight: number): boolean {
    const { fresh, suspect } = this.#held;
    if (fresh + suspect + weight > this.#limits.fresh) return false;
    return kind === "fresh" || suspect + weight <= this.#limits.suspect;
  }

  #hold(kind: AdmissionClass, weight: number, until: AbortSignal | undefined): Admitted {
    let holds = weight;
    this.#held[kind] += weight;
    this.#holders++;
    this.#peak = Math.max(this.#peak, this.#held.fresh + this.#held.suspect);
    const keep = (less: number): void => {
      this.#held[kind] -= holds - less;
      holds = less;
      this.#admit();
    };
    const release = (): void => {
      if (holds === 0) return;
      until?.removeEventListener("abort", release);
      this.#holders--;
      keep(0);
    };
    until?.addEventListener("abort", release, { once: true });
    return {
      shrinkTo: (less) => {
        if (less > 0 && less < holds) keep(less);
      },
      release,
    };
  }

  /** Strictly in turn, so that one who needs much is not passed over for ever. */
  #admit(): void {
    for (const kind of ["fresh", "suspect"] as const) {
      for (const waiter of this.#waiting[kind]) {
        if (!this.#fits(kind, waiter.weight)) return;
        this.#waiting[kind].delete(waiter);
        waiter.admit();
      }
    }
  }
}
