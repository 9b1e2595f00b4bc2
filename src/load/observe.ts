// The eyes of a load run, outside the hub: outcomes as they appear in Redis, and what the hub's process costs.
import { readdir, readlink } from "node:fs/promises";
import { Redis } from "ioredis";
import { clusterEventsChannel } from "../store/keys.ts";
import { parseRedisUrl } from "../store/redis/url.ts";
import { ClusterPulseError } from "../support/errors.ts";

const connectDeadlineMs = 10_000;
const scrapeDeadlineMs = 5_000;
const maxMetricsBytes = 64 * 1024 * 1024;
const maxLineLength = 1024 * 1024;
const reopenPauseMs = 500;

/** An outcome of a cycle. `good`: the cluster was reached and told what it has. */
export type Seen = (cluster: string, atMs: number, good: boolean) => void;

/**
 * Calls `seen` for every outcome of a cycle. The hub publishes one with each cycle, in the pipeline that writes its values, behind
 * them: when it is heard the values are there. Throws InvalidInputError for a wrong URL, ClusterPulseError STORE_UNREACHABLE.
 */
export async function observeOutcomes(storeUrl: string, seen: Seen): Promise<{ close(): void }> {
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
    const outcome = outcomeOf(message);
    if (outcome !== undefined) seen(outcome.cluster, Date.now(), outcome.good);
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

/**
 * Calls `seen` for every outcome of a cycle that a hub shows to its readers: each row whose last check moved. For hubs whose store
 * nobody else can look into. Rejects with HUB_UNREACHABLE; a stream that ends later is opened again, and what was missed is missed.
 */
export async function observeStream(hubUrl: string, seen: Seen): Promise<{ close(): void }> {
  const stopped = new AbortController();
  const lastChecks = new Map<string, unknown>();
  const open = async (): Promise<AsyncIterable<Uint8Array>> => {
    const response = await fetch(`${hubUrl}/api/v1/stream`, { signal: stopped.signal }).catch(() => undefined);
    if (response?.ok && response.body !== null) return response.body;
    throw new ClusterPulseError("HUB_UNREACHABLE", `no hub serves its event stream at ${hubUrl}`);
  };
  const noted = (line: string): void => {
    const row = rowOf(line);
    if (row === undefined || lastChecks.get(row.name) === row.lastCheck) return;
    // The first state of all clusters is no outcome.
    if (lastChecks.has(row.name)) seen(row.name, Date.now(), row.good);
    lastChecks.set(row.name, row.lastCheck);
  };
  const read = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of chunks) {
      const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > maxLineLength)
        throw new ClusterPulseError("HUB_UNREACHABLE", "the event stream has no line ends");
      for (const line of lines) noted(line);
    }
  };
  let chunks = await open();
  void (async () => {
    while (!stopped.signal.aborted) {
      await read(chunks).catch(() => undefined);
      while (!stopped.signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, reopenPauseMs));
        const again = await open().catch(() => undefined);
        if (again === undefined) continue;
        chunks = again;
        break;
      }
    }
  })();
  return { close: () => stopped.abort() };
}

const isGood = (health: unknown): boolean => health === "healthy" || health === "degraded";

function rowOf(
  line: string,
): { readonly name: string; readonly lastCheck: unknown; readonly good: boolean } | undefined {
  if (!line.startsWith("data: ")) return undefined;
  try {
    const { name, status } = JSON.parse(line.slice("data: ".length)) as {
      name?: unknown;
      status?: { last_check?: unknown; health?: unknown };
    };
    if (typeof name !== "string" || status === undefined) return undefined;
    return { name, lastCheck: status.last_check, good: isGood(status.health) };
  } catch {
    return undefined;
  }
}

function outcomeOf(message: string): { readonly cluster: string; readonly good: boolean } | undefined {
  try {
    const { type, cluster, data } = JSON.parse(message) as {
      type?: unknown;
      cluster?: unknown;
      data?: { health?: unknown } | null;
    };
    if (type !== "cluster.reconciled" || typeof cluster !== "string") return undefined;
    return { cluster, good: isGood(data?.health) };
  } catch {
    return undefined;
  }
}

export interface ProcessCost {
  readonly cpuMs: number;
  readonly residentBytes: number;
}

export interface HubCost extends ProcessCost {
  /** The most handshakes that it ever had in flight; null: it does not tell. */
  readonly handshakesPeak: number | null;
}

/** Prometheus metrics as text; undefined: no answer in time. */
export async function scrapeMetrics(metricsUrl: string): Promise<string | undefined> {
  try {
    const response = await fetch(metricsUrl, { signal: AbortSignal.timeout(scrapeDeadlineMs) });
    const text = await response.text();
    return response.ok && text.length <= maxMetricsBytes ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The value of one series; NaN where it is missing. @param name with labels as they are written, without special characters escaped */
export function metricValue(text: string, name: string): number {
  const start = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1;
  if (start === 0 && !text.startsWith(`${name} `)) return Number.NaN;
  const end = text.indexOf("\n", start);
  return Number(text.slice(start + name.length + 1, end < 0 ? undefined : end));
}

/** What a hub says of its own cost in its Prometheus metrics; undefined: no answer in time. */
export async function scrapeCost(metricsUrl: string): Promise<HubCost | undefined> {
  const text = (await scrapeMetrics(metricsUrl)) ?? "";
  const peak = metricValue(text, "clusterpulse_handshakes_peak");
  const cost = {
    handshakesPeak: Number.isNaN(peak) ? null : peak,
    cpuMs: metricValue(text, "process_cpu_seconds_total") * 1_000,
    residentBytes: metricValue(text, "process_resident_memory_bytes"),
  };
  return Number.isNaN(cost.cpuMs) || Number.isNaN(cost.residentBytes) ? undefined : cost;
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
