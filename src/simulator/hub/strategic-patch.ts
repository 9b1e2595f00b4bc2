// Strategic merge patch of the built-in kinds: maps merge, lists whose elements have a key merge by it, other lists are replaced.
// Knows the directives $patch (delete, replace), $retainKeys, $setElementOrder and $deleteFromPrimitiveList. Pure: the target is not changed.
import { apiErrors } from "../http/status.ts";

type Json = Readonly<Record<string, unknown>>;

/** The key of the elements of lists of objects, by the lists' names. */
const mergeKeys: Readonly<Record<string, string>> = {
  addresses: "type",
  conditions: "type",
  containerStatuses: "name",
  containers: "name",
  env: "name",
  ephemeralContainers: "name",
  hostAliases: "ip",
  imagePullSecrets: "name",
  initContainers: "name",
  ownerReferences: "uid",
  secrets: "name",
  taints: "key",
  topologySpreadConstraints: "topologyKey",
  volumeDevices: "devicePath",
  volumeMounts: "mountPath",
  volumes: "name",
};

/** Lists of texts that are sets. */
const sets: ReadonlySet<string> = new Set(["finalizers", "podCIDRs"]);

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The merge key of a list of objects; undefined for one that is replaced. */
const keyOf = (name: string, elements: readonly unknown[]): string | undefined => {
  if (name !== "ports") return mergeKeys[name];
  return elements.some((element) => isObject(element) && "containerPort" in element) ? "containerPort" : "port";
};

/** What `target` becomes under `patch`. Throws ApiError 400 for a directive that is not understood. */
export function strategicPatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) throw apiErrors.badRequest("a strategic merge patch must be an object");
  return mergeObject(isObject(target) ? target : {}, patch);
}

function mergeObject(target: Json, patch: Json): Json {
  const directive = patch["$patch"];
  if (directive === "replace") return withoutDirectives(patch);
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge") {
    throw apiErrors.badRequest(`$patch: must be merge, replace or delete, not ${JSON.stringify(directive)}`);
  }
  const retained = patch["$retainKeys"];
  const kept = Object.entries(target).filter(([name]) => !Array.isArray(retained) || retained.includes(name));
  // A Map, not an object: a member called __proto__ stays an ordinary member.
  const result = new Map<string, unknown>(kept);
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith("$deleteFromPrimitiveList/")) {
      const list = name.slice("$deleteFromPrimitiveList/".length);
      const gone = Array.isArray(value) ? value : [];
      result.set(
        list,
        ((result.get(list) ?? []) as readonly unknown[]).filter((element) => !gone.includes(element)),
      );
    } else if (!name.startsWith("$")) mergeMember(result, name, value, patch[`$setElementOrder/${name}`]);
  }
  for (const [name, value] of Object.entries(patch)) {
    const list = name.startsWith("$setElementOrder/") ? name.slice("$setElementOrder/".length) : undefined;
    if (list !== undefined && Array.isArray(value)) sortMember(result, list, value);
  }
  return Object.fromEntries(result);
}

function mergeMember(result: Map<string, unknown>, name: string, value: unknown, order: unknown): void {
  const current = result.get(name);
  if (value === null) result.delete(name);
  else if (isObject(value)) result.set(name, mergeObject(isObject(current) ? current : {}, value));
  else if (Array.isArray(value)) {
    result.set(name, mergeList(name, Array.isArray(current) ? current : [], value, order !== undefined));
  } else result.set(name, value);
}

function mergeList(name: string, target: readonly unknown[], patch: readonly unknown[], isOrdered: boolean): unknown[] {
  if (patch.some((element) => isObject(element) && element["$patch"] === "replace")) {
    return patch.filter((element) => !(isObject(element) && element["$patch"] === "replace"));
  }
  if (sets.has(name)) return [...new Set([...target, ...patch])];
  const key = patch.every(isObject) ? keyOf(name, [...patch, ...target]) : undefined;
  if (key === undefined) return isOrdered && !patch.every(isObject) ? [...new Set([...target, ...patch])] : [...patch];
  const result = [...target];
  for (const element of patch as readonly Json[]) {
    const at = result.findIndex((known) => isObject(known) && known[key] === element[key]);
    if (element["$patch"] === "delete") {
      if (at >= 0) result.splice(at, 1);
    } else if (at < 0) result.push(mergeObject({}, element));
    else result[at] = mergeObject(result[at] as Json, element);
  }
  return result;
}

/** Elements that are named come in the order of the names, the others keep their places behind them. */
function sortMember(result: Map<string, unknown>, name: string, order: readonly unknown[]): void {
  const list = result.get(name);
  if (!Array.isArray(list)) return;
  const key = keyOf(name, list);
  const identity = (element: unknown): unknown => (isObject(element) && key !== undefined ? element[key] : element);
  const wanted = order.map(identity);
  const place = (element: unknown): number => {
    const at = wanted.indexOf(identity(element));
    return at < 0 ? wanted.length : at;
  };
  result.set(
    name,
    list.toSorted((a, b) => place(a) - place(b)),
  );
}

const withoutDirectives = (patch: Json): Json =>
  Object.fromEntries(Object.entries(patch).filter(([name]) => !name.startsWith("$")));
