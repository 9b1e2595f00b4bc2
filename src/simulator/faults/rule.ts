// Fault rules as people and tests write them: which cluster, which fault, with what parameters.
import { InvalidInputError } from "../../support/errors.ts";
import { isLabel, labelRule } from "../labels.ts";
import { type FaultName, faultNames } from "./names.ts";
import { describeFault, type FaultParameters, readParameters } from "./parameters.ts";

export { type FaultName, faultNames } from "./names.ts";
export type { FaultParameters } from "./parameters.ts";

/** One of the rules of a cluster, which have an order: of each request the first that matches it holds. */
export interface FaultRule {
  /** A cluster's name, or `hub`. */
  readonly cluster: string;
  readonly fault: FaultName;
  /** Tells the rules of one cluster apart; the fault's name unless told. */
  readonly id?: string;
  readonly parameters?: FaultParameters;
}

/** How the rule is called among those of its cluster. */
export const idOf = ({ id, fault }: Pick<FaultRule, "id" | "fault">): string => id ?? fault;

/** Whether it meets connections, before there is a request: of such a rule a cluster has one at most. */
export const isOfConnections = ({ fault, parameters }: FaultRule): boolean =>
  describeFault(fault).traffic !== "requests" || parameters?.before === "handshake";

/** So many rules may one cluster have. */
export const maxRules = 32;

/** Whether the rule would be one too many beside those of its cluster, of which it takes the place of the one with its id. */
export const isTooMany = (rule: FaultRule, others: readonly FaultRule[]): boolean =>
  others.length >= maxRules && others.every((other) => idOf(other) !== idOf(rule));

/** Throws InvalidInputError where a rule cannot stand beside those that its cluster has. */
export function checkBeside(rule: FaultRule, others: readonly FaultRule[]): void {
  const { cluster, fault } = rule;
  if (isTooMany(rule, others)) {
    throw new InvalidInputError([`cluster: ${cluster} has ${maxRules} rules, as many as it may; remove one first`]);
  }
  const other = others.find((one) => isOfConnections(one) && idOf(one) !== idOf(rule));
  if (!isOfConnections(rule) || other === undefined) return;
  const named = idOf(other) === other.fault ? other.fault : `${other.fault} (id ${idOf(other)})`;
  throw new InvalidInputError([
    `fault: ${fault} meets connections, and so does ${named} of ${cluster}; a cluster has one such rule at a time: remove that first`,
  ]);
}

/** Checks rules that one cluster is to have at once. Throws InvalidInputError. */
export function checkTogether(rules: readonly FaultRule[]): void {
  for (const [index, rule] of rules.entries()) {
    const others = rules.slice(0, index);
    const twin = others.find((other) => idOf(other) === idOf(rule));
    if (twin !== undefined) {
      throw new InvalidInputError([
        `id: ${rule.cluster} has two rules called ${idOf(rule)}; give one of them another id`,
      ]);
    }
    checkBeside(rule, others);
  }
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
  const { cluster, fault, id, parameters, ...unknown } = input as Record<string, unknown>;
  const problems: string[] = [];
  if (typeof cluster !== "string" || cluster === "") problems.push("cluster: must be the name of a simulated cluster");
  const name = faultNames.find((known) => known === fault);
  if (name === undefined) problems.push(`fault: must be one of ${faultNames.join(", ")}`);
  if (id !== undefined && !isLabel(id)) problems.push(`id: ${labelRule}`);
  for (const field of Object.keys(unknown))
    problems.push(`${field}: unknown field; known are cluster, fault, id, parameters`);
  const read = readParameters(name, parameters, problems);
  if (problems.length > 0) throw new InvalidInputError(problems);
  return {
    cluster: cluster as string,
    fault: fault as FaultName,
    ...(id === undefined ? {} : { id: id as string }),
    ...(read === undefined ? {} : { parameters: read }),
  };
}
