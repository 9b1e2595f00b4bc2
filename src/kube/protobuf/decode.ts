// From protobuf to the JSON that the API server would have answered, or to a part of it: a decoder is compiled for a type and the
// paths that somebody needs, and passes over everything else without looking inside. Promises the same values, not the same order
// of members. Of a field that is sent twice, which no server does, either may count. Errors are BODY_MALFORMED. The table of types
// bounds the nesting.
import { readIntOrString, readMicroTime, readQuantity, readRawJson, readTime } from "./scalars.ts";
import { type Field, fieldsOf, type ValueType } from "./schema.ts";
import { BYTES, type JsonMembers, protobufMalformed, VARINT, WireReader } from "./wire.ts";

/** An object as JSON.parse would have given it. */
export type JsonObject = Record<string, unknown>;

/** Reads the one message that the bytes hold. */
export type Decoder = (bytes: Uint8Array) => JsonObject;

/**
 * Compiles a decoder.
 * @param type such as `core/v1.PodList`. Throws a TypeError for a type or path that does not exist.
 * @param paths JSON paths without marks for lists and maps (`items.spec.nodeName`); each takes all that is below it. Without: everything.
 */
export function compileDecoder(type: string, paths?: readonly string[]): Decoder {
  const plan = paths === undefined ? wholePlan(type) : compile(type, selectionOf(paths));
  return (bytes) => readMessage(new WireReader(bytes), plan);
}

/**
 * The same, but whole numbers that a double would round are bigints.
 * @param asJson paths to maps of texts that are wanted as {@link JsonMembers}
 */
export function compileExactDecoder(type: string, paths: readonly string[], asJson: readonly string[] = []): Decoder {
  const plan = compile(type, selectionOf([...paths, ...asJson.map((path) => `${path}.${jsonMark}`)]));
  return (bytes) => readMessage(new WireReader(bytes, true), plan);
}

/** Stands below a map in a selection: no member has an empty name. */
const jsonMark = "";

/** How one type is read. */
interface Plan {
  readonly fields: readonly (FieldPlan | undefined)[];
  /** Only one field is wanted, and it is there once: behind it nothing needs to be looked at. */
  readonly endsWithFirst: boolean;
  /** What JSON shows although it was not sent. */
  readonly absent: readonly { readonly name: string; readonly zero: () => unknown }[];
}

interface FieldPlan {
  readonly name: string;
  readonly shape: "inline" | "json" | Field["repeat"];
  readonly value: ValuePlan;
  readonly wireType: number;
  /** A value that JSON leaves out. */
  readonly omitsZero: boolean;
}

export interface ValuePlan {
  readonly kind: ValueType["kind"];
  /** Of a message. */
  readonly message: Plan;
  /** Of the elements of `items`. */
  readonly of: ValuePlan | undefined;
}

/** The members that are wanted and, below each, the members of those; undefined is everything. */
type Selection = ReadonlyMap<string, Selection | undefined> | undefined;

function selectionOf(paths: readonly string[]): Selection {
  const firsts = new Set(paths.map((path) => path.split(".", 1)[0] as string));
  return new Map(
    [...firsts].map((first) => {
      if (paths.includes(first)) return [first, undefined];
      const below = paths.filter((path) => path.startsWith(`${first}.`)).map((path) => path.slice(first.length + 1));
      return [first, selectionOf(below)];
    }),
  );
}

const wholePlans = new Map<string, Plan>();

function wholePlan(type: string): Plan {
  const known = wholePlans.get(type);
  const plan = known ?? compile(type, undefined);
  if (known === undefined) wholePlans.set(type, plan);
  return plan;
}

function compile(type: string, selection: Selection): Plan {
  const fields: (FieldPlan | undefined)[] = [];
  const absent: Plan["absent"][number][] = [];
  const unknown = new Set(selection?.keys());
  const add = (field: Field, below: Selection): void => {
    const isJson = below?.has(jsonMark) === true;
    const shape = field.name === "" ? "inline" : isJson ? "json" : field.repeat;
    if (isJson && (field.repeat !== "map" || field.value.kind !== "string"))
      throw new TypeError(`${type} has no map of texts ${field.name}`);
    const value = valuePlan(field.value, isJson ? undefined : below);
    while (fields.length < field.number) fields.push(undefined);
    fields[field.number] = { name: field.name, shape, value, wireType: wireTypeOf(field), omitsZero: omitsZero(field) };
    if (shape === "inline") absent.push(...value.message.absent);
    const zero = zeroOf(field, value.message, type);
    if (shape !== "inline" && zero !== undefined) absent.push({ name: field.name, zero });
  };
  for (const field of fieldsOf(type)) {
    if (selection === undefined) add(field, undefined);
    else if (field.name === "") {
      const wanted = membersOf((field.value as { type: string }).type).filter((name) => unknown.delete(name));
      if (wanted.length > 0) add(field, new Map(wanted.map((name) => [name, selection.get(name)])));
    } else if (unknown.delete(field.name)) add(field, selection.get(field.name));
  }
  if (unknown.size > 0) throw new TypeError(`${type} has no ${[...unknown].join(", ")}`);
  const wanted = fields.filter((field) => field !== undefined);
  return { fields, absent, endsWithFirst: wanted.length === 1 && wanted[0]?.shape === "one" };
}

/** The names of a type's members in JSON, those of inlined messages included. */
function membersOf(type: string): string[] {
  return fieldsOf(type).flatMap(({ name, value }) =>
    name === "" ? membersOf((value as { type: string }).type) : [name],
  );
}

const noPlan: Plan = { fields: [], absent: [], endsWithFirst: false };

export function valuePlan(value: ValueType, selection: Selection): ValuePlan {
  const { kind } = value;
  const of = kind === "items" ? valuePlan(value.of, undefined) : undefined;
  if (kind !== "message") return { kind, message: noPlan, of };
  return { kind, message: selection === undefined ? wholePlan(value.type) : compile(value.type, selection), of };
}

export function wireTypeOf({ value, repeat }: Field): number {
  return repeat !== "map" && (value.kind === "int" || value.kind === "bool") ? VARINT : BYTES;
}

const plainKinds: ReadonlySet<string> = new Set(["string", "bool", "int", "bytes"]);

export function omitsZero({ value, repeat, presence }: Field): boolean {
  return presence === "not-zero-time" || (presence === "non-zero" && repeat === "one" && plainKinds.has(value.kind));
}

/** What JSON shows of a field that was not sent; undefined when it shows nothing. */
function zeroOf(field: Field, message: Plan, type: string): (() => unknown) | undefined {
  if (field.presence === "set" || omitsZero(field)) return undefined;
  if (field.presence === "set-or-null") return () => null;
  if (field.repeat !== "one") {
    if (field.presence === "non-zero") return undefined;
    // Go writes an empty list as null, but the items of a list of objects are never null on a server.
    return field.name === "items" && type.endsWith("List") ? () => [] : () => null;
  }
  switch (field.value.kind) {
    case "message":
      return () => withAbsent({}, message);
    case "string":
      return () => "";
    case "bool":
      return () => false;
    case "int":
    case "IntOrString":
      return () => 0;
    case "Quantity":
      return () => "0";
    default:
      return () => null;
  }
}

/** What JSON shows on a path to a plain value, or into a map, of a message of which nothing was sent; undefined: nothing. */
export function absentOf(type: string, [first, ...below]: readonly string[]): unknown {
  const field = fieldsOf(type).find(({ name }) => name === first && name !== "");
  if (field === undefined) {
    for (const { name, value } of fieldsOf(type)) {
      if (name !== "" || value.kind !== "message" || !membersOf(value.type).includes(first ?? "")) continue;
      return absentOf(value.type, [first ?? "", ...below]);
    }
    return undefined;
  }
  const zero = zeroOf(field, noPlan, type);
  if (below.length === 0) return zero?.();
  const isShown = zero !== undefined && field.presence !== "set-or-null" && field.repeat === "one";
  return isShown && field.value.kind === "message" ? absentOf(field.value.type, below) : undefined;
}

function withAbsent(object: JsonObject, plan: Plan): JsonObject {
  for (const { name, zero } of plan.absent) if (object[name] === undefined) object[name] = zero();
  return object;
}

function readMessage(reader: WireReader, plan: Plan): JsonObject {
  const object: JsonObject = {};
  readFields(reader, plan, object);
  return plan.absent.length === 0 ? object : withAbsent(object, plan);
}

function readFields(reader: WireReader, plan: Plan, object: JsonObject): void {
  const { fields } = plan;
  for (let tag = reader.nextOf(fields); tag !== 0; tag = reader.nextOf(fields)) {
    const field = fields[tag >>> 3] as FieldPlan;
    if ((tag & 7) === field.wireType) readField(reader, field, object);
    else if ((tag & 7) === BYTES && field.shape === "list") readPacked(reader, field, object);
    else throw protobufMalformed("a field has the wrong wire type");
    if (plan.endsWithFirst) reader.at = reader.end;
  }
}

function readField(reader: WireReader, field: FieldPlan, object: JsonObject): void {
  switch (field.shape) {
    case "one": {
      const value = readValue(reader, field.value);
      if (field.omitsZero && (value === "" || value === 0 || value === false || value === null)) return;
      object[field.name] = value;
      return;
    }
    case "list":
      listOf(object, field.name).push(readValue(reader, field.value));
      return;
    case "map":
      readEntry(reader, field, object);
      return;
    case "json": {
      const known = object[field.name] as JsonMembers | undefined;
      if (known === undefined) object[field.name] = reader.jsonMembers();
      else reader.addJsonMember(known);
      return;
    }
    case "inline": {
      const outer = reader.enter();
      readFields(reader, field.value.message, object);
      reader.leave(outer);
    }
  }
}

function listOf(object: JsonObject, name: string): unknown[] {
  const known = object[name];
  if (known !== undefined) return known as unknown[];
  const list: unknown[] = [];
  object[name] = list;
  return list;
}

/** Numbers of a list may come in one piece. */
function readPacked(reader: WireReader, field: FieldPlan, object: JsonObject): void {
  const list = listOf(object, field.name);
  const outer = reader.enter();
  while (reader.at < reader.end) list.push(readValue(reader, field.value));
  reader.leave(outer);
}

/** One entry of a map: its key is field 1, its value field 2. */
function readEntry(reader: WireReader, field: FieldPlan, object: JsonObject): void {
  let map = object[field.name] as JsonObject | undefined;
  if (map === undefined) {
    map = {};
    object[field.name] = map;
  }
  let key = "";
  let value: unknown;
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === ((1 << 3) | BYTES)) key = reader.text();
    else if (tag === ((2 << 3) | BYTES)) value = readValue(reader, field.value);
    else reader.skip(tag);
  }
  reader.leave(outer);
  value ??= zeroEntry(field.value);
  // Keys are data: this one would set the prototype.
  if (key === "__proto__") {
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  } else map[key] = value;
}

/** What a map shows for an entry without a value. */
export function zeroEntry({ kind, message }: ValuePlan): unknown {
  switch (kind) {
    case "message":
      return withAbsent({}, message);
    case "Quantity":
      return "0";
    case "string":
    case "bytes":
      return "";
    default:
      return null;
  }
}

export function readValue(reader: WireReader, value: ValuePlan): unknown {
  switch (value.kind) {
    case "string":
      return reader.text();
    case "int":
      return reader.isExact ? reader.exactInt64() : reader.int64();
    case "bool":
      return reader.int64() !== 0;
    case "bytes":
      return reader.bytes().toString("base64");
  }
  const outer = reader.enter();
  const read = readInside(reader, value);
  reader.leave(outer);
  return read;
}

/** Reads what is inside a length. */
function readInside(reader: WireReader, value: ValuePlan): unknown {
  switch (value.kind) {
    case "message":
      return readMessage(reader, value.message);
    case "Quantity":
      return readQuantity(reader);
    case "Time":
      return readTime(reader);
    case "MicroTime":
      return readMicroTime(reader);
    case "IntOrString":
      return readIntOrString(reader);
    case "RawExtension":
    case "FieldsV1":
      return readRawJson(reader);
    default:
      return readItems(reader, value.of as ValuePlan);
  }
}

function readItems(reader: WireReader, of: ValuePlan): unknown[] {
  const items: unknown[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === ((1 << 3) | BYTES)) items.push(readValue(reader, of));
    else reader.skip(tag);
  }
  return items;
}
