import { describe, expect, it } from "vitest";
import type { Document } from "../../../src/store/document.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";
import { describeStoreContract } from "../../support/store-contract.ts";

const signal = new AbortController().signal;
const string = (key: string, value: string, ttlSeconds: number | null = null): Document => ({
  kind: "string",
  key,
  value,
  ttlSeconds,
});

describeStoreContract("the embedded store", async () => {
  const clock = new VirtualClock();
  return { store: createMemoryStore({ clock }), advance: (byMs) => clock.advance(byMs) };
});

describe("the bound of the embedded store", () => {
  it("refuses what does not fit, keeps what came before it, and takes it once there is room", async () => {
    const store = createMemoryStore({ clock: new VirtualClock(), limits: { maxBytes: 2_000 } });
    const seen: string[] = [];
    store.subscribe((keys) => seen.push(...keys));
    const big = string("big", "x".repeat(1_000));
    await expect(store.apply([string("a", "1"), big, string("more", "x".repeat(800))], signal)).rejects.toMatchObject({
      code: "STORE_FULL",
    });
    expect(seen).toEqual(["a", "big"]);
    expect(await store.string("more")).toBeUndefined();
    await store.apply([{ kind: "delete", key: "big" }, string("more", "x".repeat(800))], signal);
    expect(await store.string("more")).toHaveLength(800);
    await store.close();
  });

  it("lets a value shrink or be renewed when full", async () => {
    const store = createMemoryStore({ clock: new VirtualClock(), limits: { maxBytes: 1_200 } });
    await store.apply([string("a", "x".repeat(1_000))], signal);
    await expect(store.apply([string("b", "1")], signal)).rejects.toMatchObject({ code: "STORE_FULL" });
    await store.apply([string("a", "x".repeat(1_000)), string("a", "x".repeat(10)), string("b", "1")], signal);
    expect(await store.string("b")).toBe("1");
    await store.close();
  });

  it("returns the memory of expired values in bounded sweeps", async () => {
    const clock = new VirtualClock();
    const limits = { maxBytes: 20_000, sweepEveryMs: 1_000, keysPerSweep: 10 };
    const store = createMemoryStore({ clock, limits });
    const batches: number[] = [];
    const values = Array.from({ length: 25 }, (_, n) => string(`k${n}`, "x".repeat(500), 1));
    await store.apply(values, signal);
    store.subscribe((keys) => batches.push(keys.length));
    await expect(store.apply([string("big", "x".repeat(10_000))], signal)).rejects.toMatchObject({
      code: "STORE_FULL",
    });
    await clock.advance(3_500);
    expect(batches).toEqual([10, 10, 5]);
    await store.apply([string("big", "x".repeat(10_000))], signal);
    await store.close();
  });

  it("counts exactly: emptied by every way, it has its whole room again", async () => {
    const clock = new VirtualClock();
    const store = createMemoryStore({ clock, limits: { maxBytes: 3_000 } });
    for (let round = 0; round < 50; round++) {
      await store.apply(
        [
          string("p:s", "x".repeat(200), 1),
          { kind: "hash", key: "p:h", fields: { a: "1", [`f${round}`]: "2" }, ttlSeconds: 5 },
          { kind: "set", key: "p:set", members: ["a", `${round}`], ttlSeconds: null },
          { kind: "index", key: "i", add: [`${round}`], remove: [] },
          { kind: "series", key: "p:z", score: round, member: `${round}`, dropThroughScore: round - 3, ttlSeconds: 9 },
          { kind: "log", key: "p:l", id: `${round}`, entry: `${round}`, maxEntries: 3, ttlSeconds: 9 },
        ],
        signal,
      );
      if (round % 3 === 0) await clock.advance(1_500);
      await store.apply(
        [
          { kind: "index", key: "i", add: [], remove: [`${round}`] },
          { kind: "delete-prefix", prefix: "p:" },
        ],
        signal,
      );
    }
    await store.apply([string("all", "x".repeat(3_000 - 128 - 3))], signal);
    await store.close();
  });

  it("is not moved by a jump of the wall clock", async () => {
    const clock = new VirtualClock();
    const store = createMemoryStore({ clock });
    await store.apply([string("a", "1", 60)], signal);
    clock.jumpWallClock(3_600_000);
    expect(await store.string("a")).toBe("1");
    await store.close();
  });

  it("says nothing of a write that changes nothing", async () => {
    const store = createMemoryStore({ clock: new VirtualClock() });
    await store.apply([string("a", "1"), { kind: "index", key: "i", add: ["m"], remove: [] }], signal);
    const seen: string[] = [];
    store.subscribe((keys) => seen.push(...keys));
    await store.apply([string("a", "1", 60), { kind: "index", key: "i", add: ["m"], remove: ["n"] }], signal);
    expect(seen).toEqual([]);
    await store.close();
  });
});
