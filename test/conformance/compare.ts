// Compares a value of the original with ours, member by member. Ours may have more members; what differs is listed, each with the path
// to it. What differs from run to run is not compared: times, durations, ids, and the order of what has none.

export interface Mismatch {
  /** `cluster:plain:node:w1/current/roles/0`: key, then members. */
  readonly path: string;
  readonly original: unknown;
  readonly ours: unknown;
}

/** Where ours has nothing. */
export const absent = Symbol("absent");

const volatileName =
  /^(timestamp|uid|resourceVersion|duration(Ms)?|responseTime|response_time|last.*|.*[a-z]At|.*_at)$/;
const withoutOrder = new Set(["roles", "nodes"]);
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const durations = /\b\d+(\.\d+)?(ns|µs|ms|s|m)\b/g;

type Members = Readonly<Record<string, unknown>>;
const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Everything in which ours lacks or contradicts the original. `isUnordered` names lists whose order says nothing. */
export function mismatches(
  original: unknown,
  ours: unknown,
  path: string,
  isUnordered: (path: string) => boolean = () => false,
): Mismatch[] {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (isMembers(original) && isMembers(ours)) {
    return Object.entries(original).flatMap(([member, value]) => {
      const below = `${path}/${member}`;
      if (!Object.hasOwn(ours, member)) return [{ path: below, original: value, ours: absent }];
      return volatileName.test(member) ? [] : mismatches(value, ours[member], below, isUnordered);
    });
  }
  if (Array.isArray(original) && Array.isArray(ours) && original.length === ours.length) {
    const [theirs, own] =
      withoutOrder.has(name) || isUnordered(path) ? [ordered(original), ordered(ours)] : [original, ours];
    return theirs.flatMap((item, i) => mismatches(item, own[i], `${path}/${i}`, isUnordered));
  }
  return isSame(original, ours) ? [] : [{ path, original, ours }];
}

const sortText = (item: unknown): string =>
  isMembers(item) && typeof item["name"] === "string" ? item["name"] : JSON.stringify(item);
const ordered = (items: readonly unknown[]): unknown[] =>
  items.toSorted((a, b) => (sortText(a) < sortText(b) ? -1 : 1));

function isSame(original: unknown, ours: unknown): boolean {
  if (typeof original === "string" && typeof ours === "string") {
    if (time.test(original) && time.test(ours)) return true;
    return original.replace(durations, "…") === ours.replace(durations, "…");
  }
  return JSON.stringify(original) === JSON.stringify(ours);
}
