// Pods straight from protobuf to what the fold counts, without the objects in between: they are the largest list that every poll reads. Promises what
// the decoder promises (src/kube/protobuf/decode.ts): the values that JSON would show. Errors are BODY_MALFORMED.
import { readQuantity } from "../kube/protobuf/scalars.ts";
import { fieldsOf } from "../kube/protobuf/schema.ts";
import { BYTES, protobufMalformed, WireReader } from "../kube/protobuf/wire.ts";
import { isName } from "./body.ts";

/** One pod; the same object for every pod of a list. */
export interface PodOnWire {
  /** Whether its name can be one. Nobody wants the name itself, and no two are the same. */
  hasName: boolean;
  /** "" when it is not scheduled. */
  node: string;
  phase: string;
  /** By container that requests something: its requests as texts, "" for none. */
  readonly requests: { cpu: string; memory: string }[];
  /** How many of `requests` are this pod's. */
  containers: number;
}

/** By field number: whether it is wanted. */
type Wanted = readonly (true | undefined)[];

function numberOf(type: string, name: string): number {
  const field = fieldsOf(type).find((each) => each.name === name);
  if (field === undefined) throw new TypeError(`${type} has no ${name}`);
  return field.number;
}

function wanted(...numbers: readonly number[]): Wanted {
  return Array.from({ length: Math.max(...numbers) + 1 }, (_, number) => numbers.includes(number) || undefined);
}

const items = numberOf("core/v1.PodList", "items");
const metadata = numberOf("core/v1.Pod", "metadata");
const spec = numberOf("core/v1.Pod", "spec");
const status = numberOf("core/v1.Pod", "status");
const nodeName = numberOf("core/v1.PodSpec", "nodeName");
const containers = numberOf("core/v1.PodSpec", "containers");
const inList = wanted(items);
const inPod = wanted(metadata, spec, status);
const inMetadata = wanted(numberOf("meta/v1.ObjectMeta", "name"));
const inSpec = wanted(nodeName, containers);
const inStatus = wanted(numberOf("core/v1.PodStatus", "phase"));
const inContainer = wanted(numberOf("core/v1.Container", "resources"));
const inResources = wanted(numberOf("core/v1.ResourceRequirements", "requests"));
const KEY = (1 << 3) | BYTES;
const VALUE = (2 << 3) | BYTES;

/** Calls `each` for every pod of the list that the bytes hold. */
export function readPods(list: Uint8Array, each: (pod: PodOnWire) => void): void {
  const reader = new WireReader(list);
  const pod: PodOnWire = { hasName: false, node: "", phase: "", requests: [], containers: 0 };
  while (next(reader, inList) !== 0) {
    const outer = reader.enter();
    pod.hasName = false;
    pod.node = "";
    pod.phase = "";
    pod.containers = 0;
    for (let field = next(reader, inPod); field !== 0; field = next(reader, inPod)) {
      if (field === metadata) pod.hasName = readsName(reader);
      else if (field === status) pod.phase = firstText(reader, inStatus);
      else readSpec(reader, pod);
    }
    reader.leave(outer);
    each(pod);
  }
}

/** The number of the next wanted field, all of which come with a length; 0 at the message's end. */
function next(reader: WireReader, fields: Wanted): number {
  const tag = reader.nextOf(fields);
  if (tag !== 0 && (tag & 7) !== BYTES) throw protobufMalformed("a field has the wrong wire type");
  return tag >>> 3;
}

/** What names of pods consist of; whether another text is a name, `isName` says. */
const inNames = Uint8Array.from({ length: 256 }, (_, byte) => (/[a-z0-9.-]/.test(String.fromCharCode(byte)) ? 1 : 0));
const MAX_NAME = 253;

function readsName(reader: WireReader): boolean {
  const outer = reader.enter();
  const found = next(reader, inMetadata) !== 0 && (reader.passText(inNames, MAX_NAME) || isName(reader.text()));
  reader.leave(outer);
  return found;
}

/** The one text that is wanted of a message. */
function firstText(reader: WireReader, fields: Wanted): string {
  const outer = reader.enter();
  const text = next(reader, fields) === 0 ? "" : reader.text();
  reader.leave(outer);
  return text;
}

function readSpec(reader: WireReader, pod: PodOnWire): void {
  const outer = reader.enter();
  pod.node = "";
  pod.containers = 0;
  for (let field = next(reader, inSpec); field !== 0; field = next(reader, inSpec)) {
    if (field === nodeName) pod.node = reader.text();
    else readContainer(reader, pod);
  }
  reader.leave(outer);
}

function readContainer(reader: WireReader, pod: PodOnWire): void {
  const outer = reader.enter();
  if (next(reader, inContainer) !== 0) readResources(reader, pod);
  reader.leave(outer);
}

function readResources(reader: WireReader, pod: PodOnWire): void {
  const outer = reader.enter();
  let cpu = "";
  let memory = "";
  while (next(reader, inResources) !== 0) {
    const outside = reader.enter();
    let key = "";
    let value = "0";
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      if (tag === KEY) key = reader.text();
      else if (tag === VALUE) {
        const outsideValue = reader.enter();
        value = readQuantity(reader);
        reader.leave(outsideValue);
      } else reader.skip(tag);
    }
    reader.leave(outside);
    if (key === "cpu") cpu = value;
    else if (key === "memory") memory = value;
  }
  reader.leave(outer);
  if (cpu === "" && memory === "") return;
  const requests = pod.requests[pod.containers];
  if (requests === undefined) pod.requests.push({ cpu, memory });
  else {
    requests.cpu = cpu;
    requests.memory = memory;
  }
  pod.containers++;
}
