// The parts of a collection that it can do without, asked for one after the other. Guarantees: none of them fails the collection, each
// that could not be had is named once with its reason, and a server that gives no answer is not asked for the rest.
// Parts with a memory are asked for only when they are due; what is absent or forbidden stays so until then.
import { ClusterPulseError } from "../support/errors.ts";
import {
  type Failure,
  failureOf,
  isSilence,
  itemsMalformed,
  type MissingPart,
  notInTime,
  type Part,
  parts,
} from "./failure.ts";
import type { Memory } from "./state.ts";

/** How asking for a part ended. `unchanged` covers what was not due, is still absent, or could not be had. */
export type Answer<Value> =
  | { readonly kind: "found"; readonly value: Value }
  /** The server does not have it; said once. */
  | { readonly kind: "absent" }
  | { readonly kind: "unchanged" };

export interface AskOptions {
  /** What was found is good for this long; 0: it is asked for every time. */
  readonly keepMs: number;
  /** The server does not have it for certain: it is not asked. */
  readonly isAbsent?: boolean;
}

/** Timers are not exact: a part is due this much before its time, so that it does not wait for one more collection. */
const EARLY_MS = 1_000;

export class OptionalParts {
  readonly #memory: Memory;
  readonly #nowMs: number;
  readonly #absentMs: number;
  readonly #missing: MissingPart[] = [];
  #silence: Failure | undefined;
  #isLate = false;

  /**
   * @param nowMs monotonic time of the collection's start
   * @param absentMs for how long what is absent or forbidden is not asked for again
   */
  constructor(memory: Memory, nowMs: number, absentMs: number) {
    this.#memory = memory;
    this.#nowMs = nowMs;
    this.#absentMs = absentMs;
  }

  /** Every part that could not be had, in the order of `parts`, so that equal outcomes read equally. */
  missing(): MissingPart[] {
    return this.#missing.toSorted((a, b) => parts.indexOf(a.part) - parts.indexOf(b.part));
  }

  /** Why the rest is not asked for; undefined: it is. */
  get silence(): Failure | undefined {
    return this.#silence;
  }

  /** From now on nothing is asked for; what is under way fails for this reason. */
  giveUp(): void {
    this.#isLate = true;
    this.#silence ??= notInTime;
  }

  /** Why a request of an optional part failed. */
  failureOf(error: unknown): Failure {
    return this.#isLate ? notInTime : failureOf(error);
  }

  miss(part: Part, failure: Failure): void {
    this.#missing.push({ part, ...failure });
    if (isSilence(failure)) this.#silence ??= failure;
  }

  missItems(part: Part, count: number): void {
    if (count > 0) this.miss(part, itemsMalformed(count));
  }

  /** Asks for a part that belongs to every collection; null when it could not be had. */
  async always<Value>(part: Part, get: () => Promise<Value>): Promise<Value | null> {
    if (this.#silence !== undefined) {
      this.miss(part, this.#silence);
      return null;
    }
    try {
      return await get();
    } catch (error) {
      this.miss(part, this.failureOf(error));
      return null;
    }
  }

  isDue(untilMs: number): boolean {
    return this.#nowMs >= untilMs - EARLY_MS;
  }

  /** From now on, for as long as what is absent is not asked for. */
  get absentUntilMs(): number {
    return this.#nowMs + this.#absentMs;
  }

  /** Asks for a part with a memory. `get` may name what it does not get beside what it does. */
  async ask<Value>(
    part: Part,
    { keepMs, isAbsent = false }: AskOptions,
    get: (lacks: (failure: Failure) => void) => Promise<Value>,
  ): Promise<Answer<Value>> {
    const before = this.#memory.parts.get(part);
    // Not for long: once the server has it, it is asked for at once.
    if (isAbsent) return this.#absent(part, this.#nowMs);
    if (before !== undefined && !this.isDue(before.untilMs)) {
      if (before.kind === "found") for (const failure of before.lacking) this.miss(part, failure);
      if (before.kind === "forbidden") this.miss(part, before.failure);
      return { kind: "unchanged" };
    }
    if (this.#silence !== undefined) {
      this.miss(part, this.#silence);
      return { kind: "unchanged" };
    }
    const lacking: Failure[] = [];
    try {
      const value = await get((failure) => lacking.push(failure));
      for (const failure of lacking) this.miss(part, failure);
      this.#memory.parts.set(part, { kind: "found", untilMs: this.#nowMs + keepMs, lacking });
      return { kind: "found", value };
    } catch (error) {
      if (ClusterPulseError.is(error) && error.code === "NOT_FOUND") return this.#absent(part, this.absentUntilMs);
      const failure = this.failureOf(error);
      this.miss(part, failure);
      if (failure.code === "FORBIDDEN") {
        this.#memory.parts.set(part, { kind: "forbidden", untilMs: this.absentUntilMs, failure });
      } else this.#memory.parts.delete(part);
      return { kind: "unchanged" };
    }
  }

  #absent(part: Part, untilMs: number): Answer<never> {
    const before = this.#memory.parts.get(part);
    this.#memory.parts.set(part, { kind: "absent", untilMs });
    return before?.kind === "absent" ? { kind: "unchanged" } : { kind: "absent" };
  }
}
