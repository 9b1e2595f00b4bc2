// The rules of `x-kubernetes-validations`, evaluated at every value that they stand on. Kubernetes' own CEL libraries (quantities, IP
// addresses, lists) are not there, and no cost is counted. A rule that does not compile is reported once and never refuses anything.
import { Environment } from "@marcbachmann/cel-js";
import type { StatusCause } from "../http/status.ts";
import { shownValue } from "./schema-causes.ts";
import { memberSchema, type StructuralSchema, schemasBelow } from "./structural-schema.ts";

interface Rule {
  readonly rule: string;
  readonly message?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
}

interface CompiledRule extends Rule {
  /** Rules that speak of the old value hold for updates alone. */
  readonly isTransition: boolean;
  readonly evaluate: (context: Record<string, unknown>) => unknown;
}

const environment = new Environment({ unlistedVariablesAreDyn: true });

export class CelRules {
  readonly #schema: StructuralSchema;
  readonly #rules = new Map<StructuralSchema, readonly CompiledRule[]>();

  constructor(schema: StructuralSchema) {
    this.#schema = schema;
    this.#compile(schema);
  }

  #compile(schema: StructuralSchema): void {
    const rules = (schema["x-kubernetes-validations"] ?? []) as readonly Rule[];
    const compiled = rules.flatMap(compiledRule);
    if (compiled.length > 0) this.#rules.set(schema, compiled);
    for (const below of schemasBelow(schema)) this.#compile(below);
  }

  get hasRules(): boolean {
    return this.#rules.size > 0;
  }

  /** Which rules the object breaks; `before` is undefined on create. */
  violations(object: unknown, before: unknown): readonly StatusCause[] {
    if (this.#rules.size === 0) return [];
    const causes: StatusCause[] = [];
    this.#check(this.#schema, object, before, "", causes);
    return causes;
  }

  #check(schema: StructuralSchema, value: unknown, before: unknown, path: string, causes: StatusCause[]): void {
    if (value === undefined || value === null) return;
    for (const rule of this.#rules.get(schema) ?? []) {
      if (rule.isTransition && before === undefined) continue;
      const said = broken(rule, { self: celValue(value, schema), oldSelf: celValue(before, schema) });
      if (said === undefined) continue;
      const message = `Invalid value: ${shownValue(value)}: ${said}`;
      causes.push({ reason: rule.reason ?? "FieldValueInvalid", message, field: `${path}${rule.fieldPath ?? ""}` });
    }
    const { items } = schema;
    if (Array.isArray(value)) {
      // Items of a list have no counterpart in the old one.
      if (items !== undefined) {
        value.forEach((item, index) => void this.#check(items, item, undefined, `${path}[${index}]`, causes));
      }
      return;
    }
    if (typeof value !== "object") return;
    for (const [name, member] of Object.entries(value)) {
      const below = memberSchema(schema, name);
      const old = (before as Record<string, unknown> | null | undefined)?.[name];
      if (below !== undefined) this.#check(below, member, old, path === "" ? name : `${path}.${name}`, causes);
    }
  }
}

function compiledRule(rule: Rule): CompiledRule[] {
  try {
    const evaluate = environment.parse(rule.rule);
    const checked = evaluate.check();
    if (!checked.valid) throw checked.error ?? new Error("does not check");
    return [{ ...rule, isTransition: /\boldSelf\b/.test(rule.rule), evaluate: (context) => evaluate(context) }];
  } catch (error) {
    process.emitWarning(`rule ignored, CEL does not compile here: ${rule.rule}: ${firstLine(error)}`, {
      code: "SIMULATOR_CEL_RULE_IGNORED",
    });
    return [];
  }
}

const firstLine = (error: unknown): string => (error as Error).message.split("\n", 1)[0] ?? "";

/** What to say of a rule that does not hold; undefined where it does. */
function broken(rule: CompiledRule, context: Record<string, unknown>): string | undefined {
  try {
    return rule.evaluate(context) === true ? undefined : (rule.message ?? `failed rule: ${rule.rule}`);
  } catch (error) {
    return `${firstLine(error)} evaluating rule: ${rule.message ?? rule.rule}`;
  }
}

/** Integers are CEL's int where the schema says so, all else is what JSON says. */
function celValue(value: unknown, schema: StructuralSchema | undefined): unknown {
  if (typeof value === "number") {
    const isInteger = schema?.type === "integer" || schema?.["x-kubernetes-int-or-string"] === true;
    return isInteger && Number.isInteger(value) ? BigInt(value) : value;
  }
  if (Array.isArray(value)) return value.map((item) => celValue(item, schema?.items));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, celValue(member, schema && memberSchema(schema, name))]),
  );
}
