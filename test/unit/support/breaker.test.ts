// The breaker against the recorded vectors, and one test for each trap of the library beneath it.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import CircuitBreaker from "opossum";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Breaker, type BreakerOptions, pauseMs, type Verdict } from "../../../src/support/breaker.ts";
import { ClusterPulseError } from "../../../src/support/errors.ts";
import { seededRandom } from "../../../src/support/random.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

interface Observed {
  readonly result?: "ok" | "error" | "rejected";
  readonly state: string;
  readonly failureCount: number;
}
interface Vector {
  readonly name: string;
  readonly threshold: number;
  readonly timeoutMs: number;
  readonly steps: readonly { readonly do: "success" | "failure" | "advance"; readonly ms?: number }[];
  readonly expected: readonly Observed[];
  readonly saneExpected?: readonly Observed[];
}
const file = new URL("../../fixtures/vectors/breaker.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, "utf8")) as { vectors: Vector[] };

const opened: Breaker[] = [];
afterEach(() => {
  for (const breaker of opened.splice(0)) breaker.close();
});

function start(options: Partial<BreakerOptions> = {}) {
  const clock = new VirtualClock();
  const breaker = new Breaker({
    clock,
    random: () => 0,
    threshold: 5,
    open: { firstMs: 60_000, maxMs: 300_000 },
    deadlineMs: 10_000,
    verdictOf: (error) => (ClusterPulseError.is(error) ? (verdicts[error.code] ?? "outage") : "outage"),
    ...options,
  });
  opened.push(breaker);
  let calls = 0;
  const run = async (ends: "success" | "failure" | "answer" | "given-up"): Promise<string> => {
    try {
      await breaker.run(() => {
        calls++;
        return ends === "success" ? Promise.resolve() : Promise.reject(new ClusterPulseError(ends, ends));
      });
      return "ok";
    } catch (error) {
      return ClusterPulseError.is(error) && error.code === "BREAKER_OPEN" ? "rejected" : "error";
    }
  };
  const fail = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await run("failure");
  };
  return { clock, breaker, run, fail, calls: () => calls };
}
const verdicts: Readonly<Record<string, Verdict>> = { answer: "answer", "given-up": "nothing" };
const never = (): Promise<never> => new Promise(() => undefined);

describe("recorded vectors", () => {
  test("all of them are there", () => expect(vectors).toHaveLength(14));

  test.each(vectors)("$name", async ({ threshold, timeoutMs, steps, expected, saneExpected }) => {
    const { clock, breaker, run } = start({ threshold, open: { firstMs: timeoutMs, maxMs: timeoutMs } });
    for (const [i, step] of steps.entries()) {
      const wanted = (saneExpected ?? expected)[i] as Observed;
      const result = step.do === "advance" ? void (await clock.advance(step.ms ?? 0)) : await run(step.do);
      const { state, failures } = breaker.state;
      expect({ result, state, failureCount: failures }, `step ${i}`).toEqual({ result: undefined, ...wanted });
    }
  });
});

describe("a breaker", () => {
  test("opens with the fifth failure in a row, not with five among successes", async () => {
    const { breaker, run, fail } = start();
    for (let i = 0; i < 10; i++) {
      await fail(4);
      await run("success");
    }
    expect(breaker.state).toEqual({ state: "closed", failures: 0, opensUntilMs: null });
    await fail(5);
    expect(breaker.state).toEqual({ state: "open", failures: 5, opensUntilMs: 60_000 });
  });

  test("opens after five failures even if a hundred successes came before them, and a day lies between them", async () => {
    const { clock, breaker, run } = start();
    for (let i = 0; i < 100; i++) await run("success");
    for (let i = 0; i < 5; i++) {
      await clock.advance(86_400_000);
      await run("failure");
    }
    expect(breaker.state.state).toBe("open");
  });

  test("is not opened again by what its window kept from before it closed", async () => {
    const { clock, breaker, run, fail } = start();
    await fail(5);
    await clock.advance(60_000);
    await run("success");
    await fail(4);
    expect(breaker.state).toMatchObject({ state: "closed", failures: 4 });
  });

  test("takes answers for answers: they neither open it nor keep it open", async () => {
    const { clock, breaker, run, fail } = start();
    await fail(4);
    expect(await run("answer")).toBe("error");
    expect(breaker.state).toMatchObject({ state: "closed", failures: 0 });
    await fail(5);
    await clock.advance(60_000);
    await run("answer");
    expect(breaker.state).toMatchObject({ state: "closed", failures: 0 });
  });

  test("learns nothing from a call that was given up; a probe given up may be repeated at once", async () => {
    const { clock, breaker, run, fail } = start();
    await fail(4);
    await run("given-up");
    expect(breaker.state.failures).toBe(4);
    await fail(1);
    await clock.advance(60_000);
    await run("given-up");
    expect(breaker.state).toMatchObject({ state: "open", failures: 5 });
    expect(await run("success")).toBe("ok");
    expect(breaker.state.state).toBe("closed");
  });

  test("calls nothing while it is open", async () => {
    const { clock, run, fail, calls } = start();
    await fail(5);
    for (let i = 0; i < 59; i++) {
      await clock.advance(1_000);
      expect(await run("success")).toBe("rejected");
    }
    expect(calls()).toBe(5);
  });

  test("lets one probe through, however many ask at once", async () => {
    const { clock, breaker, fail } = start();
    await fail(5);
    await clock.advance(60_000);
    let probes = 0;
    let answer: (value: string) => void = () => undefined;
    const all = Array.from({ length: 20 }, () =>
      breaker
        .run(() => {
          probes++;
          return new Promise<string>((resolve) => {
            answer = resolve;
          });
        })
        .catch((error: ClusterPulseError) => error.code),
    );
    await clock.settle();
    expect(probes).toBe(1);
    expect(breaker.state.state).toBe("half-open");
    answer("there again");
    expect(await Promise.all(all)).toEqual(["there again", ...Array.from({ length: 19 }, () => "BREAKER_OPEN")]);
    expect(breaker.state.state).toBe("closed");
  });

  test("is not held half-open by a probe that never settles", async () => {
    const { clock, breaker, run, fail } = start();
    await fail(5);
    await clock.advance(60_000);
    let told: AbortSignal | undefined;
    const probe = breaker.run((signal) => {
      told = signal;
      return never();
    });
    const ended = expect(probe).rejects.toMatchObject({ code: "CALL_DEADLINE" });
    await clock.advance(10_000);
    await ended;
    expect(told?.aborted).toBe(true);
    expect(breaker.state).toEqual({ state: "open", failures: 6, opensUntilMs: 130_000 });
    await clock.advance(60_000);
    expect(await run("success")).toBe("ok");
  });

  test("judges the reason of an abort like an error, at once", async () => {
    const { clock, breaker, fail } = start();
    await fail(4);
    const late = new AbortController();
    const call = breaker.run(never, late.signal).catch((error: ClusterPulseError) => error.code);
    await clock.settle();
    late.abort(new ClusterPulseError("RUN_DEADLINE", "took too long"));
    expect(breaker.state).toMatchObject({ state: "open", failures: 5 });
    expect(await call).toBe("RUN_DEADLINE");
    await expect(breaker.run(never, late.signal)).rejects.toMatchObject({ code: "BREAKER_OPEN" });
  });

  test("does not count a call that ends after the circuit has opened, or closed again", async () => {
    const { clock, breaker, run, fail } = start({ deadlineMs: 1_000_000 });
    let failLate: (error: Error) => void = () => undefined;
    const late = breaker.run(() => new Promise((_resolve, reject) => (failLate = reject))).catch(() => "late");
    let succeedLate: (value: string) => void = () => undefined;
    const lateSuccess = breaker.run(() => new Promise((resolve) => (succeedLate = resolve)));
    await clock.settle();
    await fail(5);
    succeedLate("too late to close it");
    await lateSuccess;
    expect(breaker.state).toMatchObject({ state: "open", failures: 5 });
    await clock.advance(60_000);
    await run("success");
    failLate(new Error("too late to count"));
    await late;
    expect(breaker.state).toMatchObject({ state: "closed", failures: 0 });
  });

  test("asks at once when told that the cause may be mended, and stays open if it is not", async () => {
    const { clock, breaker, run, fail } = start();
    await fail(5);
    await clock.advance(1_000);
    breaker.probeSoon();
    expect(await run("failure")).toBe("error");
    expect(breaker.state).toEqual({ state: "open", failures: 6, opensUntilMs: 61_000 });
    breaker.probeSoon();
    expect(await run("success")).toBe("ok");
  });

  test("shares nothing with another", async () => {
    const [one, other] = [start(), start()];
    await one.fail(5);
    expect(one.breaker.state.state).toBe("open");
    expect(other.breaker.state.state).toBe("closed");
    expect(await other.run("success")).toBe("ok");
  });

  test("an action that throws, and a signal that has aborted already, are ends like others", async () => {
    const { breaker } = start();
    const throwing = () => {
      throw new ClusterPulseError("THROWN", "thrown");
    };
    await expect(breaker.run(throwing)).rejects.toMatchObject({ code: "THROWN" });
    const signal = AbortSignal.abort(new ClusterPulseError("given-up", "given up"));
    let called = false;
    await expect(
      breaker.run(() => {
        called = true;
        return Promise.resolve();
      }, signal),
    ).rejects.toMatchObject({ code: "given-up" });
    expect(called).toBe(false);
    expect(breaker.state.failures).toBe(1);
  });

  test("keeps nothing of past calls", async () => {
    const fire = vi.spyOn(CircuitBreaker.prototype, "fire");
    try {
      const { run } = start();
      for (let i = 0; i < 1_000; i++) await run(i % 3 === 0 ? "answer" : "success");
      const circuit = fire.mock.contexts[0] as unknown as { status: { window: { latencyTimes: number[] }[] } };
      expect(circuit.status.window.flatMap(({ latencyTimes }) => latencyTimes).length).toBeLessThanOrEqual(2);
    } finally {
      vi.restoreAllMocks();
    }
  });

  test("leaves no timer of the runtime behind", async () => {
    const setTimer = vi.spyOn(globalThis, "setTimeout");
    const clearTimer = vi.spyOn(globalThis, "clearTimeout");
    const setRepeating = vi.spyOn(globalThis, "setInterval");
    try {
      const all = Array.from({ length: 50 }, () => start());
      for (const { fail } of all) await fail(5);
      for (const { breaker } of all) breaker.close();
      const cleared = new Set(clearTimer.mock.calls.map(([timer]) => timer));
      const set = setTimer.mock.results.map(({ value }) => value as NodeJS.Timeout);
      expect(set.length).toBeGreaterThanOrEqual(50);
      expect(set.filter((timer) => !cleared.has(timer))).toEqual([]);
      expect(setRepeating).not.toHaveBeenCalled();
    } finally {
      vi.restoreAllMocks();
    }
  });
});

describe("any sequence of calls", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("success", "failure", "failure", "answer", "given-up") },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 90_000 }) },
    { weight: 1, arbitrary: fc.constant("mended") },
  );

  test("goes as a model of a few lines says", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { clock, breaker, run } = start({ open: { firstMs: 60_000, maxMs: 60_000 } });
        const model = { failures: 0, openUntilMs: Number.NaN };
        for (const what of steps) {
          const nowMs = clock.monotonicMs();
          const isOpen = !Number.isNaN(model.openUntilMs);
          if (typeof what === "number") {
            await clock.advance(what);
          } else if (what === "mended") {
            breaker.probeSoon();
            if (isOpen) model.openUntilMs = nowMs;
          } else {
            const isTurnedAway = isOpen && nowMs < model.openUntilMs;
            const result = await run(what as "success");
            expect(result).toBe(isTurnedAway ? "rejected" : what === "success" ? "ok" : "error");
            if (isTurnedAway) continue;
            if (what === "failure") {
              model.failures++;
              if (isOpen || model.failures >= 5) model.openUntilMs = nowMs + 60_000;
            } else if (what !== "given-up") {
              Object.assign(model, { failures: 0, openUntilMs: Number.NaN });
            }
          }
          expect(breaker.state).toMatchObject({
            state: Number.isNaN(model.openUntilMs) ? "closed" : "open",
            failures: model.failures,
            opensUntilMs: Number.isNaN(model.openUntilMs) ? null : model.openUntilMs,
          });
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("the pause after an outage", () => {
  const range = { firstMs: 60_000, maxMs: 300_000 };

  test("lies between its first and its longest, whatever has gone before", () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 1e9, noNaN: true }), (seed, failingForMs) => {
        const pause = pauseMs(range, failingForMs, seededRandom(seed));
        expect(pause).toBeGreaterThanOrEqual(60_000);
        expect(pause).toBeLessThanOrEqual(Math.max(66_000, Math.min(300_000, failingForMs / 10)));
      }),
    );
  });

  test("is a minute and a little at first, and up to five minutes after an hour", () => {
    expect(pauseMs(range, 0, () => 0.999)).toBeLessThanOrEqual(66_000);
    expect(pauseMs(range, 3_600_000, () => 0.999)).toBeGreaterThan(299_000);
  });
});
