// The rules of the engine as properties: each holds what the engine makes of random input against a slow reference that shares no code with it.
// The unit tests assert them; planted-faults.ts asks whether each mistake breaks one of them. fast-check prints the seed of a failure.
import fc from "fast-check";
import { type Aggregates, compileAggregations } from "../../src/metric-source/aggregate/aggregate.ts";
import { coerceResult, compareText } from "../../src/metric-source/coercions.ts";
import { conversionTo } from "../../src/metric-source/convert.ts";
import { compileExpression } from "../../src/metric-source/expression/compile.ts";
import { type PathStep, parsePath } from "../../src/metric-source/path.ts";
import { compilePath } from "../../src/metric-source/resolve.ts";
import type { Slot, Value, ValueType } from "../../src/metric-source/value.ts";
import { aggregateSlowly, type ReferenceDefinition, type ReferenceRow } from "./reference-aggregate.ts";
import { evaluate, numberOf, type Plain, type Tree, textOf, textOfValue, truthOf } from "./reference-expression.ts";

// Paths

const pathKey = fc.constantFrom("a", "b", "a.b/c", "it's", 'q"', "back\\slash", "[0]", "__proto__", "constructor", "é");
const pathStep: fc.Arbitrary<PathStep> = fc.oneof(
  { weight: 4, arbitrary: pathKey.map((k): PathStep => ({ kind: "key", key: k })) },
  fc.integer({ min: -3, max: 2 }).map((at): PathStep => ({ kind: "index", at })),
  fc.constant<PathStep>({ kind: "wildcard" }),
);
const anyObject = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, 1, "t", true),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(pathKey, tie("value")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

const quotedKey = (text: string): string => `'${text.replace(/['\\]/g, "\\$&")}'`;
const pathText = (steps: readonly PathStep[]): string =>
  steps
    .map((s) =>
      s.kind === "key" ? `[${quotedKey(s.key)}]` : s.kind === "index" ? `[${s.at}${s.at < 0 ? ":" : ""}]` : "[*]",
    )
    .join("");

/** All the values at the end of the steps, one step at a time, by entries and never by member access. */
function leadsTo(value: unknown, steps: readonly PathStep[]): unknown {
  const [first, ...rest] = steps;
  if (first === undefined) return value;
  if (Array.isArray(value)) {
    if (first.kind === "index") return leadsTo(value[first.at < 0 ? value.length + first.at : first.at], rest);
    if (first.kind !== "wildcard") return undefined;
    return value.map((part) => leadsTo(part, rest)).filter((part) => part !== undefined);
  }
  if (first.kind !== "key" || value === null || typeof value !== "object") return undefined;
  const entry = Object.entries(value).find(([name]) => name === first.key);
  return entry === undefined ? undefined : leadsTo(entry[1], rest);
}

const isSame = (left: unknown, right: unknown): boolean => JSON.stringify([left]) === JSON.stringify([right]);

/** A path leads where the reference goes. */
export const pathsResolve = (compile = compilePath): fc.IProperty<unknown> =>
  fc.property(anyObject, fc.array(pathStep, { maxLength: 4 }), (value, steps) => {
    const [found, wanted] = [compile(steps)(value), leadsTo(value, steps)];
    return (found === undefined) === (wanted === undefined) && isSame(found, wanted);
  });

/** A path reads back as it was written, whatever its keys hold, in quotes and with escaped dots. */
export const pathsReadBack = (): fc.IProperty<unknown> =>
  fc.property(fc.array(pathStep, { minLength: 1, maxLength: 8 }), fc.boolean(), (steps, inQuotes) => {
    const text = inQuotes ? pathText(steps) : steps.map(escapedText).join("");
    const parsed = parsePath(text);
    return parsed.ok && parsed.warnings.length === 0 && isSame(parsed.steps, steps);
  });

const escapedText = (step: PathStep): string =>
  step.kind === "key" ? `.${step.key.replace(/[.[\\]/g, "\\$&")}` : pathText([step]);

// Quantities

const suffixes: [string, bigint, bigint][] = [
  ["", 1n, 1n],
  ["m", 1n, 1000n],
  ["k", 1000n, 1n],
  ["M", 1000n ** 2n, 1n],
  ["e3", 1000n, 1n],
  ["Ki", 1024n, 1n],
  ["Gi", 1024n ** 3n, 1n],
  ["Ti", 1024n ** 4n, 1n],
];

/** Quantities are exact: bytes to the integer, CPU in thousandths, and thousandths as such elsewhere. */
export const quantitiesAreExact = (): fc.IProperty<unknown> =>
  fc.property(
    fc.bigInt({ min: -(10n ** 6n), max: 10n ** 6n }),
    fc.constantFrom(...suffixes),
    (digits, [suffix, unit, parts]) => {
      const of = (key: string): unknown => conversionTo("quantity", [{ kind: "key", key }])(`${digits}${suffix}`);
      const isExact = (value: unknown, wanted: bigint): boolean =>
        wanted % parts !== 0n || BigInt(value as number | bigint) === wanted / parts;
      const wanted = digits * unit;
      return isExact(of("memory"), wanted) && isExact(of("cpu"), wanted * 1000n) && isExact(of("v"), wanted * parts);
    },
  );

// Aggregations

const rowFields = ["v", "s", "g"];
const rowNames = new Map<string, Slot>(rowFields.map((name, slot) => [name, { slot, type: "string" }]));

const rowValue = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(1.5, 0, 1024, 1e6),
  fc.constantFrom(
    "",
    "a",
    "b",
    "ab",
    "ﬀ",
    "5",
    "1Ki",
    "__proto__",
    "constructor",
    "10",
    "2025-01-01T00:00:00Z",
    "é",
    "🚀",
    "_unknown_",
  ),
  fc.boolean(),
  fc.constant(null),
);
const anyRow: fc.Arbitrary<ReferenceRow> = fc.record({ v: rowValue, s: rowValue, g: rowValue });
const anyField = fc.constantFrom(...rowFields, "missing");
const anyDefinition = fc.record(
  {
    function: fc.constantFrom("count", "sum", "avg", "min", "max", "percentile", "distinct"),
    field: anyField,
    groupBy: anyField,
    percentile: fc.integer({ min: 0, max: 100 }),
    filter: fc.record({
      field: anyField,
      operator: fc.constantFrom(
        ...["equals", "notEquals", "contains", "startsWith", "endsWith", "greaterThan", "lessThan", "in", "unheard-of"],
      ),
      value: fc.constantFrom(
        "",
        "a",
        "5",
        "1.0",
        "-1",
        "true",
        "[a, 5,true]",
        "1Ki",
        "500m",
        "2024-06-01T00:00:00Z",
        "x y",
      ),
    }),
  },
  { requiredKeys: ["function"] },
);
const anyDefinitions: fc.Arbitrary<ReferenceDefinition[]> = fc
  .array(anyDefinition, { minLength: 1, maxLength: 6 })
  .map((list) => list.map((one, i) => ({ ...one, name: `a${i}` })));

const rowValues = (given: ReferenceRow): Value[] => rowFields.map((name) => given[name] ?? null);
const plainResults = (results: Aggregates): unknown =>
  new Map(Array.from(results, ([name, result]) => [name, result instanceof Map ? [...result] : result]));

/** Equal, but for the last bits of sums. */
function isClose(left: unknown, right: unknown): boolean {
  if (left instanceof Map && right instanceof Map) return isClose([...left], [...right]);
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, i) => isClose(item, right[i]));
  }
  if (typeof left === "number" && typeof right === "number")
    return Math.abs(left - right) <= 1e-9 * Math.max(1, Math.abs(left));
  return left === right;
}

export function inOnePass(list: readonly ReferenceDefinition[], rows: readonly ReferenceRow[]): unknown {
  const pass = compileAggregations(list, rowNames).start();
  for (const one of rows) pass.add(rowValues(one));
  return plainResults(pass.results());
}

/** Aggregations are what the slow evaluator says. */
export const aggregatesAgree = (run: typeof inOnePass = inOnePass): fc.IProperty<unknown> =>
  fc.property(anyDefinitions, fc.array(anyRow, { maxLength: 30 }), (list, rows) =>
    isClose(aggregateSlowly(list, rows), run(list, rows)),
  );

const filterValues = fc.constantFrom<Plain>(
  ...[0, 1, -1, 5, 10, 1.5, 512, 1024, true, false, null, "", "a", "b", "ab"],
  ...["ba", "B", "5", "05", "1.0", "5 x", "1Ki", "2Ki", "500m", "2024-06-01T00:00:00Z", "2025-06-01T00:00:00Z"],
);
const operands = fc.constantFrom(
  "",
  "a",
  "b",
  "5",
  "10",
  "1.0",
  "-1",
  "true",
  "a, 5,true",
  "[a,b]",
  "1Ki",
  "500m",
  "2024-06-01T00:00:00Z",
  "x",
);
const patterns = fc.constantFrom("", "^a", "a$", "B", "[0-9]+", "^5$", "a|1", ".b");

/** One filter over one value lets pass what the slow evaluator does. */
export const filtersAgree = (): fc.IProperty<unknown> => {
  const names = ["equals", "notEquals", "contains", "startsWith", "endsWith", "greaterThan", "lessThan", "in"];
  const compared = fc.tuple(fc.constantFrom(...names), operands);
  const matched = fc.tuple(fc.constant("matches"), patterns);
  return fc.property(fc.oneof({ weight: 3, arbitrary: compared }, matched), filterValues, ([operator, value], v) => {
    const list = [{ name: "n", function: "count", filter: { field: "v", operator, value } }];
    const rows = [{ v, s: null, g: null }];
    return isClose(aggregateSlowly(list, rows), inOnePass(list, rows));
  });
};

/** One function over numbers, for each group where there are groups, gives what the slow evaluator does. */
export const functionsAgree = (): fc.IProperty<unknown> => {
  const names = ["count", "sum", "avg", "min", "max", "percentile", "distinct"];
  const one = fc.record(
    { function: fc.constantFrom(...names), percentile: fc.integer({ min: 0, max: 100 }), groupBy: fc.constant("g") },
    { requiredKeys: ["function"] },
  );
  const numbers = fc.record({ v: fc.integer({ min: -20, max: 20 }), g: fc.constantFrom("x", "y", null, 3, true) });
  return fc.property(one, fc.array(numbers, { maxLength: 12 }), (definition, given) => {
    const list = [{ ...definition, name: "n", field: "v" }];
    const rows = given.map((row) => ({ ...row, s: null }));
    return isClose(aggregateSlowly(list, rows), inOnePass(list, rows));
  });
};

/** The same rows in pages of seven, merged through plain data. */
export function inPages(list: readonly ReferenceDefinition[], rows: readonly ReferenceRow[]): unknown {
  const compiled = compileAggregations(list, rowNames);
  const all = compiled.start();
  for (let at = 0; at < rows.length || at === 0; at += 7) {
    const page = compiled.start();
    for (const one of rows.slice(at, at + 7)) page.add(rowValues(one));
    all.merge(structuredClone(page.partial()));
  }
  return plainResults(all.results());
}

// Expressions

const nowMs = Date.parse("2026-03-01T12:00:00Z");

const anyText = fc.oneof(
  fc.constantFrom(
    "",
    "a",
    "10",
    "9",
    "-2.5",
    "1e3",
    "abc",
    "true",
    "ß",
    "é日🚀",
    "🚀",
    "ﬀ",
    "x\ny",
    'q"u',
    "b\\s",
    "2026-01-01T00:00:00Z",
  ),
  fc.constantFrom(
    "2024-02-30T00:00:00Z",
    "2024-02-29T23:59:59.25+02:00",
    "0001-01-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
  ),
  fc.string({ unit: "grapheme", maxLength: 6 }),
);
const anyNumber = fc.oneof(
  fc.integer({ min: -10, max: 10 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, 0.5, 2.5, 1024, 1152, 2 ** 53, 2 ** 62, 1e23, 1e-7, 1e308, 123456.789),
);
const names: Record<string, fc.Arbitrary<Plain>> = {
  s: anyText,
  i: fc.integer(),
  f: anyNumber,
  b: fc.boolean(),
  n: fc.constant(null),
};
const types: Record<string, ValueType> = { s: "string", i: "integer", f: "float", b: "boolean", n: "float" };
const contexts = fc
  .record(names)
  .chain((all) => fc.subarray(Object.keys(all)).map((kept) => new Map(kept.map((name) => [name, all[name] ?? null]))));

const arities: Record<string, [number, number]> = {
  concat: [1, 3],
  lower: [1, 1],
  upper: [1, 1],
  len: [1, 1],
  substr: [2, 3],
  contains: [2, 2],
  startsWith: [2, 2],
  endsWith: [2, 2],
  round: [1, 2],
  floor: [1, 1],
  ceil: [1, 1],
  abs: [1, 1],
  min: [2, 2],
  max: [2, 2],
  coalesce: [1, 3],
  if: [3, 3],
  now: [0, 0],
  formatBytes: [1, 1],
  toString: [1, 1] as [number, number],
  toNumber: [1, 1],
};
const signs = ["??", "||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"];

const trees: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(
      fc.constantFrom(...Object.keys(names)).map((name): Tree => ({ is: "name", name })),
      fc
        .oneof(fc.constantFrom<Plain>(0, 1, 2.5, 1024, true, false, null), anyText)
        .map((value): Tree => ({ is: "literal", value })),
    ),
    fc.record({ is: fc.constant("unary" as const), sign: fc.constantFrom("-", "!"), of: tie("tree") }),
    fc.record({
      is: fc.constant("binary" as const),
      sign: fc.constantFrom(...signs),
      left: tie("tree"),
      right: tie("tree"),
    }),
    fc.constantFrom(...Object.keys(arities)).chain((name): fc.Arbitrary<Tree> => {
      const [minLength, maxLength] = arities[name] as [number, number];
      return fc.array(tie("tree"), { minLength, maxLength }).map((args) => ({ is: "call", name, args }));
    }),
    // Only names and texts can be times; other arguments may be refused when compiling.
    fc
      .oneof(
        fc.constant<Tree>({ is: "name", name: "s" }),
        anyText.map((value): Tree => ({ is: "literal", value })),
      )
      .map((arg): Tree => ({ is: "call", name: "age", args: [arg] })),
  ),
})).tree;

export type Compile = typeof compileExpression;

/** Null when the two agree. */
function difference(tree: Tree, context: ReadonlyMap<string, Plain>, compile: Compile): string | null {
  const environment = new Map<string, Slot>(
    Object.entries(types).map(([name, type], slot): [string, Slot] => [name, { slot, type }]),
  );
  const row: Value[] = Object.keys(types).map((name) => context.get(name) ?? null);
  const source = textOf(tree);
  const compiled = compile(source, environment);
  if (!compiled.ok) return `${source}: ${JSON.stringify(compiled.problems)}`;
  const expected = evaluate(tree, context, nowMs);
  const actual = compiled.evaluate(row, nowMs);
  const isEqual =
    typeof expected === "number" && typeof actual === "number" ? expected === actual : Object.is(expected, actual);
  return isEqual ? null : `${source} over ${JSON.stringify([...context])}: ${String(expected)}, not ${String(actual)}`;
}

/** An expression is worth what the tree-walking evaluator says, over any row. */
export const expressionsAgree = (compile: Compile = compileExpression): fc.IProperty<unknown> =>
  fc.property(trees, contexts, (tree, context) => {
    const found = difference(tree, context, compile);
    if (found !== null) throw new Error(found);
  });

/** Texts are ordered as their UTF-8 bytes are. */
export const textsAreOrdered = (): fc.IProperty<unknown> =>
  fc.property(
    anyText,
    anyText,
    (a, b) => Math.sign(compareText(a, b)) === Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );

/** A result becomes the declared type as the reference says: null stays, whole numbers are cut off towards 0. */
export const resultsAgree = (): fc.IProperty<unknown> =>
  fc.property(fc.oneof(anyText, anyNumber, fc.boolean(), fc.constant(null)), (value) => {
    const whole = value === null ? null : Math.sign(numberOf(value)) * Math.floor(Math.abs(numberOf(value)));
    return (
      isSame(coerceResult(value, "integer"), whole === null || Math.abs(whole) >= 2 ** 63 ? null : whole + 0) &&
      coerceResult(value, "float") === (value === null ? null : numberOf(value)) &&
      coerceResult(value, "boolean") === (value === null ? null : truthOf(value)) &&
      coerceResult(value, "string") === (value === null ? null : textOfValue(value))
    );
  });

/** All of them by name. */
export const properties = {
  "paths resolve": pathsResolve,
  "paths read back": pathsReadBack,
  "quantities are exact": quantitiesAreExact,
  "texts are ordered": textsAreOrdered,
  "results agree": resultsAgree,
  "filters agree": filtersAgree,
  "functions agree": functionsAgree,
  "aggregates agree": aggregatesAgree,
  "aggregates of pages agree": () => aggregatesAgree(inPages),
  "expressions agree": expressionsAgree,
} satisfies Record<string, () => fc.IProperty<unknown>>;
