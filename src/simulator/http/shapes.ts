// Answers that are JSON and yet not what an API server of this version says: for clients that must tolerate them, or notice. Pure.

/** The first four are about discovery and versions, the others about objects, single, in lists and in watches. */
export const shapes = [
  "missingGroup",
  "partialDiscovery",
  "oddVersion",
  "duplicateItem",
  "missingField",
  "nullField",
  "unknownPhase",
  "futureTime",
  "oddNames",
  "huge",
  "versionBack",
  "versionText",
  "versionSame",
] as const;
export type Shape = (typeof shapes)[number];

export const isShape = (variant: string): variant is Shape => (shapes as readonly string[]).includes(variant);

type Json = Record<string, unknown>;

export interface ShapeOptions {
  readonly variant: string;
  readonly field: string;
  readonly group: string;
  readonly sizeMib: number;
  readonly nowMs: number;
}

const tenYearsMs = 10 * 365 * 86_400_000;
const lostVersions = 1_000;

/** The answer to a request for `path`, misshapen in place; one that the shape is not about as it is. */
export function misshapen(options: ShapeOptions, path: string, answer: Json): Json {
  switch (options.variant as Shape) {
    case "missingGroup":
      return withoutGroup(answer, options.group);
    case "partialDiscovery":
      return staleDiscovery(answer);
    case "oddVersion":
      return path === "/version" ? { ...answer, minor: "29+", gitVersion: "v1.29.6-odd.1+abc123" } : answer;
    case "duplicateItem": {
      const items = itemsOf(answer);
      return items?.[0] === undefined ? answer : { ...answer, items: [items[0], ...items] };
    }
    case "missingField":
      return eachObject(answer, (object) => setField(object, options.field, undefined));
    case "nullField":
      return eachObject(answer, (object) => setField(object, options.field, null));
    case "unknownPhase":
      return eachObject(answer, (object) => replaceField(object, "status.phase", () => "Quantum"));
    case "futureTime": {
      const later = new Date(options.nowMs + tenYearsMs).toISOString().replace(/\.\d+/, "");
      return eachObject(answer, (object) => replaceField(object, "metadata.creationTimestamp", () => later));
    }
    case "oddNames":
      return eachObject(answer, (object) =>
        replaceField(object, "metadata.name", (name) => `${String(name)}-\u202e\u{1f980}\u0000${"n".repeat(1_000)}`),
      );
    case "huge": {
      const padding = "x".repeat(options.sizeMib * 1_048_576);
      const target = itemsOf(answer)?.[0] ?? (answer["object"] as Json | undefined) ?? answer;
      setField(target as Json, "metadata.annotations.padding", padding, true);
      return answer;
    }
    case "versionBack":
      return eachVersion(answer, (version) => String(Math.max(1, Number(version) - lostVersions)));
    case "versionText":
      return eachVersion(answer, (version) => `v${version}-a`);
    case "versionSame":
      return eachVersion(answer, () => "1");
  }
}

const itemsOf = (answer: Json): Json[] | undefined =>
  Array.isArray(answer["items"]) ? (answer["items"] as Json[]) : undefined;

/** The objects of a list, of a watch's event, or the one that the answer is. */
function eachObject(answer: Json, change: (object: Json) => void): Json {
  const objects = itemsOf(answer) ?? [(answer["object"] as Json | undefined) ?? answer];
  for (const object of objects) change(object);
  return answer;
}

function eachVersion(answer: Json, change: (version: string) => string): Json {
  eachObject(answer, (object) =>
    replaceField(object, "metadata.resourceVersion", (version) => change(String(version))),
  );
  if (itemsOf(answer) !== undefined)
    replaceField(answer, "metadata.resourceVersion", (version) => change(String(version)));
  return answer;
}

/** Where a path with dots leads in an object: its last member's owner and name. */
function ownerOf(object: Json, field: string, makes: boolean): [owner: Json, name: string] | undefined {
  const parts = field.split(".");
  const name = parts.pop() as string;
  let owner: Json = object;
  for (const part of parts) {
    if (makes && (owner[part] === undefined || owner[part] === null)) owner[part] = {};
    const next = Object.hasOwn(owner, part) ? owner[part] : undefined;
    if (typeof next !== "object" || next === null || Array.isArray(next)) return undefined;
    owner = next as Json;
  }
  return [owner, name];
}

function setField(object: Json, field: string, value: unknown, makes = false): void {
  const [owner, name] = ownerOf(object, field, makes) ?? [];
  if (owner === undefined || name === undefined || (!makes && !Object.hasOwn(owner, name))) return;
  if (value === undefined) delete owner[name];
  else owner[name] = value;
}

function replaceField(object: Json, field: string, change: (value: unknown) => unknown): void {
  const [owner, name] = ownerOf(object, field, false) ?? [];
  if (owner !== undefined && name !== undefined && Object.hasOwn(owner, name)) owner[name] = change(owner[name]);
}

function withoutGroup(answer: Json, group: string): Json {
  const items = itemsOf(answer);
  if (answer["kind"] === "APIGroupDiscoveryList" && items !== undefined) {
    return { ...answer, items: items.filter(({ metadata }) => (metadata as Json)["name"] !== group) };
  }
  if (answer["kind"] !== "APIGroupList") return answer;
  return { ...answer, groups: (answer["groups"] as Json[]).filter(({ name }) => name !== group) };
}

/** As of an aggregated API server that is away: its group is told of, without resources. */
function staleDiscovery(answer: Json): Json {
  const items = itemsOf(answer);
  if (answer["kind"] !== "APIGroupDiscoveryList" || items === undefined) return answer;
  const stale = (version: Json): Json => ({ version: version["version"], freshness: "Stale" });
  return { ...answer, items: items.map((item) => ({ ...item, versions: (item["versions"] as Json[]).map(stale) })) };
}
