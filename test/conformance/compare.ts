// Compares a value of the original with ours, member by member. Ours may have more members; what differs is listed, each with the path
// to it. What differs from run to run is not compared: times, durations, ids, and the order of what has none. Items of lists that have
// an identity are compared with their like, wherever it stands; there, what ours has more is listed too.

export interface Mismatch {
  /** `cluster:plain:node:w1/current/roles/0`: key, then members; in lists whose items have an identity, that instead of a number. */
  readonly path: string;
  readonly original: unknown;
  readonly ours: unknown;
}

/** Where one of the two has nothing. */
export const absent = Symbol("absent");

const volatileName =
  /^(timestamp|uid|resourceVersion|duration(Ms)?|responseTime|response_time|last.*|.*[a-z]At|.*_at)$/;
const withoutOrder = new Set(["roles", "nodes"]);
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const durations = /\b\d+(\.\d+)?(ns|µs|ms|s|m)\b/g;
/** What MetricSources read in objects is no measurement: there even a time is to be the same. */
const extracted = /:custom:.*\/values\//;

type Members = Readonly<Record<string, unknown>>;
const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What an item of such a list is told by. */
const identities: readonly [RegExp, (item: unknown) => string][] = [
  [/^cluster:[^:]+:operators$/, (item) => namesOf(item, "installed_namespace", "name")],
  [/^cluster:[^:]+:custom:[^/]+\/[^/]+:resources\/resources$/, (item) => namesOf(item, "_id")],
  [/^metricsources\/[^/]+\/status\/conditions$/, (item) => namesOf(item, "type")],
  [/^(?:clusters|registries|metricsources):|^cluster:[^:]+:(?:nodes|namespaces:set)$/, String],
];
const namesOf = (item: unknown, ...members: readonly string[]): string =>
  members.map((member) => String((item as Members | null)?.[member])).join("/");

/** Everything in which ours lacks or contradicts the original. */
export function mismatches(original: unknown, ours: unknown, path: string): Mismatch[] {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (isMembers(original) && isMembers(ours)) {
    return Object.entries(original).flatMap(([member, value]) => {
      const below = `${path}/${member}`;
      if (!Object.hasOwn(ours, member)) return [{ path: below, original: value, ours: absent }];
      const isVolatile = volatileName.test(member) && !extracted.test(below);
      return isVolatile ? [] : mismatches(value, ours[member], below);
    });
  }
  if (Array.isArray(original) && Array.isArray(ours)) {
    const [, identity] = identities.find(([pattern]) => pattern.test(path)) ?? [];
    if (identity !== undefined) return itemMismatches(original, ours, path, identity);
    if (original.length === ours.length) {
      const [theirs, own] = withoutOrder.has(name) ? [ordered(original), ordered(ours)] : [original, ours];
      return theirs.flatMap((item, i) => mismatches(item, own[i], `${path}/${i}`));
    }
  }
  return isSame(original, ours, path) ? [] : [{ path, original, ours }];
}

function itemMismatches(
  original: readonly unknown[],
  ours: readonly unknown[],
  path: string,
  identity: (item: unknown) => string,
): Mismatch[] {
  const own = new Map(ours.map((item) => [identity(item), item]));
  const seen = new Set<string>();
  const found = original.flatMap((item): Mismatch[] => {
    const id = identity(item);
    const below = `${path}/${id}`;
    if (!own.has(id)) return [{ path: below, original: item, ours: absent }];
    const again = seen.has(id) ? [{ path: `${below}/again`, original: item, ours: absent }] : [];
    seen.add(id);
    return [...mismatches(item, own.get(id), below), ...again];
  });
  const more = [...own].filter(([id]) => !seen.has(id));
  return [...found, ...more.map(([id, item]) => ({ path: `${path}/${id}`, original: absent, ours: item }))];
}

const sortText = (item: unknown): string =>
  isMembers(item) && typeof item["name"] === "string" ? item["name"] : JSON.stringify(item);
const ordered = (items: readonly unknown[]): unknown[] =>
  items.toSorted((a, b) => (sortText(a) < sortText(b) ? -1 : 1));

function isSame(original: unknown, ours: unknown, path: string): boolean {
  if (typeof original === "string" && typeof ours === "string" && !extracted.test(path)) {
    if (time.test(original) && time.test(ours)) return true;
    // Terms of a selector are in an order of chance.
    if (path.endsWith("/labelSelector")) return termsOf(original) === termsOf(ours);
    return original.replace(durations, "…") === ours.replace(durations, "…");
  }
  return JSON.stringify(original) === JSON.stringify(ours);
}

const termsOf = (selector: string): string =>
  selector
    .split(/,(?![^(]*\))/)
    .sort()
    .join();
