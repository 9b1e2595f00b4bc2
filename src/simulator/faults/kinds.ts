// What each fault does, stage by stage: to the cluster's connections (A), to a request before it is answered (B), to the answer's
// bytes (C). A new fault is a new entry here, its name in rule.ts and its parameters in parameters.ts.
import type { Clock } from "../../support/clock.ts";
import type { Origin } from "../http/listeners.ts";
import { apiErrors } from "../http/status.ts";
import type { BodyFault, Heal, RequestVerdict } from "./effects.ts";
import { defaultFlap, startFlapping } from "./flap.ts";
import type { FaultName } from "./names.ts";
import type { GarbageVariant, TlsVariant } from "./parameters.ts";
import type { FaultRule } from "./rule.ts";
import { refusalOf } from "./statuses.ts";

export interface FaultBehaviour {
  /** Stage A, when the fault is switched on. */
  start?(origin: Origin, rule: FaultRule, clock: Clock): Heal | Promise<Heal>;
  /** Stage B, once per request. */
  request?(rule: FaultRule, request: { readonly isWatch: boolean }): RequestVerdict;
  /** Stage C. */
  body?(rule: FaultRule, answer: { readonly isWatch: boolean }): BodyFault;
}

const defaultLatencyMs = 3_000;
const defaultBytesPerSec = 1_000;
const defaultTruncateAfterBytes = 100;
const pass: RequestVerdict = { type: "pass" };
const stall: RequestVerdict = { type: "stall" };
const untouched: BodyFault = { type: "none" };
const hold: BodyFault = { type: "hold" };

export const faultBehaviours: Readonly<Record<FaultName, FaultBehaviour>> = {
  /** Accepts connections and says nothing, also on those that are open. */
  blackhole: {
    start: (origin) => {
      origin.silence();
      return () => origin.releaseStalled();
    },
    request: () => stall,
    body: () => hold,
  },
  /** Nothing listens any more. */
  refuse: {
    start: async (origin) => {
      await origin.refuse();
      return () => origin.reopen();
    },
  },
  /** Takes the request and never answers. */
  hang: {
    start: (origin) => () => origin.releaseStalled(),
    request: () => stall,
  },
  latency: {
    request: (rule) => ({ type: "delay", delayMs: rule.parameters?.latencyMs ?? defaultLatencyMs }),
  },
  /** Whole and correct, a few bytes at a time; watches too. */
  slowbody: {
    body: ({ parameters }) => ({ type: "slow", bytesPerSec: parameters?.bytesPerSec ?? defaultBytesPerSec }),
  },
  status: {
    request: ({ parameters }) => refusalOf(parameters?.code ?? 503, parameters?.retryAfter),
  },
  /** The connection is reset: before the headers, or in the body. */
  reset: {
    request: ({ parameters }) => (parameters?.afterBytes === undefined ? { type: "reset" } : pass),
    body: ({ parameters }) => ({ type: "cut", afterBytes: parameters?.afterBytes ?? 0, ending: "reset" }),
  },
  /** The body ends early, as if that were all. */
  truncate: {
    body: ({ parameters }) => ({
      type: "cut",
      afterBytes: parameters?.afterBytes ?? defaultTruncateAfterBytes,
      ending: "clean",
    }),
  },
  garbage: {
    body: ({ parameters }) => ({ type: "garbage", variant: (parameters?.variant ?? "json") as GarbageVariant }),
  },
  /** New connections meet a certificate that must not be trusted, or no handshake at all; open ones are closed. */
  tls: {
    start: (origin, { parameters }) => {
      origin.present((parameters?.variant ?? "expired") as TlsVariant);
      return () => origin.present("valid");
    },
  },
  unauthorized: {
    request: () => ({ type: "refuse", error: apiErrors.unauthorized() }),
  },
  /** Down, up, down again: nothing listens for `downMs`, then all is well for `upMs`. Down first. */
  flap: {
    start: (origin, { parameters }, clock) => startFlapping(origin, { ...defaultFlap, ...parameters }, clock),
  },
  /** Every watch, open ones too, ends with the event of a version that is too old. */
  watch410: {
    start: (origin) => {
      origin.expireWatches();
      return () => {};
    },
    request: (_rule, { isWatch }) => (isWatch ? { type: "expire-watch" } : pass),
  },
  /** Watches stay open and say nothing any more. They break when the fault is healed, so that clients resume. */
  watchstall: {
    start: (origin) => () => origin.breakWatches(),
    body: (_rule, { isWatch }) => (isWatch ? hold : untouched),
  },
};
