import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyLedger } from "../../../../src/store/redis/key-ledger.ts";

describe("the key ledger", () => {
  it("asks to register a key of an object once, and again when nobody knows what the server remembers", () => {
    const ledger = new KeyLedger(10);
    expect(ledger.needsRegistration("cluster:a:spec")).toBe(true);
    ledger.written("cluster:a:spec", null);
    expect(ledger.needsRegistration("cluster:a:spec")).toBe(false);
    ledger.forgetRegistrations();
    expect(ledger.needsRegistration("cluster:a:spec")).toBe(true);
  });

  it("registers no key that is not below an object", () => {
    const ledger = new KeyLedger(10);
    for (const key of ["clusters:all", "plain", "events:a", ":", ""]) {
      expect([key, ledger.needsRegistration(key)]).toEqual([key, false]);
    }
  });

  it("tells each expiry once, in bounded sweeps, and takes the registration back", () => {
    const ledger = new KeyLedger(10);
    for (let i = 0; i < 5; i++) ledger.written(`cluster:a:k${i}`, i < 3 ? 1_000 : null);
    expect(ledger.takeExpired(999, 10)).toEqual([]);
    expect([ledger.takeExpired(1_000, 2), ledger.takeExpired(1_000, 2), ledger.takeExpired(1_000, 2)].flat()).toEqual([
      "cluster:a:k0",
      "cluster:a:k1",
      "cluster:a:k2",
    ]);
    expect(ledger.size).toBe(2);
    const gone = ledger.goneRegistrations(2);
    expect([...gone]).toEqual([["cluster:a", ["cluster:a:k0", "cluster:a:k1"]]]);
    ledger.forgot(gone);
    expect([...ledger.goneRegistrations(2)]).toEqual([["cluster:a", ["cluster:a:k2"]]]);
  });

  it("keeps the registration of a key that was written again after it was gone", () => {
    const ledger = new KeyLedger(10);
    ledger.written("cluster:a:k", 1_000);
    ledger.deleted("cluster:a:k");
    ledger.written("cluster:a:k", null);
    expect(ledger.goneRegistrations(10).size).toBe(0);
  });

  it("is bounded: a key beyond the bound is registered with each write and its expiry is not told", () => {
    const ledger = new KeyLedger(2);
    for (const key of ["cluster:a:1", "cluster:a:2", "cluster:a:3"]) ledger.written(key, 1);
    expect(ledger.size).toBe(2);
    expect(ledger.needsRegistration("cluster:a:3")).toBe(true);
    expect(ledger.takeExpired(10, 10)).toEqual(["cluster:a:1", "cluster:a:2"]);
    ledger.written("cluster:a:4", 1);
    ledger.written("cluster:a:5", 1);
    expect(ledger.takeExpired(10, 10)).toHaveLength(2);
    expect([...ledger.goneRegistrations(10).values()].flat()).toHaveLength(2);
  });

  it("tells every expiry after as many sweeps as all keys take, however they are written in between", () => {
    const key = fc.constantFrom("cluster:a:1", "cluster:a:2", "cluster:a:3", "cluster:b:1", "cluster:b:2");
    const step = fc.oneof(
      fc.record({ write: key, ttlMs: fc.option(fc.integer({ min: 1, max: 50 })) }),
      fc.record({ remove: key }),
      fc.record({ waitMs: fc.integer({ min: 1, max: 30 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (steps, limit) => {
        const ledger = new KeyLedger(10);
        const model = new Map<string, number | null>();
        let nowMs = 0;
        const sweep = (): void => {
          for (const expired of ledger.takeExpired(nowMs, limit)) {
            expect(model.get(expired)).toBeLessThanOrEqual(nowMs);
            model.delete(expired);
          }
        };
        for (const each of steps) {
          if ("waitMs" in each) {
            nowMs += each.waitMs;
            sweep();
          } else if ("remove" in each) {
            ledger.deleted(each.remove);
            model.delete(each.remove);
          } else {
            const expiresAtMs = each.ttlMs === null ? null : nowMs + each.ttlMs;
            ledger.written(each.write, expiresAtMs);
            model.set(each.write, expiresAtMs);
          }
        }
        // The rest of a pass that is under way, and a whole one.
        for (let sweeps = 0; sweeps < 14; sweeps++) sweep();
        expect([...model.values()].filter((at) => at !== null && at <= nowMs)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
