import { afterEach, describe, expect, test } from "vitest";
import { storeWriter } from "../../../../actors/store-writer/store-writer.ts";
import { createTestSystem } from "../../../../actors/system/test-kit.ts";
import type { Document, StoreWriter } from "../../../../src/store/document.ts";
import { ClusterPulseError } from "../../../../src/support/errors.ts";

const value = (key: string, text: string): Document => ({ kind: "string", key, value: text, ttlSeconds: null });

/** A store that a test switches between taking, failing and not answering. */
class ScriptedStore implements StoreWriter {
  mode: "takes" | "fails" | "silent" = "takes";
  readonly batches: (readonly Document[])[] = [];

  refused = "";

  apply(documents: readonly Document[], signal: AbortSignal): Promise<void> {
    if (documents.some((document) => "key" in document && document.key === this.refused)) {
      return Promise.reject(new ClusterPulseError("STORE_WRONG_TYPE", "another type is there"));
    }
    switch (this.mode) {
      case "takes":
        this.batches.push(documents);
        return Promise.resolve();
      case "fails":
        return Promise.reject(new ClusterPulseError("STORE_DOWN", "the store refuses"));
      case "silent":
        return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    }
  }
}

let stop: () => Promise<unknown> = () => Promise.resolve();
afterEach(() => stop());

function start() {
  const store = new ScriptedStore();
  const kit = createTestSystem({ seed: 7 });
  const { definition, sink } = storeWriter(store);
  kit.system.spawn(definition, { name: "store-writer" });
  stop = async () => {
    const stopped = kit.system.stop(5_000);
    await kit.advance(6_000);
    return stopped;
  };
  return { store, sink, kit };
}

describe("the store writer", () => {
  test("gathers documents of many writers into one batch", async () => {
    const { store, sink, kit } = start();
    for (let i = 0; i < 50; i++) sink.write([value(`k${i}`, "v")]);
    await kit.advance(300);
    expect(store.batches.map((batch) => batch.length)).toEqual([50]);
  });

  test("cuts what waits into batches of at most 500 documents", async () => {
    const { store, sink, kit } = start();
    sink.write(Array.from({ length: 1_201 }, (_, i) => value(`k${i}`, "v")));
    await kit.advance(1_000);
    expect(store.batches.map((batch) => batch.length)).toEqual([500, 500, 201]);
  });

  test.each(["fails", "silent"] as const)(
    "while the store %s the newest values wait, and all are written after",
    async (mode) => {
      const { store, sink, kit } = start();
      store.mode = mode;
      for (let second = 0; second < 60; second++) {
        sink.write([value("a", `a${second}`), value("b", `b${second}`)]);
        await kit.advance(1_000);
      }
      expect(store.batches).toEqual([]);
      expect(sink.stats()).toMatchObject({
        dropped: 0,
        lastError: { code: mode === "fails" ? "STORE_DOWN" : "STORE_DEADLINE" },
      });
      expect(sink.stats().failedBatches).toBeGreaterThan(5);
      store.mode = "takes";
      await kit.advance(20_000);
      expect(store.batches.flat()).toEqual([value("a", "a59"), value("b", "b59")]);
      expect(sink.stats()).toMatchObject({ documents: 0, bytes: 0, lastError: null });
    },
  );

  test("a document that the store refuses for good is given up alone; everything else is written", async () => {
    const { store, sink, kit } = start();
    store.refused = "k317";
    sink.write(Array.from({ length: 1_000 }, (_, i) => value(`k${i}`, "v")));
    await kit.advance(3_000);
    const written = store.batches.flat().map((document) => ("key" in document ? document.key : ""));
    expect(new Set(written).size).toBe(999);
    expect(written).not.toContain("k317");
    expect(sink.stats()).toMatchObject({ documents: 0, refused: 1, lastError: null });
  });

  test("writes what waits on the way out", async () => {
    const { store, sink, kit } = start();
    sink.write([value("last", "words")]);
    const stopped = kit.system.stop(5_000);
    await kit.advance(100);
    expect(await stopped).toEqual({ abandoned: [] });
    expect(store.batches.flat()).toEqual([value("last", "words")]);
  });

  test("a store that does not answer holds up the end for its deadline and no longer", async () => {
    const { store, sink, kit } = start();
    store.mode = "silent";
    sink.write([value("last", "words")]);
    let stoppedAtMs = 0;
    const beganMs = kit.clock.monotonicMs();
    void kit.system.stop(5_000).then(() => {
      stoppedAtMs = kit.clock.monotonicMs();
    });
    await kit.advance(5_000);
    expect(stoppedAtMs - beganMs).toBeLessThanOrEqual(2_200);
  });
});
