// A bounded number of costly things at once, first come first served, in two classes: those known to be bad may hold at most
// half of the slots and never wait in front of the others. So a wave of dead clusters cannot keep a live one from its handshake.
// It does not limit how many wait: each waiter is one run of one actor, and those are bounded.
import { ClusterPulseError } from "./errors.ts";

/** `suspect`: failed the last time it was admitted. */
export type AdmissionClass = "fresh" | "suspect";

interface Waiter {
  readonly admit: () => void;
}

export class Admission {
  readonly #slots: number;
  readonly #held = { fresh: 0, suspect: 0 };
  readonly #waiting: { readonly fresh: Set<Waiter>; readonly suspect: Set<Waiter> } = {
    fresh: new Set(),
    suspect: new Set(),
  };
  #peak = 0;

  /** @param slots how many may be admitted at once; at least 2, so that suspects and others both get on */
  constructor(slots: number) {
    if (!Number.isInteger(slots) || slots < 2)
      throw new ClusterPulseError("INVALID_INPUT", `admission slots must be an integer of 2 or more, not ${slots}`);
    this.#slots = slots;
  }

  /**
   * Waits for a slot. Resolves with the function that gives it back (calling it twice does nothing).
   * Rejects with ClusterPulseError ADMISSION_ABORTED when `signal` aborts first.
   */
  acquire(kind: AdmissionClass, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted)
        return reject(new ClusterPulseError("ADMISSION_ABORTED", "gave up waiting for a connection slot"));
      const abort = (): void => {
        this.#waiting[kind].delete(waiter);
        reject(new ClusterPulseError("ADMISSION_ABORTED", "gave up waiting for a connection slot"));
      };
      const waiter: Waiter = {
        admit: () => {
          signal.removeEventListener("abort", abort);
          resolve(this.#hold(kind));
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting[kind].add(waiter);
      this.#admit();
    });
  }

  /** Admitted and waiting right now, and the most ever admitted at once. */
  stats(): { readonly held: number; readonly waiting: number; readonly peak: number } {
    return {
      held: this.#held.fresh + this.#held.suspect,
      waiting: this.#waiting.fresh.size + this.#waiting.suspect.size,
      peak: this.#peak,
    };
  }

  #hold(kind: AdmissionClass): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#held[kind]--;
      this.#admit();
    };
  }

  #admit(): void {
    for (const kind of ["fresh", "suspect"] as const) {
      for (const waiter of this.#waiting[kind]) {
        const held = this.#held.fresh + this.#held.suspect;
        if (held >= this.#slots) return;
        if (kind === "suspect" && this.#held.suspect >= Math.floor(this.#slots / 2)) break;
        this.#waiting[kind].delete(waiter);
        this.#held[kind]++;
        this.#peak = Math.max(this.#peak, held + 1);
        waiter.admit();
      }
    }
  }
}
