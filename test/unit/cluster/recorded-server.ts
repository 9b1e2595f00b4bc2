// A server in memory that serves the recorded OpenShift cluster, or what a test puts in its place, in pages; and collections of it that
// follow each other in virtual time with one memory.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { collectCluster, defaultCollectLimits } from "../../../src/cluster/collect.ts";
import { collectionDocuments } from "../../../src/cluster/documents.ts";
import type { CollectLimits } from "../../../src/cluster/limits.ts";
import type { Transport, TransportFacts, TransportResponse } from "../../../src/cluster/ports.ts";
import { CollectState } from "../../../src/cluster/state.ts";
import { errorFromStatus } from "../../../src/kube/error-mapping.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import type { Document } from "../../../src/store/document.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";
import { createInlineCompute } from "../../../workers/inline.ts";

const golden = new URL("../../fixtures/golden/cluster-ocp/", import.meta.url);
export const recorded = (file: string): unknown => JSON.parse(readFileSync(new URL(`${file}.json`, golden), "utf8"));

export const paths = {
  version: "/version",
  groups: "/apis",
  pods: "/api/v1/pods",
  nodes: "/api/v1/nodes",
  namespaces: "/api/v1/namespaces",
  deployments: "/apis/apps/v1/deployments",
  clusterVersion: "/apis/config.openshift.io/v1/clusterversions/version",
  clusterOperators: "/apis/config.openshift.io/v1/clusteroperators",
  console: "/apis/route.openshift.io/v1/namespaces/openshift-console/routes/console",
  subscriptions: "/apis/operators.coreos.com/v1alpha1/subscriptions",
  operatorGroups: "/apis/operators.coreos.com/v1/operatorgroups",
  csvs: "/apis/operators.coreos.com/v1alpha1/clusterserviceversions",
} as const;

export const groupList = (...names: string[]): object => ({
  kind: "APIGroupList",
  groups: ["apps", ...names].map((name) => ({ name })),
});
export const openShiftGroups = groupList("config.openshift.io", "route.openshift.io", "operators.coreos.com");

/** What stands under a path: a body, a status to refuse with, or an error of the connection. */
export type Served = object | number | KubeError;

export class RecordedServer implements Transport {
  readonly served = new Map<string, Served>([
    [paths.version, recorded("version") as object],
    [paths.pods, recorded("pods") as object],
    [paths.nodes, recorded("nodes") as object],
    [paths.namespaces, recorded("namespaces") as object],
    [paths.deployments, recorded("deployments") as object],
    [paths.clusterVersion, recorded("clusterversion") as object],
    [paths.clusterOperators, recorded("clusteroperators") as object],
    [paths.console, recorded("route-console") as object],
    [paths.subscriptions, recorded("subscriptions") as object],
    [paths.csvs, recorded("clusterserviceversions") as object],
  ]);
  /** Of the newest collection. */
  asked: string[] = [];
  certificateExpiresAtMs: number | undefined;
  insecureSkipTlsVerify = false;
  /** How long an answer to a path takes; aborting ends the wait. */
  wait: (path: string, signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  onAsked: (path: string) => void = () => undefined;

  get facts(): TransportFacts {
    const { certificateExpiresAtMs: peerCertificateExpiresAtMs, insecureSkipTlsVerify } = this;
    return { peerCertificateExpiresAtMs, insecureSkipTlsVerify, idleRetries: 0 };
  }

  async get(target: string, { signal }: { signal: AbortSignal }): Promise<TransportResponse> {
    await Promise.resolve();
    if (signal.aborted) throw new KubeError("ABORTED", "aborted");
    this.asked.push(target);
    const url = new URL(target, "http://server");
    this.onAsked(url.pathname);
    await this.wait(url.pathname, signal);
    const served = this.served.get(url.pathname) ?? 404;
    if (served instanceof KubeError) throw served;
    if (typeof served === "number") throw errorFromStatus({ httpStatus: served }, "GET", target);
    return {
      status: 200,
      contentType: "application/json",
      encoding: "gzip",
      bytes: new Uint8Array(gzipSync(JSON.stringify(page(served, url.searchParams)))),
      headersAfterMs: 10,
    };
  }

  async close(): Promise<void> {}

  /** The paths that were asked for beyond those of a plain cluster. */
  askedBeyond(): string[] {
    const plain: readonly string[] = [paths.version, paths.pods, paths.nodes, paths.namespaces, paths.deployments];
    return this.asked.map((target) => target.split("?")[0] ?? "").filter((path) => !plain.includes(path));
  }
}

function page(body: object, query: URLSearchParams): unknown {
  const { items } = body as { items?: unknown };
  if (!Array.isArray(items) || !query.has("limit")) return body;
  const start = Number(query.get("continue") ?? 0);
  const end = start + Number(query.get("limit"));
  const metadata = end < items.length ? { continue: String(end), remainingItemCount: items.length - end } : {};
  return { ...body, metadata, items: items.slice(start, end) };
}

const times = { intervalSeconds: 30, cacheTtlSeconds: 600, retentionSeconds: 3600, staleAfterMs: 90_000 };

/** One cluster that is collected again and again. */
export function startCollecting(
  limits: Partial<CollectLimits> = {},
  endpoint = "https://127.1.0.2:20443",
  more: { readonly deadlineMs?: number } = {},
) {
  const clock = new VirtualClock(Date.parse("2026-11-21T08:03:35Z"));
  const server = new RecordedServer();
  const state = new CollectState();
  const request = {
    transport: server,
    compute: createInlineCompute(),
    clock,
    limits: { ...defaultCollectLimits, ...limits },
    endpoint,
    state,
    ...more,
  };
  const collect = async (signal = new AbortController().signal) => {
    server.asked = [];
    const collection = await collectCluster(request, signal);
    const documents = collectionDocuments("ocp", collection, times);
    return { collection, documents, written: written(documents), missing: collection.missing.map(({ part }) => part) };
  };
  return { clock, server, collect };
}

/** Each written text key with its value, and each deleted one with null. */
function written(documents: readonly Document[]): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>();
  for (const document of documents) {
    if (document.kind === "string") values.set(document.key, JSON.parse(String(document.value)));
    if (document.kind === "delete") values.set(document.key, null);
  }
  return values;
}
