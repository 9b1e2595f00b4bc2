// Who was asked what, and what came of it: a counter and a bounded ring of recent requests per cluster. Nothing is held for a cluster
// that nobody asked.
import { pollStarts } from "./poll-starts.ts";

export interface RequestRecord {
  readonly cluster: string;
  readonly method: string;
  /** Path with query, cut at 512 characters. */
  readonly path: string;
  /** 0 while there is no answer, and for ever if there never was one. */
  readonly status: number;
  /** When it arrived, on the simulator's clock. */
  readonly atMs: number;
}

/** Everything that is known of what one server was asked. */
export interface ServerRequests {
  readonly cluster: string;
  readonly count: number;
  /** Oldest first. */
  readonly recent: readonly RequestRecord[];
}

interface ClusterLog {
  count: number;
  polledAtMs: number | null;
  readonly pollStartOf: ReturnType<typeof pollStarts>;
  readonly ring: RequestRecord[];
}

const maxPathLength = 512;

export class RequestLog {
  readonly #perCluster: number;
  readonly #logs = new Map<string, ClusterLog>();

  /** @param perCluster how many recent requests are kept of each cluster */
  constructor(perCluster: number) {
    this.#perCluster = perCluster;
  }

  /** Notes an arrival. The returned function notes the status once it is sent. */
  arrived(cluster: string, method: string, path: string, atMs: number): (status: number) => void {
    let log = this.#logs.get(cluster);
    if (log === undefined) {
      log = { count: 0, polledAtMs: null, pollStartOf: pollStarts(), ring: [] };
      this.#logs.set(cluster, log);
    }
    const record = { cluster, method, path: path.slice(0, maxPathLength), status: 0, atMs };
    log.ring[log.count++ % this.#perCluster] = record;
    log.polledAtMs = log.pollStartOf(path, atMs) ?? log.polledAtMs;
    return (status) => {
      record.status = status;
    };
  }

  /** Requests that ever arrived at the cluster. */
  count(cluster: string): number {
    return this.#logs.get(cluster)?.count ?? 0;
  }

  /** When each cluster's newest poll began; clusters that were never polled are left out. */
  polls(): readonly { readonly cluster: string; readonly atMs: number }[] {
    return [...this.#logs].flatMap(([cluster, { polledAtMs: atMs }]) => (atMs === null ? [] : [{ cluster, atMs }]));
  }

  /** The cluster's recent requests, oldest first. */
  recent(cluster: string): readonly RequestRecord[] {
    const log = this.#logs.get(cluster);
    if (log === undefined) return [];
    const start = log.count > this.#perCluster ? log.count % this.#perCluster : 0;
    return [...log.ring.slice(start), ...log.ring.slice(0, start)];
  }

  /** Of every cluster that was asked at all. */
  counts(): readonly { readonly cluster: string; readonly count: number }[] {
    return [...this.#logs].map(([cluster, { count }]) => ({ cluster, count }));
  }

  /** Recent requests of all clusters that arrived at that time or later, oldest first; at most `limit`, the oldest of them. */
  since(sinceMs: number, limit: number): readonly RequestRecord[] {
    const found = [...this.#logs.values()].flatMap(({ ring }) => ring.filter(({ atMs }) => atMs >= sinceMs));
    return found.sort((a, b) => a.atMs - b.atMs).slice(0, limit);
  }
}
