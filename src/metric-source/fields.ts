// Fields: from their definitions to what finds and converts their values. A field's value is never undefined: nowhere and "cannot be
// converted" give its default, or null; an explicit null stays null, whatever the default.
import { lastAppliedAnnotation, managedFields } from "./composite.ts";
import { type Convert, conversionTo, convertDefault } from "./convert.ts";
import type { FieldDefinition, SourceDefinition } from "./definition.ts";
import { type ParsedPath, type PathStep, parsePath } from "./path.ts";
import type { SourceProblem } from "./problem.ts";
import { compilePath, type Resolve } from "./resolve.ts";
import { type Value, type ValueType, valueTypes } from "./value.ts";

export interface CompiledField {
  readonly name: string;
  readonly type: ValueType;
  readonly steps: readonly PathStep[];
  readonly resolve: Resolve;
  /** Of what was found and is not null; undefined: not possible. */
  readonly convert: Convert;
  /** What stands in for a value that is not there or does not convert. */
  readonly fallback: Value;
}

export interface FieldNotes {
  readonly problems: SourceProblem[];
  readonly warnings: SourceProblem[];
}

/** Compiles one field; undefined if it has problems. `allowSecretFields`: whether the data of Secrets may be read. */
export function compileField(
  definition: FieldDefinition,
  source: SourceDefinition["source"],
  allowSecretFields: boolean,
  notes: FieldNotes,
): CompiledField | undefined {
  const at = `spec.fields[${definition.index}]`;
  const type = valueTypes.find((known) => known === definition.type);
  if (type === undefined) {
    const message = `is no type and taken for string; the types are ${valueTypes.join(", ")}`;
    notes.warnings.push({ field: `${at}.type`, rule: "field-type-unknown", message });
  }
  const path = parsePath(definition.path);
  const field = `${at}.path`;
  if (definition.path === "") {
    const message = "must be set, such as .status.phase";
    notes.problems.push({ field, rule: "field-path-empty", message });
    return undefined;
  }
  if (!path.ok) {
    notes.problems.push({
      field,
      column: path.problem.column,
      rule: "field-path-invalid",
      message: path.problem.message,
    });
    return undefined;
  }
  const refused = refusal(path.steps, source, allowSecretFields);
  if (refused !== undefined) {
    notes.problems.push({ field, rule: "field-path-forbidden", message: refused });
    return undefined;
  }
  warnOfPath(path, field, notes);
  const convert = conversionTo(type ?? "string", path.steps);
  const fallback =
    definition.default === undefined ? null : defaultOf(definition.default, type ?? "string", convert, at, notes);
  return {
    name: definition.name,
    type: type ?? "string",
    steps: path.steps,
    resolve: compilePath(path.steps),
    convert,
    fallback,
  };
}

function defaultOf(text: string, type: ValueType, convert: Convert, at: string, notes: FieldNotes): Value {
  const { value, fits } = convertDefault(type, text, convert);
  if (!fits) {
    const message = `does not fit the type ${type}: ${typeof value === "string" ? "the text" : String(value)} is used`;
    notes.warnings.push({ field: `${at}.default`, rule: "field-default-unfit", message });
  }
  return value;
}

function warnOfPath(path: ParsedPath & { ok: true }, field: string, notes: FieldNotes): void {
  for (const { column, message } of path.warnings) {
    notes.warnings.push({ field, column, rule: "field-path-nowhere", message });
  }
  if (keysOf(path.steps).includes(managedFields)) {
    notes.warnings.push({
      field,
      rule: "field-path-nowhere",
      message: "leads nowhere: lists named managedFields are not read",
    });
  }
}

const keysOf = (steps: readonly PathStep[]): readonly string[] =>
  steps.flatMap((step) => (step.kind === "key" ? [step.key] : []));

/** Why a path must not be read. Secrets are told by the resource's name, so that no spelling of the kind gets around it. */
function refusal(
  steps: readonly PathStep[],
  { group, resource, kind }: SourceDefinition["source"],
  allowSecretFields: boolean,
): string | undefined {
  if (keysOf(steps).includes(lastAppliedAnnotation)) {
    return "must not lead to last-applied-configuration: it repeats the whole object, with everything secret in it";
  }
  const isSecret = group === "" && (resource === "secrets" || kind.toLowerCase() === "secrets");
  if (!isSecret || allowSecretFields) return undefined;
  const [first] = steps;
  if (first !== undefined && first.kind === "key" && first.key !== "data" && first.key !== "stringData")
    return undefined;
  return "must not lead to the data of Secrets; read .metadata or .type, or start the hub with --allow-secret-fields";
}
