// Runs the whole hub on a recorded fleet until every cluster was polled twice, and reads what it left in its store and custom resources.
import { parse } from "yaml";
import { type HubProcess, openHubProcess } from "../../src/cli/hub-process.ts";
import { ClusterCredentials } from "../../src/kube/credentials.ts";
import { type RecordedFleet, startRecordedFleet } from "../../src/simulator/recorded/index.ts";
import type { StoreReader } from "../../src/store/document.ts";
import { createLogger } from "../../src/support/log.ts";
import { fleetResolver, trustFleet } from "./network.ts";

const deadlineMs = 60_000;

export interface Finished {
  readonly fleet: RecordedFleet;
  readonly store: StoreReader;
}

/**
 * Calls `read` once two polls of every cluster are written, and stops everything when it is done.
 * @param storeUrl `memory` or a redis:// URL
 */
export async function withHubOn<T>(
  folder: string,
  storeUrl: string,
  read: (finished: Finished) => Promise<T>,
): Promise<T> {
  const fleet = await startRecordedFleet(folder);
  const restore = trustFleet(fleet);
  const { namespace } = fleet;
  const log = createLogger({ level: "error", stream: process.stderr });
  const hub = await openHubProcess({ version: "0.0.0-conformance", namespace, store: storeUrl, log });
  try {
    const running = hub.watch({
      kubeconfig: kubeconfigOf(fleet),
      resolve: fleetResolver(fleet),
    });
    const until = deadline((message) => process.stderr.write(`${message}; what there is is compared\n`));
    const isQuiet = (): boolean =>
      running.synced() &&
      running.store.stats().documents === 0 &&
      running.status.stats().pending === 0 &&
      running.system.snapshot().every(({ kind, runs, nextTimerAtMs }) => {
        // What a MetricSource made of it is said a moment later, for all clusters at once.
        if (kind === "metric-source") return nextTimerAtMs === null;
        return !/^(?:cluster|registry)$/.test(kind) || runs.length === 0;
      });
    await until("the first poll of every cluster", async () => isQuiet() && (await polled(hub, fleet.polledClusters)));
    // A renewed Secret is a reason to poll at once: no need to wait for the interval.
    const before = running.system.counters().runsStarted;
    const renewed = fleet.renewSecrets();
    await until("the second poll", () => running.system.counters().runsStarted >= before + renewed && isQuiet());
    return await read({ fleet, store: hub.store });
  } finally {
    await hub.stop(5_000);
    restore();
    await fleet.close();
  }
}

async function polled({ store }: HubProcess, clusters: readonly string[]): Promise<boolean> {
  const statuses = await Promise.all(clusters.map((name) => store.string(`cluster:${name}:status`)));
  const registries = await store.set("registries:all");
  const checked = await Promise.all(registries.map((name) => store.string(`registry:${name}:status`)));
  return [...statuses, ...checked].every((status) => status?.includes('"last_check"') === true);
}

function deadline(
  warn: (message: string) => void,
): (what: string, holds: () => boolean | Promise<boolean>) => Promise<void> {
  const endMs = performance.now() + deadlineMs;
  return async (what, holds) => {
    // Held twice in a row: between two runs of one poll there may be a moment without any.
    for (let held = 0; held < 2; held = (await holds()) ? held + 1 : 0) {
      if (performance.now() > endMs) return warn(`${what} did not end within ${deadlineMs / 1_000} s`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
}

interface Kubeconfig {
  readonly clusters: readonly { cluster: { server: string; "certificate-authority-data": string } }[];
  readonly users: readonly { user: { token: string } }[];
}

function kubeconfigOf(fleet: RecordedFleet) {
  const { clusters, users } = parse(fleet.kubeconfig(fleet.namespace)) as Kubeconfig;
  const { server = "", "certificate-authority-data": ca = "" } = clusters[0]?.cluster ?? {};
  const caPem = Buffer.from(ca, "base64").toString();
  const credentials = new ClusterCredentials({ server, caPem, token: users[0]?.user.token });
  return { credentials, namespace: fleet.namespace, source: "the recorded fleet", insideCluster: false };
}
