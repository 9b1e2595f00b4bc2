// When a hub's polls of one cluster began, told from the order of its requests. A poll that does not get the pods although the one before
// it succeeded is not noticed.

/** What a hub asks first: the version, or, while it knows that, for the first page of the pods. */
const versionPath = "/version";
const podsPath = /^\/api\/v1\/pods\?limit=\d+$/;
/** What it asks for once it has the pods. MetricSources over pods ask for those alone. */
const nodesPath = "/api/v1/nodes?";

/**
 * Told of every request to a cluster in their order, it returns when the poll began that the request shows, and undefined where it
 * shows none or one that was told before.
 */
export function pollStarts(): (path: string, atMs: number) => number | undefined {
  let podsAtMs: number | undefined;
  let isTold = false;
  return (path, atMs) => {
    if (path === versionPath) {
      isTold = true;
      return atMs;
    }
    if (podsPath.test(path)) podsAtMs = atMs;
    if (!path.startsWith(nodesPath)) return undefined;
    const startMs = isTold ? undefined : podsAtMs;
    podsAtMs = undefined;
    isTold = false;
    return startMs;
  };
}
