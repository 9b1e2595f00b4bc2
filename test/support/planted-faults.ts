// Plants one fault after the other into the rules of the engine, as their source is loaded, and runs the vectors and properties over what comes of
// it: a script for test/integration/planted-faults.test.ts, which expects each to be caught. Nothing of the product knows of it: the module
// loader hands out a changed text under an address of its own. Prints a JSON list of Outcome, the first of them without any fault.
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { runVectors } from "../conformance/vectors/run.ts";
import type { Suite } from "../conformance/vectors/suite.ts";

export interface Fault {
  readonly family: string;
  readonly what: string;
  /** Below src. */
  readonly file: string;
  /** Stands there once. */
  readonly from: string;
  readonly to: string;
}

export interface Outcome {
  readonly family: string;
  readonly what: string;
  /** Vectors that fail; where none does, the first property that does not hold. */
  readonly caughtBy: readonly string[];
}

const filter = "metric-source/aggregate/filter.ts";
const aggregate = "metric-source/aggregate/aggregate.ts";
const accumulators = "metric-source/aggregate/accumulators.ts";
const coercions = "metric-source/coercions.ts";
const operators = "metric-source/expression/operators.ts";
const resolve = "metric-source/resolve.ts";
const path = "metric-source/path.ts";
const quantity = "support/quantity.ts";
const convert = "metric-source/convert.ts";

/** Each the kind of mistake that somebody makes: a boundary, a forgotten case, a unit, an order. */
export const faults: readonly Fault[] = [
  ["paths", "members that objects inherit are found", resolve, "Object.hasOwn(value, key)", "key in value"],
  ["paths", "an index counts from one", resolve, "rest(value.at(at))", "rest(value.at(at - 1))"],
  ["paths", "an escaped dot parts keys", path, 'next === "." || next === "["', 'next === "["'],
  ["paths", "a quote in a key ends it", path, "(next === quote || next", "(next"],
  ["paths", "a wildcard keeps what it did not find", resolve, "found !== undefined) : undefined", "true) : undefined"],
  ["paths", "an index without a number is the first", path, 'kind: "nowhere", text', 'kind: "index", at: 0, text'],
  ["paths", "the last element is the first", path, "at: Number.parseInt(content, 10)", "at: 0"],
  [
    "coercions",
    "blanks around a number do not matter",
    coercions,
    "if (!numeric.test(text))",
    "if (!numeric.test(text.trim()))",
  ],
  [
    "coercions",
    'the text "false" is false',
    coercions,
    'value !== "" && value',
    'value !== "" && value !== "false" && value',
  ],
  ["coercions", "large numbers have exponents", coercions, "if (at < 0) return text;", "return text;"],
  ["coercions", "texts are ordered by their units", coercions, "a >= 0xd800 && b >= 0xd800", "a < 0 && b < 0"],
  [
    "coercions",
    "null is the text null",
    coercions,
    'if (value === null) return "";',
    'if (value === null) return "null";',
  ],
  ["coercions", "null equals 0", operators, "if (left === null || right === null) return false;", ""],
  ["coercions", "integers are rounded", coercions, "Math.trunc(toNumber(value))", "Math.round(toNumber(value))"],
  [
    "coercions",
    "what is not a number is 0 in a field",
    convert,
    "? numericText(found) : undefined",
    "? (numericText(found) ?? 0) : undefined",
  ],
  [
    "filters",
    "null is not equal to anything",
    filter,
    "candidate !== null && test(candidate)",
    "test(candidate ?? '')",
  ],
  [
    "filters",
    "greaterThan takes what is equal",
    filter,
    "(difference) => difference > 0",
    "(difference) => difference >= 0",
  ],
  [
    "filters",
    "lessThan takes what is no number for 0",
    filter,
    "return own !== undefined && holds(own - number);",
    "return holds((own ?? 0) - number);",
  ],
  ["filters", "endsWith looks anywhere", filter, ".endsWith(operand)", ".includes(operand)"],
  ["filters", "entries of in keep their blanks", filter, "entry.trim().replace", "entry.replace"],
  [
    "filters",
    "equals compares numbers as texts",
    filter,
    "return value === number;",
    "return String(value) === operand;",
  ],
  [
    "filters",
    "matches does not see small and capital letters",
    "metric-source/regex.ts",
    "RE2JS.compile(pattern)",
    "RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE)",
  ],
  ["filters", "aggregations share the first filter", aggregate, "filter?.value, isGrouped", "isGrouped"],
  [
    "groupBy",
    "rows without a group are left out",
    aggregate,
    ": value === null ? unknownGroup :",
    ": value === null ? '' :",
  ],
  ["groupBy", "numbers are no groups", aggregate, ": toText(value));", ": unknownGroup);"],
  [
    "groupBy",
    "every group has the first one's values",
    accumulators,
    "this.sums[group] = (this.sums[group] ?? 0) + value;",
    "this.sums[0] = (this.sums[0] ?? 0) + value;",
  ],
  ["groupBy", "groups stand in the order of the rows", aggregate, ".toSorted(([a], [b]) => (a < b ? -1 : 1))", ""],
  ["groupBy", "merged pages forget their groups' rows", aggregate, "(this.rows[group] ?? 0) + count", "count"],
  ["percentile", "the rank counts one too many", accumulators, "(sorted.length - 1)", "sorted.length"],
  [
    "percentile",
    "the closest rank is taken",
    accumulators,
    "const below = Math.floor(rank);",
    "const below = Math.round(rank);",
  ],
  ["percentile", "numbers are sorted as texts", accumulators, "Float64Array.from(values).sort()", "[...values].sort()"],
  [
    "percentile",
    "none given is the least",
    "metric-source/aggregate/definition.ts",
    "defaultPercentile = 95",
    "defaultPercentile = 0",
  ],
  [
    "percentile",
    "groups lose theirs",
    aggregate,
    "percentile: percentile ?? defaultPercentile, slot",
    "percentile: isGrouped ? 0 : (percentile ?? defaultPercentile), slot",
  ],
  ["quantities", "Ki is a thousand", quantity, "Ki: 10,", "Ki: 9,"],
  ["quantities", "k is 1,024", quantity, "  k: 3,", "  k: 4,"],
  ["quantities", "exponents do not count", quantity, 'exponent = "0", suffix', '_ = "0", suffix'],
  [
    "quantities",
    "thousandths are divided and multiplied",
    convert,
    "const divisor = 10n ** exponent;",
    "if (exponent === 6n) return Math.trunc(Math.trunc(Number(nanos) / 1e9) * 1000);\n  const divisor = 10n ** exponent;",
  ],
  ["quantities", "cores are not thousandths of them", convert, 'if (resource === "cpu") return "milli";', ""],
  [
    "quantities",
    "what is none is 0",
    convert,
    "const value = parseQuantity(text);",
    "const value = parseQuantity(text) ?? 0;",
  ],
].map(([family = "", what = "", file = "", from = "", to = ""]) => ({ family, what, file, from, to }));

const source = new URL("../../src/", import.meta.url).href;
const mark = /\?fault=(\d+)$/;

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const fault = mark.exec(context.parentURL ?? "")?.[0];
    const isOurs = found.url.startsWith("file:") && !found.url.includes("/node_modules/");
    return fault === undefined || !isOurs ? found : { ...found, url: `${found.url}${fault}`, shortCircuit: true };
  },
  load(url, context, next) {
    const loaded = next(url, context);
    const fault = faults[Number(mark.exec(url)?.[1] ?? -1)];
    if (fault === undefined || url.replace(mark, "") !== `${source}${fault.file}`) return loaded;
    const text = String(loaded.source);
    if (text.split(fault.from).length !== 2) throw new Error(`${fault.file} has not one place for: ${fault.what}`);
    return { ...loaded, source: text.replace(fault.from, () => fault.to) };
  },
});

const vectors = fileURLToPath(new URL("../fixtures/vectors/", import.meta.url));

async function tried(at: number): Promise<readonly string[]> {
  const load = async (file: string): Promise<Record<string, unknown>> => await import(`${file}?fault=${at}`);
  const suites = new Map<string, Suite>();
  for (const file of ["aggregation", "compile", "expression", "extraction", "small"]) {
    for (const [name, suite] of Object.entries(await load(`../conformance/vectors/${file}.ts`)))
      if (name !== "breaker") suites.set(name, suite as Suite);
  }
  const { failures } = await runVectors(vectors, suites);
  const { properties } = (await load("./engine-properties.ts")) as typeof import("./engine-properties.ts");
  const broken: string[] = failures.map(({ suite, name }) => `${suite}: ${name}`);
  for (const [name, property] of Object.entries(properties)) {
    if (broken.length > 0) break;
    if (fc.check(property(), { numRuns: 600, seed: 1 }).failed) broken.push(name);
  }
  return broken;
}

if (import.meta.main) {
  const outcomes: Outcome[] = [{ family: "", what: "no fault", caughtBy: await tried(-1) }];
  for (const [at, { family, what }] of faults.entries()) outcomes.push({ family, what, caughtBy: await tried(at) });
  process.stdout.write(JSON.stringify(outcomes));
}
