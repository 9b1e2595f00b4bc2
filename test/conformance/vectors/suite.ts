// What a vector file and a suite's adapter are, and how a result is held against what a vector expects.

export interface Vector {
  readonly name: string;
  readonly expected?: unknown;
  readonly error?: boolean;
  readonly goQuirk?: boolean;
  readonly saneExpected?: unknown;
  readonly saneError?: boolean;
  readonly debatable?: boolean;
  readonly note?: string;
  readonly now?: string;
  readonly [member: string]: unknown;
}

/** What the code under test made of a vector: a value, or a refusal with its reason. */
export type Actual = { readonly value: unknown } | { readonly error: string };

export interface Suite {
  /** Runs one vector. May throw, which counts as a failure. */
  run(vector: Vector): Actual | Promise<Actual>;
  /** Whether a value is what was expected; the common comparison unless given. */
  isSame?(expected: unknown, actual: unknown, vector: Vector): boolean;
  /** How a partial `saneExpected` goes onto `expected`. Replaces it whole unless given. */
  overlay?(expected: unknown, sane: unknown): unknown;
}

/** What a vector asks for: a value, a refusal, or nothing (a fault of the original without a sane form). */
export type Wanted = { readonly value: unknown } | { readonly error: true } | undefined;

export function wanted(vector: Vector, suite: Suite): Wanted {
  if (vector.goQuirk === true) {
    if (vector.saneError === true) return { error: true };
    if (Object.hasOwn(vector, "saneExpected")) {
      const value = vector.saneExpected;
      return { value: suite.overlay === undefined ? value : suite.overlay(vector.expected, value) };
    }
    return undefined;
  }
  return vector.error === true ? { error: true } : { value: vector.expected };
}

const isMembers = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A value of a vector file as a value: its stand-ins for numbers that JSON has not are resolved. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isMembers(value)) return value ?? null;
  if (typeof value["$num"] === "string") return Number(value["$num"]);
  if (typeof value["$int64"] === "string") return BigInt(value["$int64"]);
  const members = Object.create(null) as Record<string, unknown>;
  for (const [name, member] of Object.entries(value)) members[name] = plain(member);
  return members;
}

/** Equal as the vectors mean it: numbers within 1e-9 of their size, null and absent the same, order only in lists. */
export function isSameValue(expected: unknown, actual: unknown): boolean {
  const [a, b] = [expected ?? null, actual ?? null];
  if (typeof a === "bigint" && typeof b === "bigint") return a === b;
  if ((typeof a === "number" || typeof a === "bigint") && (typeof b === "number" || typeof b === "bigint")) {
    const [x, y] = [Number(a), Number(b)];
    return x === y || Math.abs(x - y) <= 1e-9 * Math.max(1, Math.abs(x), Math.abs(y));
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => isSameValue(item, b[i]));
  }
  if (isMembers(a) && isMembers(b)) {
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((name) =>
      isSameValue(Object.hasOwn(a, name) ? a[name] : null, Object.hasOwn(b, name) ? b[name] : null),
    );
  }
  return a === b;
}
