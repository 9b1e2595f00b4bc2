import { expect, test } from "vitest";
import {
  type Condition,
  Conductor,
  type Pass,
  type PassEnd,
  type PassReport,
  type Reconciler,
  requeue,
  TerminalError,
  wait,
} from "../../../src/reconcile/index.ts";
import { rfc3339 } from "../../../src/support/clock.ts";
import { ClusterPulseError } from "../../../src/support/errors.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

interface Site {
  readonly metadata: { readonly name: string; readonly generation?: number };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

const site: Site = { metadata: { name: "site", generation: 4 } };
const earlier = "2025-01-01T00:00:00Z";
const condition = (type: string, status: Condition["status"], reason = "Before"): Condition => ({
  type,
  status,
  reason,
  message: "",
  lastTransitionTime: earlier,
  observedGeneration: 3,
});

/** A conductor over the given steps, with what it did. */
function stage(steps: readonly Reconciler<Site>[], onFlush: (end: PassEnd<Site>) => void | Promise<void> = () => {}) {
  const clock = new VirtualClock();
  const flushes: PassEnd<Site>[] = [];
  const flush = (end: PassEnd<Site>) => {
    flushes.push(end);
    return onFlush(end);
  };
  const conductor = steps.reduce(
    (built, step) => built.register(step),
    Conductor.create<Site>({ clock, flush, stepDeadlineMs: 10_000 }),
  );
  return { clock, conductor, flushes };
}

/** A step that notes that it ran. */
function stepper() {
  const ran: string[] = [];
  const step = (
    name: string,
    act: Reconciler<Site>["reconcile"] = () => undefined,
    more: Partial<Reconciler<Site>> = {},
  ): Reconciler<Site> => ({
    name,
    ...more,
    reconcile(pass) {
      ran.push(name);
      return act(pass);
    },
  });
  return { ran, step };
}

const outcomes = ({ steps }: PassReport) => steps.map(({ name, outcome }) => `${name} ${outcome}`);
const typesOf = (conditions: readonly Condition[]) => conditions.map(({ type, status }) => `${type}=${status}`);

test("MA-01 MA-02 MA-T1 a reconciler gets exactly the parent, and says what it is", async () => {
  const seen: Site[] = [];
  const { step } = stepper();
  const { conductor } = stage([step("a", (pass) => void seen.push(pass.parent), { description: "Looks." })]);
  await conductor.conduct(site);
  expect(seen[0]).toBe(site);
  expect(conductor.reconcilers.map(({ name, description }) => [name, description])).toEqual([["a", "Looks."]]);
});

test("MA-03 MA-04 registering gives a new conductor and leaves the old as it is; a reconciler may be there twice", async () => {
  const { ran, step } = stepper();
  const { conductor } = stage([step("a")]);
  const longer = conductor.register(step("b")).register(step("b"));
  expect(outcomes(await conductor.conduct(site))).toEqual(["a done"]);
  expect(outcomes(await longer.conduct(site))).toEqual(["a done", "b done", "b done"]);
  expect(ran).toEqual(["a", "a", "b", "b"]);
});

test("MA-05 MA-09 MA-C1 steps run in the order of registration, one at a time; conditions come once, in the order of calls", async () => {
  const { ran, step } = stepper();
  let running = 0;
  const say = (type: string) => async (pass: Pass<Site>) => {
    expect(++running).toBe(1);
    await Promise.resolve();
    pass.setCondition({ type, status: "True", reason: "Said", message: type });
    running--;
  };
  const { conductor, flushes } = stage([step("a", say("A")), step("b", say("B")), step("c", say("C"))]);
  const report = await conductor.conduct(site);
  expect(ran).toEqual(["a", "b", "c"]);
  expect(flushes).toHaveLength(1);
  expect(typesOf(flushes[0]?.conditions ?? [])).toEqual(["A=True", "B=True", "C=True", "Ready=True", "Degraded=False"]);
  expect(report).toMatchObject({ verdict: "done", requeue: null, failures: [], conditions: flushes[0]?.conditions });
});

test("MA-C2 MA-W1 a failure stops the pass, and the conditions of all steps that ran are flushed", async () => {
  const { ran, step } = stepper();
  const say = (type: string) => (pass: Pass<Site>) =>
    pass.setCondition({ type, status: "True", reason: "Said", message: "" });
  const { conductor, flushes } = stage([
    step("a", (pass) => {
      say("A")(pass);
      return requeue("token expires", 7_000);
    }),
    step("b", (pass) => {
      say("B")(pass);
      throw new ClusterPulseError("DNS_REFUSED", "the name server refused");
    }),
    step("c"),
  ]);
  const report = await conductor.conduct(site);
  expect(ran).toEqual(["a", "b"]);
  expect(outcomes(report)).toEqual(["a requeue", "b failed", "c not-reached"]);
  expect(report).toMatchObject({
    verdict: "retry",
    requeue: { step: "a", afterMs: 7_000, reason: "token expires" },
    failures: [{ step: "b", kind: "retry", optional: false, code: "DNS_REFUSED", message: "the name server refused" }],
  });
  expect(flushes).toHaveLength(1);
  expect(flushes[0]).toMatchObject({ verdict: "retry", parent: site });
  expect(typesOf(report.conditions)).toEqual(["A=True", "B=True", "Ready=False", "Degraded=True"]);
  expect(report.conditions[2]).toMatchObject({ reason: "DnsRefused", message: "b: the name server refused" });
});

test("MA-C3 a step that waits stops the pass: later steps do not run, conditions are flushed", async () => {
  const { ran, step } = stepper();
  const { conductor, flushes } = stage([step("a"), step("b", () => wait("roll-out", 5_000)), step("c")]);
  const report = await conductor.conduct(site);
  expect(ran).toEqual(["a", "b"]);
  expect(outcomes(report)).toEqual(["a done", "b wait", "c not-reached"]);
  expect(report).toMatchObject({ verdict: "done", requeue: { step: "b", afterMs: 5_000, reason: "roll-out" } });
  expect(flushes).toHaveLength(1);
  expect(report.conditions[0]).toMatchObject({
    type: "Ready",
    status: "False",
    reason: "Waiting",
    message: "b: roll-out",
  });
});

test("MA-C3 MA-W2 MA-W4 a step that asks for another pass does not stop this one; the earliest wish counts", async () => {
  const { ran, step } = stepper();
  const { conductor } = stage([
    step("a", () => requeue("refresh", 9_000)),
    step("b", () => requeue("child is new", 5_000)),
    step("c", () => requeue("as late as b", 5_000)),
  ]);
  const report = await conductor.conduct(site);
  expect(ran).toEqual(["a", "b", "c"]);
  expect(report.requeue).toEqual({ step: "b", afterMs: 5_000, reason: "child is new" });
  expect(report.conditions[0]).toMatchObject({ type: "Ready", status: "True" });
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
  "MA-C4 a wish for a pass after %s ms is none: it neither stops nor counts",
  async (afterMs) => {
    const { ran, step } = stepper();
    const { conductor } = stage([step("a", () => requeue("computed", afterMs)), step("b")]);
    const report = await conductor.conduct(site);
    expect(ran).toEqual(["a", "b"]);
    expect(outcomes(report)).toEqual(["a done", "b done"]);
    expect(report.requeue).toBeNull();
  },
);

test("MA-C4 a gate stays shut whatever its delay; without one it waits for a change", async () => {
  const { ran, step } = stepper();
  const { conductor } = stage([step("a", () => wait("not yet", -1)), step("b")]);
  expect(await conductor.conduct(site)).toMatchObject({ verdict: "done", requeue: null });
  expect(ran).toEqual(["a"]);
});

test("MA-W4 a wish without a delay is for as soon as possible and beats any other", async () => {
  const { step } = stepper();
  const { conductor } = stage([step("a", () => requeue("later", 1)), step("b", () => wait("now"))]);
  expect((await conductor.conduct(site)).requeue).toEqual({ step: "b", afterMs: 0, reason: "now" });
});

test("MA-C7 a handler that fails makes a pass to retry, and is called no second time", async () => {
  const { step } = stepper();
  const { conductor, flushes } = stage([step("a", () => requeue("r", 50))], () => {
    throw new TypeError("token=canary");
  });
  const report = await conductor.conduct(site);
  expect(flushes).toHaveLength(1);
  expect(flushes[0]?.verdict).toBe("done");
  expect(report).toMatchObject({ verdict: "retry", failures: [{ step: "flush", kind: "retry", code: "UNEXPECTED" }] });
  expect(JSON.stringify(report)).not.toContain("canary");
});

test("MA-C7 a handler that never ends is left behind at its deadline", async () => {
  const { conductor, clock, flushes } = stage([], () => new Promise(() => undefined));
  const pass = conductor.conduct(site);
  await clock.advance(9_999);
  expect(flushes[0]?.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(await pass).toMatchObject({ verdict: "retry", failures: [{ step: "flush", code: "STEP_DEADLINE" }] });
  expect(flushes[0]?.signal.aborted).toBe(true);
});

test("MA-C8 MA-W3 passes of one conductor over different parents run at once and never mix", async () => {
  const { step } = stepper();
  const { conductor, clock, flushes } = stage([
    step("a", async (pass) => {
      const { name } = pass.parent.metadata;
      await new Promise<void>((resolve) => void pass.clock.setTimer(resolve, name === "slow" ? 300 : 100));
      pass.setCondition({ type: "Named", status: "True", reason: "Said", message: name });
    }),
  ]);
  const passes = ["slow", "fast"].map((name) => conductor.conduct({ metadata: { name } }));
  await clock.advance(300);
  const reports = await Promise.all(passes);
  expect(reports.map(({ conditions }) => conditions[0]?.message)).toEqual(["slow", "fast"]);
  expect(reports.map(({ durationMs }) => durationMs)).toEqual([300, 100]);
  expect(flushes.map(({ parent }) => parent.metadata.name)).toEqual(["fast", "slow"]);
});

test("MA-C14 MA-T2 a type is there once; an unchanged status keeps its time; the generation is the parent's", async () => {
  const { step } = stepper();
  const before = [condition("Kept", "True"), condition("Turned", "False"), condition("Untouched", "True")];
  const { conductor, clock } = stage([
    step("a", (pass) => {
      pass.setCondition({ type: "Kept", status: "False", reason: "First", message: "" });
      pass.setCondition({ type: "New", status: "True", reason: "Said", message: "" });
      pass.setCondition({ type: "Turned", status: "True", reason: "Said", message: "" });
      pass.setCondition({ type: "Kept", status: "True", reason: "Second", message: "m" });
    }),
  ]);
  const now = rfc3339(clock.nowMs());
  const { conditions } = await conductor.conduct({ ...site, status: { conditions: before } });
  const said = { reason: "Said", message: "", observedGeneration: 4 };
  expect(conditions).toEqual([
    {
      type: "Kept",
      status: "True",
      reason: "Second",
      message: "m",
      lastTransitionTime: earlier,
      observedGeneration: 4,
    },
    { type: "Turned", status: "True", ...said, lastTransitionTime: now },
    condition("Untouched", "True"),
    { type: "New", status: "True", ...said, lastTransitionTime: now },
    expect.objectContaining({ type: "Ready", lastTransitionTime: now }),
    expect.objectContaining({ type: "Degraded", lastTransitionTime: now }),
  ]);
});

test("MA-C14 what an error said is gone after a pass that works", async () => {
  const { step } = stepper();
  let broken = true;
  const { conductor, clock } = stage([
    step(
      "a",
      () => {
        if (broken) throw new ClusterPulseError("NO_ROUTE", "no route");
      },
      { condition: "RouteReady" },
    ),
  ]);
  const first = await conductor.conduct(site);
  expect(typesOf(first.conditions)).toEqual(["RouteReady=False", "Ready=False", "Degraded=True"]);
  expect(first.conditions[0]).toMatchObject({ reason: "NoRoute", message: "no route" });
  broken = false;
  await clock.advance(60_000);
  const second = await conductor.conduct({ ...site, status: { conditions: first.conditions } });
  expect(typesOf(second.conditions)).toEqual(["RouteReady=True", "Ready=True", "Degraded=False"]);
  expect(second.conditions.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual(
    Array.from({ length: 3 }, () => rfc3339(clock.nowMs())),
  );
});

test("MA-19 a declared condition speaks for its step unless the step does, and stays when the step is not reached", async () => {
  const { step } = stepper();
  const own = (pass: Pass<Site>) => pass.setCondition({ type: "Own", status: "Unknown", reason: "Asked", message: "" });
  const { conductor } = stage([
    step("works", undefined, { condition: "Works" }),
    step("own", own, { condition: "Own" }),
    step("soft", () => Promise.reject(new ClusterPulseError("GONE", "gone")), { condition: "Soft", optional: true }),
    step("gate", () => wait("later"), { condition: "Gate" }),
    step("beyond", undefined, { condition: "Beyond" }),
  ]);
  const { conditions } = await conductor.conduct({ ...site, status: { conditions: [condition("Beyond", "True")] } });
  expect(conditions[0]).toEqual(condition("Beyond", "True"));
  expect(typesOf(conditions.slice(1))).toEqual([
    "Works=True",
    "Own=Unknown",
    "Soft=False",
    "Gate=False",
    "Ready=False",
    "Degraded=True",
  ]);
});

test("Ready and Degraded stay with the step that sets them", async () => {
  const { step } = stepper();
  const { conductor } = stage([
    step("a", (pass) => {
      pass.setCondition({ type: "Ready", status: "False", reason: "Slow", message: "slow" });
    }),
  ]);
  expect(typesOf((await conductor.conduct(site)).conditions)).toEqual(["Ready=False", "Degraded=False"]);
});

test("a condition that the API server would refuse fails the step, not the pass's report", async () => {
  const { step } = stepper();
  const set = (type: string, reason: string) => (pass: Pass<Site>) =>
    pass.setCondition({ type, status: "True", reason, message: "" });
  const { conductor } = stage([
    step("type", set("no spaces", "Fine"), { optional: true }),
    step("reason", set("Fine", ""), { optional: true }),
    step("long", set("x".repeat(317), "Fine"), { optional: true }),
  ]);
  const report = await conductor.conduct(site);
  expect(report.failures.map(({ step: name, code }) => `${name} ${code}`)).toEqual([
    "type CONDITION_INVALID",
    "reason CONDITION_INVALID",
    "long CONDITION_INVALID",
  ]);
  expect(typesOf(report.conditions)).toEqual(["Ready=True", "Degraded=True"]);
  expect(() => conductor.register(step("x", undefined, { condition: "a b" }))).toThrow("the type of a condition");
});

test("MA-T4 many at once: 100 tasks with 2 conditions each are 200 conditions; the limit is 256", async () => {
  const { step } = stepper();
  const set = (pass: Pass<Site>, type: string) =>
    pass.setCondition({ type, status: "True", reason: "Said", message: "m".repeat(2_000) });
  const { conductor } = stage([
    step("many", async (pass) => {
      const task = async (n: number) => {
        await Promise.resolve();
        set(pass, `A${n}`);
        await Promise.resolve();
        set(pass, `B${n}`);
      };
      await Promise.all(Array.from({ length: 100 }, (_, n) => task(n)));
    }),
    step("last", (pass) => {
      for (let n = 200; n < 256; n++) set(pass, `C${n}`);
    }),
    step("over", (pass) => set(pass, "Over")),
  ]);
  const report = await conductor.conduct(site);
  expect(report.failures).toMatchObject([{ step: "over", code: "CONDITION_LIMIT" }]);
  expect(report.conditions.filter(({ type }) => /^[ABC]\d/.test(type))).toHaveLength(256);
  expect(report.conditions[0]?.message).toHaveLength(1_024);
  expect(typesOf(report.conditions.slice(256))).toEqual(["Ready=False", "Degraded=True"]);
});

test("MA-W7 a thrown bug is a failure with a code, and says nothing of what it held", async () => {
  const { ran, step } = stepper();
  const { conductor } = stage([
    step(
      "sync",
      () => {
        throw new TypeError("token=canary");
      },
      { optional: true },
    ),
    step("text", () => Promise.reject("canary"), { optional: true }),
    step("last"),
  ]);
  const report = await conductor.conduct(site);
  expect(ran).toEqual(["sync", "text", "last"]);
  expect(report.failures).toMatchObject([
    { step: "sync", kind: "retry", optional: true, code: "UNEXPECTED" },
    { step: "text", kind: "retry", optional: true, code: "UNEXPECTED", message: "a thrown string" },
  ]);
  expect(report.verdict).toBe("retry");
  expect(typesOf(report.conditions)).toEqual(["Ready=True", "Degraded=True"]);
  expect(JSON.stringify(report)).not.toContain("canary");
});

test.each([
  { optional: false, error: new TerminalError("BAD_SPEC", "bad"), verdict: "terminal" },
  { optional: false, error: new ClusterPulseError("DOWN", "down"), verdict: "retry" },
  { optional: true, error: new TerminalError("BAD_SPEC", "bad"), verdict: "done" },
  { optional: true, error: new ClusterPulseError("DOWN", "down"), verdict: "retry" },
])("two kinds of errors: optional $optional, $error.code gives $verdict", async ({ optional, error, verdict }) => {
  const { step } = stepper();
  const { conductor } = stage([step("a", () => Promise.reject(error), { optional })]);
  expect(await conductor.conduct(site)).toMatchObject({ verdict, failures: [{ step: "a", code: error.code }] });
});

test("a failure for good decides, whatever optional steps failed before it", async () => {
  const { step } = stepper();
  const { conductor } = stage([
    step("soft", () => Promise.reject(new ClusterPulseError("DOWN", "down")), { optional: true }),
    step("hard", () => Promise.reject(new TerminalError("BAD_SPEC", "bad"))),
  ]);
  const report = await conductor.conduct(site);
  expect(report.verdict).toBe("terminal");
  expect(report.conditions[1]).toMatchObject({ type: "Degraded", message: "soft: down; hard: bad" });
});

test("MA-W7 a step that ignores its signal is left behind at its deadline, and what it says later reaches nobody", async () => {
  const { step } = stepper();
  let late: unknown;
  const { conductor, clock } = stage([
    step(
      "deaf",
      async (pass) => {
        await new Promise<void>((resolve) => void pass.clock.setTimer(resolve, 5_000));
        try {
          pass.setCondition({ type: "Late", status: "True", reason: "Said", message: "" });
        } catch (error) {
          late = error;
          throw error;
        }
      },
      { deadlineMs: 1_000, optional: true },
    ),
    step("next", async (pass) => {
      await new Promise<void>((resolve) => void pass.clock.setTimer(resolve, 6_000));
    }),
  ]);
  const pass = conductor.conduct(site);
  await clock.advance(10_000);
  const report = await pass;
  expect(report.steps).toEqual([
    { name: "deaf", outcome: "failed", durationMs: 1_000 },
    { name: "next", outcome: "done", durationMs: 6_000 },
  ]);
  expect(report.failures).toMatchObject([{ step: "deaf", kind: "retry", code: "STEP_DEADLINE" }]);
  expect(late).toMatchObject({ code: "STEP_ENDED" });
  expect(typesOf(report.conditions)).toEqual(["Ready=True", "Degraded=True"]);
});

test("a step that heeds its signal at the deadline is still said to have missed it", async () => {
  const { step } = stepper();
  const { conductor, clock } = stage([
    step(
      "a",
      ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    ),
  ]);
  const pass = conductor.conduct(site);
  await clock.advance(10_000);
  expect((await pass).failures).toMatchObject([{ code: "STEP_DEADLINE", message: "did not end within 10 s" }]);
});

test("an aborted pass ends at once, starts nothing, judges nothing, and still hands over what it has, once", async () => {
  const { ran, step } = stepper();
  const { conductor, flushes } = stage([
    step("a", (pass) => {
      pass.setCondition({ type: "Found", status: "True", reason: "Said", message: "" });
      return requeue("r", 5);
    }),
    step("deaf", () => new Promise(() => undefined), { condition: "Deaf" }),
    step("c", undefined, { condition: "C" }),
  ]);
  const abort = new AbortController();
  const pass = conductor.conduct(site, abort.signal);
  await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  abort.abort();
  const report = await pass;
  expect(ran).toEqual(["a", "deaf"]);
  expect(outcomes(report)).toEqual(["a requeue", "deaf aborted", "c not-reached"]);
  expect(report).toMatchObject({ verdict: "aborted", requeue: { afterMs: 5 }, failures: [] });
  expect(typesOf(report.conditions)).toEqual(["Found=True"]);
  expect(flushes).toHaveLength(1);
  expect(flushes[0]?.signal.aborted).toBe(false);
});

test("a pass whose signal is aborted before it starts runs no step", async () => {
  const { ran, step } = stepper();
  const { conductor, flushes } = stage([step("a")]);
  expect(await conductor.conduct(site, AbortSignal.abort())).toMatchObject({ verdict: "aborted" });
  expect([ran, flushes.length]).toEqual([[], 1]);
});

test("an abort after the last step changes nothing", async () => {
  const { step } = stepper();
  const abort = new AbortController();
  const { conductor } = stage([step("a")], () => abort.abort());
  expect(await conductor.conduct(site, abort.signal)).toMatchObject({ verdict: "done" });
});

test("a step's deadline does not outlive the step", async () => {
  const { step } = stepper();
  let kept: AbortSignal | undefined;
  const { conductor, clock } = stage([
    step("a", ({ signal }) => {
      kept = signal;
    }),
  ]);
  await conductor.conduct(site);
  await clock.advance(60_000);
  expect(kept?.aborted).toBe(false);
});

test("a step that ended well has no say in the steps after it", async () => {
  const { step } = stepper();
  let kept: Pass<Site> | undefined;
  const { conductor } = stage([
    step("a", (pass) => {
      kept = pass;
    }),
    step("b", () => kept?.setCondition({ type: "Late", status: "True", reason: "Said", message: "" })),
  ]);
  expect((await conductor.conduct(site)).failures).toMatchObject([{ step: "b", code: "STEP_ENDED" }]);
});
