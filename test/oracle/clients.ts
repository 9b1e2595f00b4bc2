// Our own clients on a real API server and on the simulator: the same must become of the same.
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import { ClusterCredentials } from "../../src/kube/credentials.ts";
import { isKubeError } from "../../src/kube/errors.ts";
import { listObjects } from "../../src/kube/list.ts";
import { objectSource, Reflector } from "../../src/kube/reflector.ts";
import { credentialsFromKubeconfig } from "../../src/kube/secret-kubeconfig.ts";
import { patchStatus } from "../../src/kube/status-patch.ts";
import { createTransport, type KubeTransport } from "../../src/kube/transport.ts";
import { systemClock } from "../../src/support/clock.ts";
import { silentLogger } from "../../src/support/log.ts";
import { seededRandom } from "../../src/support/random.ts";
import { eventually } from "../support/processes.ts";
import type { RealServer } from "./real-server.ts";
import { clientNamespace } from "./step.ts";

type Check = readonly [title: string, check: () => Promise<void>];

const path = `/apis/clusterpulse.io/v1alpha1/namespaces/${clientNamespace}/clusterconnections`;
const objects = 7;
const waitMs = 30_000;

/** What to check, and how: on the real server first, then on the simulator. */
export function clientChecks(real: RealServer, kubeconfig: string): readonly Check[] {
  const hub = /server: (https:\S+)/.exec(kubeconfig)?.[1] ?? "";
  const servers: readonly [string, () => ClusterCredentials][] = [
    ["a real API server", () => new ClusterCredentials({ server: real.api.url, ...real.client })],
    ["the simulator", () => credentialsFromKubeconfig(kubeconfig, hub, "the simulator")],
  ];
  return servers.flatMap(([name, credentials]): Check[] => {
    const withTransport = (check: (transport: KubeTransport) => Promise<void>) => async (): Promise<void> => {
      const transport = createTransport(credentials(), {}, "clusterpulse-hub/oracle");
      await check(transport).finally(() => transport.close());
    };
    return [
      [`our reflector, lists and status patches on ${name}`, withTransport(reflects)],
      [`our refusals on ${name}`, withTransport(refuses)],
    ];
  });
}

/** A reflector sees every write once, in order, and ends with what a list shows. */
async function reflects(transport: KubeTransport): Promise<void> {
  const signal = AbortSignal.timeout(4 * waitMs);
  const send = (method: "POST" | "PATCH" | "DELETE", at: string, body?: unknown) =>
    transport.requestJson(method, at, { signal, maxBytes: 1 << 20, ...(body === undefined ? {} : { body }) });
  const reflector = new Reflector<KubeObject>({
    name: "oracle",
    source: objectSource(transport, path),
    clock: systemClock,
    random: seededRandom(1),
    log: silentLogger,
    onChange: () => {},
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  try {
    await eventually(async () => reflector.state.synced, waitMs, "the first list");
    for (let i = 0; i < objects; i++) {
      const spec = { endpoint: "https://127.0.0.1:1", credentialsRef: { name: "none" } };
      const kind = { apiVersion: "clusterpulse.io/v1alpha1", kind: "ClusterConnection" };
      await send("POST", path, { ...kind, metadata: { name: `c${i}` }, spec });
    }
    const patched = await patchStatus(transport, `${path}/c0/status`, { message: "seen" }, { signal });
    await send("DELETE", `${path}/c1`);
    const isCurrent = async (): Promise<boolean> =>
      reflector.get(`${clientNamespace}/c0`)?.metadata.resourceVersion === patched.metadata.resourceVersion &&
      reflector.get(`${clientNamespace}/c1`) === undefined;
    await eventually(isCurrent, waitMs, "the changes");
    const { items } = await listObjects<KubeObject>(transport, path, { signal, maxObjects: 100 });
    const listed = items.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`).sort();
    const reflected = [...reflector.keys()].map((key) => reflector.get(key)?.metadata);
    const cached = reflected.map((metadata) => `${metadata?.name} ${metadata?.resourceVersion}`).sort();
    expectSame(cached, listed, "the cache and a list");
    expectSame(listed.length, objects - 1, "the number of objects");
    expectSame(reflector.state.watchLists, true, "watches that begin with a list");
    expectSame(reflector.state.relists, 0, "the number of relists");
  } finally {
    stop.abort();
    await running;
  }
}

/** What our status writer tells apart. */
async function refuses(transport: KubeTransport): Promise<void> {
  const signal = AbortSignal.timeout(waitMs);
  const codeOf = (patching: Promise<unknown>): Promise<string> =>
    patching.then(
      () => "accepted",
      (error: unknown) => (isKubeError(error) ? error.code : String(error)),
    );
  const status = { message: "late" };
  expectSame(await codeOf(patchStatus(transport, `${path}/none/status`, status, { signal })), "NOT_FOUND", "gone");
  const old = patchStatus(transport, `${path}/c0/status`, status, { signal, resourceVersion: "1" });
  expectSame(await codeOf(old), "CONFLICT", "an old version");
  const wrong = patchStatus(transport, `${path}/c0/status`, { nodes: "many" }, { signal });
  expectSame(await codeOf(wrong), "UNEXPECTED_STATUS", "a wrong status");
}

function expectSame(actual: unknown, wanted: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`);
}
