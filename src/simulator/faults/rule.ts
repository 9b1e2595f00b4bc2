// Fault rules as people and tests write them: which cluster, which fault, with what parameters.
import { InvalidInputError } from "../../support/errors.ts";
import { type FaultName, faultNames } from "./names.ts";
import { type FaultParameters, readParameters } from "./parameters.ts";

export { type FaultName, faultNames } from "./names.ts";
export type { FaultParameters } from "./parameters.ts";

/** One cluster has at most one fault. */
export interface FaultRule {
  /** A cluster's name, or `hub`. */
  readonly cluster: string;
  readonly fault: FaultName;
  readonly parameters?: FaultParameters;
}

const listenerFaults: ReadonlySet<FaultName> = new Set<FaultName>(["refuse", "tls", "flap"]);

/** Whether the fault is one of a listener, which servers below a path do not have. */
export function needsListener({ fault, parameters = {} }: FaultRule): boolean {
  const { before, maxConnections, acceptDelayMs, probability, everyNth, count } = parameters;
  const parts = [maxConnections, acceptDelayMs, probability, everyNth, count];
  return (
    listenerFaults.has(fault) ||
    before === "handshake" ||
    (fault === "blackhole" && parts.some((part) => part !== undefined))
  );
}

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
  const name = faultNames.find((known) => known === fault);
  if (name === undefined) problems.push(`fault: must be one of ${faultNames.join(", ")}`);
  for (const field of Object.keys(unknown))
    problems.push(`${field}: unknown field; known are cluster, fault, parameters`);
  const read = readParameters(name, parameters, problems);
  if (problems.length > 0) throw new InvalidInputError(problems);
  return { cluster: cluster as string, fault: fault as FaultName, ...(read === undefined ? {} : { parameters: read }) };
}
