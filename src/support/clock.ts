// Time as a dependency. Everything that waits or stamps takes a Clock, so that a whole tree runs in virtual time in tests.
// Wall-clock time is for stamps only; every duration and deadline is computed from the monotonic reading.

/** Cancels what it was returned for; calling it twice, or after it fired, does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Milliseconds since the epoch. May jump; for stamps only. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start. Never goes back; for durations and deadlines. */
  monotonicMs(): number;
  /** Runs `callback` once, `delayMs` milliseconds of this clock from now (0 or less: as soon as possible, never within the call). */
  setTimer(callback: () => void, delayMs: number): Cancel;
  /** Runs `callback` in a later turn of the event loop, after pending I/O had its chance. */
  setImmediate(callback: () => void): void;
}

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(callback, delayMs) {
    const timer = setTimeout(callback, Math.max(0, delayMs));
    timer.unref();
    return () => clearTimeout(timer);
  },
  setImmediate: (callback) => void setImmediate(callback),
};

/** `2026-01-02T03:04:05Z`: the second-precision RFC 3339 text that every stored timestamp of the hub uses. */
export function rfc3339(epochMs: number): string {
  if (!(epochMs >= 0 && epochMs < endOfFourDigits)) return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
  const seconds = Math.floor(epochMs / 1_000);
  const day = Math.floor(seconds / 86_400);
  const second = seconds - day * 86_400;
  const minute = Math.floor(second / 60);
  return `${dayText(day)}${two[Math.floor(minute / 60)]}:${two[minute % 60]}:${two[second % 60]}Z`;
}

/** The year 10000. */
const endOfFourDigits = 253_402_300_800_000;
const maxDayTexts = 1_000;
const dayTexts = new Map<number, string>();
const two = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, "0"));

/** `2026-01-02T`. Remembered: times are written by the thousand, and fall on few days. */
function dayText(day: number): string {
  let text = dayTexts.get(day);
  if (text === undefined) {
    text = new Date(day * 86_400_000).toISOString().slice(0, 11);
    if (dayTexts.size === maxDayTexts) dayTexts.clear();
    dayTexts.set(day, text);
  }
  return text;
}
