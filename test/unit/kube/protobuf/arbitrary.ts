// Random objects of any type of the table, as an API server's JSON would show them: what is written is exactly what must be read.
import fc from "fast-check";
import type { JsonObject } from "../../../../src/kube/protobuf/decode.ts";
import { type Field, fieldsOf, type ValueType } from "../../../../src/kube/protobuf/schema.ts";

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("Running", "x".repeat(200), "é€😀"),
);
const whole = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -1, 127, 128, 2 ** 31, 2 ** 32, -(2 ** 53)),
);
const seconds = fc.integer({ min: -62_135_596_799, max: 253_402_300_799 });
const time = seconds.map((second) => new Date(second * 1000).toISOString().replace(".000Z", "Z"));
const microTime = fc
  .tuple(time, fc.nat({ max: 999_999 }))
  .map(([at, micros]) => `${at.slice(0, -1)}.${String(micros).padStart(6, "0")}Z`);
const base64 = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("base64"));
const jsonMember = fc.tuple(
  fc.stringMatching(/^[a-z.:]{1,8}$/),
  fc.oneof(fc.string(), fc.integer(), fc.array(fc.boolean())),
);
const json = fc.array(jsonMember, { maxLength: 3 }).map((members) => Object.fromEntries(members));

const messages = new Map<string, fc.Arbitrary<JsonObject>>();

/** Objects of a type such as `core/v1.Pod`. */
export function objectOf(type: string): fc.Arbitrary<JsonObject> {
  let objects = messages.get(type);
  if (objects === undefined) {
    objects = fc.tuple(...fieldsOf(type).map((field) => membersOf(field, type))).map((parts) =>
      // Later parts first: the order of members must not matter.
      Object.assign({}, ...parts.toReversed()),
    );
    messages.set(type, objects);
  }
  return objects;
}

/** The members that a field adds to its object: none, one, or those of an inlined message. */
function membersOf(field: Field, type: string): fc.Arbitrary<JsonObject> {
  const { name, value, presence, repeat } = field;
  if (name === "") return objectOf((value as { type: string }).type);
  const member = (values: fc.Arbitrary<unknown>): fc.Arbitrary<JsonObject> =>
    values.map((found) => ({ [name]: found }));
  const rarely = (values: fc.Arbitrary<unknown>, otherwise: JsonObject = {}): fc.Arbitrary<JsonObject> =>
    fc.oneof({ weight: 3, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary: member(values) });
  const values = valuesOf(value);
  if (repeat === "list") {
    const filled = fc.array(values, { minLength: 1, maxLength: 2 });
    if (presence === "non-zero") return rarely(filled);
    return rarely(filled, { [name]: name === "items" && type.endsWith("List") ? [] : null });
  }
  if (repeat === "map") {
    const key = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "cpu", "a/b"));
    const filled = fc
      .array(fc.tuple(key, values), { minLength: 1, maxLength: 3 })
      .map((entries) => Object.fromEntries(entries));
    return rarely(filled, presence === "non-zero" ? {} : { [name]: null });
  }
  switch (presence) {
    case "set":
      return rarely(values);
    case "set-or-null":
      return rarely(values, { [name]: null });
    case "not-zero-time":
      return rarely(time);
    case "non-zero":
      if (["string", "bool", "int", "bytes"].includes(value.kind)) {
        return rarely(values.filter((found) => found !== "" && found !== 0 && found !== false));
      }
  }
  const canBeNull = ["Time", "MicroTime", "RawExtension", "bytes", "items"].includes(value.kind);
  return canBeNull ? rarely(values, { [name]: null }) : member(values);
}

function valuesOf(value: ValueType): fc.Arbitrary<unknown> {
  switch (value.kind) {
    case "string":
      return text;
    case "bool":
      return fc.boolean();
    case "int":
      return whole;
    case "bytes":
      return base64;
    case "Quantity":
      return fc.constantFrom("0", "100m", "1.5Gi", "4", "110");
    case "Time":
      return time;
    case "MicroTime":
      return microTime;
    case "IntOrString":
      return fc.oneof(fc.integer(), fc.string());
    case "RawExtension":
    case "FieldsV1":
      return json;
    case "items":
      return fc.array(valuesOf(value.of), { maxLength: 3 });
    case "message":
      return objectOf(value.type);
  }
}
