// Which of two lanes a MetricSource is read in. Built-in kinds are asked for as Kubernetes protobuf: its paths are compiled onto the table of
// field numbers, so that what none of them leads to is passed over without a look. Guarantees that an item read that way shows, on every
// compiled path, exactly what its JSON shows; off these paths it may show nothing. Whatever cannot promise that takes the JSON lane, and the
// answer says which path asked for it and why. A server is free to answer JSON all the same: the reader goes by what came.
import { asText, bodyMalformed } from "../kube/list-page.ts";
import { compileExactDecoder, type Decoder } from "../kube/protobuf/decode.ts";
import { openEnvelope } from "../kube/protobuf/envelope.ts";
import { type Field, fieldsOf, typeOfKind } from "../kube/protobuf/schema.ts";
import { compileSlots, type SlotReader } from "../kube/protobuf/slots.ts";
import type { CompiledSource } from "./compiled.ts";
import { managedFields } from "./composite.ts";
import type { CompiledField } from "./fields.ts";
import { pageEnd, readItems } from "./json-reader.ts";
import type { PathStep } from "./path.ts";
import type { Resolve } from "./resolve.ts";
import type { RowReader } from "./row-reader.ts";
import type { ValueType } from "./value.ts";

/** The lane and, for JSON, one sentence that says why: for status and `metricsource check`. */
export type Lane =
  | { readonly lane: "protobuf"; readonly list: ProtobufList }
  | { readonly lane: "json"; readonly why: string };

export interface ProtobufList {
  /** Of the list, such as PodList. */
  readonly kind: string;
  readonly decode: Decoder;
  /** Gives the fields' values, then the {@link heads}, then the labels; undefined where some path needs whole objects. */
  readonly slots: SlotReader | undefined;
}

/** What every row holds whatever its fields are, and what pages say of their list. */
const always = ["metadata.continue", "metadata.remainingItemCount"];
const alwaysOfItems = ["metadata.name", "metadata.namespace"];
/** In the slots after those of the fields. */
const heads = [
  ["metadata", "name"],
  ["metadata", "namespace"],
];
const labels = "metadata.labels";

/** Decides the lane of a source. Throws nothing. */
export function laneOf({ definition, fields }: Pick<CompiledSource, "definition" | "fields">): Lane {
  const { apiVersion, kind } = definition.source;
  const type = typeOfKind(apiVersion, kind);
  const list = typeOfKind(apiVersion, `${kind}List`);
  if (type === undefined || list === undefined) {
    const why = `${apiVersion} ${kind} has no protobuf form that is known here: custom resources have none`;
    return { lane: "json", why };
  }
  const wanted = new Set(alwaysOfItems);
  for (let at = 0; at < fields.length; at++) {
    const found = follow(type, fields[at] as CompiledField);
    if ("why" in found) return { lane: "json", why: `${definition.fields[at]?.path}: ${found.why}` };
    if (found.members !== undefined) wanted.add(found.members);
  }
  const paths = [...always, ...[...wanted].map((members) => `items.${members}`)];
  // Labels that no field reads go from the wire into the row.
  const asJson = wanted.has(labels) ? [] : [`items.${labels}`];
  const slots = slotsOf(list, type, fields);
  const decode = slots === undefined ? compileExactDecoder(list, paths, asJson) : compileExactDecoder(list, always);
  return { lane: "protobuf", list: { kind: `${kind}List`, decode, slots } };
}

/** Reads from the wire into slots where every path leads through single messages to a plain value or to an entry of a map. */
function slotsOf(list: string, type: string, fields: readonly CompiledField[]): SlotReader | undefined {
  const paths: string[][] = [];
  for (const { steps } of fields) {
    const keys = steps.flatMap((step) => (step.kind === "key" ? [step.key] : []));
    if (keys.length !== steps.length || keys.includes(managedFields)) return undefined;
    paths.push(keys);
  }
  return compileSlots(list, type, [...paths, ...heads], labels.split("."));
}

/** Reads lists that came as protobuf. One resolver for each field, in the fields' order; slots need none. */
export function createProtobufReader({ kind, decode, slots }: ProtobufList, resolvers: readonly Resolve[]): RowReader {
  const found: unknown[] = [];
  const first = resolvers.length;
  return {
    read(page, sink) {
      const envelope = openEnvelope(page);
      if (envelope.kind !== kind) throw bodyMalformed(`a ${kind}`);
      const list = decode(envelope.raw);
      if (slots !== undefined) {
        slots(envelope.raw, found, () => {
          const name = asText(found[first]);
          if (name === "") {
            sink.skip();
            return true;
          }
          const namespace = asText(found[first + 1]);
          return !sink.wants(namespace) || sink.take(namespace, name, found[first + 2], found);
        });
        return pageEnd(list);
      }
      const items = list["items"];
      readItems(Array.isArray(items) ? items : [], "", resolvers, sink);
      return pageEnd(list);
    },
  };
}

/** The decoder's path, undefined where JSON never shows a value; or why only JSON can tell. */
type Found = { readonly members: string | undefined } | { readonly why: string };

/** Walks along the table as the JSON lane walks along an object. */
function follow(root: string, { steps, type: asType }: Pick<CompiledField, "steps" | "type">): Found {
  const members: string[] = [];
  // A path that leads nowhere still shows how many elements it led through.
  let nothing: Found = { members: undefined };
  let type = root;
  for (let at = 0; at < steps.length; ) {
    const step = steps[at] as PathStep;
    // Messages are objects: there is no index into them.
    if (step.kind !== "key") return nothing;
    // The JSON lane cuts it out before it parses.
    if (step.key === "managedFields" && type === "meta/v1.ObjectMeta") return nothing;
    const field = fieldNamed(type, step.key);
    if (field === undefined) return { why: `the protobuf form of ${type} has no ${step.key}` };
    if (field.value.kind === "RawExtension" || field.value.kind === "FieldsV1") {
      return { why: `${step.key} holds JSON of any shape` };
    }
    members.push(step.key);
    at++;
    if (field.repeat === "map" || field.value.kind !== "message") return { members: members.join(".") };
    if (field.repeat === "list") {
      const element = steps[at];
      if (element === undefined) return listItself(members, field.value.type, asType);
      if (element.kind === "key" || element.kind === "nowhere") return nothing;
      if (element.kind === "wildcard") nothing = { members: lengthOf(members, field.value.type) };
      at++;
    }
    type = field.value.type;
  }
  // The length of a message is the number of its members, its text shows all of them: newer servers have more.
  return { why: "leads to a whole object, which only JSON shows in full" };
}

/** A list of objects, asked for itself. */
function listItself(members: readonly string[], element: string, asType: ValueType): Found {
  if (asType === "arrayLength") return { members: lengthOf(members, element) };
  return { why: "leads to a list of whole objects, which only JSON shows in full" };
}

/** What is read of a list of objects for its length: one small member of each stands for it. */
function lengthOf(members: readonly string[], element: string): string {
  return [...members, ...smallMember(element)].join(".");
}

function smallMember(type: string): string[] {
  const named = fieldsOf(type).filter(({ name, repeat }) => name !== "" && repeat === "one");
  const small = named.find(({ value }) => smallKinds.has(value.kind));
  if (small !== undefined) return [small.name];
  for (const { name, value } of named) if (value.kind === "message") return [name, ...smallMember(value.type)];
  return [];
}

const smallKinds: ReadonlySet<string> = new Set(["string", "int", "bool"]);

/** Also fields of messages whose members JSON shows in their parent. */
function fieldNamed(type: string, name: string): Field | undefined {
  for (const field of fieldsOf(type)) {
    if (field.name === name && name !== "") return field;
    if (field.name !== "") continue;
    const inlined = fieldNamed((field.value as { type: string }).type, name);
    if (inlined !== undefined) return inlined;
  }
  return undefined;
}
