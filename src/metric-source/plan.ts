// Which lists a cluster is asked for, given the sources that want rows of it. Pure. Sources that ask for the same objects (kind,
// selector, namespaces) share one list; each takes part when its own interval has passed, give or take half the shortest one.

/** What a source asks of every cluster, as far as planning needs it. */
export interface PlannedSource {
  /** `namespace/name`. */
  readonly key: string;
  /** Changes with every change of the definition. */
  readonly revision: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly scope: "Namespaced" | "Cluster";
  /** As in a query; absent for all. */
  readonly labelSelector?: string | undefined;
  readonly namespaces?:
    | { readonly include?: readonly string[] | undefined; readonly exclude?: readonly string[] | undefined }
    | undefined;
  readonly collection: {
    readonly intervalSeconds: number;
    readonly timeoutSeconds: number;
    readonly maxResources: number;
    readonly batchSize: number;
    readonly retryAttempts: number;
    readonly parallelism: number;
  };
}

/** One list that a cluster is asked for. */
export interface PlannedList<Source extends PlannedSource = PlannedSource> {
  /** Equal for sources that ask for the same objects. */
  readonly key: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** Query value; "" selects all. */
  readonly labelSelector: string;
  /** Read one by one, in this order; null: one list over all of them. */
  readonly namespaces: readonly string[] | null;
  /** The shortest interval of its sources. */
  readonly intervalMs: number;
  readonly sources: readonly Source[];
}

/** How one list is read for the sources that take part: the gentlest of what they ask, and the most patient. */
export interface ListTerms {
  readonly batchSize: number;
  readonly parallelism: number;
  readonly retryAttempts: number;
  readonly timeoutMs: number;
}

/** The lists for these sources, in order of their keys. */
export function listsOf<Source extends PlannedSource>(sources: Iterable<Source>): PlannedList<Source>[] {
  const byKey = Map.groupBy(sources, (source) => JSON.stringify(selectionOf(source)));
  return [...byKey]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, group]) => ({
      key,
      ...selectionOf(group[0] as Source),
      intervalMs: 1_000 * Math.min(...group.map(({ collection }) => collection.intervalSeconds)),
      sources: group.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    }));
}

function selectionOf(source: PlannedSource): Pick<PlannedList, "apiVersion" | "kind" | "labelSelector" | "namespaces"> {
  const { apiVersion, kind } = source;
  return { apiVersion, kind, labelSelector: source.labelSelector ?? "", namespaces: literalNamespaces(source) };
}

/** Namespaces that are named one by one are read one by one: with rights in these alone, that is the only way. */
function literalNamespaces({ scope, namespaces }: PlannedSource): readonly string[] | null {
  const { include = [], exclude = [] } = namespaces ?? {};
  if (scope === "Cluster" || include.length === 0 || exclude.length > 0) return null;
  return include.some((name) => /[*?]/.test(name)) ? null : [...new Set(include)].sort();
}

export function termsOf(sources: readonly PlannedSource[]): ListTerms {
  const of = (member: keyof PlannedSource["collection"]): number[] =>
    sources.map((source) => source.collection[member]);
  return {
    batchSize: Math.min(...of("batchSize")),
    parallelism: Math.min(...of("parallelism")),
    retryAttempts: Math.max(...of("retryAttempts")),
    timeoutMs: 1_000 * Math.max(...of("timeoutSeconds")),
  };
}

/**
 * The sources of a list whose turn it is.
 * @param lastMs when the source was last collected with this revision; undefined: never
 */
export function dueSources<Source extends PlannedSource>(
  list: PlannedList<Source>,
  lastMs: (source: Source) => number | undefined,
  nowMs: number,
): readonly Source[] {
  const slackMs = list.intervalMs / 2;
  return list.sources.filter((source) => {
    const last = lastMs(source);
    return last === undefined || nowMs - last >= 1_000 * source.collection.intervalSeconds - slackMs;
  });
}
