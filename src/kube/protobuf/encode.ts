// From JSON objects to the protobuf that an API server would have sent for them: fields by number, entries of maps by key, zeros written
// where Go's types cannot tell zero from absent. Members that a type does not have are left out, as an API server prunes them.
// Errors are OBJECT_MALFORMED and name the field, never its value. Quantities are written as they are, not made canonical.
import { ClusterPulseError } from "../../support/errors.ts";
import type { JsonObject } from "./decode.ts";
import { MAGIC } from "./envelope.ts";
import { parseTime } from "./scalars.ts";
import { type Field, fieldsOf, typeOfKind, type ValueType } from "./schema.ts";
import { WireWriter } from "./writer.ts";

/**
 * The whole body of an object with `apiVersion` and `kind`. Undefined when that kind has no protobuf form that is known here;
 * throws OBJECT_MALFORMED when a member is not what its type says.
 */
export function encodeBody(object: JsonObject): Uint8Array<ArrayBuffer> | undefined {
  const { apiVersion, kind } = object;
  if (typeof apiVersion !== "string" || typeof kind !== "string") return undefined;
  const type = typeOfKind(apiVersion, kind);
  if (type === undefined) return undefined;
  const writer = new WireWriter();
  // Encoding and media type of what is inside: neither is ever used.
  writer.text(4, "");
  writer.text(3, "");
  const rawStart = writer.length;
  new Encoder(writer).message(type, object);
  writer.closeMessage(2, rawStart);
  const metaStart = writer.length;
  writer.text(2, kind);
  writer.text(1, apiVersion);
  writer.closeMessage(1, metaStart);
  writer.raw(Uint8Array.from(MAGIC));
  return writer.finish();
}

/** The message of one type, without an envelope. Throws OBJECT_MALFORMED, and a TypeError for a type that does not exist. */
export function encodeMessage(type: string, object: JsonObject): Uint8Array<ArrayBuffer> {
  const writer = new WireWriter();
  new Encoder(writer).message(type, object);
  return writer.finish();
}

const descendingFields = new Map<string, readonly Field[]>();

/** The last first: the writer works backwards. */
function descending(type: string): readonly Field[] {
  let fields = descendingFields.get(type);
  if (fields === undefined) {
    fields = fieldsOf(type).toSorted((a, b) => b.number - a.number);
    descendingFields.set(type, fields);
  }
  return fields;
}

class Encoder {
  readonly #writer: WireWriter;
  /** Names of the members that are being written, for errors. */
  readonly #path: string[] = [];

  constructor(writer: WireWriter) {
    this.#writer = writer;
  }

  message(type: string, object: JsonObject): void {
    for (const field of descending(type)) {
      if (field.name === "") this.#value(field.number, field.value, object);
      else {
        this.#path.push(field.name);
        this.#field(field, Object.hasOwn(object, field.name) ? (object[field.name] ?? undefined) : undefined);
        this.#path.pop();
      }
    }
  }

  #field(field: Field, value: unknown): void {
    const { number, value: type, presence } = field;
    if (value !== undefined && field.repeat === "list") this.#list(number, type, value);
    else if (value !== undefined && field.repeat === "map") this.#map(field, this.#object(value));
    else if (field.repeat === "one") {
      const isPointer = presence === "set" || presence === "set-or-null";
      const isSlice = type.kind === "bytes" || type.kind === "items";
      if (value !== undefined || !(isPointer || isSlice)) this.#value(number, type, value);
    }
  }

  #list(number: number, type: ValueType, value: unknown): void {
    if (!Array.isArray(value)) throw this.#malformed("a list");
    for (const element of value.toReversed()) this.#value(number, type, element ?? undefined);
  }

  #map(field: Field, map: JsonObject): void {
    for (const key of Object.keys(map).sort().reverse()) {
      this.#path.push(key);
      const start = this.#writer.length;
      this.#value(2, field.value, map[key] ?? undefined);
      this.#writer.text(1, key);
      this.#writer.closeMessage(field.number, start);
      this.#path.pop();
    }
  }

  /** Undefined is the type's zero. */
  #value(number: number, type: ValueType, value: unknown): void {
    const writer = this.#writer;
    const start = writer.length;
    switch (type.kind) {
      case "string":
        writer.text(number, this.#text(value ?? ""));
        return;
      case "bool":
        writer.int(number, this.#bool(value ?? false));
        return;
      case "int":
        writer.int(number, this.#int(value ?? 0));
        return;
      case "bytes":
        writer.bytes(number, this.#base64(value ?? ""));
        return;
      case "message":
        this.message(type.type, this.#object(value ?? {}));
        break;
      case "items":
        this.#list(1, type.of, value ?? []);
        break;
      case "Quantity":
        // Whole numbers are often written without quotes.
        writer.text(1, typeof value === "number" ? String(value) : this.#text(value ?? "0"));
        break;
      case "IntOrString":
        this.#intOrString(value ?? 0);
        break;
      case "Time":
        if (value !== undefined) this.#timestamp(this.#text(value), 1_000_000_000);
        break;
      case "MicroTime":
        if (value !== undefined) this.#timestamp(this.#text(value), 1_000);
        break;
      case "RawExtension":
      case "FieldsV1":
        if (value !== undefined) writer.text(1, JSON.stringify(value));
    }
    writer.closeMessage(number, start);
  }

  #intOrString(value: unknown): void {
    const isText = typeof value === "string";
    this.#writer.text(3, isText ? value : "");
    this.#writer.int(2, isText ? 0 : this.#int(value));
    this.#writer.int(1, isText ? 1 : 0);
  }

  /** The zero time is an empty message. */
  #timestamp(text: string, precisionNanos: number): void {
    const time = parseTime(text);
    if (time === undefined) throw this.#malformed("a time as in RFC 3339");
    if (time === null) return;
    this.#writer.int(2, time.nanos - (time.nanos % precisionNanos));
    this.#writer.int(1, time.seconds);
  }

  #object(value: unknown): JsonObject {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.#malformed("an object");
    return value as JsonObject;
  }

  #text(value: unknown): string {
    if (typeof value !== "string") throw this.#malformed("a text");
    return value;
  }

  #bool(value: unknown): number {
    if (typeof value !== "boolean") throw this.#malformed("true or false");
    return value ? 1 : 0;
  }

  #int(value: unknown): number {
    if (!Number.isInteger(value) || Math.abs(value as number) >= 2 ** 63) throw this.#malformed("a whole number");
    return value as number;
  }

  #base64(value: unknown): Uint8Array {
    if (typeof value !== "string" || value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) {
      throw this.#malformed("base64");
    }
    return Buffer.from(value, "base64");
  }

  #malformed(wanted: string): ClusterPulseError {
    return new ClusterPulseError("OBJECT_MALFORMED", `${this.#path.join(".")} must be ${wanted}`);
  }
}
