// A watch on its way out: every line goes through what the fault of the moment makes of it, which also may say something by itself when
// its time comes.
import type { Cancel, Clock } from "../../support/clock.ts";
import type { BodyFault, LineOutcome, RequestFacts, WatchEditor } from "../faults/effects.ts";
import type { WatchSink } from "./engine.ts";
import { spoilt } from "./garbage.ts";
import type { OpenWatch } from "./listeners.ts";
import type { Outgoing } from "./outgoing.ts";

export interface WatchingParts {
  readonly facts: RequestFacts;
  readonly out: Outgoing;
  readonly clock: Clock;
  /** As of now. */
  readonly fault: () => BodyFault;
  readonly editor: () => WatchEditor | undefined;
  /** Breaks the connection. */
  readonly destroy: () => void;
  /** Counts the watch among what is held without an answer. */
  readonly hold: () => void;
}

const padding = Buffer.alloc(1_048_576, "x");
const paddingPauseMs = 5;

export class Watching implements OpenWatch, WatchSink {
  readonly #parts: WatchingParts;
  /** Nothing more is said. */
  #isOver = false;
  #editor: WatchEditor | undefined;
  #cancelTimer: Cancel = () => {};
  #stopSource: () => void = () => {};

  constructor(parts: WatchingParts) {
    this.#parts = parts;
  }

  get facts(): RequestFacts {
    return this.#parts.facts;
  }

  /** Streams what `start` has to say until the watch ends. */
  run(start: (sink: WatchSink) => () => void): void {
    this.faultBegan();
    const stop = start(this);
    // It may have ended while it began.
    if (this.#isOver) stop();
    else this.#stopSource = stop;
  }

  write(text: string): void {
    if (this.#isOver) return;
    this.faultBegan();
    const line = this.#spoilt(text);
    this.#apply(this.#editor?.line(line) ?? { send: [`${line}\n`] });
  }

  end(): void {
    if (!this.#isOver) this.#apply({ send: [], next: "end" });
  }

  finish(line: string, ends: boolean): void {
    if (!this.#isOver) this.#apply({ send: [`${line}\n`], next: ends ? "end" : "hold" });
  }

  destroy(): void {
    this.closed();
    this.#parts.destroy();
  }

  /** The connection is gone. */
  closed(): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#stopSource();
  }

  /** Looks whether there is another fault than before. */
  faultBegan(): void {
    const editor = this.#parts.editor();
    if (editor === this.#editor || this.#isOver) return;
    this.#cancelTimer();
    this.#editor = editor;
    const atTime = editor?.atTime;
    if (atTime === undefined) return;
    this.#cancelTimer = this.#parts.clock.setTimer(() => {
      // Healed in the meantime, it says nothing.
      if (this.#parts.editor() === editor && !this.#isOver) this.#apply(atTime.outcome());
    }, atTime.afterMs);
  }

  #spoilt(text: string): string {
    const fault = this.#parts.fault();
    if (fault.type !== "garbage") return text;
    const { garbage } = fault;
    const isJsonText = garbage.variant === "html" || garbage.variant === "gzip" || garbage.variant === "contentType";
    // A watch has no body to replace: its lines are no JSON then.
    const asLine = isJsonText ? { ...garbage, variant: "json" as const } : garbage;
    return spoilt(asLine, this.facts.path, "", Buffer.from(text))[1].toString();
  }

  /** A line without an end, no faster than it is read. */
  #pad(leftMib: number): void {
    const { out, clock } = this.#parts;
    if (leftMib === 0) return;
    const isRead = out.unsentBytes < padding.length;
    if (isRead) out.write(padding);
    this.#cancelTimer = clock.setTimer(() => this.#pad(isRead ? leftMib - 1 : leftMib), paddingPauseMs);
  }

  #apply({ send, paddingMib, next }: LineOutcome): void {
    const { out, clock, destroy, hold } = this.#parts;
    for (const text of send) out.write(Buffer.from(text));
    if (next === undefined) return;
    this.closed();
    if (next === "end") out.end();
    else if (next === "hold") {
      hold();
      this.#pad(paddingMib ?? 0);
    }
    // What was said before has left by then.
    else clock.setImmediate(() => clock.setImmediate(destroy));
  }
}
