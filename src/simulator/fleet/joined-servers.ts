// The servers of a fleet that several processes serve, looked at and broken as if they were in one: what is of one server goes to the
// process that has it, what is of all is put together. It keeps nothing but who is where
// and which churn was asked for.
import { joinMetrics } from "../admin/metrics.ts";
import { type AdminClient, SimulatorRefusedError } from "../admin-client.ts";
import { joinStates, shareOf } from "../churn/parts.ts";
import type { ChurnSettings } from "../churn/settings.ts";
import { parseTrace } from "../churn/trace.ts";
import { processReport, sumOf } from "../process-report.ts";
import type { FleetServers } from "./front.ts";
import { partOf } from "./part-setup.ts";
import type { Servers } from "./servers.ts";
import { unknownCluster } from "./unknown-cluster.ts";

/**
 * @param own servers of this process, which are no clusters
 * @param parts admin APIs of the other processes
 * @param names of all clusters, in the order of the fleet
 */
export async function joinServers(
  own: Servers,
  parts: readonly AdminClient[],
  names: readonly string[],
): Promise<FleetServers> {
  const indexes = new Map(names.map((name, index) => [name, index]));
  const urls = new Map((await fromAll((part) => part.clusters())).map(({ name, url }) => [name, url]));
  /** Undefined: a server of this process, if there is one of that name. */
  const partWith = (name: string): AdminClient | undefined => {
    const index = indexes.get(name);
    return index === undefined ? undefined : parts[partOf(index, parts.length)];
  };
  async function fromAll<T>(ask: (part: AdminClient) => Promise<readonly T[]>): Promise<T[]> {
    return (await Promise.all(parts.map(ask))).flat();
  }
  let churn: ChurnSettings | null = null;
  return {
    churn: {
      async set(settings) {
        const shares = parts.map((_, part) => names.filter((_name, i) => partOf(i, parts.length) === part).length);
        await Promise.all(parts.map((part, i) => part.setChurn(shareOf(settings, (shares[i] ?? 0) / names.length))));
        churn = settings;
      },
      async replay(trace, speed) {
        const steps = parseTrace(trace);
        for (const { cluster } of steps) if (!indexes.has(cluster)) throw unknownCluster(cluster);
        const lines = trace.split("\n").filter((line) => line.trim() !== "");
        const partOfLine = (line: string): AdminClient | undefined => {
          return partWith((JSON.parse(line) as { cluster: string }).cluster);
        };
        const shares = parts.map((part) => [part, lines.filter((line) => partOfLine(line) === part)] as const);
        await Promise.all(
          shares.flatMap(([part, own]) => (own.length === 0 ? [] : part.replayChurn(own.join("\n"), speed))),
        );
      },
      state: async () => joinStates(churn, await Promise.all(parts.map((part) => part.churn()))),
      async stop() {
        await Promise.all(parts.map((part) => part.stopChurn()));
        churn = null;
      },
    },
    urlOf: (name) => urls.get(name) ?? own.urlOf(name),
    faults: {
      async add(rule) {
        await (partWith(rule.cluster)?.addFault(rule) ?? own.faults.add(rule));
      },
      async remove(cluster, id) {
        const part = partWith(cluster);
        return await (part === undefined ? own.faults.remove(cluster, id) : removed(part.removeFault(cluster, id)));
      },
      list: async () => [...own.faults.list(), ...(await fromAll((part) => part.listFaults()))],
    },
    requests: {
      of: (cluster) => partWith(cluster)?.requestsOf(cluster) ?? own.requests.of(cluster),
      counts: async () => [...own.requests.counts(), ...(await fromAll((part) => part.requestCounts()))],
      polls: async () => [...own.requests.polls(), ...(await fromAll((part) => part.polls()))],
      async since(sinceMs, limit) {
        const found = await fromAll((part) => part.requestsSince(sinceMs, limit));
        found.push(...own.requests.since(sinceMs, limit));
        return found.sort((a, b) => a.atMs - b.atMs).slice(0, limit);
      },
    },
    connections: () => fromAll((part) => part.connections()),
    async expected(cluster) {
      const part = partWith(cluster);
      if (part === undefined) throw unknownCluster(cluster);
      return await part.expected(cluster);
    },
    metrics: async () => joinMetrics([own.metrics(), ...(await Promise.all(parts.map((part) => part.metrics())))]),
    process: async () => sumOf([processReport(), ...(await Promise.all(parts.map((part) => part.process())))]),
  };
}

/** False when there was nothing to remove. */
async function removed(removing: Promise<void>): Promise<boolean> {
  try {
    await removing;
    return true;
  } catch (error) {
    if (error instanceof SimulatorRefusedError && error.status === 404) return false;
    throw error;
  }
}
