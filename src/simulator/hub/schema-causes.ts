// What a schema found wrong, in the words and with the reasons of a real API server: clients print the causes, not the message.
import type { ErrorObject } from "ajv";
import type { StatusCause } from "../http/status.ts";

/** `/spec/ports/0/name` as `spec.ports[0].name`. */
export function fieldOf(instancePath: string): string {
  return fieldOf
    .steps(instancePath)
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`))
    .join("")
    .replace(/^\./, "");
}

/** The steps of a JSON pointer. */
fieldOf.steps = (instancePath: string): readonly string[] =>
  instancePath
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));

const maxShownLength = 200;

/** How a value is shown: objects and arrays by their type alone. */
export function shownValue(value: unknown): string {
  if (Array.isArray(value)) return '"array"';
  if (typeof value === "object" && value !== null) return '"object"';
  return (JSON.stringify(value) ?? "null").slice(0, maxShownLength);
}

export function causeOf(error: ErrorObject): StatusCause {
  const field = fieldOf(error.instancePath);
  const { limit, missingProperty } = error.params as { readonly limit?: number; readonly missingProperty?: string };
  const value = shownValue(error.data);
  const inBody = (said: string): StatusCause => ({
    reason: "FieldValueInvalid",
    message: `Invalid value: ${value}: ${field} in body ${said}`,
    field,
  });
  switch (error.keyword) {
    case "required": {
      const missing = field === "" ? String(missingProperty) : `${field}.${missingProperty}`;
      return { reason: "FieldValueRequired", message: "Required value", field: missing };
    }
    case "enum": {
      const allowed = (error.params as { readonly allowedValues: readonly unknown[] }).allowedValues;
      const supported = allowed.filter((one) => one !== null).map((one) => JSON.stringify(one));
      const message = `Unsupported value: ${value}: supported values: ${supported.join(", ")}`;
      return { reason: "FieldValueNotSupported", message, field };
    }
    case "type": {
      const wanted = [(error.params as { readonly type: string | readonly string[] }).type].flat();
      const type = wanted.filter((one) => one !== "null").join(",");
      const message = `Invalid value: ${shownType(error.data)}: ${field} in body must be of type ${type}: ${shownType(error.data)}`;
      return { reason: "FieldValueTypeInvalid", message, field };
    }
    case "maxLength":
      return { reason: "FieldValueTooLong", message: `Too long: may not be more than ${limit} bytes`, field };
    case "maxItems":
      return {
        reason: "FieldValueTooMany",
        message: `Too many: ${(error.data as readonly unknown[]).length}: must have at most ${limit} items`,
        field,
      };
    case "minLength":
      return inBody(`should be at least ${limit} chars long`);
    case "minItems":
      return {
        reason: "FieldValueInvalid",
        message: `Invalid value: ${(error.data as readonly unknown[]).length}: ${field} in body should have at least ${limit} items`,
        field,
      };
    case "maxProperties":
      return {
        reason: "FieldValueTooMany",
        message: `Too many: ${Object.keys(error.data as object).length}: must have at most ${limit} items`,
        field,
      };
    case "multipleOf":
      return inBody(`should be a multiple of ${(error.params as { readonly multipleOf: number }).multipleOf}`);
    case "minProperties":
      return inBody(`should have at least ${limit} properties`);
    case "minimum":
      return inBody(`should be greater than or equal to ${limit}`);
    case "maximum":
      return inBody(`should be less than or equal to ${limit}`);
    case "exclusiveMinimum":
      return inBody(`should be greater than ${limit}`);
    case "exclusiveMaximum":
      return inBody(`should be less than ${limit}`);
    case "pattern":
      return inBody(`should match '${error.schema}'`);
    case "format":
      return { ...inBody(`must be of type ${error.schema}: ${value}`), reason: "FieldValueTypeInvalid" };
    case "anyOf":
      return inBody("must validate at least one schema (anyOf)");
    case "oneOf":
      return inBody("must validate one and only one schema (oneOf)");
    default:
      return inBody(error.message ?? `must satisfy ${error.keyword}`);
  }
}

function shownType(value: unknown): string {
  if (value === null) return '"null"';
  if (Array.isArray(value)) return '"array"';
  if (typeof value === "number") return Number.isInteger(value) ? '"integer"' : '"number"';
  return `"${typeof value}"`;
}
