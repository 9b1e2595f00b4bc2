// Ends that are of the hub's own making, by code: the one list of them. They say nothing of the cluster or registry that was asked, open no
// breaker, and whoever throws one takes its code from here. Pure.
import { ClusterPulseError } from "./errors.ts";

/**
 * `given-up`: nobody wants it any more. `short`: the hub lacked slots, memory, threads or an answer of its own API. `harmed`: a thread
 * that read what was sent took too long, ran out of memory or ended; whoever sent it may be to blame, its API server is not away.
 */
export type OwnTrouble = "given-up" | "short" | "harmed";

const troubles = {
  ABORTED: "given-up",
  ADMISSION_ABORTED: "given-up",
  RUN_ABORTED: "given-up",
  COMPUTE_ABORTED: "given-up",
  ADMISSION_TIMEOUT: "short",
  COMPUTE_NO_THREAD: "short",
  COMPUTE_QUEUE_FULL: "short",
  HUB_BUSY: "short",
  COMPUTE_DEADLINE: "harmed",
  COMPUTE_OUT_OF_MEMORY: "harmed",
  COMPUTE_CRASHED: "harmed",
} as const satisfies Readonly<Record<string, OwnTrouble>>;

export type OwnTroubleCode = keyof typeof troubles;

export const ownTroubleCodes = Object.keys(troubles) as readonly OwnTroubleCode[];

/** What the code says; undefined: it is not of the hub's own making. */
export function ownTroubleOf(code: string): OwnTrouble | undefined {
  return Object.hasOwn(troubles, code) ? troubles[code as OwnTroubleCode] : undefined;
}

export function ownTrouble(code: OwnTroubleCode, message: string): ClusterPulseError {
  return new ClusterPulseError(code, message);
}

/** @param why what it was short of, in words for people */
export function hubBusy(why: string): ClusterPulseError {
  return ownTrouble("HUB_BUSY", `the hub is busy: ${why}`);
}
