// What a fault may do to connections, to a request and to its answer: the words that faults and the request pipeline share.
import type { Clock } from "../../support/clock.ts";
import type { Garbage } from "../http/garbage.ts";
import type { Origin } from "../http/listeners.ts";
import type { ApiError } from "../http/status.ts";
import type { RequestFacts } from "./facts.ts";

export type { RequestFacts } from "./facts.ts";

/** How an answer breaks off. */
export const endings = ["reset", "halfClose", "goaway", "stream"] as const;
export type Ending = (typeof endings)[number];

/** `h2Code` is that of the HTTP/2 frame, where there is one. */
export interface BreakOff {
  readonly ending: Ending;
  readonly h2Code: number;
}

export type RequestVerdict =
  | { readonly type: "pass" }
  /** Never answer. */
  | { readonly type: "stall" }
  | { readonly type: "refuse"; readonly error: ApiError }
  /** What a proxy in front of the API server says. */
  | {
      readonly type: "plain";
      readonly status: number;
      readonly contentType: string;
      readonly text: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly type: "delay"; readonly delayMs: number }
  /** Break off before any byte of an answer. */
  | ({ readonly type: "reset" } & BreakOff)
  /** Take the watch, tell it this and end it, or leave it open. */
  | { readonly type: "watch"; readonly line: string; readonly ends: boolean };

export type BodyFault =
  | { readonly type: "none" }
  /** No byte of an answer may leave, including those of answers begun before the fault. */
  | { readonly type: "hold" }
  /** The headers leave, the body so much later. */
  | { readonly type: "late"; readonly delayMs: number }
  | {
      readonly type: "slow";
      readonly bytesPerSec: number;
      /** Bytes leave in pieces of this size. */
      readonly chunkBytes: number;
      readonly stallAfterBytes: number | undefined;
      /** Undefined: until the fault ends. */
      readonly stallMs: number | undefined;
    }
  /** Ends after so many bytes: as if it were whole, with fewer bytes than the headers say, or broken off. */
  | { readonly type: "cut"; readonly afterBytes: number; readonly ending: "clean" | "length" | BreakOff }
  | { readonly type: "garbage"; readonly garbage: Garbage };

/** What becomes of one line of a watch. */
export interface LineOutcome {
  /** Texts to send as they are: with their line ends, or without. */
  readonly send: readonly string[];
  /** So much follows without a line's end, as fast as it is read. */
  readonly paddingMib?: number;
  /** What then becomes of the watch; undefined: it goes on. */
  readonly next?: "end" | "destroy" | "hold";
}

/** What a fault does to one watch, from the fault's or the watch's beginning on. */
export interface WatchEditor {
  /** @param text without its line end */
  line(text: string): LineOutcome;
  /** What happens after so long, whatever was said. */
  readonly atTime?: { readonly afterMs: number; outcome(): LineOutcome } | undefined;
}

export interface Transition {
  readonly atMs: number;
  readonly to: "down" | "up";
}

/** Ends what a fault did to connections. */
export type Heal = () => void | Promise<void>;

/** What one switching-on of a fault does, stage by stage. */
export interface FaultBehaviour {
  /** Whether requests like this are met at all; unless told all are. */
  concerns?(facts: RequestFacts): boolean;
  /** Stage A, when the fault begins. */
  start?(origin: Origin): Heal | Promise<Heal>;
  /** Stage B, once per request that is met. */
  request?(facts: RequestFacts): RequestVerdict;
  /** Stage C, for every request that is met. */
  body?(facts: RequestFacts): BodyFault;
  /** Stage C of watches, line by line: one for each watch that is met. */
  watch?(facts: RequestFacts): WatchEditor;
  /** It spoils JSON alone: who asks for protobuf or JSON is answered in JSON. */
  readonly jsonOnly?: boolean;
  /** Nobody gets a good connection while it is on. */
  readonly isOutage?: boolean;
  /** Of faults that come and go by themselves: when, on the monotonic clock. */
  transitions?(nowMs: number, count: number): readonly Transition[];
}

/** What a fault is given when it is switched on. */
export interface FaultContext {
  readonly clock: Clock;
  /** Chance of this rule alone, in [0, 1). */
  random(): number;
  /** Whether a request is met, and by no rule before this one; the same answer however often it is asked. */
  meets(facts: RequestFacts): boolean;
  /** Whether the next connection is met. */
  meetsConnection(): boolean;
  /** Counts a firing that is no request's and no connection's. */
  fired(): void;
  /** Whether only a part of all connections is meant. */
  readonly isSampled: boolean;
  /** When it begins, on the monotonic clock. */
  readonly beginsMs: number;
  /** When it ends by itself; infinite unless told. */
  readonly endsMs: number;
  /** The newest resourceVersion of the server now; 0 where there is none. */
  revision(): number;
}
