// Parameters as data: what each may be, what holds without it, and how it is told to people. A fault's parameters are one such table, from
// which the check, the types and the help are made.

interface Told {
  /** For the help and the documentation: a phrase. */
  readonly about: string;
}

export interface NumberBound extends Told {
  readonly kind: "number";
  readonly low: number;
  readonly high: number;
  readonly unit: string;
  /** Parts are allowed too. */
  readonly hasFraction?: true;
  /** What holds without it. */
  readonly otherwise?: number;
}

export interface ChoiceBound extends Told {
  readonly kind: "choice";
  readonly choices: readonly (string | number)[];
  /** What each choice means, where its name does not say it. */
  readonly says?: Readonly<Record<string, string>>;
  readonly otherwise?: string | number;
}

export interface FlagBound extends Told {
  readonly kind: "flag";
  readonly otherwise?: boolean;
}

export interface TextBound extends Told {
  readonly kind: "text";
  readonly maxLength: number;
  /** What each of a list with commas must be, and how to say it. */
  readonly parts?: { readonly known: readonly string[] } | { readonly pattern: RegExp; readonly says: string };
  readonly otherwise?: string;
}

export type Bound = NumberBound | ChoiceBound | FlagBound | TextBound;
export type ParameterTable = Readonly<Record<string, Bound>>;

/** What a value may be. */
export type ValueOf<B extends Bound> = B extends { kind: "number" }
  ? number
  : B extends { kind: "choice"; choices: readonly (infer C)[] }
    ? C
    : B extends { kind: "flag" }
      ? boolean
      : string;

/** The values of a table once the defaults are filled in; undefined where there is none. */
export type ValuesOf<P extends ParameterTable> = {
  readonly [N in keyof P]: P[N] extends { otherwise: unknown } ? ValueOf<P[N]> : ValueOf<P[N]> | undefined;
};

/** What is wrong with a value; undefined: nothing. */
export function problemOf(bound: Bound, value: unknown): string | undefined {
  switch (bound.kind) {
    case "number": {
      const isNumber = bound.hasFraction === true ? Number.isFinite(value) : Number.isInteger(value);
      if (isNumber && (value as number) >= bound.low && (value as number) <= bound.high) return undefined;
      return `must be ${rangeOf(bound)}`;
    }
    case "choice":
      return bound.choices.includes(value as string) ? undefined : `must be one of ${bound.choices.join(", ")}`;
    case "flag":
      return typeof value === "boolean" ? undefined : "must be true or false";
    case "text":
      return textProblem(bound, value);
  }
}

const rangeOf = ({ low, high, unit, hasFraction }: NumberBound): string =>
  `a ${hasFraction === true ? "" : "whole "}number from ${low} to ${high} (${unit})`;

function textProblem({ maxLength, parts }: TextBound, value: unknown): string | undefined {
  if (typeof value !== "string" || value === "" || value.length > maxLength) {
    return `must be a text of 1 to ${maxLength} characters`;
  }
  if (parts === undefined) return undefined;
  const each = value.split(",");
  if ("known" in parts) {
    const areKnown = each.every((part) => parts.known.includes(part));
    return areKnown ? undefined : `must be one or more of ${parts.known.join(", ")}, with commas between`;
  }
  return each.every((part) => parts.pattern.test(part)) ? undefined : `must be ${parts.says}`;
}

/** The values of a table: those that were given, and the defaults of the others. */
export function valuesOf<P extends ParameterTable>(table: P, given: Readonly<Record<string, unknown>> = {}) {
  const entries = Object.entries(table).map(([name, { otherwise }]) => [name, given[name] ?? otherwise]);
  return Object.fromEntries(entries) as ValuesOf<P>;
}

/** What a parameter may be, in few words: what holds without it last. */
export function describeBound(bound: Bound): string {
  const { otherwise } = bound;
  const without = otherwise === undefined ? "" : `; ${otherwise} unless told`;
  switch (bound.kind) {
    case "number":
      return `${bound.low} to ${bound.high} ${bound.unit}${without}`;
    case "choice":
      return `${bound.choices.join(", ")}${without}`;
    case "flag":
      return `true or false${without}`;
    case "text":
      return `text${without}`;
  }
}

/** What each choice means, where that is said. */
export function describeChoices(bound: Bound): readonly (readonly [choice: string, means: string])[] {
  return bound.kind === "choice" ? Object.entries(bound.says ?? {}) : [];
}
