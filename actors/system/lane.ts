// One lane of a mailbox: a ring of waiting messages with a bound, keyed coalescing and the record of a message that keeps
// crashing its actor. A full lane refuses the newest message; what already waits is never thrown away.
import { RingBuffer } from "../../src/support/ring-buffer.ts";

export class Lane<M> extends RingBuffer<M> {
  readonly capacity: number;
  /** Messages that took the place of a waiting one of the same key. */
  coalesced = 0;
  /** Messages that were refused because the lane was full. */
  overflowed = 0;
  /** Where the waiting message of each key is. */
  #sequenceOf: Map<string, number> | undefined;
  #suspectSequence = 0;
  #suspectCrashes = 0;

  constructor(capacity: number) {
    super();
    this.capacity = capacity;
  }

  get isFull(): boolean {
    return this.size >= this.capacity;
  }

  /** Puts `message` in the place of the waiting one of that key and returns the former; undefined when none waits. */
  coalesce(key: string, message: M): { readonly former: M } | undefined {
    const sequence = this.#sequenceOf?.get(key);
    if (sequence === undefined) return undefined;
    this.coalesced++;
    return { former: this.replace(sequence, message) };
  }

  /** Adds a message at the end, whether or not the lane is full. */
  add(message: M, key: string | undefined): void {
    const sequence = this.push(message);
    if (key === undefined) return;
    this.#sequenceOf ??= new Map();
    this.#sequenceOf.set(key, sequence);
  }

  /** Frees the slot of a key when its message, of that sequence number, has been taken. */
  releaseKey(key: string | undefined, sequence: number): void {
    if (key !== undefined && this.#sequenceOf?.get(key) === sequence) this.#sequenceOf.delete(key);
  }

  /**
   * Puts back a message that crashed the actor, in front, and returns how often it has by now.
   * @param isLastTaken it is the message that was taken from this lane last; otherwise it has crashed for the first time
   */
  putBack(message: M, isLastTaken: boolean): number {
    this.unshift(message);
    if (!isLastTaken || this.headSequence !== this.#suspectSequence) this.#suspectCrashes = 0;
    this.#suspectSequence = this.headSequence;
    return ++this.#suspectCrashes;
  }
}
