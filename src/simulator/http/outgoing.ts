// The bytes of one answer on their way out, under the body fault of the moment: it is asked at every step, so that a fault that begins
// or ends in the middle of an answer counts at once. Memory is bounded by what the client may leave unread.
import type { Cancel, Clock } from "../../support/clock.ts";
import type { BodyFault, BreakOff } from "../faults/effects.ts";

/** What is needed of a response, in HTTP/1.1 and HTTP/2 alike. */
export interface OutgoingResponse {
  readonly destroyed: boolean;
  readonly writableLength: number;
  write(bytes: Buffer, done?: () => void): unknown;
  end(): unknown;
  once(event: "close", listener: () => void): unknown;
}

export interface OutgoingParts {
  readonly response: OutgoingResponse;
  readonly fault: () => BodyFault;
  readonly clock: Clock;
  readonly breakOff: (how: BreakOff) => void;
  /** Ends the connection, with fewer bytes than were announced. */
  readonly endShort: () => void;
  /** Ends the answer of a client that does not read. */
  readonly giveUp: () => void;
  readonly maxBufferedBytes: number;
}

const stepMs = 50;

type SlowBody = Omit<Extract<BodyFault, { type: "slow" }>, "type">;

export class Outgoing {
  readonly #parts: OutgoingParts;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #sentBytes = 0;
  /** All of it is here. */
  #complete = false;
  /** Nothing leaves any more. */
  #over = false;
  #allowance = 0;
  /** When an answer that stalls began to. */
  #stalledSinceMs: number | undefined;
  readonly #bornMs: number;
  #cancelStep: Cancel | undefined;

  constructor(parts: OutgoingParts) {
    this.#parts = parts;
    this.#bornMs = parts.clock.monotonicMs();
    parts.response.once("close", () => this.#stop());
  }

  write(bytes: Buffer): void {
    this.#add(bytes);
    this.#send();
  }

  /** The last bytes, and the end of the body. */
  end(bytes: Buffer = Buffer.alloc(0)): void {
    this.#complete = true;
    this.#add(bytes);
    this.#send();
  }

  /** What was written and is not on its way yet. */
  get unsentBytes(): number {
    return this.#parts.response.writableLength + this.#waitingBytes;
  }

  #add(bytes: Buffer): void {
    if (this.#over || bytes.length === 0) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #send(): void {
    if (this.#over || this.#cancelStep !== undefined) return;
    const fault = this.#parts.fault();
    switch (fault.type) {
      case "hold":
        // The fault destroys what it held: nothing of this answer is sent later.
        this.#stop();
        return;
      case "none":
      case "garbage":
        this.#passAll();
        return;
      case "cut":
        this.#cut(fault);
        return;
      case "late":
        if (this.#parts.clock.monotonicMs() - this.#bornMs < fault.delayMs) this.#nextStep(0);
        else this.#passAll();
        return;
      case "slow":
        this.#slow(fault);
        return;
    }
  }

  #slow({ bytesPerSec, chunkBytes, ...stall }: SlowBody): void {
    // Whole pieces; what is left of the waiting bytes is one too.
    const whole = Math.floor(Math.min(this.#allowance, this.#waitingBytes) / chunkBytes) * chunkBytes;
    const rest = this.#waitingBytes - whole;
    const hasRest = rest < chunkBytes && this.#allowance - whole >= rest;
    const passing = Math.min(hasRest ? this.#waitingBytes : whole, this.#bytesUntilStall(stall));
    this.#allowance = (this.#allowance - passing) % chunkBytes;
    this.#pass(passing);
    this.#finishWhenSent();
    if (!this.#over && this.#waitingBytes > 0) this.#nextStep(bytesPerSec);
  }

  #bytesUntilStall({ stallAfterBytes, stallMs }: Pick<SlowBody, "stallAfterBytes" | "stallMs">): number {
    if (stallAfterBytes === undefined) return Number.POSITIVE_INFINITY;
    if (this.#sentBytes < stallAfterBytes) return stallAfterBytes - this.#sentBytes;
    const nowMs = this.#parts.clock.monotonicMs();
    this.#stalledSinceMs ??= nowMs;
    const isOver = stallMs !== undefined && nowMs - this.#stalledSinceMs >= stallMs;
    return isOver ? Number.POSITIVE_INFINITY : 0;
  }

  #passAll(): void {
    this.#pass(this.#waitingBytes);
    this.#finishWhenSent();
  }

  #nextStep(bytesPerSec: number): void {
    this.#cancelStep = this.#parts.clock.setTimer(() => {
      this.#cancelStep = undefined;
      this.#allowance += (bytesPerSec * stepMs) / 1_000;
      this.#send();
    }, stepMs);
  }

  #cut({ afterBytes, ending }: Extract<BodyFault, { type: "cut" }>): void {
    const total = this.#sentBytes + this.#waitingBytes;
    // A body that is shorter loses at least its last byte.
    const limit = this.#complete ? Math.min(afterBytes, total - 1) : afterBytes;
    if (total < limit) {
      this.#pass(this.#waitingBytes);
      return;
    }
    const { response, breakOff, endShort } = this.#parts;
    const rest = Buffer.concat(this.#waiting).subarray(0, Math.max(0, limit - this.#sentBytes));
    this.#stop();
    if (ending === "clean") {
      response.write(rest);
      response.end();
      return;
    }
    const end = ending === "length" ? endShort : () => breakOff(ending);
    if (rest.length === 0) end();
    else response.write(rest, end);
  }

  #pass(bytes: number): void {
    const { response, maxBufferedBytes, giveUp } = this.#parts;
    let left = Math.min(bytes, this.#waitingBytes);
    while (left > 0) {
      const first = this.#waiting[0] as Buffer;
      const part = first.subarray(0, left);
      if (part.length === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(left);
      response.write(part);
      left -= part.length;
      this.#sentBytes += part.length;
      this.#waitingBytes -= part.length;
    }
    if (!this.#complete && this.unsentBytes > maxBufferedBytes) {
      this.#stop();
      giveUp();
    }
  }

  #finishWhenSent(): void {
    if (this.#over || !this.#complete || this.#waitingBytes > 0) return;
    this.#stop();
    this.#parts.response.end();
  }

  #stop(): void {
    this.#over = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#cancelStep?.();
    this.#cancelStep = undefined;
  }
}
