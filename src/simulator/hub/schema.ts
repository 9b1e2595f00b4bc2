// What a definition's structural schema does to an object that is written: fields that it does not know are pruned, defaults are filled
// in, and what is left is checked. Formats other than those of `formats` are not checked, as a real server ignores those it does not know.
import { isDeepStrictEqual } from "node:util";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { RE2JS } from "re2js";
import type { StatusCause } from "../http/status.ts";
import { CelRules } from "./cel-rules.ts";
import { causeOf, fieldOf } from "./schema-causes.ts";
import { type StructuralSchema, memberSchema as schemaOfMember } from "./structural-schema.ts";
import { duplicatesIn } from "./structured-merge.ts";

type Members = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const compiled = new WeakMap<object, SchemaRules>();

/** The rules of a schema, compiled at most once; undefined where there is none. */
export function schemaRules(schema: unknown): SchemaRules | undefined {
  if (!isObject(schema)) return undefined;
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const rules = new SchemaRules(schema as StructuralSchema);
  compiled.set(schema, rules);
  return rules;
}

export class SchemaRules {
  readonly #schema: StructuralSchema;
  readonly #cel: CelRules;
  #validate: ValidateFunction | undefined;

  constructor(schema: StructuralSchema) {
    this.#schema = schema;
    this.#cel = new CelRules(schema);
  }

  /**
   * The object without unknown fields and nulls that mean nothing; and the paths of what was pruned.
   * @param defaults whether what is missing is filled in
   */
  decode<Value>(object: Value, defaults = true): { readonly object: Value; readonly unknownFields: readonly string[] } {
    const decoding: Decoding = { unknownFields: [], defaults };
    const pruned = decode(object, { ...this.#schema, [embedded]: true }, "", decoding);
    return { object: pruned as Value, unknownFields: decoding.unknownFields };
  }

  /** Why the schema cannot check anything; undefined when it can. */
  problem(): string | undefined {
    try {
      this.#validate ??= ajvOf(toJsonSchema(this.#schema));
      return undefined;
    } catch (error) {
      return String((error as Error).message).slice(0, 200);
    }
  }

  /** What is wrong with the object; what was already wrong in the same value of `before` is let be. */
  violations(object: unknown, before: unknown): readonly StatusCause[] {
    this.#validate ??= ajvOf(toJsonSchema(this.#schema));
    if (!this.#validate(object)) {
      const errors = (this.#validate.errors ?? []).filter(isOwnError);
      const news = errors.filter((error) => before === undefined || isChanged(error, object, before));
      const causes = news.map(causeOf);
      const isBlocking = causes.some(({ reason }) => blocking.has(reason));
      if (causes.length > 0) return isBlocking && this.#cel.hasRules ? [...causes, rulesNotChecked] : causes;
    }
    const twice = duplicatesIn(object, this.#schema).map(({ path, value }) => ({
      reason: "FieldValueDuplicate",
      message: `Duplicate value: ${JSON.stringify(value).slice(0, 200)}`,
      field: path,
    }));
    return twice.length > 0 ? twice : this.#cel.violations(object, before);
  }
}

/** What is wrong in such a way that rules would have nothing to go by. */
const blocking: ReadonlySet<string> = new Set(
  ["NotSupported", "Required", "TooLong", "TooMany", "TypeInvalid"].map((reason) => `FieldValue${reason}`),
);
const rulesNotChecked: StatusCause = {
  reason: "FieldValueInvalid",
  message:
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
  field: "<nil>",
};

/** The branches of anyOf and its like are not errors of their own. */
const isOwnError = ({ schemaPath }: ErrorObject): boolean => !/\/(anyOf|oneOf|not)\/./.test(schemaPath);

function isChanged({ instancePath }: ErrorObject, object: unknown, before: unknown): boolean {
  const steps = fieldOf.steps(instancePath);
  const at = (root: unknown): unknown =>
    steps.reduce<unknown>((value, step) => (value as Members | null | undefined)?.[step], root);
  return !isDeepStrictEqual(at(object), at(before));
}

const embedded = "x-kubernetes-embedded-resource";
const preserve = "x-kubernetes-preserve-unknown-fields";

interface Decoding {
  readonly unknownFields: string[];
  readonly defaults: boolean;
}

function decode(value: unknown, schema: StructuralSchema, path: string, decoding: Decoding): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return value;
    return value.map((item, index) => decode(item, items, `${path}[${index}]`, decoding));
  }
  if (!isObject(value)) return value;
  const decoded: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const field = path === "" ? name : `${path}.${name}`;
    const known = memberSchema(schema, name);
    if (known === undefined) decoding.unknownFields.push(field);
    else if (known === "kept") decoded[name] = member;
    else if (member !== null || known.nullable) decoded[name] = decode(member, known, field, decoding);
  }
  if (!decoding.defaults) return decoded;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (decoded[name] !== undefined || property.default === undefined) continue;
    decoded[name] = decode(structuredClone(property.default), property, "", { unknownFields: [], defaults: true });
  }
  return decoded;
}

function memberSchema(schema: StructuralSchema, name: string): StructuralSchema | "kept" | undefined {
  if (schema[embedded] === true && (name === "apiVersion" || name === "kind" || name === "metadata")) return "kept";
  const known = schemaOfMember(schema, name);
  if (known !== undefined) return known;
  return schema.additionalProperties === true || schema[preserve] === true ? "kept" : undefined;
}

const listsOfSchemas = ["allOf", "anyOf", "oneOf"];

/** The same in JSON schema: nullable, int-or-string and exclusive bounds have other forms there. */
function toJsonSchema(schema: StructuralSchema): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(schema)) {
    if (name.startsWith("x-kubernetes-") || notChecked.has(name)) continue;
    if (name === "properties") json[name] = mapValues(member as Members, toJsonSchema);
    else if (listsOfSchemas.includes(name)) json[name] = (member as readonly StructuralSchema[]).map(toJsonSchema);
    else json[name] = isObject(member) ? toJsonSchema(member as StructuralSchema) : member;
  }
  const { exclusiveMinimum, exclusiveMaximum, minimum, maximum } = schema;
  if (exclusiveMinimum === true && minimum !== undefined) json["exclusiveMinimum"] = minimum;
  else if (minimum !== undefined) json["minimum"] = minimum;
  if (exclusiveMaximum === true && maximum !== undefined) json["exclusiveMaximum"] = maximum;
  else if (maximum !== undefined) json["maximum"] = maximum;
  if (schema["x-kubernetes-int-or-string"] === true) json["type"] = ["integer", "string"];
  if (schema.nullable === true) {
    if (json["type"] !== undefined) json["type"] = [json["type"], "null"].flat();
    if (schema.enum !== undefined) json["enum"] = [...schema.enum, null];
  }
  return json;
}

const notChecked = new Set([
  ...["description", "title", "default", "example", "externalDocs", "nullable"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
]);

const mapValues = (members: Members, change: (member: StructuralSchema) => unknown): Members =>
  Object.fromEntries(Object.entries(members).map(([name, member]) => [name, change(member as StructuralSchema)]));

const within = (low: number, high: number) => ({
  type: "number" as const,
  validate: (value: number) => value >= low && value <= high,
});
const formats = {
  "date-time": (text: string) =>
    /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/.test(text) &&
    !Number.isNaN(Date.parse(text)),
  date: (text: string) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)),
  byte: (text: string) => /^[A-Za-z0-9+/]*={0,2}$/.test(text),
  int32: within(-(2 ** 31), 2 ** 31 - 1),
  int64: within(-(2 ** 63), 2 ** 63),
};

/** Patterns are Go's, in linear time. */
const linearRegExp = Object.assign(
  (pattern: string) => {
    const expression = RE2JS.compile(pattern);
    return { test: (text: string): boolean => expression.matcher(text).find() };
  },
  { code: "" },
);

/** An instance each: one for all would keep every schema that ever was. */
const ajvOf = (schema: object): ValidateFunction =>
  new Ajv({
    allErrors: true,
    strict: false,
    verbose: true,
    addUsedSchema: false,
    logger: false,
    formats,
    code: { regExp: linearRegExp },
  }).compile(schema);
