// What a fault is: its parameters as data, and what one switching-on of it does.
import type { ParameterTable, ValuesOf } from "../bounds.ts";
import type { FaultBehaviour, FaultContext } from "../effects.ts";
import type { Traffic } from "../traffic.ts";

export interface FaultKind<P extends ParameterTable = ParameterTable> {
  /** What a client meets, for the help. */
  readonly looks: string;
  /** Whom it meets: which parameters it takes beside its own. */
  readonly traffic: Traffic;
  readonly parameters: P;
  behave(values: ValuesOf<P>, context: FaultContext): FaultBehaviour;
}

/** Keeps the types of the parameters. */
export const faultKind = <const P extends ParameterTable>(kind: FaultKind<P>): FaultKind<P> => kind;

export const milliseconds = { kind: "number", low: 1, high: 600_000, unit: "milliseconds" } as const;
export const bytes = { kind: "number", low: 0, high: 1_000_000_000, unit: "bytes" } as const;
