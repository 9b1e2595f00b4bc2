import { describe, expect, it } from "vitest";
import { KubeError } from "../../../src/kube/errors.ts";
import { type CollectListRequest, collectList, type ExtractPage } from "../../../src/metric-source/collect.ts";
import { Admission } from "../../../src/support/admission.ts";
import { seededRandom } from "../../../src/support/random.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

type Answer = { readonly items: readonly string[]; readonly next?: string } | Error | "hang";

/** Answers by query, each used once, the last one again and again. */
function world(answers: Readonly<Record<string, readonly Answer[]>>) {
  const clock = new VirtualClock();
  const asked: string[] = [];
  let inMemory = 0;
  let peak = 0;
  const left = new Map(Object.entries(answers).map(([query, list]) => [query, [...list]]));
  const transport = {
    async get(query: string, { signal, beforeSending }: { signal: AbortSignal; beforeSending: () => Promise<void> }) {
      await beforeSending();
      asked.push(query);
      const list = left.get(query) ?? [];
      const answer = list.length > 1 ? list.shift() : list[0];
      if (answer === undefined) throw new KubeError("NOT_FOUND", `no answer to ${query}`);
      if (answer instanceof Error) throw answer;
      if (answer === "hang") {
        await new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new KubeError("ABORTED", "given up")), { once: true });
        });
      }
      const bytes = new Uint8Array(new TextEncoder().encode(JSON.stringify(answer)));
      return { bytes, encoding: "identity" as const, contentType: "application/json" };
    },
  };
  /** A source is the prefix of the items that it wants; its part is the items it took. */
  const extract: ExtractPage<string, string[]> = async ({ bytes }, sources) => {
    const { items, next = "" } = JSON.parse(new TextDecoder().decode(bytes)) as { items: string[]; next?: string };
    return {
      continueToken: next,
      objects: items.length,
      bytes: bytes.byteLength,
      shares: sources.map(({ source, maxRows }) => {
        const wanted = items.filter((item) => item.startsWith(source));
        const part = wanted.slice(0, maxRows);
        return { part, rows: part.length, cut: wanted.length > maxRows };
      }),
    };
  };
  const room = {
    minBytes: 1024,
    async take() {
      peak = Math.max(peak, ++inMemory);
      let held = true;
      const release = (): void => {
        if (held) inMemory--;
        held = false;
      };
      return { shrinkTo: () => undefined, release };
    },
  };
  const ports = { transport, extract, clock, random: seededRandom(1), room, aheadRoom: room };
  return { clock, asked, ports, memory: () => ({ inMemory, peak }) };
}

function request(changes: Partial<CollectListRequest<string>> = {}): CollectListRequest<string> {
  return {
    path: "/things",
    pathIn: (namespace) => `/in/${namespace}`,
    namespaces: null,
    labelSelector: "",
    accept: "application/json",
    batchSize: 10,
    parallelism: 2,
    retryAttempts: 2,
    timeoutMs: 10_000,
    sources: [{ source: "", maxResources: 100 }],
    ...changes,
  };
}

const signal = new AbortController().signal;
const rowsOf = (list: { sources: readonly { parts: readonly string[][] }[] }): string[][] =>
  list.sources.map(({ parts }) => parts.flat());

describe("the collection of one list", () => {
  it("reads all pages once for all sources that share it, with selector and page size in the query", async () => {
    const { ports, asked } = world({
      "/things?limit=10&labelSelector=a%3Db": [{ items: ["a1", "b1"], next: "t/1" }],
      "/things?limit=10&labelSelector=a%3Db&continue=t%2F1": [{ items: ["a2"] }],
    });
    const sources = ["a", "b"].map((source) => ({ source, maxResources: 5 }));
    const list = await collectList(request({ labelSelector: "a=b", sources }), ports, signal);
    expect(rowsOf(list)).toEqual([["a1", "a2"], ["b1"]]);
    expect(list).toMatchObject({ problems: [], requests: 2, objects: 3 });
    expect(list.sources.every(({ truncated }) => !truncated)).toBe(true);
    expect(asked).toHaveLength(2);
  });

  it("says truncated only when a row that matches was cut: exactly the limit is not", async () => {
    const pages = { "/things?limit=10": [{ items: ["a1", "a2", "b1"] }] };
    const at = async (maxResources: number) =>
      (await collectList(request({ sources: [{ source: "a", maxResources }] }), world(pages).ports, signal)).sources[0];
    expect(await at(2)).toMatchObject({ resourceCount: 2, truncated: false });
    expect(await at(1)).toMatchObject({ resourceCount: 1, truncated: true });
  });

  it("does not call a list cut whose remaining pages hold nothing that matches", async () => {
    const { ports } = world({
      "/things?limit=10": [{ items: ["a1"], next: "1" }],
      "/things?limit=10&continue=1": [{ items: ["b1"] }],
    });
    const list = await collectList(request({ sources: [{ source: "a", maxResources: 1 }] }), ports, signal);
    expect(list.sources[0]).toMatchObject({ resourceCount: 1, truncated: false });
  });

  it("asks for no further page once every source is cut", async () => {
    const { ports, asked } = world({ "/things?limit=10": [{ items: ["a1", "a2"], next: "1" }] });
    const list = await collectList(request({ sources: [{ source: "a", maxResources: 1 }] }), ports, signal);
    expect(list.sources[0]).toMatchObject({ truncated: true });
    expect(asked).toHaveLength(1);
  });

  it("begins anew when the continue token expired, without doubling rows", async () => {
    const { ports } = world({
      "/things?limit=10": [
        { items: ["a1"], next: "1" },
        { items: ["a2"], next: "2" },
      ],
      "/things?limit=10&continue=1": [new KubeError("GONE", "expired")],
      "/things?limit=10&continue=2": [{ items: ["a3"] }],
    });
    const list = await collectList(request(), ports, signal);
    expect(rowsOf(list)).toEqual([["a2", "a3"]]);
    expect(list.problems).toEqual([]);
  });

  it("keeps what it has when the token expires again, and says that it is not all", async () => {
    const { ports } = world({
      "/things?limit=10": [{ items: ["a1"], next: "1" }],
      "/things?limit=10&continue=1": [new KubeError("GONE", "the list expired")],
    });
    const list = await collectList(request(), ports, signal);
    expect(rowsOf(list)).toEqual([["a1"]]);
    expect(list.problems).toEqual(["the list expired"]);
  });

  it("tries again what fails for a passing reason, as often as asked", async () => {
    const busy = new KubeError("SERVER_ERROR", "busy", { httpStatus: 503 });
    const { ports, clock, asked } = world({ "/things?limit=10": [busy, busy, { items: ["a1"] }] });
    const list = collectList(request(), ports, signal);
    await clock.advance(9_000);
    expect(rowsOf(await list)).toEqual([["a1"]]);
    expect(asked).toHaveLength(3);
  });

  it("waits as long as the server asks for, but not past its own deadline", async () => {
    const later = new KubeError("RATE_LIMITED", "later", { httpStatus: 429, retryAfterMs: 60_000 });
    const { ports, asked } = world({ "/things?limit=10": [later] });
    await expect(collectList(request(), ports, signal)).rejects.toMatchObject({ code: "RATE_LIMITED" });
    expect(asked).toHaveLength(1);
  });

  it("does not try again what will not change, and fails where nothing was read", async () => {
    const { ports, asked } = world({ "/things?limit=10": [new KubeError("FORBIDDEN", "no", { httpStatus: 403 })] });
    await expect(collectList(request(), ports, signal)).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect(asked).toHaveLength(1);
  });

  it("keeps what was read before the deadline", async () => {
    const { ports, clock, memory } = world({
      "/things?limit=10": [{ items: ["a1"], next: "1" }],
      "/things?limit=10&continue=1": ["hang"],
    });
    const list = collectList(request(), ports, signal);
    await clock.advance(10_000);
    expect(rowsOf(await list)).toEqual([["a1"]]);
    expect((await list).problems).toEqual(["not all of it could be read within 10 s"]);
    expect(memory().inMemory).toBe(0);
  });

  it("ends without a result when its caller gives up", async () => {
    const { ports, clock } = world({ "/things?limit=10": ["hang"] });
    const caller = new AbortController();
    const list = collectList(request(), ports, caller.signal);
    list.catch(() => undefined);
    await clock.settle();
    caller.abort(new KubeError("ABORTED", "stopped"));
    await expect(list).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("namespaces that are read one by one", () => {
  const namespaces = ["n1", "n2", "n3", "n4"];
  const each = (of: (namespace: string) => readonly Answer[]) =>
    Object.fromEntries(namespaces.map((namespace) => [`/in/${namespace}?limit=10`, of(namespace)]));

  it("come in their order, with no more pages in memory than asked for", async () => {
    const { ports, memory } = world(each((namespace) => [{ items: [`${namespace}-a`] }]));
    const list = await collectList(request({ namespaces }), ports, signal);
    expect(rowsOf(list)).toEqual([["n1-a", "n2-a", "n3-a", "n4-a"]]);
    expect(memory()).toEqual({ inMemory: 0, peak: 2 });
  });

  it("are read to their end though pages that were asked for ahead hold all the memory for such", async () => {
    const two = (namespace: string) => ({
      [`/in/${namespace}?limit=10`]: [{ items: [`${namespace}-a`], next: "1" }],
      [`/in/${namespace}?limit=10&continue=1`]: [{ items: [`${namespace}-b`] }],
    });
    const { ports, clock } = world(Object.assign({}, ...namespaces.map(two)));
    const roomFor = (admission: Admission) => ({
      minBytes: 1,
      take: (_bytes: number, own: AbortSignal) => admission.acquire("fresh", own, { untilAborted: true }),
    });
    const [room, aheadRoom] = [roomFor(new Admission(2)), roomFor(new Admission(2))];
    const lists = Array.from({ length: 4 }, () =>
      collectList(request({ namespaces, parallelism: 4 }), { ...ports, room, aheadRoom }, signal),
    );
    await clock.advance(10_000);
    for (const list of await Promise.all(lists)) {
      expect(list.problems).toEqual([]);
      expect(rowsOf(list)).toEqual([namespaces.flatMap((namespace) => [`${namespace}-a`, `${namespace}-b`])]);
    }
  });

  it("fail by themselves, and are named", async () => {
    const refused = new KubeError("FORBIDDEN", "not allowed", { httpStatus: 403 });
    const { ports } = world(each((namespace) => [namespace === "n2" ? refused : { items: [namespace] }]));
    const list = await collectList(request({ namespaces }), ports, signal);
    expect(rowsOf(list)).toEqual([["n1", "n3", "n4"]]);
    expect(list.problems).toEqual(["namespace n2: not allowed"]);
  });

  it("give the same rows every time where a limit cuts them", async () => {
    const { ports, memory } = world(each((namespace) => [{ items: [`${namespace}-a`, `${namespace}-b`] }]));
    const sources = [{ source: "", maxResources: 3 }];
    const list = await collectList(request({ namespaces, sources }), ports, signal);
    expect(rowsOf(list)).toEqual([["n1-a", "n1-b", "n2-a"]]);
    expect(list.sources[0]).toMatchObject({ truncated: true });
    await new Promise((resolve) => setImmediate(resolve));
    expect(memory().inMemory).toBe(0);
  });
});
