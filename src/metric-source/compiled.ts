// From a MetricSource to something that runs. Everything that can be wrong with the text is found here and reported at once, each problem with its
// field. The definition is plain data with a hash; threads and agents compile it again and keep the result by that hash. Compiling is pure.
import { type Aggregation, compileAggregations } from "./aggregate/aggregate.ts";
import { checkAggregations } from "./aggregate/definition.ts";
import { coerceResult } from "./coercions.ts";
import { defineSource, definitionHash, type MetricSourceInput, type SourceDefinition } from "./definition.ts";
import { compileExpression } from "./expression/compile.ts";
import { type CompiledField, compileField, type FieldNotes } from "./fields.ts";
import { namespaceFilter } from "./namespaces.ts";
import type { SourceProblem } from "./problem.ts";
import { type Environment, type ResultType, type Row, resultTypes, type Slot, type Value } from "./value.ts";

/** Extracts, computes and aggregates: what the engine runs. */
export interface CompiledSource {
  readonly definition: SourceDefinition;
  /** Of the definition. */
  readonly hash: string;
  /** In slots 0, 1, ... */
  readonly fields: readonly CompiledField[];
  /** In the slots after the fields; each may read those before it. */
  readonly computed: readonly CompiledComputed[];
  readonly aggregation: Aggregation;
  /** The names of fields and computed values, with their slots. */
  readonly environment: Environment;
  /** Whether objects of this namespace are wanted; always true where the source reads a cluster-scoped kind. */
  readonly wantsNamespace: (namespace: string) => boolean;
}

export interface CompiledComputed {
  readonly name: string;
  /** Of the declared type. May throw ExpressionLimitError. `nowMs` is the instant of the collection. */
  readonly evaluate: (row: Row, nowMs: number) => Value;
  readonly references: readonly string[];
}

export type CompileResult =
  | { readonly ok: true; readonly source: CompiledSource; readonly warnings: readonly SourceProblem[] }
  | { readonly ok: false; readonly problems: readonly SourceProblem[]; readonly warnings: readonly SourceProblem[] };

export interface CompileOptions {
  /** Whether fields may lead to the data of Secrets. */
  readonly allowSecretFields?: boolean;
}

const maxEntries = 256;
const maxNameLength = 256;
const maxProblems = 100;

/** Compiles a MetricSource. Never throws for anything that its schema accepts, and for little else. */
export function compileMetricSource(input: MetricSourceInput, options: CompileOptions = {}): CompileResult {
  const notes: FieldNotes = { problems: [], warnings: [] };
  const definition = defineSource(input, (problem) => void notes.problems.push(problem));
  return compile(definition, notes, options.allowSecretFields === true);
}

/** The source of a definition that compiled before, such as one that another thread sent. Throws a TypeError for any other. */
export function compileDefinition(definition: SourceDefinition): CompiledSource {
  // What may be read was decided when the definition was made.
  const result = compile(definition, { problems: [], warnings: [] }, true);
  if (!result.ok) throw new TypeError("a definition that does not compile");
  return result.source;
}

function compile(definition: SourceDefinition, notes: FieldNotes, allowSecretFields: boolean): CompileResult {
  const { source } = definition;
  const { problems, warnings } = notes;
  checkLists(definition, notes);
  const environment = new Map<string, Slot>();
  const fields: CompiledField[] = [];
  for (const field of definition.fields.slice(0, maxEntries)) {
    const at = `spec.fields[${field.index}].name`;
    if (checkName(field.name, at, "field-name-empty", problems) && environment.has(field.name)) {
      problems.push({ field: at, rule: "field-name-duplicate", message: `must differ from the other fields' names` });
    }
    const compiled = compileField(field, source, allowSecretFields, notes);
    // Names of fields with problems are known all the same, so that one mistake is reported once.
    if (!environment.has(field.name))
      environment.set(field.name, { slot: field.index, type: compiled?.type ?? "string" });
    if (compiled !== undefined) fields.push(compiled);
  }
  const computed = compileComputed(definition, environment, notes);
  for (const { index, member, severity, message } of checkAggregations(definition.aggregations, environment)) {
    const problem = { field: `spec.aggregations[${index}].${member}`, rule: "aggregation-invalid", message };
    (severity === "error" ? problems : warnings).push(problem);
  }
  if (problems.length > 0) return { ok: false, problems: problems.slice(0, maxProblems), warnings };
  const compiled: CompiledSource = {
    definition,
    hash: definitionHash(definition),
    fields,
    computed,
    aggregation: compileAggregations(definition.aggregations, environment),
    environment,
    wantsNamespace: source.scope === "Cluster" ? () => true : namespaceFilter(source.namespaces),
  };
  return { ok: true, source: compiled, warnings };
}

function checkLists(definition: SourceDefinition, { problems }: FieldNotes): void {
  if (definition.fields.length === 0) {
    problems.push({ field: "spec.fields", rule: "fields-required", message: "must hold at least one field" });
  }
  for (const list of ["fields", "computed", "aggregations"] as const) {
    if (definition[list].length <= maxEntries) continue;
    problems.push({ field: `spec.${list}`, rule: "too-many", message: `must hold at most ${maxEntries} entries` });
  }
}

/** Whether the name can be used; if not, that is reported. */
function checkName(name: string, field: string, emptyRule: string, problems: SourceProblem[]): boolean {
  if (name === "") problems.push({ field, rule: emptyRule, message: "must not be empty" });
  else if (name.length > maxNameLength) {
    problems.push({ field, rule: "name-too-long", message: `must be at most ${maxNameLength} characters long` });
  } else return true;
  return false;
}

function compileComputed(
  definition: SourceDefinition,
  environment: Map<string, Slot>,
  { problems, warnings }: FieldNotes,
): CompiledComputed[] {
  return definition.computed.slice(0, maxEntries).flatMap(({ name, expression, type: given }, index) => {
    const at = `spec.computed[${index}]`;
    if (checkName(name, `${at}.name`, "computed-name-empty", problems) && environment.has(name)) {
      const message = "must differ from the names of fields and of earlier computed values";
      problems.push({ field: `${at}.name`, rule: "computed-name-conflict", message });
    }
    const type = resultTypes.find((known) => known === given);
    if (type === undefined) {
      const message = `is no type of computed values, results stay as they are; the types are ${resultTypes.join(", ")}`;
      warnings.push({ field: `${at}.type`, rule: "computed-type-unknown", message });
    }
    const compiled = compileExpression(expression, environment);
    if (!environment.has(name)) {
      environment.set(name, { slot: definition.fields.length + index, type: type ?? "string" });
    }
    if (compiled.ok) return [{ name, evaluate: coerced(compiled.evaluate, type), references: compiled.references }];
    for (const { column, message } of compiled.problems) {
      const isReference = message.includes("is neither a field nor");
      const rule = isReference ? "computed-unknown-reference" : "computed-expression-invalid";
      problems.push({ field: `${at}.expression`, column, rule, message });
    }
    return [];
  });
}

function coerced(evaluate: CompiledComputed["evaluate"], type: ResultType | undefined): CompiledComputed["evaluate"] {
  return type === undefined ? evaluate : (row, nowMs) => coerceResult(evaluate(row, nowMs), type);
}
