// The run of a cluster as ordered reconcilers: store the spec, resolve the credentials, collect, store, publish, status. It shows that the
// conductor carries a real run, with the collection's own code over a scripted transport.
import { expect, test } from "vitest";
import { type ClusterConnection, parseClusterConnection } from "../../../src/api/v1alpha1/cluster-connection.ts";
import { type Collection, collectCluster, defaultCollectLimits } from "../../../src/cluster/collect.ts";
import { checkedDocuments, collectionDocuments, declaredDocuments } from "../../../src/cluster/documents.ts";
import { type ClusterHealth, healthOf } from "../../../src/cluster/health.ts";
import type { Transport } from "../../../src/cluster/ports.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import { Conductor, type Pass, reasonOf, requeue, slot } from "../../../src/reconcile/index.ts";
import type { Document } from "../../../src/store/document.ts";
import type { Clock } from "../../../src/support/clock.ts";
import { ClusterPulseError } from "../../../src/support/errors.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";
import { createInlineCompute } from "../../../workers/inline.ts";

interface Ports {
  connect(target: ClusterConnection): Promise<Transport>;
  write(documents: readonly Document[]): void;
  patchStatus(name: string, status: object): void;
}

const transport = slot<Transport>("transport");
const collection = slot<Collection>("collection");
const intervalMs = 30_000;

function clusterRun(ports: Ports, clock: Clock): Conductor<ClusterConnection> {
  const unreached = (pass: Pass<ClusterConnection>, status: "False" | "Unknown", error: unknown): never => {
    const code = ClusterPulseError.is(error) ? error.code : "UNEXPECTED";
    pass.setCondition({ type: "Reachable", status, reason: reasonOf(code), message: "" });
    throw error;
  };
  return Conductor.create<ClusterConnection>({
    clock,
    stepDeadlineMs: 20_000,
    flush(end) {
      if (end.verdict === "aborted") return;
      const { name } = end.parent.metadata;
      const found = end.find(collection);
      const failure = end.failures.find(({ optional }) => !optional);
      const health: ClusterHealth =
        failure === undefined && found !== undefined
          ? healthOf({ kind: "collected", collection: found })
          : { health: "unhealthy", reason: reasonOf(failure?.code ?? ""), message: failure?.message ?? "" };
      const atMs = clock.nowMs();
      ports.write(checkedDocuments(name, { ...health, atMs, displayName: name, transition: true }));
      const { conditions } = end;
      ports.patchStatus(name, {
        health: health.health,
        message: health.message,
        nodes: found?.metrics.nodes,
        conditions,
      });
    },
  })
    .register({
      name: "spec",
      reconcile: ({ parent }) => ports.write(declaredDocuments(parent.metadata.name, parent.spec)),
    })
    .register({
      name: "credentials",
      async reconcile(pass) {
        pass.bind(transport, await ports.connect(pass.parent).catch((error) => unreached(pass, "Unknown", error)));
      },
    })
    .register({
      name: "collect",
      condition: "Synced",
      async reconcile(pass) {
        const request = { clock, compute: createInlineCompute(), limits: defaultCollectLimits };
        const { endpoint } = pass.parent.spec;
        const found = await collectCluster({ ...request, transport: pass.get(transport), endpoint }, pass.signal).catch(
          (error) => unreached(pass, "False", error),
        );
        pass.bind(collection, found);
        pass.setCondition({ type: "Reachable", status: "True", reason: "Answered", message: "" });
        return requeue("the interval", intervalMs);
      },
    })
    .register({
      name: "completeness",
      optional: true,
      reconcile(pass) {
        const { missing } = pass.get(collection);
        if (missing.length === 0) return;
        const parts = missing.map(({ part, message }) => `${part}: ${message}`).join("; ");
        pass.setCondition({ type: "Synced", status: "False", reason: "Incomplete", message: parts });
        throw new ClusterPulseError("INCOMPLETE", parts);
      },
    })
    .register({
      name: "store",
      reconcile(pass) {
        const { name } = pass.parent.metadata;
        const times = { intervalSeconds: 30, cacheTtlSeconds: 600, retentionSeconds: 3_600, staleAfterMs: 60_000 };
        ports.write(collectionDocuments(name, pass.get(collection), times));
      },
    });
}

const list = (kind: string, items: object[]) => ({ kind: `${kind}List`, apiVersion: "v1", metadata: {}, items });
const answers: Record<string, object> = {
  "/version": { gitVersion: "v1.33.2" },
  "/api/v1/namespaces": list("Namespace", [{ metadata: { name: "default" } }]),
  "/api/v1/nodes": list("Node", [{ metadata: { name: "n1" }, status: { capacity: { cpu: "4", memory: "8Gi" } } }]),
  "/api/v1/pods": list("Pod", []),
  "/apis/apps/v1/deployments": list("Deployment", []),
};

function scripted(fail: (path: string) => Error | "deaf" | undefined): Transport {
  return {
    async get(path) {
      const [route = ""] = path.split("?");
      const failure = fail(route);
      if (failure === "deaf") await new Promise(() => undefined);
      if (failure instanceof Error) throw failure;
      const answer = answers[route];
      // A plain Kubernetes cluster does not know OpenShift's and OLM's paths.
      if (answer === undefined) throw new KubeError("NOT_FOUND", `${route} not found`, { httpStatus: 404 });
      const bytes = new Uint8Array(new TextEncoder().encode(JSON.stringify(answer)));
      return { status: 200, contentType: "application/json", encoding: "identity", bytes, headersAfterMs: 5 };
    },
    close: () => Promise.resolve(),
  };
}

function connection(name: string): ClusterConnection {
  const parsed = parseClusterConnection({
    metadata: { name, namespace: "hubs", generation: 2 },
    spec: { endpoint: "https://127.0.0.1:6443", credentialsRef: { name: "c" } },
  });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.value;
}

function stage(fail: (path: string, cluster: string) => Error | "deaf" | undefined = () => undefined) {
  const clock = new VirtualClock();
  const keys = new Set<string>();
  const statuses = new Map<string, Record<string, unknown>>();
  const ports: Ports = {
    async connect({ metadata }) {
      const failure = fail("connect", metadata.name);
      if (failure instanceof Error) throw failure;
      return scripted((path) => fail(path, metadata.name));
    },
    write(documents) {
      for (const document of documents) if ("key" in document) keys.add(document.key);
    },
    patchStatus: (name, status) => void statuses.set(name, { ...status }),
  };
  return { clock, run: clusterRun(ports, clock), keys, statuses };
}

const conditionsOf = (status: Record<string, unknown> | undefined) =>
  Object.fromEntries(
    ((status?.["conditions"] ?? []) as { type: string; status: string }[]).map((condition) => [
      condition.type,
      condition.status,
    ]),
  );

test("a healthy cluster: everything is stored, the status says so, and the next pass is an interval away", async () => {
  const { run, keys, statuses } = stage();
  const report = await run.conduct(connection("prod"));
  expect(report).toMatchObject({ verdict: "done", requeue: { step: "collect", afterMs: intervalMs }, failures: [] });
  expect([...keys]).toEqual(
    expect.arrayContaining(["cluster:prod:spec", "cluster:prod:metrics", "cluster:prod:status"]),
  );
  expect(statuses.get("prod")).toMatchObject({ health: "healthy", nodes: 1 });
  expect(conditionsOf(statuses.get("prod"))).toEqual({
    Ready: "True",
    Reachable: "True",
    Synced: "True",
    Degraded: "False",
  });
});

test("a cluster that refuses: what was known is not touched, and the status names the cause", async () => {
  const { run, keys, statuses } = stage(() => new KubeError("CONNECTION_REFUSED", "connection refused"));
  const refused = await run.conduct(connection("prod"));
  expect(refused).toMatchObject({ verdict: "retry", failures: [{ step: "credentials", code: "CONNECTION_REFUSED" }] });
  expect(keys.has("cluster:prod:spec") && keys.has("cluster:prod:status")).toBe(true);
  expect(keys.has("cluster:prod:metrics")).toBe(false);
  expect(conditionsOf(statuses.get("prod"))).toEqual({ Reachable: "Unknown", Ready: "False", Degraded: "True" });
});

test("an optional part that is missing degrades, and the rest is stored", async () => {
  const { run, keys, statuses } = stage((path) =>
    path.endsWith("/deployments") ? new KubeError("FORBIDDEN", "not allowed", { httpStatus: 403 }) : undefined,
  );
  const report = await run.conduct(connection("prod"));
  expect(report.steps.map(({ outcome }) => outcome)).toEqual(["done", "done", "requeue", "failed", "done"]);
  expect(keys.has("cluster:prod:metrics")).toBe(true);
  expect(conditionsOf(statuses.get("prod"))).toEqual({
    Ready: "True",
    Reachable: "True",
    Synced: "False",
    Degraded: "True",
  });
});

test("a cluster that never answers ends at its deadline and delays no other", async () => {
  const { clock, run, statuses } = stage((_path, cluster) => (cluster === "dead" ? "deaf" : undefined));
  const dead = run.conduct(connection("dead"));
  expect(await run.conduct(connection("prod"))).toMatchObject({ verdict: "done", durationMs: 0 });
  expect(statuses.has("dead")).toBe(false);
  await clock.advance(20_000);
  expect(await dead).toMatchObject({ verdict: "retry", durationMs: 20_000, failures: [{ code: "STEP_DEADLINE" }] });
  expect(statuses.get("dead")).toMatchObject({ health: "unhealthy" });
  expect(conditionsOf(statuses.get("dead"))).toMatchObject({ Ready: "False", Synced: "False" });
});

test("a pass that is superseded writes no status", async () => {
  const { clock, run, statuses } = stage(() => "deaf");
  const abort = new AbortController();
  const pass = run.conduct(connection("prod"), abort.signal);
  await clock.settle();
  abort.abort();
  expect(await pass).toMatchObject({ verdict: "aborted" });
  expect(statuses.size).toBe(0);
});
