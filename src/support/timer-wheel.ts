// Thousands of deadlines on one clock timer: a hierarchical timer wheel (Varghese and Lauck, "Hashed and Hierarchical Timing
// Wheels", 1987). Scheduling and cancelling take constant time.
// Guarantees: nothing fires early, nor within the tick in which it was scheduled; what is due fires in order of due time, then of
// scheduling; the clock's timer is armed only while something is scheduled, and sleeps until the next occupied slot.
// Does not guarantee: precision. A timer fires up to one tick (and the clock's own delay) late.
import type { Cancel, Clock } from "./clock.ts";
import { ClusterPulseError } from "./errors.ts";

// A tick number is read as eight digits of five bits. A timer waits on the level of the highest digit in which its tick
// differs from the current one: so a level's occupied slots all lie ahead of the current digit, lower levels come first,
// and the next slot is the lowest set bit of the lowest occupied level. 2^40 ticks of 1 ms are 34 years.
const slotsPerLevel = 32;
const levels = 8;
const maxTicks = slotsPerLevel ** levels;
const maxSleepMs = 2 ** 31 - 1;

/** One scheduled callback. */
export interface TimerHandle {
  /** When it is due, on the clock's monotonic reading. */
  readonly dueMs: number;
  /** Takes it off the wheel; after it fired or was cancelled this does nothing. */
  cancel(): void;
}

class WheelTimer implements TimerHandle {
  readonly dueMs: number;
  readonly tick: number;
  readonly order: number;
  callback: (() => void) | undefined;
  /** Where it waits, or -1 when it is being fired. */
  slot = -1;
  previous: WheelTimer | undefined;
  next: WheelTimer | undefined;
  readonly #wheel: TimerWheel;

  constructor(wheel: TimerWheel, dueMs: number, tick: number, order: number, callback: () => void) {
    this.#wheel = wheel;
    this.dueMs = dueMs;
    this.tick = tick;
    this.order = order;
    this.callback = callback;
  }

  cancel(): void {
    this.#wheel.cancel(this);
  }
}

export class TimerWheel {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #startMs: number;
  readonly #slots: (WheelTimer | undefined)[] = new Array(slotsPerLevel * levels).fill(undefined);
  /** Per level, one bit for each slot that holds a timer. */
  readonly #occupied = new Int32Array(levels);
  /** Timers of the tick being fired, the next one last. Not empty between wake-ups only if a callback threw. */
  readonly #due: WheelTimer[] = [];
  /** The last tick that was worked off. */
  #current = 0;
  #size = 0;
  #order = 0;
  #armedTick = Number.POSITIVE_INFINITY;
  #disarm: Cancel | undefined;

  /** @param tickMs resolution of all timers, in milliseconds */
  constructor(clock: Clock, tickMs = 100) {
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#startMs = clock.monotonicMs();
  }

  /** Timers that are waiting. */
  get size(): number {
    return this.#size;
  }

  /** Runs `callback` once, `delayMs` from now. Throws TIMER_DELAY for a delay that is no finite number or beyond the wheel's range. */
  schedule(delayMs: number, callback: () => void): TimerHandle {
    return this.scheduleAt(this.#clock.monotonicMs() + Math.max(0, delayMs), callback);
  }

  /** Runs `callback` once the clock's monotonic reading has reached `dueMs`; at the next tick if it already has. */
  scheduleAt(dueMs: number, callback: () => void): TimerHandle {
    // While others wait, the last tick that was worked off may lie behind the one that it is.
    const tickNow = Math.max(this.#current, this.#tickNow());
    if (this.#size === 0) this.#current = tickNow;
    const tick = Math.max(Math.ceil((dueMs - this.#startMs) / this.#tickMs), tickNow + 1);
    if (!(tick < maxTicks)) throw new ClusterPulseError("TIMER_DELAY", `a timer cannot be due at ${dueMs} ms`);
    const timer = new WheelTimer(this, dueMs, tick, this.#order++, callback);
    this.#size++;
    this.#insert(timer);
    if (tick < this.#armedTick) this.#arm(tick);
    return timer;
  }

  /** @internal: through the handle only */
  cancel(timer: WheelTimer): void {
    if (timer.callback === undefined) return;
    timer.callback = undefined;
    this.#size--;
    if (timer.slot >= 0) this.#unlink(timer);
    if (this.#size === 0) this.#arm(Number.POSITIVE_INFINITY);
  }

  #tickNow(): number {
    return Math.floor((this.#clock.monotonicMs() - this.#startMs) / this.#tickMs);
  }

  #insert(timer: WheelTimer): void {
    let level = 0;
    let span = 1;
    while (Math.floor(timer.tick / (span * slotsPerLevel)) !== Math.floor(this.#current / (span * slotsPerLevel))) {
      level++;
      span *= slotsPerLevel;
    }
    const digit = Math.floor(timer.tick / span) % slotsPerLevel;
    const slot = level * slotsPerLevel + digit;
    const first = this.#slots[slot];
    timer.slot = slot;
    timer.previous = undefined;
    timer.next = first;
    if (first !== undefined) first.previous = timer;
    this.#slots[slot] = timer;
    this.#occupied[level] = (this.#occupied[level] as number) | (1 << digit);
  }

  #unlink(timer: WheelTimer): void {
    if (timer.next !== undefined) timer.next.previous = timer.previous;
    if (timer.previous !== undefined) timer.previous.next = timer.next;
    else if (timer.next !== undefined) this.#slots[timer.slot] = timer.next;
    else this.#empty(timer.slot);
  }

  /** Empties a slot and returns the first of the timers that were in it. */
  #empty(slot: number): WheelTimer | undefined {
    const first = this.#slots[slot];
    this.#slots[slot] = undefined;
    const level = Math.floor(slot / slotsPerLevel);
    this.#occupied[level] = (this.#occupied[level] as number) & ~(1 << (slot % slotsPerLevel));
    return first;
  }

  /** The next occupied slot and the first tick it stands for. */
  #next(): { slot: number; tick: number } | undefined {
    for (let level = 0, span = 1; level < levels; level++, span *= slotsPerLevel) {
      const occupied = this.#occupied[level] as number;
      if (occupied === 0) continue;
      const digit = 31 - Math.clz32(occupied & -occupied);
      const blockStart = Math.floor(this.#current / (span * slotsPerLevel)) * span * slotsPerLevel;
      return { slot: level * slotsPerLevel + digit, tick: blockStart + digit * span };
    }
    return undefined;
  }

  readonly #wake = (): void => {
    this.#disarm = undefined;
    this.#armedTick = Number.POSITIVE_INFINITY;
    try {
      this.#expire(this.#tickNow());
    } finally {
      if (this.#due.length > 0) this.#arm(this.#current);
      else this.#arm(this.#next()?.tick ?? Number.POSITIVE_INFINITY);
    }
  };

  #expire(untilTick: number): void {
    this.#fire();
    for (let next = this.#next(); next !== undefined && next.tick <= untilTick; next = this.#next()) {
      this.#current = next.tick;
      const isDue = next.slot < slotsPerLevel;
      for (let timer = this.#empty(next.slot); timer !== undefined; ) {
        const following: WheelTimer | undefined = timer.next;
        timer.slot = -1;
        if (isDue) this.#due.push(timer);
        else this.#insert(timer);
        timer = following;
      }
      this.#due.sort((a, b) => b.dueMs - a.dueMs || b.order - a.order);
      this.#fire();
    }
  }

  #fire(): void {
    for (let timer = this.#due.pop(); timer !== undefined; timer = this.#due.pop()) {
      const { callback } = timer;
      if (callback === undefined) continue;
      timer.callback = undefined;
      this.#size--;
      callback();
    }
  }

  #arm(tick: number): void {
    if (tick === this.#armedTick) return;
    this.#disarm?.();
    this.#disarm = undefined;
    this.#armedTick = tick;
    if (tick === Number.POSITIVE_INFINITY) return;
    const delayMs = this.#startMs + tick * this.#tickMs - this.#clock.monotonicMs();
    this.#disarm = this.#clock.setTimer(this.#wake, Math.min(maxSleepMs, Math.max(0, delayMs)));
  }
}
