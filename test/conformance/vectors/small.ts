// quantity.json, pluralize.json and breaker.json: suites of one function each.
import { pluralize as pluralOf } from "../../../src/metric-source/pluralize.ts";
import { Breaker } from "../../../src/support/breaker.ts";
import { ClusterPulseError } from "../../../src/support/errors.ts";
import { parseBytes, parseCpuCores } from "../../../src/support/quantity.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";
import { isSameValue, plain, type Suite } from "./suite.ts";

const fractional = /\.|[mun]\s*$|e-/i;

/** The vectors write 0 for what is not a quantity, where ours is undefined and the caller decides. */
export const quantity: Suite = {
  run({ kind, input }) {
    const text = String(input);
    return { value: (kind === "cpu" ? parseCpuCores(text) : parseBytes(text)) ?? 0 };
  },
  // A fraction of a byte may go to either neighbour.
  isSame(expected, actual, { kind, input }) {
    if (isSameValue(expected, actual)) return true;
    return kind === "memory" && fractional.test(String(input)) && Math.abs(Number(expected) - Number(actual)) <= 1;
  },
};

export const pluralize: Suite = { run: ({ kind }) => ({ value: pluralOf(String(kind)) }) };

interface Step {
  readonly do: "success" | "failure" | "advance";
  readonly ms?: number;
}

export const breaker: Suite = {
  async run(vector) {
    const { threshold, timeoutMs, steps } = vector as unknown as {
      threshold: number;
      timeoutMs: number;
      steps: readonly Step[];
    };
    const clock = new VirtualClock();
    const open = { firstMs: timeoutMs, maxMs: timeoutMs };
    const subject = new Breaker({
      clock,
      random: () => 0,
      threshold,
      open,
      deadlineMs: 10_000,
      verdictOf: () => "outage",
    });
    const call = async (step: Step): Promise<string> => {
      try {
        await subject.run(() =>
          step.do === "success" ? Promise.resolve() : Promise.reject(new ClusterPulseError("FAILED", "failed")),
        );
        return "ok";
      } catch (error) {
        return ClusterPulseError.is(error) && error.code === "BREAKER_OPEN" ? "rejected" : "error";
      }
    };
    const observed: unknown[] = [];
    for (const step of steps) {
      const result = step.do === "advance" ? void (await clock.advance(step.ms ?? 0)) : await call(step);
      const { state, failures } = subject.state;
      observed.push({ result: result ?? null, state, failureCount: failures });
    }
    subject.close();
    return { value: observed };
  },
  // How failures are counted inside is optional.
  isSame: (expected, actual) => isSameValue(withoutCounts(expected), withoutCounts(actual)),
};

const withoutCounts = (steps: unknown): unknown =>
  (plain(steps) as { result?: string; state: string }[]).map(({ result, state }) => ({
    result: result ?? null,
    state,
  }));
