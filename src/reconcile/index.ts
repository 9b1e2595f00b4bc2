// Ordered reconcilers over one parent: see docs/reconcile.md.
export {
  type Condition,
  conditionsFrom,
  maxConditions,
  maxMessageLength,
  type Parent,
  reasonOf,
  type Verdict,
} from "./conditions.ts";
export { Conductor, type ConductorOptions, type PassEnd } from "./conductor.ts";
export {
  type Pass,
  type Reconciler,
  type Requeue,
  type Result,
  requeue,
  TerminalError,
  type Wait,
  wait,
} from "./reconciler.ts";
export type { Failure, NextPass, PassReport, StepReport } from "./report.ts";
export { keyedSlot, type Slot, slot } from "./state.ts";
