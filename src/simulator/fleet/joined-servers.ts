// The servers of a fleet that several processes serve, looked at and broken as if they were in one: what is of one server goes to the
// process that has it, what is of all is put together, without those processes that do not answer in time, which it names. It keeps nothing
// but who is where and which churn was asked for.
import { joinMetrics, silentMetric } from "../admin/metrics.ts";
import { type AdminClient, SimulatorRefusedError } from "../admin-client.ts";
import { joinStates, shareOf } from "../churn/parts.ts";
import type { ChurnSettings } from "../churn/settings.ts";
import { parseTrace } from "../churn/trace.ts";
import { processReport, sumOf } from "../process-report.ts";
import { unknownSnapshot } from "../snapshots.ts";
import { type AskedPart, ownDeadlineMs, PartSilentError } from "./asked-part.ts";
import type { FleetServers } from "./front.ts";
import { partOf } from "./part-setup.ts";
import type { Servers } from "./servers.ts";
import { unknownCluster } from "./unknown-cluster.ts";

/**
 * @param own servers of this process, which are no clusters
 * @param parts the other processes
 * @param names of all clusters, in the order of the fleet
 */
export async function joinServers(
  own: Servers,
  parts: readonly AskedPart[],
  names: readonly string[],
): Promise<FleetServers> {
  const indexes = new Map(names.map((name, index) => [name, index]));
  const served = await Promise.all(parts.map((part) => part.ask((client) => client.clusters())));
  const urls = new Map(served.flat().map(({ name, url }) => [name, url]));
  /** Undefined: a server of this process, if there is one of that name. */
  const partWith = (name: string): AskedPart | undefined => {
    const index = indexes.get(name);
    return index === undefined ? undefined : parts[partOf(index, parts.length)];
  };
  /** What they say that answer. */
  async function answersOf<T>(question: (client: AdminClient) => Promise<T>): Promise<T[]> {
    const asked = await Promise.allSettled(parts.map((part) => part.ask(question)));
    return asked.flatMap((outcome) => {
      if (outcome.status === "fulfilled") return [outcome.value];
      if (outcome.reason instanceof PartSilentError) return [];
      throw outcome.reason;
    });
  }
  async function fromAll<T>(question: (client: AdminClient) => Promise<readonly T[]>): Promise<T[]> {
    return (await answersOf(question)).flat();
  }
  /** All are told, whoever else is silent. Throws what the first one threw. */
  async function tellAll(tell: (part: AskedPart, index: number) => Promise<unknown>): Promise<void> {
    const failed = (await Promise.allSettled(parts.map(tell))).find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
  const silent = (): readonly string[] => parts.filter(({ isSilent }) => isSilent).map(({ name }) => name);
  let churn: ChurnSettings | null = null;
  /** Snapshots that every process took, with the churn of then. */
  const whole = new Map<string, ChurnSettings | null>();
  return {
    churn: {
      async set(settings) {
        churn = settings;
        const shares = parts.map((_, part) => names.filter((_name, i) => partOf(i, parts.length) === part).length);
        const shareFor = (i: number): ChurnSettings => shareOf(settings, (shares[i] ?? 0) / names.length);
        await tellAll((part, i) => part.ask((client) => client.setChurn(shareFor(i))));
      },
      async replay(trace, speed) {
        const steps = parseTrace(trace);
        for (const { cluster } of steps) if (!indexes.has(cluster)) throw unknownCluster(cluster);
        const lines = trace.split("\n").filter((line) => line.trim() !== "");
        const partOfLine = (line: string): AskedPart | undefined => {
          return partWith((JSON.parse(line) as { cluster: string }).cluster);
        };
        await tellAll(async (part) => {
          const share = lines.filter((line) => partOfLine(line) === part);
          if (share.length > 0) await part.ask((client) => client.replayChurn(share.join("\n"), speed));
        });
      },
      state: async () => joinStates(churn, await answersOf((client) => client.churn())),
      async stop() {
        churn = null;
        await tellAll((part) => part.ask((client) => client.stopChurn()));
      },
    },
    clock: {
      nowMs: () => own.clock.nowMs(),
      async advance(byMs) {
        const told = tellAll((part) => part.ask((client) => client.advanceClock(byMs), ownDeadlineMs));
        await Promise.all([own.clock.advance(byMs), told]);
      },
    },
    snapshots: {
      async take(name) {
        whole.delete(name);
        const outlines = await Promise.all(
          parts.map((part) => part.ask((client) => client.takeSnapshot(name), ownDeadlineMs)),
        );
        outlines.push(own.snapshots.take(name));
        whole.set(name, churn);
        return { name, objects: outlines.reduce((sum, { objects }) => sum + objects, 0) };
      },
      async list() {
        const all = [...own.snapshots.list(), ...(await fromAll((client) => client.snapshots()))];
        return [...whole.keys()].map((name) => ({
          name,
          objects: all.filter((one) => one.name === name).reduce((sum, { objects }) => sum + objects, 0),
        }));
      },
      async restore(name) {
        const settings = whole.get(name);
        if (settings === undefined) throw unknownSnapshot(name);
        // Nothing is begun unless all answer.
        await tellAll((part) => part.ask((client) => client.snapshots()));
        await tellAll((part) => part.ask((client) => client.restoreSnapshot(name), ownDeadlineMs));
        await own.snapshots.restore(name);
        churn = settings;
      },
    },
    urlOf: (name) => urls.get(name) ?? own.urlOf(name),
    faults: {
      async add(rule) {
        const part = partWith(rule.cluster);
        await (part === undefined ? own.faults.add(rule) : part.ask((client) => client.addFault(rule), ownDeadlineMs));
      },
      async remove(cluster, id) {
        const part = partWith(cluster);
        if (part === undefined) return await own.faults.remove(cluster, id);
        return await removed(part.ask((client) => client.removeFault(cluster, id), ownDeadlineMs));
      },
      list: async () => [...own.faults.list(), ...(await fromAll((client) => client.listFaults()))],
    },
    requests: {
      of: (cluster) =>
        partWith(cluster)?.ask((client) => client.requestsOf(cluster), ownDeadlineMs) ?? own.requests.of(cluster),
      counts: async () => [...own.requests.counts(), ...(await fromAll((client) => client.requestCounts()))],
      polls: async () => [...own.requests.polls(), ...(await fromAll((client) => client.polls()))],
      async since(sinceMs, limit) {
        const found = await fromAll((client) => client.requestsSince(sinceMs, limit));
        found.push(...own.requests.since(sinceMs, limit));
        return found.sort((a, b) => a.atMs - b.atMs).slice(0, limit);
      },
    },
    connections: () => fromAll((client) => client.connections()),
    async expected(cluster) {
      const part = partWith(cluster);
      if (part === undefined) throw unknownCluster(cluster);
      return await part.ask((client) => client.expected(cluster), ownDeadlineMs);
    },
    async metrics() {
      const texts = await answersOf((client) => client.metrics());
      return joinMetrics([await own.metrics(), ...texts, silentMetric(silent().length)]);
    },
    process: async () => sumOf([processReport(), ...(await answersOf((client) => client.process()))]),
    silent,
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
