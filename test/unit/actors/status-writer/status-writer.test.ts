import { afterEach, describe, expect, test } from "vitest";
import { type StatusTarget, statusWriter } from "../../../../actors/status-writer/status-writer.ts";
import { createTestSystem } from "../../../../actors/system/test-kit.ts";
import { ClusterPulseError } from "../../../../src/support/errors.ts";

const target = (name: string, uid = `uid-${name}`): StatusTarget => ({
  resource: "clusterconnections",
  namespace: "hubs",
  name,
  uid,
});

let stop: () => Promise<unknown> = () => Promise.resolve();
afterEach(() => stop());

function start() {
  const kit = createTestSystem({ seed: 3 });
  const written: [string, object][] = [];
  let answer: (name: string) => Promise<void> = () => Promise.resolve();
  let inFlight = 0;
  let peak = 0;
  const { definition, sink } = statusWriter({
    async patch({ name }, status) {
      peak = Math.max(peak, ++inFlight);
      try {
        await answer(name);
        written.push([name, status]);
      } finally {
        inFlight--;
      }
    },
  });
  kit.system.spawn(definition, { name: "status-writer" });
  stop = async () => {
    const stopped = kit.system.stop(5_000);
    await kit.advance(6_000);
    return stopped;
  };
  return {
    kit,
    sink,
    written,
    peak: () => peak,
    answer: (next: (name: string) => Promise<void>) => {
      answer = next;
    },
  };
}

describe("the status writer", () => {
  test("writes the newest wish of an object once, and nothing while it stays the same", async () => {
    const { kit, sink, written } = start();
    for (let i = 0; i < 100; i++) sink.set(target("a"), { message: `${i}` });
    await kit.advance(1_000);
    for (let i = 0; i < 100; i++) sink.set(target("a"), { message: "99" });
    await kit.advance(1_000);
    expect(written).toEqual([["a", { message: "99" }]]);
  });

  test("begins at most ten patches a turn and holds eight at once", async () => {
    const { kit, sink, written, peak, answer } = start();
    answer(() => new Promise((resolve) => void kit.clock.setTimer(resolve, 50)));
    for (let i = 0; i < 100; i++) sink.set(target(`c${i}`), { i });
    await kit.advance(500);
    expect(written.length).toBeLessThanOrEqual(40);
    await kit.advance(5_000);
    expect(written).toHaveLength(100);
    expect(peak()).toBe(8);
  });

  test("tries again with backoff, with the newest wish, while others go on", async () => {
    const { kit, sink, written, answer } = start();
    let attempts = 0;
    answer((name) => {
      if (name !== "bad") return Promise.resolve();
      attempts++;
      return Promise.reject(new ClusterPulseError("SERVER_ERROR", "the server answered 500"));
    });
    sink.set(target("bad"), { v: 1 });
    await kit.advance(30_000);
    sink.set(target("bad"), { v: 2 });
    sink.set(target("good"), { v: 1 });
    await kit.advance(30_000);
    expect(written).toEqual([["good", { v: 1 }]]);
    expect(attempts).toBeGreaterThan(2);
    expect(attempts).toBeLessThan(30);
    expect(sink.stats()).toMatchObject({ pending: 1, failed: attempts });
    answer(() => Promise.resolve());
    await kit.advance(130_000);
    expect(written.at(-1)).toEqual(["bad", { v: 2 }]);
  });

  test("remembers nothing of an object that was forgotten while its patch was under way", async () => {
    const { kit, sink, written, answer } = start();
    let end: () => void = () => undefined;
    answer(() => new Promise<void>((resolve) => (end = resolve)));
    sink.set(target("a"), { message: "same" });
    await kit.advance(1_000);
    sink.forget(target("a"));
    end();
    answer(() => Promise.resolve());
    await kit.advance(1_000);
    sink.set(target("a"), { message: "same" });
    await kit.advance(1_000);
    expect(written).toHaveLength(2);
  });

  test("drops the wish for an object that is gone", async () => {
    const { kit, sink, answer } = start();
    let attempts = 0;
    answer(() => {
      attempts++;
      return Promise.reject(new ClusterPulseError("NOT_FOUND", "gone"));
    });
    sink.set(target("a"), { v: 1 });
    await kit.advance(60_000);
    expect(attempts).toBe(1);
    expect(sink.stats()).toMatchObject({ pending: 0, failed: 0 });
  });

  test("a re-created object of the same name gets its own status, even an equal one", async () => {
    const { kit, sink, written } = start();
    sink.set(target("a", "first"), { v: 1 });
    await kit.advance(1_000);
    sink.forget(target("a", "first"));
    sink.set(target("a", "second"), { v: 1 });
    await kit.advance(1_000);
    expect(written).toHaveLength(2);
  });
});
