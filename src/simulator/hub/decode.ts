// Objects as the server takes them: members that the kind does not have and nulls are dropped, and a value of another type than its
// field's is refused. Built-in kinds have the fields of their Go types, custom resources the metadata of all kinds and their own schema,
// which also fills in defaults. What the values mean is not checked.
import type { ResourceType } from "../http/catalog.ts";
import { apiErrors } from "../http/status.ts";
import { fieldSchemaOf, metadataSchema } from "../kinds/built-in-schemas.ts";
import { schemaRules } from "./schema.ts";
import { memberSchema, type StructuralSchema } from "./structural-schema.ts";

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export interface Decoded<Value> {
  readonly object: Value;
  /** Paths of what was dropped. */
  readonly unknownFields: readonly string[];
}

/**
 * Throws ApiError 400 for a value of a wrong type; in custom resources their schema is for those.
 * @param defaults whether what is missing is filled in
 */
export function decodeObject<Value extends Json>(type: ResourceType, object: Value, defaults = true): Decoded<Value> {
  const unknownFields: string[] = [];
  const decoding = { type, unknownFields };
  if (type.builtIn) {
    const schema = fieldSchemaOf(type);
    if (schema === undefined) return { object, unknownFields };
    const { apiVersion, kind, ...content } = object;
    const decoded = decode(content, schema, "", decoding) as object;
    return { object: { apiVersion, kind, ...decoded } as unknown as Value, unknownFields };
  }
  const metadata = decode(object["metadata"], metadataSchema(), "metadata", decoding);
  const known = { ...object, metadata };
  const content = schemaRules(type.schema)?.decode(known, defaults);
  if (content === undefined) return { object: known, unknownFields };
  return { object: content.object, unknownFields: [...unknownFields, ...content.unknownFields] };
}

interface Decoding {
  readonly type: ResourceType;
  readonly unknownFields: string[];
}

function decode(value: unknown, schema: StructuralSchema, path: string, decoding: Decoding): unknown {
  const wrong = wrongTypeOf(value, schema);
  if (wrong !== undefined) {
    const { kind, version } = decoding.type;
    const what = `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}`;
    throw apiErrors.badRequest(`${what}: ${wrong} (field ${path})`);
  }
  if (Array.isArray(value)) {
    const { items = {} } = schema;
    return value.map((item, index) => decode(item, items, `${path}[${index}]`, decoding));
  }
  if (!isObject(value) || schema["x-kubernetes-preserve-unknown-fields"] === true) return value;
  const decoded: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    const field = path === "" ? name : `${path}.${name}`;
    const known = memberSchema(schema, name);
    if (known === undefined) decoding.unknownFields.push(field);
    else if (member !== null && member !== undefined) decoded.push([name, decode(member, known, field, decoding)]);
  }
  return Object.fromEntries(decoded);
}

const layouts: Readonly<Record<string, { readonly form: RegExp; readonly layout: string }>> = {
  "date-time": {
    form: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/,
    layout: "2006-01-02T15:04:05Z07:00",
  },
  // Exactly six digits: a client that writes milliseconds is refused, as by a real server.
  "micro-time": {
    form: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}(Z|[+-]\d{2}:\d{2})$/,
    layout: "2006-01-02T15:04:05.000000Z07:00",
  },
};

/** What Go would say of a value that does not fit; undefined when it fits. */
function wrongTypeOf(value: unknown, schema: StructuralSchema): string | undefined {
  const found = Array.isArray(value) ? "array" : typeof value;
  const { type, format = "" } = schema;
  if (type === undefined) {
    const isEither = found === "string" || found === "number";
    return schema["x-kubernetes-int-or-string"] !== true || isEither ? undefined : cannot(found, "int or string");
  }
  const fits = type === "integer" ? Number.isInteger(value) : found === type;
  if (!fits) return cannot(found, type);
  const layout = layouts[format];
  if (layout === undefined || layout.form.test(value as string)) return undefined;
  const shown = JSON.stringify(value).slice(0, 100);
  return `parsing time ${shown} as ${JSON.stringify(layout.layout)}: cannot parse ${shown}`;
}

const cannot = (found: string, wanted: string): string =>
  `json: cannot unmarshal ${found} into Go struct field of type ${wanted}`;
