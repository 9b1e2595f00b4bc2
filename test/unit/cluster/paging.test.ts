// Pages as large as a server gives them in good time, in virtual time: collection after collection of one cluster.
import { describe, expect, test } from "vitest";
import {
  type Collection,
  type CollectLimits,
  collectCluster,
  defaultCollectLimits,
} from "../../../src/cluster/collect.ts";
import { Paging } from "../../../src/cluster/paging.ts";
import type { Transport } from "../../../src/cluster/ports.ts";
import { CollectState } from "../../../src/cluster/state.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import { ClusterPulseError } from "../../../src/support/errors.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";
import { createInlineCompute } from "../../../workers/inline.ts";

const requestTimeoutMs = 10_000;
const deadlineMs = 20_000;
const intervalMs = 30_000;

interface Server {
  pods: number;
  latencyMs: number;
  /** On top, for each object of a page of pods. */
  msPerPod: number;
  /** What a page of this many pods fails with, at once. */
  refuse: (podsOnPage: number) => Error | undefined;
  hangs: boolean;
}

const node = { metadata: { name: "n1" }, status: {} };

/** Polls one cluster again and again, as its actor does: `poll` gives the outcome of one and waits for the turn of the next. */
function start(changes: Partial<Server>, limits: Partial<CollectLimits> = {}) {
  const server: Server = { pods: 200, latencyMs: 5, msPerPod: 0, refuse: () => undefined, hangs: false, ...changes };
  const clock = new VirtualClock();
  const state = new CollectState();
  const sizes: number[] = [];
  const waitFor = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const isLate = ms > requestTimeoutMs;
      clock.setTimer(
        () => (isLate ? reject(new KubeError("REQUEST_DEADLINE", "no complete answer within 10 s")) : resolve()),
        Math.min(ms, requestTimeoutMs),
      );
      signal.addEventListener("abort", () => reject(new KubeError("ABORTED", "aborted")), { once: true });
    });
  const transport: Transport = {
    async get(path, { signal }) {
      const { pathname, searchParams } = new URL(path, "http://server");
      const isPods = pathname === "/api/v1/pods";
      const from = Number(searchParams.get("continue") ?? 0);
      const size = Number(searchParams.get("limit") ?? 0);
      const count = isPods ? Math.min(size, server.pods - from) : 0;
      if (isPods) sizes.push(size);
      await waitFor(server.hangs ? Number.POSITIVE_INFINITY : server.latencyMs + server.msPerPod * count, signal);
      const refusal = isPods ? server.refuse(count) : undefined;
      if (refusal !== undefined) throw refusal;
      const items = Array.from({ length: count }, (_, i) => ({
        metadata: { name: `p${from + i}`, namespace: "default" },
        spec: { nodeName: "n1", containers: [] },
        status: { phase: "Running" },
      }));
      const more = from + count < server.pods ? { continue: String(from + count) } : {};
      const plural = pathname.split("/").at(-1) ?? "";
      const kind = plural === "pods" ? "PodList" : plural === "nodes" ? "NodeList" : "PartialObjectMetadataList";
      const body =
        pathname === "/version"
          ? { gitVersion: "v1.33.2", platform: "linux/amd64" }
          : { kind, apiVersion: "v1", metadata: isPods ? more : {}, items: plural === "nodes" ? [node] : items };
      const bytes = new Uint8Array(Buffer.from(JSON.stringify(body)));
      return {
        status: 200,
        contentType: "application/json",
        encoding: "identity",
        bytes,
        headersAfterMs: server.latencyMs,
      };
    },
    close: () => Promise.resolve(),
  };
  const request = {
    transport,
    compute: createInlineCompute(),
    clock,
    limits: { ...defaultCollectLimits, ...limits },
    endpoint: "https://127.0.0.1:6443",
    state,
    deadlineMs,
    requestTimeoutMs,
  };
  async function poll(): Promise<Collection | string> {
    const run = new AbortController();
    const cancel = clock.setTimer(() => run.abort(new ClusterPulseError("RUN_DEADLINE", "over")), deadlineMs);
    sizes.length = 0;
    let outcome: Collection | string = "still under way";
    const ended = collectCluster(request, run.signal).then(
      (collection) => {
        outcome = collection;
      },
      (error: unknown) => {
        const reason: unknown = run.signal.aborted ? run.signal.reason : error;
        outcome = ClusterPulseError.is(reason) ? reason.code : String(reason);
      },
    );
    await clock.advance(intervalMs);
    cancel();
    await ended;
    return outcome;
  }
  return { server, poll, sizes };
}

const podsOf = (outcome: Collection | string): number | string =>
  typeof outcome === "string" ? outcome : outcome.metrics.pods;

describe("a cluster that gives 50 pods within its timeout, and never 500", () => {
  test("is healthy with the second poll, and stays so while larger pages are tried", async () => {
    const { poll, sizes } = start({ pods: 240, latencyMs: 100, msPerPod: 60 });
    expect(await poll()).toBe("RUN_DEADLINE");
    expect(sizes).toEqual([500, 125, 62]);
    expect(podsOf(await poll())).toBe(240);
    for (let i = 0; i < 60; i++) expect(podsOf(await poll()), `poll ${i}`).toBe(240);
  });

  test("one that can do no more than that is read page by page", async () => {
    const { poll, sizes } = start({ pods: 100, msPerPod: 199 });
    const outcomes = [];
    for (let i = 0; i < 4; i++) outcomes.push(podsOf(await poll()));
    expect(outcomes).toEqual(["RUN_DEADLINE", "RUN_DEADLINE", 100, 100]);
    expect(sizes).toEqual([50, 50]);
  });

  test("is asked for usual pages again when it has been quick for a while", async () => {
    const { server, poll, sizes } = start({ pods: 600, msPerPod: 30 });
    for (let i = 0; i < 3; i++) await poll();
    expect(sizes[0]).toBeLessThan(500);
    server.msPerPod = 0.01;
    for (let i = 0; i < 9; i++) await poll();
    expect(sizes[0]).toBeLessThan(500);
    for (let i = 0; i < 100; i++) expect(podsOf(await poll())).toBe(600);
    expect(sizes).toEqual([500, 500]);
  });
});

describe("pages stay as they are", () => {
  test("where every answer takes long, whatever is in it", async () => {
    const { poll, sizes } = start({ pods: 600, latencyMs: 5_500 }, { pageSize: 500 });
    for (let i = 0; i < 5; i++) await poll();
    expect(sizes.every((size) => size === 500)).toBe(true);
  });

  test("where nothing is answered at all, which is then not asked twice", async () => {
    const { server, poll, sizes } = start({});
    expect(podsOf(await poll())).toBe(200);
    server.hangs = true;
    for (let i = 0; i < 5; i++) {
      expect(await poll()).toBe("REQUEST_DEADLINE");
      expect(sizes.length).toBeLessThanOrEqual(1);
    }
    server.hangs = false;
    expect(podsOf(await poll())).toBe(200);
    expect(sizes).toEqual([500]);
  });
});

describe("pages that are too large", () => {
  const tooLarge = {
    "on the wire": new KubeError("BODY_TOO_LARGE", "larger than 16 MiB"),
    inflated: new ClusterPulseError("BODY_TOO_LARGE", "larger than 32 MiB"),
  };
  test.each(Object.entries(tooLarge))(
    "%s are asked for again with fewer objects, within the same poll",
    async (_how, error) => {
      const { poll, sizes } = start({ pods: 200, refuse: (count) => (count > 60 ? error : undefined) });
      expect(podsOf(await poll())).toBe(200);
      expect(sizes).toEqual([500, 125, 50, 50, 50, 50]);
      expect(podsOf(await poll())).toBe(200);
      expect(sizes).toEqual([50, 50, 50, 50]);
    },
  );

  test("however small fail, and are asked for no more than that", async () => {
    const { poll, sizes } = start({ refuse: () => tooLarge["on the wire"] });
    expect(await poll()).toBe("BODY_TOO_LARGE");
    expect(sizes).toEqual([500, 125, 50]);
    expect(await poll()).toBe("BODY_TOO_LARGE");
    expect(sizes).toEqual([50]);
  });
});

describe("a page", () => {
  const bounds = { timeoutMs: 10_000, maxBytes: 16_000 };
  const page = { size: 400, bytes: 100, isFirst: true, tookMs: 10 };

  test.each<[string, { tookMs?: number; smallMs?: number; bytes?: number; size?: number }, number]>([
    ["that took more than half of its time is followed by a smaller one", { tookMs: 5_001 }, 200],
    ["that took half of its time is not", { tookMs: 5_000 }, 400],
    ["that took long like all else is not", { tookMs: 5_001, smallMs: 2_501 }, 400],
    ["of more than half of its bytes is", { bytes: 8_001 }, 200],
    ["of half of its bytes is not", { bytes: 8_000 }, 400],
    ["of few objects is, but not by one of less than fifty", { size: 60, tookMs: 5_001 }, 50],
    ["of very few objects is not", { size: 20, tookMs: 5_001 }, 20],
  ])("%s", (_what, { smallMs = 0, ...changes }, next) => {
    const paging = new Paging();
    paging.smallAnswered(smallMs);
    const own = { ...page, ...changes };
    paging.answered("/pods", own, bounds);
    expect(paging.sizeOf("/pods", own.size)).toBe(next);
    expect(paging.sizeOf("/nodes", 400)).toBe(400);
  });

  test("of a size that is expected: twice the first one, or the largest after it", () => {
    const paging = new Paging();
    expect(paging.expectedBytes("/pods")).toBe(1024 * 1024);
    paging.answered("/pods", { ...page, bytes: 300 }, bounds);
    paging.answered("/pods", { ...page, isFirst: false, bytes: 200 }, bounds);
    expect(paging.expectedBytes("/pods")).toBe(600);
    paging.answered("/pods", { ...page, isFirst: false, bytes: 400 }, bounds);
    expect(paging.expectedBytes("/pods")).toBe(800);
    paging.answered("/pods", { ...page, bytes: 100 }, bounds);
    expect(paging.expectedBytes("/pods")).toBe(200);
  });
});
