// Several rules of one server: their order, what stands beside what, and what holds of a request when one of them goes.
import { beforeEach, describe, expect, it } from "vitest";
import type { RequestFacts } from "../../../../src/simulator/faults/facts.ts";
import { FaultRegistry } from "../../../../src/simulator/faults/registry.ts";
import { type FaultName, type FaultParameters, maxRules } from "../../../../src/simulator/faults/rule.ts";
import { type OpenWatch, Origin } from "../../../../src/simulator/http/listeners.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";

const asking = (verb: string, resource = "pods"): RequestFacts => ({
  ...{ verb, resource, isWatch: verb === "watch" },
  ...{ path: `/api/v1/${resource}`, query: new URLSearchParams(), userAgent: "test" },
  onEnd: () => undefined,
});

describe("the rules of a server", () => {
  let clock: VirtualClock;
  let origin: Origin;
  let faults: FaultRegistry;
  beforeEach(() => {
    clock = new VirtualClock();
    origin = new Origin("c", () => {});
    faults = new FaultRegistry(() => origin, clock);
  });

  const add = (fault: FaultName, id?: string, parameters?: FaultParameters): Promise<void> =>
    faults.add({ cluster: "c", fault, ...(id && { id }), ...(parameters && { parameters }) });
  const shown = (): string[] => faults.list().map(({ id, fired }) => `${id} ${fired}`);
  /** What the server says to a request: the status, or what else becomes of it. */
  const look = (facts: RequestFacts): number | string => {
    const verdict = faults.verdict("c", facts);
    return verdict.type === "refuse" ? verdict.error.status : verdict.type;
  };

  it("hold in the order in which they were added: the first that matches a request, and only that counts it", async () => {
    await add("status", "lists", { verb: "list", code: 429 });
    await add("status", "pods", { resource: "pods", code: 500 });
    await add("hang");
    expect([asking("list"), asking("get"), asking("list", "nodes"), asking("get", "nodes")].map(look)).toEqual([
      ...[429, 500, 429],
      "stall",
    ]);
    expect(shown()).toEqual(["lists 2", "pods 1", "hang 1"]);
  });

  it("say the same of a request however often it is asked, and count it once", async () => {
    await add("status", "half", { probability: 0.5, code: 429, header: true });
    await add("status", "rest", { code: 500, header: true });
    const requests = Array.from({ length: 100 }, () => asking("get"));
    const first = requests.map(look);
    expect(requests.map(look)).toEqual(first);
    const marks = requests.map((facts) => faults.mark("c", facts));
    expect(marks).toEqual(first.map((status) => (status === 429 ? "half" : "rest")));
    const [half = 0, rest = 0] = faults.list().map(({ fired }) => fired);
    expect([half + rest, half > 20, rest > 20]).toEqual([100, true, true]);
  });

  it("let the next one hold when one is over, for its time or its number", async () => {
    await add("status", "twice", { count: 2, code: 429 });
    await add("status", "soon", { durationMs: 1_000, code: 500 });
    await add("status", "last", { code: 503 });
    expect([1, 2, 3].map(() => look(asking("get")))).toEqual([429, 429, 500]);
    await clock.advance(1_000);
    expect(look(asking("get"))).toBe(503);
    expect(faults.list().map(({ isOn }) => isOn)).toEqual([true, false, true]);
  });

  it("change in their place when one of the same id is added, which is the fault's name unless told", async () => {
    await add("status", undefined, { code: 429, verb: "list" });
    await add("hang");
    await add("status", undefined, { code: 500, verb: "list" });
    expect(shown()).toEqual(["status 0", "hang 0"]);
    expect([look(asking("list")), look(asking("get"))]).toEqual([500, "stall"]);
    await add("latency", "status");
    expect(faults.list().map(({ id, fault }) => `${id} ${fault}`)).toEqual(["status latency", "hang hang"]);
  });

  it("end one by one by their ids, or all together, and are counted also when they are gone", async () => {
    await add("status");
    await add("hang");
    await add("reset", "other");
    look(asking("get"));
    expect([await faults.remove("c", "nothing"), await faults.remove("c", "status")]).toEqual([false, true]);
    expect(shown()).toEqual(["hang 0", "other 0"]);
    expect([await faults.remove("c"), await faults.remove("c"), shown()]).toEqual([true, false, []]);
    expect(Object.fromEntries(faults.fired())).toEqual({ status: 1, hang: 0, reset: 0 });
  });

  it("are at most so many: one more is refused and counted, one in the place of another is not", async () => {
    for (let i = 0; i < maxRules; i++) await add("status", `rule-${i}`);
    await expect(add("status", "one-more")).rejects.toThrow(
      `cluster: c has ${maxRules} rules, as many as it may; remove one first`,
    );
    expect([faults.list().length, faults.refused]).toEqual([maxRules, 1]);
    await add("hang", "rule-3");
    await faults.remove("c", "rule-0");
    await add("status", "one-more");
    expect([faults.list().length, faults.list().at(-1)?.id, faults.refused]).toEqual([maxRules, "one-more", 1]);
  });

  it.each<[FaultName, FaultParameters?]>([["refuse"], ["tls"], ["flap"], ["latency", { before: "handshake" }]])(
    "%s %j cannot stand beside another that meets connections, and can take its place",
    async (fault, parameters) => {
      await add("status");
      await add("blackhole", "dark");
      await expect(add(fault, "second", parameters)).rejects.toThrow(
        `fault: ${fault} meets connections, and so does blackhole (id dark) of c`,
      );
      expect(shown()).toEqual(["status 0", "dark 0"]);
      await add(fault, "dark", parameters);
      expect(faults.list().map((rule) => rule.fault)).toEqual(["status", fault]);
      await faults.clear();
    },
  );

  it("meet connections before requests, wherever they stand", async () => {
    await add("status", undefined, { code: 500 });
    await add("blackhole", undefined, { startMs: 1_000, durationMs: 1_000 });
    const before = look(asking("get"));
    await clock.advance(1_000);
    const during = look(asking("get"));
    await clock.advance(1_000);
    expect([before, during, look(asking("get"))]).toEqual([500, "stall", 500]);
  });

  it("break off, when one ends, only what that one held", async () => {
    await add("hang", "lists", { verb: "list" });
    await add("hang", "gets", { verb: "get" });
    const broken: string[] = [];
    for (const verb of ["list", "get"]) {
      const facts = asking(verb);
      expect(look(facts)).toBe("stall");
      origin.stall({ destroy: () => broken.push(verb) }, facts);
    }
    origin.stall({ destroy: () => broken.push("a connection") });
    await faults.remove("c", "gets");
    expect([broken, origin.stalledCount]).toEqual([["get"], 2]);
    await faults.remove("c");
    expect([broken, origin.stalledCount]).toEqual([["get", "list"], 1]);
  });

  it("break off the watches that one held, when it ends, and not those of a rule before it", async () => {
    const broken: string[] = [];
    const watching = (resource: string): OpenWatch => ({
      facts: asking("watch", resource),
      destroy: () => broken.push(resource),
      finish: () => undefined,
      faultBegan() {
        faults.body("c", this.facts);
      },
    });
    for (const resource of ["pods", "nodes"]) origin.watchOpened(watching(resource));
    await add("watchstall", "pods", { resource: "pods" });
    await add("watchstall", "all");
    expect(shown()).toEqual(["pods 1", "all 1"]);
    await faults.remove("c", "all");
    expect(broken).toEqual(["nodes"]);
  });

  it("go on and off by turns, whatever the fault, at the same times for the same seed", async () => {
    const turns = { onMs: 1_000, offMs: 3_000, startMs: 500, durationMs: 9_000 };
    await add("status", undefined, turns);
    await add("hang");
    const seen: (number | string)[] = [];
    for (let second = 0; second < 11; second++) {
      seen.push(look(asking("get")));
      await clock.advance(1_000);
    }
    const stall = "stall";
    expect(seen).toEqual([stall, 503, stall, stall, stall, 503, stall, stall, stall, 503, stall]);
    await expect(faults.remove("c", "status")).resolves.toBe(true);
  });

  it("tell when connections go and come back, and whether they can be had now, whatever else meets requests", async () => {
    const told = (): unknown[] => [
      faults.isDown("c"),
      faults.transitions("c").map(({ atMs, to }) => `${to} ${atMs - Date.UTC(2026, 0, 1)}`),
    ];
    await add("status", undefined, { startMs: 500 });
    expect(told()).toEqual([false, []]);
    await add("blackhole", undefined, { startMs: 1_000, onMs: 500, durationMs: 2_000 });
    expect(told()).toEqual([false, ["down 1000", "up 1500", "down 2000", "up 2500"]]);
    await clock.advance(2_100);
    expect(told()).toEqual([true, ["up 2500"]]);
    await clock.advance(1_000);
    expect(told()).toEqual([false, []]);
    await add("blackhole");
    expect(told()).toEqual([true, []]);
    await add("blackhole", undefined, { probability: 0.5 });
    expect(told()).toEqual([false, []]);
  });
});
