// Sets of field paths, as managedFields holds them. A path is a text of elements: `f:name` a member, `k:{...}` an element of a list by
// its keys, `v:...` an element by its value. The form on the wire is FieldsV1: nested objects, "." for a path that has members too.

/** Paths, each the elements from the root on; see `childPath`. */
export type FieldSet = ReadonlySet<string>;

/** The JSON of a set. */
export interface FieldsV1 {
  readonly [element: string]: FieldsV1;
}

const separator = "\u0000";

/** The path one element below `parent`; "" is the root. */
export const childPath = (parent: string, element: string): string =>
  parent === "" ? element : `${parent}${separator}${element}`;

export const memberElement = (name: string): string => `f:${name}`;
export const keyElement = (keys: Readonly<Record<string, unknown>>): string => `k:${JSON.stringify(keys)}`;
export const valueElement = (value: unknown): string => `v:${JSON.stringify(value)}`;

export function toFieldsV1(set: FieldSet): FieldsV1 {
  type Node = Record<string, Record<string, never>>;
  const root: Node = {};
  // In this order a path comes before everything below it.
  for (const path of [...set].sort()) {
    let node = root;
    let at = "";
    for (const element of path.split(separator)) {
      if (set.has(at) && Object.keys(node).length === 0) node["."] = {};
      at = childPath(at, element);
      node[element] ??= {};
      node = node[element];
    }
  }
  return root;
}

export const union = (...sets: readonly FieldSet[]): FieldSet => new Set(sets.flatMap((set) => [...set]));
export const intersection = (set: FieldSet, other: FieldSet): FieldSet =>
  new Set([...set].filter((path) => other.has(path)));
/** The set itself when nothing of it is in the others. */
export function difference(set: FieldSet, ...others: readonly FieldSet[]): FieldSet {
  const left = [...set].filter((path) => !others.some((other) => other.has(path)));
  return left.length === set.size ? set : new Set(left);
}

const decoded = new WeakMap<object, FieldSet>();

/** Reads the JSON of a set. Throws TypeError for what is none. */
export function fromFieldsV1(fields: unknown): FieldSet {
  if (typeof fields !== "object" || fields === null) throw new TypeError("fieldsV1 must be an object");
  let set = decoded.get(fields);
  if (set === undefined) {
    const paths = new Set<string>();
    collect(fields as FieldsV1, "", paths);
    set = paths;
    decoded.set(fields, set);
  }
  return set;
}

function collect(fields: FieldsV1, path: string, paths: Set<string>): void {
  for (const [element, below] of Object.entries(fields)) {
    if (typeof below !== "object" || below === null) throw new TypeError("fieldsV1 must hold objects");
    const at = element === "." ? path : childPath(path, element);
    if (Object.keys(below).length === 0) paths.add(at);
    else collect(below, at, paths);
  }
}

/** The set with every member that is on the way to one of its paths. */
export function withNamedParents(set: FieldSet): FieldSet {
  const all = new Set(set);
  for (const path of set) {
    for (let end = path.lastIndexOf(separator); end > 0; end = path.lastIndexOf(separator, end - 1)) {
      const isMember = path.startsWith("f:", path.lastIndexOf(separator, end - 1) + 1);
      if (isMember) all.add(path.slice(0, end));
    }
  }
  return all;
}

/** The paths as Kubernetes lists them: at every level first those that end there. */
export function inOrder(set: FieldSet): string[] {
  const steps = [...set].map((path) => path.split(separator));
  return steps.sort(compareSteps).map((path) => path.join(separator));
}

function compareSteps(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((step, index) => step !== b[index]);
  if (at < 0) return a.length - b.length;
  if (b.length <= at) return 1;
  const [endsA, endsB] = [a.length === at + 1, b.length === at + 1];
  if (endsA !== endsB) return endsA ? -1 : 1;
  return (a[at] as string) < (b[at] as string) ? -1 : 1;
}

/** A path as people read it: `.spec.ports[port=80,protocol="TCP"].name`. */
export function pathText(path: string): string {
  return path.split(separator).map(elementText).join("");
}

function elementText(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith("f:")) return `.${rest}`;
  if (element.startsWith("v:")) return `[=${rest}]`;
  const keys = Object.entries(JSON.parse(rest) as Record<string, unknown>);
  return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}]`;
}
