// The eyes of a load run, outside the hub: outcomes as they appear in Redis, and what the hub's process costs.
import { readdir, readlink } from "node:fs/promises";
import { Redis } from "ioredis";
import { clusterEventsChannel } from "../store/keys.ts";
import { parseRedisUrl } from "../store/redis/url.ts";
import { ClusterPulseError } from "../support/errors.ts";

const connectDeadlineMs = 10_000;
const scrapeDeadlineMs = 5_000;
const maxMetricsBytes = 64 * 1024 * 1024;

/**
 * Calls `seen` for every outcome of a cycle. The hub publishes one with each cycle, in the pipeline that writes its values, behind
 * them: when it is heard the values are there. Throws InvalidInputError for a wrong URL, ClusterPulseError STORE_UNREACHABLE.
 */
export async function observeOutcomes(
  storeUrl: string,
  seen: (cluster: string, atMs: number) => void,
): Promise<{ close(): void }> {
  const { host, port, tls, username, password, database: db } = parseRedisUrl(storeUrl);
  const login = { ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) };
  const client = new Redis({
    host,
    port,
    db,
    ...login,
    ...(tls ? { tls: {} } : {}),
    lazyConnect: true,
    connectTimeout: connectDeadlineMs,
  });
  // Its messages may quote what was sent; a connection that is lost is made again by the client.
  client.on("error", () => undefined);
  client.on("message", (_channel: string, message: string) => {
    const cluster = clusterOf(message);
    if (cluster !== undefined) seen(cluster, Date.now());
  });
  try {
    await client.connect();
    await client.subscribe(clusterEventsChannel);
  } catch {
    client.disconnect();
    throw new ClusterPulseError("STORE_UNREACHABLE", `no Redis answers at ${host}:${port}, or it refused the login`);
  }
  return { close: () => client.disconnect() };
}

function clusterOf(message: string): string | undefined {
  try {
    const { type, cluster } = JSON.parse(message) as { type?: unknown; cluster?: unknown };
    return type === "cluster.reconciled" && typeof cluster === "string" ? cluster : undefined;
  } catch {
    return undefined;
  }
}

export interface ProcessCost {
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** Reads the cost of a process from its Prometheus metrics; undefined: no answer in time. */
export async function scrapeCost(metricsUrl: string): Promise<ProcessCost | undefined> {
  try {
    const response = await fetch(metricsUrl, { signal: AbortSignal.timeout(scrapeDeadlineMs) });
    const text = await response.text();
    if (text.length > maxMetricsBytes) return undefined;
    const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
    const cost = {
      cpuMs: value("process_cpu_seconds_total") * 1_000,
      residentBytes: value("process_resident_memory_bytes"),
    };
    return Number.isNaN(cost.cpuMs) || Number.isNaN(cost.residentBytes) ? undefined : cost;
  } catch {
    return undefined;
  }
}

/** Open sockets of a process of this user; null where the system does not tell. */
export async function countSockets(pid: number): Promise<number | null> {
  const folder = `/proc/${pid}/fd`;
  try {
    const links = await Promise.allSettled((await readdir(folder)).map((name) => readlink(`${folder}/${name}`)));
    return links.filter((link) => link.status === "fulfilled" && link.value.startsWith("socket:")).length;
  } catch {
    return null;
  }
}
