// What the steps of one pass hand to each other, by typed slots. A slot is its own key, so two features whose values have the same type
// never meet; a keyed slot takes its key from a callback, for values of which there are many. A state lives as long as its pass.
import { ClusterPulseError } from "../support/errors.ts";

/** A place for one value of type T. */
export interface Slot<T> {
  /** Named in errors. */
  readonly name: string;
  /** Asked on every use. */
  readonly key: () => unknown;
  /** Never there: makes slots of different types differ. */
  readonly holds?: (value: T) => T;
}

/** A slot with an identity of its own: two slots of the same name and type are two places. */
export function slot<T>(name: string): Slot<T> {
  const self: Slot<T> = { name, key: () => self };
  return self;
}

/** A slot whose place is what `keyOf` returns at the time of each use. All keyed slots share one space of keys. */
export function keyedSlot<T>(name: string, keyOf: () => string): Slot<T> {
  return { name, key: keyOf };
}

export class State {
  readonly #bindings = new Map<unknown, { readonly slot: { readonly name: string }; readonly value: unknown }>();

  /** Throws SLOT_EXISTS while the place is taken; `unbind` frees it. Undefined and null are values. */
  bind<T>(slot: Slot<T>, value: T): void {
    const key = slot.key();
    if (this.#bindings.has(key)) throw new ClusterPulseError("SLOT_EXISTS", `slot ${slot.name} holds a value already`);
    this.#bindings.set(key, { slot, value });
  }

  /** Throws SLOT_NOT_FOUND when nothing is bound, SLOT_MISMATCH when another slot bound the place. */
  get<T>(slot: Slot<T>): T {
    const key = slot.key();
    const bound = this.#bindings.get(key);
    if (bound === undefined) throw new ClusterPulseError("SLOT_NOT_FOUND", `slot ${slot.name} holds nothing`);
    if (bound.slot !== slot) {
      throw new ClusterPulseError("SLOT_MISMATCH", `slot ${slot.name} finds a value of slot ${bound.slot.name}`);
    }
    return bound.value as T;
  }

  /** The value, or undefined when nothing is bound. Throws SLOT_MISMATCH like `get`. */
  find<T>(slot: Slot<T>): T | undefined {
    return this.#bindings.has(slot.key()) ? this.get(slot) : undefined;
  }

  /** Frees the place. Nothing happens when it is free. Throws SLOT_MISMATCH like `get`. */
  unbind<T>(slot: Slot<T>): void {
    const key = slot.key();
    if (!this.#bindings.has(key)) return;
    this.get(slot);
    this.#bindings.delete(key);
  }
}
