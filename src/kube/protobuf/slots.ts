// Reads chosen values of each object of a list straight from the wire into slots, without making the objects that they are in. Promises what
// the decoder promises (decode.ts): in each slot stands what the object's JSON shows on that path, undefined for nothing. Takes paths through single
// messages to a plain value or to one entry of a map of such; whoever asks for more needs the decoder. Errors are BODY_MALFORMED.
import { absentOf, omitsZero, readValue, type ValuePlan, valuePlan, wireTypeOf, zeroEntry } from "./decode.ts";
import { type Field, fieldsOf } from "./schema.ts";
import { BYTES, type JsonMembers, protobufMalformed, WireReader } from "./wire.ts";

/** Where an object's values go. They are overwritten by the next object. */
export type Slots = unknown[];

/** Reads every object of the list that the bytes hold, and calls `each` after each; ends when that returns false. */
export type SlotReader = (list: Uint8Array, slots: Slots, each: () => boolean) => void;

interface MessagePlan {
  readonly fields: (SlotField | undefined)[];
  /** What the slots below show when nothing of them was sent. */
  readonly absent: { readonly slot: number; readonly value: unknown }[];
}

interface SlotField {
  readonly wireType: number;
  readonly value: ValuePlan;
  readonly omitsZero: boolean;
  /** Of a single value. */
  readonly slots: number[];
  /** Of a map, by key. */
  readonly entries: { readonly key: string; readonly slot: number }[];
  /** Of a map that is wanted whole, as JsonMembers; -1 for none. */
  jsonSlot: number;
  /** Of a message. */
  readonly message: MessagePlan | undefined;
  /** Its members are members of its parent. */
  readonly isInline: boolean;
}

/**
 * Compiles a reader.
 * @param type of the objects, such as `core/v1.Pod`
 * @param paths by slot
 * @param asJson the path to a map of texts, which goes as JsonMembers into the slot after those
 * @returns undefined where some path needs the decoder
 */
export function compileSlots(
  list: string,
  type: string,
  paths: readonly (readonly string[])[],
  asJson: readonly string[],
): SlotReader | undefined {
  const items = fieldsOf(list).find(({ name }) => name === "items");
  if (items === undefined) return undefined;
  const plan: MessagePlan = { fields: [], absent: [] };
  if (!paths.every((path, slot) => addPath(plan, type, path, slot, false))) return undefined;
  if (!addPath(plan, type, asJson, paths.length, true)) return undefined;
  const itemFields: (true | undefined)[] = Array.from({ length: items.number + 1 }, () => undefined);
  itemFields[items.number] = true;
  return (bytes, slots, each) => {
    const reader = new WireReader(bytes, true);
    for (let tag = reader.nextOf(itemFields); tag !== 0; tag = reader.nextOf(itemFields)) {
      if ((tag & 7) !== BYTES) throw protobufMalformed("a field has the wrong wire type");
      const outer = reader.enter();
      readMessage(reader, plan, slots);
      reader.leave(outer);
      if (!each()) return;
    }
  };
}

const wholeKinds: ReadonlySet<string> = new Set(["RawExtension", "FieldsV1", "items"]);

/** Adds what a path needs below a message; false where slots cannot give it. */
function addPath(plan: MessagePlan, type: string, path: readonly string[], slot: number, isJson: boolean): boolean {
  plan.absent.push({ slot, value: absentOf(type, path) });
  const [key = "", ...below] = path;
  const found = fieldOf(plan, type, key);
  // Nothing of that name: it is never there.
  if (found === undefined) return true;
  const { field, inner, plan: at } = found;
  if (inner !== undefined) return addPath(at, inner, path, slot, isJson);
  const { value, repeat } = field;
  if (wholeKinds.has(value.kind) || repeat === "list") return false;
  const planned = plannedField(at, field);
  if (repeat === "map") {
    if (value.kind === "message") return false;
    if (below.length === 0 && !(isJson && value.kind === "string")) return false;
    if (below.length === 0) planned.jsonSlot = slot;
    else if (below.length === 1) planned.entries.push({ key: below[0] as string, slot });
    return true;
  }
  if (value.kind === "message") {
    return (
      below.length > 0 && planned.message !== undefined && addPath(planned.message, value.type, below, slot, isJson)
    );
  }
  if (below.length === 0) planned.slots.push(slot);
  return true;
}

interface Found {
  readonly field: Field;
  readonly plan: MessagePlan;
  /** The type of an inlined message that has the member. */
  readonly inner?: string;
}

function fieldOf(plan: MessagePlan, type: string, name: string): Found | undefined {
  for (const field of fieldsOf(type)) {
    if (field.name === name && name !== "") return { field, plan };
    if (field.name !== "" || field.value.kind !== "message") continue;
    if (!hasMember(field.value.type, name)) continue;
    return { field, plan: plannedField(plan, field).message as MessagePlan, inner: field.value.type };
  }
  return undefined;
}

const hasMember = (type: string, name: string): boolean =>
  fieldsOf(type).some((field) =>
    field.name === "" && field.value.kind === "message" ? hasMember(field.value.type, name) : field.name === name,
  );

function plannedField(plan: MessagePlan, field: Field): SlotField {
  while (plan.fields.length <= field.number) plan.fields.push(undefined);
  const planned = plan.fields[field.number] ?? {
    wireType: wireTypeOf(field),
    value: valuePlan(field.value.kind === "message" ? { kind: "bytes" } : field.value, undefined),
    omitsZero: omitsZero(field),
    slots: [],
    entries: [],
    jsonSlot: -1,
    message: field.value.kind === "message" && field.repeat === "one" ? { fields: [], absent: [] } : undefined,
    isInline: field.name === "",
  };
  plan.fields[field.number] = planned;
  return planned;
}

function readMessage(reader: WireReader, plan: MessagePlan, slots: Slots): void {
  const { absent, fields } = plan;
  for (let i = 0; i < absent.length; i++) {
    const { slot, value } = absent[i] as MessagePlan["absent"][number];
    slots[slot] = value;
  }
  readFields(reader, fields, slots);
}

function readFields(reader: WireReader, fields: MessagePlan["fields"], slots: Slots): void {
  for (let tag = reader.nextOf(fields); tag !== 0; tag = reader.nextOf(fields)) {
    const field = fields[tag >>> 3] as SlotField;
    if ((tag & 7) !== field.wireType) throw protobufMalformed("a field has the wrong wire type");
    if (field.message !== undefined) {
      const outer = reader.enter();
      if (field.isInline) readFields(reader, field.message.fields, slots);
      else readMessage(reader, field.message, slots);
      reader.leave(outer);
    } else if (field.entries.length > 0 || field.jsonSlot >= 0) readEntry(reader, field, slots);
    else {
      const value = readValue(reader, field.value);
      if (field.omitsZero && (value === "" || value === 0 || value === false || value === null)) continue;
      for (let i = 0; i < field.slots.length; i++) slots[field.slots[i] as number] = value;
    }
  }
}

/** One entry of a map: its key is field 1, its value field 2. */
function readEntry(reader: WireReader, { entries, jsonSlot, value: plan }: SlotField, slots: Slots): void {
  const start = reader.at;
  if (jsonSlot >= 0) {
    const members = slots[jsonSlot] as JsonMembers | undefined;
    if (members === undefined) slots[jsonSlot] = reader.jsonMembers();
    else reader.addJsonMember(members);
    if (entries.length === 0) return;
    reader.at = start;
  }
  const outer = reader.enter();
  let key = "";
  let valueAt = -1;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === ((1 << 3) | BYTES)) key = reader.text();
    else {
      if (tag === ((2 << 3) | BYTES)) valueAt = reader.at;
      reader.skip(tag);
    }
  }
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as SlotField["entries"][number];
    if (entry.key !== key) continue;
    reader.at = valueAt;
    slots[entry.slot] = valueAt < 0 ? zeroEntry(plan) : (readValue(reader, plan) ?? zeroEntry(plan));
  }
  reader.leave(outer);
}
