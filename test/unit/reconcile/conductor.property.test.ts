// Any sequence of steps against a model of a few lines: what runs, what is said, and when the next pass is.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  Conductor,
  type PassEnd,
  type Reconciler,
  requeue,
  TerminalError,
  wait,
} from "../../../src/reconcile/index.ts";
import { ClusterPulseError } from "../../../src/support/errors.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

type Act =
  | { readonly act: "done" | "retry" | "terminal" | "bug" | "hang" }
  | { readonly act: "requeue" | "wait"; readonly afterMs: number | undefined };

interface Plan {
  readonly name: string;
  readonly optional: boolean;
  readonly says: string | undefined;
  readonly step: Act;
}

interface Parent {
  readonly metadata: { readonly name: string };
}

const parent: Parent = { metadata: { name: "p" } };
const deadlineMs = 1_000;

const wishes = fc.option(fc.constantFrom(-5, 0, 1, 2, 3, 500, Number.NaN, Number.POSITIVE_INFINITY), {
  nil: undefined,
});
const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Act>({ act: "done" }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant("requeue" as const), afterMs: wishes }) },
  fc.record({ act: fc.constant("wait" as const), afterMs: wishes }),
  fc.record({ act: fc.constantFrom("retry" as const, "terminal" as const, "bug" as const, "hang" as const) }),
);
const plans = fc.array(
  fc.record({
    name: fc.constantFrom("a", "b", "c", "d"),
    optional: fc.boolean(),
    says: fc.option(fc.constantFrom("Red", "Green"), { nil: undefined }),
    step: acts,
  }),
  { maxLength: 8 },
);

function reconcilerOf({ name, optional, says, step }: Plan, ran: string[]): Reconciler<Parent> {
  return {
    name,
    optional,
    reconcile(pass) {
      ran.push(name);
      if (says !== undefined) pass.setCondition({ type: says, status: "True", reason: "Said", message: name });
      switch (step.act) {
        case "done":
          return;
        case "requeue":
          return requeue(name, step.afterMs);
        case "wait":
          return wait(name, step.afterMs);
        case "retry":
          throw new ClusterPulseError("DOWN", "down");
        case "terminal":
          throw new TerminalError("BAD", "bad");
        case "bug":
          throw new TypeError("bug");
        case "hang":
          return new Promise<void>(() => undefined);
      }
    },
  };
}

const failed = ({ step }: Plan): boolean => ["retry", "terminal", "bug", "hang"].includes(step.act);
const stops = (plan: Plan): boolean => plan.step.act === "wait" || (failed(plan) && !plan.optional);

function model(steps: readonly Plan[]) {
  const last = steps.findIndex(stops);
  const reached = last < 0 ? steps : steps.slice(0, last + 1);
  const delays = reached.flatMap(({ step }) => {
    if (!("afterMs" in step)) return [];
    if (step.afterMs === undefined) return [0];
    return step.afterMs > 0 && step.afterMs < Number.POSITIVE_INFINITY ? [step.afterMs] : [];
  });
  const failures = reached.filter(failed);
  const stopping = failures.find((plan) => !plan.optional);
  const mendable = (plan: Plan): boolean => plan.step.act !== "terminal";
  return {
    reached,
    requeueMs: delays.length === 0 ? null : Math.min(...delays),
    failures: failures.map(({ name }) => name),
    verdict: (stopping ? mendable(stopping) : failures.some(mendable)) ? "retry" : stopping ? "terminal" : "done",
    ready: stopping === undefined && reached.at(-1)?.step.act !== "wait",
    durationMs: failures.filter(({ step }) => step.act === "hang").length * deadlineMs,
  };
}

test("MA-05 MA-W1 MA-W2 MA-W7 ordering, stopping, merging and flushing follow the model for any steps", async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (steps) => {
      const clock = new VirtualClock();
      const ran: string[] = [];
      const flushes: PassEnd<Parent>[] = [];
      const conductor = steps.reduce(
        (built, plan) => built.register(reconcilerOf(plan, ran)),
        Conductor.create<Parent>({ clock, stepDeadlineMs: deadlineMs, flush: (end) => void flushes.push(end) }),
      );
      const pass = conductor.conduct(parent);
      await clock.advance(deadlineMs * 10);
      const report = await pass;
      const wanted = model(steps);

      expect(ran).toEqual(wanted.reached.map(({ name }) => name));
      expect(report.steps.map(({ name }) => name)).toEqual(steps.map(({ name }) => name));
      expect(report.steps.filter(({ outcome }) => outcome !== "not-reached")).toHaveLength(ran.length);
      expect(report.requeue?.afterMs ?? null).toBe(wanted.requeueMs);
      expect(report.failures.map(({ step }) => step)).toEqual(wanted.failures);
      expect(report.verdict).toBe(wanted.verdict);
      expect(report.durationMs).toBe(wanted.durationMs);
      expect(report.durationMs).toBe(report.steps.reduce((sum, step) => sum + step.durationMs, 0));

      expect(flushes.map(({ conditions }) => conditions)).toEqual([report.conditions]);
      const types = report.conditions.map(({ type }) => type);
      expect(new Set(types).size).toBe(types.length);
      const said = wanted.reached.flatMap(({ says }) => says ?? []);
      expect(types).toEqual([...new Set(said), "Ready", "Degraded"]);
      const status = (type: string) => report.conditions.find((condition) => condition.type === type)?.status;
      expect([status("Ready"), status("Degraded")]).toEqual([
        wanted.ready ? "True" : "False",
        wanted.failures.length > 0 ? "True" : "False",
      ]);
    }),
    { numRuns: 200 },
  );
});
