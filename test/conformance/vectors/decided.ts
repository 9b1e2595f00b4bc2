// Vectors marked debatable that this implementation decides otherwise, by the rule that they are about. Each has a decision record.
import type { Actual, Vector } from "./suite.ts";

export interface Decision {
  readonly suite: string;
  /** In docs/decisions. */
  readonly record: string;
  readonly what: string;
  /** Whether the vector is about it. */
  applies(vector: Vector): boolean;
  /** Whether what came out is what was decided. */
  isAsDecided(actual: Actual): boolean;
}

const says =
  (pattern: RegExp) =>
  ({ note = "" }: Vector): boolean =>
    pattern.test(note);

const isRefused = (actual: Actual): boolean => "error" in actual;
/** Some field has a value, where the original has none. */
const hasValue = (actual: Actual): boolean =>
  "value" in actual && Object.values(actual.value as object).some((value) => value !== null);

export const decisions: readonly Decision[] = [
  {
    suite: "expression",
    record: "0013",
    what: "unknown functions and wrong counts of arguments are refused when compiling",
    applies: says(/unknown functions?|arity/i),
    isAsDecided: isRefused,
  },
  {
    suite: "compile",
    record: "0013",
    what: "unknown functions and wrong counts of arguments are refused when compiling",
    applies: says(/unknown functions?|arity/i),
    isAsDecided: isRefused,
  },
  {
    suite: "extraction",
    record: "0014",
    what: "[*] gives what the rest of the path finds in each element",
    applies: says(/promises flattening/),
    isAsDecided: hasValue,
  },
];
