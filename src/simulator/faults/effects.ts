// What a fault may do to a request and to its answer: the words that faults and the request pipeline share.
import type { ApiError } from "../http/status.ts";
import type { GarbageVariant } from "./parameters.ts";

export type RequestVerdict =
  | { readonly type: "pass" }
  /** Never answer. */
  | { readonly type: "stall" }
  | { readonly type: "refuse"; readonly error: ApiError }
  /** What a proxy in front of the API server says. */
  | { readonly type: "page"; readonly status: number; readonly html: string; readonly retryAfter: number | undefined }
  | { readonly type: "delay"; readonly delayMs: number }
  /** Reset the connection before any byte of an answer. */
  | { readonly type: "reset" }
  /** Take the watch and end it with a 410 event. */
  | { readonly type: "expire-watch" };

export type BodyFault =
  | { readonly type: "none" }
  /** No byte of an answer may leave, including those of answers begun before the fault. */
  | { readonly type: "hold" }
  | { readonly type: "slow"; readonly bytesPerSec: number }
  /** Ends after so many bytes: as if it were whole, or with a reset of the connection. */
  | { readonly type: "cut"; readonly afterBytes: number; readonly ending: "clean" | "reset" }
  | { readonly type: "garbage"; readonly variant: GarbageVariant };

/** Ends what a fault did to connections. */
export type Heal = () => void | Promise<void>;
