// What a fault makes of the lines of one watch: a small machine that hears every line and says what is sent instead. It counts events,
// not bookmarks, and knows no socket and no time.
import type { LineOutcome, WatchEditor } from "./effects.ts";

export const watchLineVariants = [
  "drop",
  "close",
  "garbageLine",
  "unknownType",
  "halfLine",
  "endlessLine",
  "noBookmarks",
  "staleBookmark",
  "noInitialEnd",
  "duplicate",
  "reorder",
  "lose",
] as const;

export interface WatchLinesOptions {
  /** `last`: `last` is said when the time has come, and nothing else happens. */
  readonly variant: (typeof watchLineVariants)[number] | "last";
  readonly last?: LineOutcome;
  readonly afterEvents: number | undefined;
  readonly afterMs: number | undefined;
  readonly nthEvent: number;
  readonly sizeMib?: number;
}

const initialEnd = '"k8s.io/initial-events-end":"true"';

export class WatchLines implements WatchEditor {
  readonly atTime: WatchEditor["atTime"];
  readonly #options: WatchLinesOptions;
  #events = 0;
  #isDue: boolean;
  #isOver = false;
  #held: string | undefined;

  constructor(options: WatchLinesOptions) {
    this.#options = options;
    const { afterEvents, afterMs, variant } = options;
    // What happens once and has no time of its own happens at once: with the first event, or without one.
    const isAtOnce = afterEvents === undefined && (variant === "drop" || variant === "close");
    const atMs = afterMs ?? (isAtOnce ? 0 : undefined);
    this.#isDue = afterEvents === undefined && atMs === undefined;
    this.atTime = atMs === undefined ? undefined : { afterMs: atMs, outcome: () => this.#dueNow() };
  }

  line(text: string): LineOutcome {
    if (this.#isOver) return { send: [] };
    const isBookmark = text.startsWith('{"type":"BOOKMARK"');
    const { afterEvents } = this.#options;
    if (!isBookmark) this.#events++;
    // The event after the last that is let through is the first that is met.
    if (!isBookmark && afterEvents !== undefined && this.#events > afterEvents) this.#isDue = true;
    return this.#isDue ? this.#spoilt(text, isBookmark) : { send: [`${text}\n`] };
  }

  /** The time has come without a line. */
  #dueNow(): LineOutcome {
    this.#isDue = true;
    const { variant } = this.#options;
    const needsLine = ["halfLine", "noBookmarks", "staleBookmark", "noInitialEnd", "duplicate", "reorder", "lose"];
    return this.#isOver || needsLine.includes(variant) ? { send: [] } : this.#spoilt("", false);
  }

  #once(outcome: LineOutcome): LineOutcome {
    this.#isOver = outcome.next !== undefined;
    return outcome;
  }

  #spoilt(text: string, isBookmark: boolean): LineOutcome {
    const { variant, last, nthEvent, sizeMib = 1 } = this.#options;
    const whole = text === "" ? [] : [`${text}\n`];
    switch (variant) {
      case "last":
        return this.#once(last ?? { send: [] });
      case "drop":
        return this.#once({ send: [], next: "destroy" });
      case "close":
        return this.#once({ send: [], next: "end" });
      case "halfLine":
        return this.#once({ send: [text.slice(0, text.length >> 1)], next: "end" });
      case "endlessLine":
        return this.#once({ send: ['{"type":"MODIFIED","object":{"padding":"'], paddingMib: sizeMib, next: "hold" });
      case "garbageLine":
        return { send: ["}{ this is no event\n", ...whole] };
      case "unknownType":
        return { send: ['{"type":"SURPRISE","object":{"kind":"Surprise","metadata":{}}}\n', ...whole] };
      case "noBookmarks":
        return { send: isBookmark && !text.includes(initialEnd) ? [] : whole };
      case "noInitialEnd":
        return { send: isBookmark && text.includes(initialEnd) ? [] : whole };
      case "staleBookmark":
        return { send: isBookmark ? [`${text.replace(/"resourceVersion":"\d+"/, '"resourceVersion":"1"')}\n`] : whole };
      default:
        return isBookmark || this.#events % nthEvent !== 0 ? this.#withHeld(whole) : this.#shuffled(variant, text);
    }
  }

  #shuffled(variant: "duplicate" | "reorder" | "lose", text: string): LineOutcome {
    if (variant === "duplicate") return { send: [`${text}\n`, `${text}\n`] };
    if (variant === "lose") return { send: [] };
    const before = this.#withHeld([]);
    this.#held = `${text}\n`;
    return before;
  }

  /** An event that was held back comes after its successor. */
  #withHeld(lines: readonly string[]): LineOutcome {
    const send = this.#held === undefined ? lines : [...lines, this.#held];
    this.#held = undefined;
    return { send };
  }
}
