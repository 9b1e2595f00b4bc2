// The parameters of faults, as they come from outside: each fault's own and those of the traffic it meets, checked by their tables.
import { type Bound, describeBound, describeChoices, type ParameterTable, problemOf, type ValueOf } from "./bounds.ts";
import type { FaultKind } from "./kinds/kind.ts";
import { faultKinds } from "./kinds.ts";
import { type FaultName, faultNames } from "./names.ts";
import { type Traffic, trafficTables } from "./traffic.ts";

type Tables = (typeof faultKinds)[FaultName]["parameters"] | (typeof trafficTables)[Traffic];
type NameIn<T> = T extends unknown ? keyof T : never;
type BoundIn<T, N extends PropertyKey> = T extends Readonly<Record<N, infer B extends Bound>> ? B : never;

/** Every parameter of every fault; which fault takes which, and what it means, is said by `describeFault`. */
export type FaultParameters = { readonly [N in NameIn<Tables>]?: ValueOf<BoundIn<Tables, N>> };

const kindOf = (fault: FaultName): FaultKind => faultKinds[fault] as FaultKind;

/** Everything that a fault takes. */
export function parametersOf(fault: FaultName): ParameterTable {
  const { parameters, traffic } = kindOf(fault);
  return { ...parameters, ...trafficTables[traffic] };
}

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
  const known = parametersOf(fault);
  for (const [name, value] of Object.entries(parameters)) {
    const bound = Object.hasOwn(known, name) ? known[name] : undefined;
    const problem = bound === undefined ? strangerProblem(fault, name) : problemOf(bound, value);
    if (problem !== undefined) problems.push(`parameters.${name}: ${problem}`);
  }
  for (const name of ["offMs", "onOffJitter"] as const) {
    const isLost = Object.hasOwn(known, name) && name in parameters && !("onMs" in parameters);
    if (isLost) problems.push(`parameters.${name}: must stand beside onMs`);
  }
  return parameters as FaultParameters;
}

const inWords = new Intl.ListFormat("en");

function strangerProblem(fault: FaultName, name: string): string {
  const owners = faultNames.filter((owner) => Object.hasOwn(parametersOf(owner), name));
  if (owners.length > 0) return `belongs to the fault ${inWords.format(owners)} alone`;
  return `unknown parameter; ${fault} takes ${Object.keys(parametersOf(fault)).join(", ")}`;
}

export interface FaultDescription {
  readonly looks: string;
  readonly traffic: Traffic;
  /** Its own, and not those of the traffic. */
  readonly parameters: readonly ParameterDescription[];
}

export interface ParameterDescription {
  readonly name: string;
  readonly values: string;
  readonly about: string;
  readonly choices: readonly (readonly [choice: string, means: string])[];
}

const described = (table: ParameterTable): readonly ParameterDescription[] =>
  Object.entries(table).map(([name, bound]) => ({
    ...{ name, about: bound.about },
    values: describeBound(bound),
    choices: describeChoices(bound),
  }));

/** What people should know of a fault. */
export function describeFault(fault: FaultName): FaultDescription {
  const { looks, traffic, parameters } = kindOf(fault);
  return { looks, traffic, parameters: described(parameters) };
}

/** What people should know of the parameters that say which part of the traffic is met. */
export const describeTraffic = (traffic: Traffic): readonly ParameterDescription[] => described(trafficTables[traffic]);
