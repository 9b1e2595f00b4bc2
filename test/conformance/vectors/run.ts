// Runs the vector files of a folder. A file says which suite it is; suites that have no adapter are not run. Nothing that a file holds stops
// the others: what cannot be read is a failure of its own.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { aggregation } from "./aggregation.ts";
import { compile } from "./compile.ts";
import { decisions } from "./decided.ts";
import { expression } from "./expression.ts";
import { extraction } from "./extraction.ts";
import { registry } from "./registry.ts";
import { breaker, pluralize, quantity } from "./small.ts";
import { type Actual, isSameValue, plain, type Suite, type Vector, wanted } from "./suite.ts";

const suites: ReadonlyMap<string, Suite> = new Map(
  Object.entries({ aggregation, breaker, compile, expression, extraction, pluralize, quantity, registry }),
);

export interface VectorFailure {
  readonly suite: string;
  readonly name: string;
  readonly input: unknown;
  readonly expected: unknown;
  readonly actual: unknown;
}

export interface VectorReport {
  readonly passed: number;
  readonly failures: readonly VectorFailure[];
  /** Debatable vectors that were held against our own decision, with its record. */
  readonly decided: readonly { readonly suite: string; readonly name: string; readonly record: string }[];
  /** Faults of the original that have no sane form. */
  readonly unchecked: readonly { readonly suite: string; readonly name: string }[];
  /** Files of suites that have no adapter. */
  readonly notRun: readonly { readonly file: string; readonly vectors: number }[];
}

/** Runs every file of the folder whose suite is known. */
export async function runVectors(folder: string, known: ReadonlyMap<string, Suite> = suites): Promise<VectorReport> {
  const report = {
    passed: 0,
    failures: [] as VectorFailure[],
    decided: [] as VectorReport["decided"][number][],
    unchecked: [] as VectorReport["unchecked"][number][],
    notRun: [] as VectorReport["notRun"][number][],
  };
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .toSorted();
  for (const file of files) {
    const content = readVectors(join(folder, file));
    if (content === undefined) {
      const expected = "a file with a list of vectors";
      report.failures.push({ suite: file, name: "the file", input: file, expected, actual: "not that" });
      continue;
    }
    const suiteName = content.suite ?? file.slice(0, -".json".length);
    const suite = known.get(suiteName);
    if (suite === undefined) {
      report.notRun.push({ file, vectors: content.vectors.length });
      continue;
    }
    for (const vector of content.vectors) {
      const decision = decisions.find(
        (candidate) => candidate.suite === suiteName && vector.debatable === true && candidate.applies(vector),
      );
      const want = wanted(vector, suite);
      if (want === undefined) {
        report.unchecked.push({ suite: suiteName, name: vector.name });
        continue;
      }
      if (decision !== undefined) report.decided.push({ suite: suiteName, name: vector.name, record: decision.record });
      const actual = await attempt(suite, vector);
      const isRight =
        decision === undefined
          ? isAsWanted(want, actual, suite, vector)
          : !("thrown" in actual) && decision.isAsDecided(actual);
      if (isRight) {
        report.passed++;
        continue;
      }
      const { name, expected: _, ...input } = vector;
      const expected = decision?.what ?? ("error" in want ? "a refusal" : want.value);
      report.failures.push({ suite: suiteName, name, input, expected, actual: shownActual(actual) });
    }
  }
  return report;
}

type Attempt = Actual | { readonly thrown: string };

async function attempt(suite: Suite, vector: Vector): Promise<Attempt> {
  try {
    return await suite.run(vector);
  } catch (error) {
    return { thrown: String(error) };
  }
}

function isAsWanted(
  want: NonNullable<ReturnType<typeof wanted>>,
  actual: Attempt,
  suite: Suite,
  vector: Vector,
): boolean {
  if ("thrown" in actual) return false;
  if ("error" in want) return "error" in actual;
  if ("error" in actual) return false;
  return (suite.isSame ?? isSameValue)(plain(want.value), actual.value, vector);
}

function shownActual(actual: Attempt): unknown {
  if ("thrown" in actual) return `threw ${actual.thrown}`;
  return "error" in actual ? `refused: ${actual.error}` : actual.value;
}

interface VectorFile {
  readonly suite?: string;
  readonly vectors: readonly Vector[];
}

function readVectors(path: string): VectorFile | undefined {
  try {
    const content = JSON.parse(readFileSync(path, "utf8")) as { suite?: unknown; vectors?: unknown };
    if (!Array.isArray(content.vectors)) return undefined;
    const vectors = content.vectors.map((vector: Vector) =>
      // The path parser's expectation has a name of its own.
      Object.hasOwn(vector, "expectedSegments") ? { ...vector, expected: vector["expectedSegments"] } : vector,
    );
    return { vectors, ...(typeof content.suite === "string" ? { suite: content.suite } : {}) };
  } catch {
    return undefined;
  }
}

const text = (value: unknown): string =>
  (JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? String(part) : part)) ?? "nothing").slice(
    0,
    1500,
  );

/** The report as lines; the last one is `N passed, N failed`. */
export function reportLines(report: VectorReport, isStrict: boolean): { lines: string[]; failed: number } {
  const notRun = report.notRun.reduce((sum, { vectors }) => sum + vectors, 0);
  const failed = report.failures.length + (isStrict ? notRun : 0);
  const lines = report.failures.flatMap(({ suite, name, input, expected, actual }) => [
    `FAILED ${suite}: ${name}`,
    `  input    ${text(input)}`,
    `  expected ${text(expected)}`,
    `  actual   ${text(actual)}`,
  ]);
  for (const { suite, name, record } of report.decided)
    lines.push(`decided otherwise (docs/decisions/${record}): ${suite}: ${name}`);
  for (const { suite, name } of report.unchecked) lines.push(`no sane form to check: ${suite}: ${name}`);
  for (const { file, vectors } of report.notRun) lines.push(`not run: ${file} (${vectors} vectors)`);
  lines.push(`${report.passed} passed, ${failed} failed`);
  return { lines, failed };
}
