// What each fault does, stage by stage: to the cluster's connections (A), to a request before it is answered (B), to the answer's
// bytes (C). A new fault is a new entry here and its name in rule.ts.
import type { Origin } from "../http/listeners.ts";
import { type ApiError, apiErrors } from "../http/status.ts";
import type { FaultName, FaultRule } from "./rule.ts";

export type RequestVerdict =
  | { readonly type: "pass" }
  /** Never answer. */
  | { readonly type: "stall" }
  | { readonly type: "refuse"; readonly error: ApiError }
  | { readonly type: "delay"; readonly delayMs: number };

export interface FaultBehaviour {
  /** Stage A, when the fault is switched on and off. */
  start?(origin: Origin): void | Promise<void>;
  stop?(origin: Origin): void | Promise<void>;
  /** Stage B, once per request. */
  request?(rule: FaultRule): RequestVerdict;
  /** Stage C: true while no byte of an answer may leave, including those of answers begun before the fault. */
  readonly holdsBody?: boolean;
}

const defaultLatencyMs = 3_000;
const stall: RequestVerdict = { type: "stall" };

export const faultBehaviours: Readonly<Record<FaultName, FaultBehaviour>> = {
  /** Accepts connections and says nothing, also on those that are open. */
  blackhole: {
    start: (origin) => origin.silence(),
    stop: (origin) => origin.releaseStalled(),
    request: () => stall,
    holdsBody: true,
  },
  /** Takes the request and never answers. */
  hang: {
    stop: (origin) => origin.releaseStalled(),
    request: () => stall,
  },
  latency: {
    request: (rule) => ({ type: "delay", delayMs: rule.parameters?.latencyMs ?? defaultLatencyMs }),
  },
  /** Nothing listens any more. */
  refuse: {
    start: (origin) => origin.refuse(),
    stop: (origin) => origin.reopen(),
  },
  unauthorized: {
    request: () => ({ type: "refuse", error: apiErrors.unauthorized() }),
  },
};
