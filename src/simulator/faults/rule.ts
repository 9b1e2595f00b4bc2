// Fault rules as people and tests write them: which cluster, which fault, with what parameters.
import { InvalidInputError } from "../../support/errors.ts";

export const faultNames = ["blackhole", "hang", "latency", "refuse", "unauthorized"] as const;
export type FaultName = (typeof faultNames)[number];

/** Names that are kept for faults to come. */
const plannedFaultNames = [
  "slowbody",
  "status",
  "reset",
  "truncate",
  "garbage",
  "tls",
  "flap",
  "watch410",
  "watchstall",
];

export interface FaultParameters {
  /** Of `latency`: milliseconds before the headers of an answer, 1 to 600,000; 3,000 unless told. */
  readonly latencyMs?: number;
}

/** One cluster has at most one fault. */
export interface FaultRule {
  /** A cluster's name, or `hub`. */
  readonly cluster: string;
  readonly fault: FaultName;
  readonly parameters?: FaultParameters;
}

const maxLatencyMs = 600_000;

/** Checks a rule that came from outside, all but whether the cluster exists. Throws InvalidInputError that names the field. */
export function parseFaultRule(input: unknown): FaultRule {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new InvalidInputError([
      'the fault rule must be an object like {"cluster":"prod-fra-01","fault":"blackhole"}',
    ]);
  }
  const { cluster, fault, parameters, ...unknown } = input as Record<string, unknown>;
  const problems: string[] = [];
  if (typeof cluster !== "string" || cluster === "") problems.push("cluster: must be the name of a simulated cluster");
  if (!(faultNames as readonly unknown[]).includes(fault)) problems.push(faultProblem(fault));
  for (const name of Object.keys(unknown))
    problems.push(`${name}: unknown field; known are cluster, fault, parameters`);
  const read = readParameters(fault, parameters, problems);
  if (problems.length > 0) throw new InvalidInputError(problems);
  return { cluster: cluster as string, fault: fault as FaultName, ...(read === undefined ? {} : { parameters: read }) };
}

function faultProblem(fault: unknown): string {
  const known = faultNames.join(", ");
  return plannedFaultNames.includes(fault as string)
    ? `fault: ${fault} does not exist yet; today there are ${known}`
    : `fault: must be one of ${known}`;
}

function readParameters(fault: unknown, parameters: unknown, problems: string[]): FaultParameters | undefined {
  if (parameters === undefined) return undefined;
  if (typeof parameters !== "object" || parameters === null || Array.isArray(parameters)) {
    problems.push('parameters: must be an object like {"latencyMs":3000}');
    return undefined;
  }
  const { latencyMs, ...unknown } = parameters as Record<string, unknown>;
  for (const name of Object.keys(unknown)) problems.push(`parameters.${name}: unknown parameter; known is latencyMs`);
  if (latencyMs === undefined) return {};
  if (fault !== "latency") problems.push("parameters.latencyMs: belongs to the fault latency alone");
  if (!Number.isInteger(latencyMs) || (latencyMs as number) < 1 || (latencyMs as number) > maxLatencyMs) {
    problems.push(`parameters.latencyMs: must be a whole number of milliseconds from 1 to ${maxLatencyMs}`);
  }
  return { latencyMs: latencyMs as number };
}
