// metricsource check FILE...: compiles MetricSources as the hub would, without a cluster, and says what is wrong with each where it stands.
// One line for each finding, `file:line:column: message`; warnings do not fail. Documents of other kinds in a file are passed over.
// Of a file that is right it says how the objects of each MetricSource are read, and why not as protobuf.
import { readFileSync, statSync } from "node:fs";
import { type Document, isMap, isScalar, LineCounter, type Node, parseAllDocuments } from "yaml";
import { metricSourceSchema } from "../api/v1alpha1/gen/metric-source.ts";
import { type MetricSourceSpec, parseMetricSource } from "../api/v1alpha1/metric-source.ts";
import { Problems } from "../api/v1alpha1/problems.ts";
import { isRecord, readValue, type Schema } from "../api/v1alpha1/structural.ts";
import { compileMetricSource } from "../metric-source/compiled.ts";
import { laneOf } from "../metric-source/protobuf-lane.ts";
import { didYouMean } from "../metric-source/suggest.ts";
import { safeError } from "../support/errors.ts";

const maxFileBytes = 1024 * 1024;

export interface Finding {
  readonly line: number;
  readonly column: number;
  readonly isWarning: boolean;
  readonly message: string;
}

/** Checks the files and prints what was found. True: nothing is wrong with any of them. */
export function checkFiles(files: readonly string[], print: (line: string) => void): boolean {
  let isRight = true;
  for (const file of files) {
    const notes: string[] = [];
    const findings = checkFile(file, (note) => void notes.push(note));
    for (const { line, column, isWarning, message } of findings) {
      print(`${file}:${line}:${column}: ${isWarning ? "warning: " : ""}${message}`);
    }
    if (findings.some(({ isWarning }) => !isWarning)) isRight = false;
    else for (const line of ["ok", ...notes]) print(`${file}: ${line}`);
  }
  return isRight;
}

function checkFile(file: string, note: Note): readonly Finding[] {
  const whole = (message: string): Finding[] => [{ line: 1, column: 1, isWarning: false, message }];
  try {
    if (statSync(file).size > maxFileBytes) return whole(`the file is larger than ${maxFileBytes} bytes`);
    return checkText(readFileSync(file, "utf8"), note);
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === "ENOENT") return whole("there is no such file");
    return whole(`the file cannot be read: ${typeof code === "string" ? code : safeError(error).message}`);
  }
}

/**
 * Everything that is wrong with the MetricSources of a YAML or JSON text, in the order of the text.
 * @param note is told how each that is right is read
 */
export function checkText(text: string, note: Note = () => undefined): readonly Finding[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines });
  const findings: Finding[] = [];
  let checked = 0;
  for (const document of Array.isArray(documents) ? documents : []) {
    const add = (offset: number, message: string, isWarning = false): void => {
      const { line, col } = lines.linePos(offset);
      findings.push({ line, column: col, isWarning, message });
    };
    // Only the first: the others follow from it.
    const [broken] = document.errors;
    if (broken !== undefined) add(broken.pos[0], `is not YAML: ${broken.message.split(" at line ")[0] ?? ""}`);
    if (broken !== undefined || !isMap(document.contents) || document.get("kind") !== "MetricSource") continue;
    checked++;
    checkDocument(document, add, note);
  }
  if (checked === 0 && findings.length === 0) {
    findings.push({ line: 1, column: 1, isWarning: false, message: "the file holds no object of kind MetricSource" });
  }
  return findings.sort((left, right) => left.line - right.line || left.column - right.column);
}

type Note = (text: string) => void;
type Add = (offset: number, message: string, isWarning?: boolean) => void;

function checkDocument(document: Document.Parsed, add: Add, note: Note): void {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch {
    add(document.range[0], "the document has too many aliases");
    return;
  }
  if (!isRecord(value)) return;
  if (value["apiVersion"] !== "clusterpulse.io/v1alpha1") {
    add(offsetOf(document, "apiVersion"), "apiVersion must be clusterpulse.io/v1alpha1");
  }
  for (const { field, meant } of unknownFields(metricSourceSchema.spec, value["spec"], "spec")) {
    add(offsetOf(document, field), `${field} is not a field of MetricSources${meant}`);
  }
  const metadata = isRecord(value["metadata"]) ? value["metadata"] : {};
  const named = { name: "unnamed", namespace: "default", ...metadata };
  const parsed = parseMetricSource({ ...value, metadata: { namespace: "default", ...metadata } });
  const refused = new Set(parsed.ok ? [] : parsed.problems.map(fieldOf));
  if (!parsed.ok) for (const problem of parsed.problems) add(offsetOf(document, fieldOf(problem)), problem);
  const result = parsed.ok ? compileMetricSource(parsed.value) : compileWhatIsRight(named, value["spec"], refused);
  const report = (isWarning: boolean) => (problem: { field: string; column?: number; message: string }) => {
    if (refused.has(problem.field)) return;
    add(
      offsetOf(document, problem.field, problem.column),
      `${problem.field}${problem.column === undefined ? "" : ":"} ${problem.message}`,
      isWarning,
    );
  };
  if (result?.ok === false) result.problems.forEach(report(false));
  result?.warnings.forEach(report(true));
  if (!parsed.ok || result?.ok !== true) return;
  const lane = laneOf(result.source);
  const how = lane.lane === "protobuf" ? "as protobuf where the cluster has it" : `as JSON: ${lane.why}`;
  note(`${parsed.value.metadata.name} is read ${how}`);
}

/** So that a mistake of the schema does not hide those of paths and expressions; undefined where these would only follow from it. */
function compileWhatIsRight(
  metadata: { name: string; namespace: string },
  given: unknown,
  refused: ReadonlySet<string>,
): ReturnType<typeof compileMetricSource> | undefined {
  const hides = /^spec(?:\.source.*|\.(?:fields|computed|aggregations)(?:\[\d+\])?)?$/;
  if ([...refused].some((field) => hides.test(field))) return undefined;
  try {
    const spec = readValue(metricSourceSchema.spec, given, "spec", new Problems()) as MetricSourceSpec;
    return compileMetricSource({ metadata, spec });
  } catch {
    // What is missing in it is more than the compiler takes: the schema's problems must do.
    return undefined;
  }
}

const fieldPattern = /^(?:[\w-]+|\.|\[\d+\]|\["(?:[^"\\]|\\.)*"\])+/;
const fieldOf = (problem: string): string => fieldPattern.exec(problem)?.[0] ?? "";

/** Where a field stands; where it is missing, the place of what it is missing in. A column counts within the field's text. */
function offsetOf(document: Document.Parsed, field: string, column = 1): number {
  const steps = [...field.matchAll(/([\w-]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)].map(([, name, index, key]) =>
    index !== undefined ? Number(index) : key !== undefined ? (JSON.parse(key) as string) : (name as string),
  );
  for (let length = steps.length; length > 0; length--) {
    const node = document.getIn(steps.slice(0, length), true) as Node | undefined;
    const start = node?.range?.[0];
    if (start === undefined) continue;
    if (length < steps.length || !isScalar(node)) return start;
    if (node.type === "PLAIN") return start + column - 1;
    return node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE" ? start + column : start;
  }
  return document.range[0];
}

/** The paths of members that the schema does not know: the API server would drop them without a word. And what may have been meant. */
function unknownFields(schema: Schema, value: unknown, path: string): { field: string; meant: string }[] {
  if (schema.type === "array") {
    return Array.isArray(value) ? value.flatMap((item, at) => unknownFields(schema.items, item, `${path}[${at}]`)) : [];
  }
  if (schema.type !== "object" || !("properties" in schema) || !isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const known = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    const field = `${path}.${name}`;
    return known === undefined
      ? [{ field, meant: didYouMean(name, Object.keys(schema.properties)) }]
      : unknownFields(known, member, field);
  });
}
