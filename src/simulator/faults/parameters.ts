// The parameters of faults: which fault takes which, within which bounds, and what holds without them.
import type { FaultName } from "./names.ts";

export const garbageVariants = ["json", "html", "gzip"] as const;
export const tlsVariants = ["expired", "wrongHost", "unknownCa", "handshakeStall"] as const;
export type GarbageVariant = (typeof garbageVariants)[number];
export type TlsVariant = (typeof tlsVariants)[number];

/** Each belongs to one fault, or to the faults that are named. */
export interface FaultParameters {
  /** Of `latency`: milliseconds before the headers of an answer; 3,000 unless told. */
  readonly latencyMs?: number;
  /** Of `slowbody`: 1,000 unless told. */
  readonly bytesPerSec?: number;
  /** Of `status`: the HTTP status of every answer; 503 unless told. 502 comes as the HTML page of a proxy, the others as a Status. */
  readonly code?: number;
  /** Of `status`: seconds in a Retry-After header; without it there is none. */
  readonly retryAfter?: number;
  /** Of `reset`: bytes of the body before the reset; without it the reset comes before the headers. Of `truncate`: 100 unless told. */
  readonly afterBytes?: number;
  /** Of `garbage`: text that is not JSON (the default), an HTML page instead of the answer, or gzip that does not inflate. Of `tls`: `expired` unless told. */
  readonly variant?: GarbageVariant | TlsVariant;
  /** Of `flap`: milliseconds of service between two outages; 10,000 unless told. */
  readonly upMs?: number;
  /** Of `flap`: milliseconds of each outage, the first of which begins at once; 5,000 unless told. */
  readonly downMs?: number;
}

type Name = keyof FaultParameters;
type Rule = { readonly low: number; readonly high: number; readonly unit: string } | readonly string[];

const milliseconds = { low: 1, high: 600_000, unit: "milliseconds" };
const bytes = { low: 0, high: 1_000_000_000, unit: "bytes" };
const turn = { low: 50, high: 3_600_000, unit: "milliseconds" };

const rules: Readonly<Record<FaultName, Readonly<Partial<Record<Name, Rule>>>>> = {
  blackhole: {},
  refuse: {},
  hang: {},
  latency: { latencyMs: milliseconds },
  slowbody: { bytesPerSec: { ...bytes, low: 1, unit: "bytes a second" } },
  status: {
    code: { low: 400, high: 599, unit: "an HTTP status" },
    retryAfter: { low: 0, high: 86_400, unit: "seconds" },
  },
  reset: { afterBytes: bytes },
  truncate: { afterBytes: bytes },
  garbage: { variant: garbageVariants },
  tls: { variant: tlsVariants },
  unauthorized: {},
  flap: { upMs: turn, downMs: turn },
  watch410: {},
  watchstall: {},
};

/** Checks the parameters for the fault; adds what is wrong to `problems`. Of a fault that is unknown only the shape is checked. */
export function readParameters(
  fault: FaultName | undefined,
  parameters: unknown,
  problems: string[],
): FaultParameters | undefined {
  if (parameters === undefined) return undefined;
  if (typeof parameters !== "object" || parameters === null || Array.isArray(parameters)) {
    problems.push('parameters: must be an object like {"latencyMs":3000}');
    return undefined;
  }
  if (fault === undefined) return undefined;
  for (const [name, value] of Object.entries(parameters)) {
    const problem = problemOf(fault, name, value);
    if (problem !== undefined) problems.push(`parameters.${name}: ${problem}`);
  }
  return parameters as FaultParameters;
}

function problemOf(fault: FaultName, name: string, value: unknown): string | undefined {
  const own = rules[fault];
  if (!Object.hasOwn(own, name)) return strangerProblem(fault, name);
  const rule = own[name as Name] as Rule;
  if (isChoice(rule)) {
    return rule.includes(value as string) ? undefined : `must be one of ${rule.join(", ")}`;
  }
  const isWithin = Number.isInteger(value) && (value as number) >= rule.low && (value as number) <= rule.high;
  return isWithin ? undefined : `must be a whole number from ${rule.low} to ${rule.high} (${rule.unit})`;
}

const isChoice = (rule: Rule): rule is readonly string[] => Array.isArray(rule);

function strangerProblem(fault: FaultName, name: string): string {
  const owners = Object.entries(rules).filter(([, own]) => Object.hasOwn(own, name));
  if (owners.length > 0) return `belongs to the fault ${owners.map(([owner]) => owner).join(" and ")} alone`;
  const known = Object.keys(rules[fault]);
  return `unknown parameter; ${fault} takes ${known.length === 0 ? "none" : known.join(", ")}`;
}
