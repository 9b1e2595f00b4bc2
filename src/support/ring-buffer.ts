// A first-in, first-out queue in one array that is allocated with the first value and doubles when full: adding and taking
// cost the same however long it is, and nothing is moved. Every value has a sequence number under which it can be replaced
// in place while it waits. It sets no bound of its own: its owner compares `size` before it pushes.

const firstSlots = 4;
const unallocated: never[] = [];

/** Sequence numbers are 32-bit integers that wrap around; they are unique among 2^32 consecutive values. */
export class RingBuffer<T> {
  protected slots: (T | undefined)[] = unallocated;
  protected head = 0;
  protected tail = 0;

  get size(): number {
    return (this.tail - this.head) | 0;
  }

  /** The sequence number of the value that `shift` would take. */
  get headSequence(): number {
    return this.head;
  }

  /** Adds a value at the end and returns its sequence number. */
  push(value: T): number {
    const tail = this.tail;
    if (((tail - this.head) | 0) === this.slots.length) this.#grow();
    this.slots[tail & (this.slots.length - 1)] = value;
    this.tail = (tail + 1) | 0;
    return tail;
  }

  /** Takes the oldest value, or undefined when there is none. */
  shift(): T | undefined {
    const head = this.head;
    if (head === this.tail) return undefined;
    const at = head & (this.slots.length - 1);
    const value = this.slots[at];
    this.slots[at] = undefined;
    this.head = (head + 1) | 0;
    return value;
  }

  /** Puts a value back in front, under the sequence number before the oldest one's. */
  unshift(value: T): void {
    if (this.size === this.slots.length) this.#grow();
    this.head = (this.head - 1) | 0;
    this.slots[this.head & (this.slots.length - 1)] = value;
  }

  /** Puts `value` in the place of the waiting one of that sequence number and returns the former. */
  replace(sequence: number, value: T): T {
    const at = sequence & (this.slots.length - 1);
    const former = this.slots[at] as T;
    this.slots[at] = value;
    return former;
  }

  #grow(): void {
    const { slots, head, tail } = this;
    const grown = new Array<T | undefined>(Math.max(firstSlots, slots.length * 2)).fill(undefined);
    for (let i = head; i !== tail; i = (i + 1) | 0) grown[i & (grown.length - 1)] = slots[i & (slots.length - 1)];
    this.slots = grown;
  }
}
