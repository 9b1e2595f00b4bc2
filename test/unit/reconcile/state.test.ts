import { expect, test } from "vitest";
import { Conductor, keyedSlot, type PassEnd, type Reconciler, slot } from "../../../src/reconcile/index.ts";
import { State } from "../../../src/reconcile/state.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

const token = slot<string>("token");
const code = (work: () => unknown): string => {
  try {
    work();
    return "none";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test("MA-T3 MA-10 bind, then get the identical value; before it and after unbind there is none", () => {
  const state = new State();
  const place = slot<object>("place");
  const value = {};
  expect(code(() => state.get(place))).toBe("SLOT_NOT_FOUND");
  expect(state.find(place)).toBeUndefined();
  state.bind(place, value);
  expect(state.get(place)).toBe(value);
  state.unbind(place);
  expect(code(() => state.get(place))).toBe("SLOT_NOT_FOUND");
  state.unbind(place);
  state.bind(place, value);
  expect(state.find(place)).toBe(value);
});

test("MA-12 MA-C6 a place that is taken says so, until it is freed", () => {
  const state = new State();
  state.bind(token, "a");
  expect(code(() => state.bind(token, "b"))).toBe("SLOT_EXISTS");
  expect(state.get(token)).toBe("a");
  state.unbind(token);
  state.bind(token, "b");
  expect(state.get(token)).toBe("b");
});

test.each([undefined, null, 0, ""])("A.4 %j is a value like any other", (value) => {
  const state = new State();
  const place = slot<typeof value>("place");
  state.bind(place, value);
  expect(state.get(place)).toBe(value);
  expect(code(() => state.bind(place, value))).toBe("SLOT_EXISTS");
  state.unbind(place);
  expect(code(() => state.get(place))).toBe("SLOT_NOT_FOUND");
});

test("MA-W8 two slots of one name and type are two places", () => {
  const state = new State();
  const other = slot<string>("token");
  state.bind(token, "a");
  state.bind(other, "b");
  expect([state.get(token), state.get(other)]).toEqual(["a", "b"]);
});

test("MA-11 a keyed slot asks for its key on every use", () => {
  const state = new State();
  let key = "web";
  const child = keyedSlot<number>("child", () => key);
  state.bind(child, 1);
  key = "db";
  expect(code(() => state.get(child))).toBe("SLOT_NOT_FOUND");
  state.bind(child, 2);
  key = "web";
  expect(state.get(child)).toBe(1);
  state.unbind(child);
  key = "db";
  expect(state.get(child)).toBe(2);
});

test("MA-12 a value that another slot bound under the same key is a mismatch, never a value of the wrong type", () => {
  const state = new State();
  const numbers = keyedSlot<number>("numbers", () => "x");
  const texts = keyedSlot<string>("texts", () => "x");
  state.bind(numbers, 1);
  for (const use of [() => state.get(texts), () => state.find(texts), () => state.unbind(texts)]) {
    expect(code(use)).toBe("SLOT_MISMATCH");
  }
  expect(code(() => state.bind(texts, "a"))).toBe("SLOT_EXISTS");
  expect(state.get(numbers)).toBe(1);
});

const clock = new VirtualClock();
type Site = { readonly metadata: { readonly name: string } };
const conduct = (...steps: Reconciler<Site>["reconcile"][]) =>
  steps
    .reduce((built, reconcile, at) => built.register({ name: `s${at}`, reconcile }), Conductor.create<Site>({ clock }))
    .conduct({ metadata: { name: "a" } });

test("MA-06 MA-08 MA-C5 what a step binds, later steps and the flush see; a step cannot lose the state", async () => {
  let seen: (string | undefined)[] = [];
  let flushed: string | undefined;
  const flush = (end: PassEnd<Site>) => {
    flushed = end.find(token);
  };
  const report = await Conductor.create<Site>({ clock, flush })
    .register({ name: "a", reconcile: (pass) => pass.bind(token, "t") })
    .register({
      name: "b",
      reconcile(pass) {
        seen = [pass.get(token), pass.find(token)];
      },
    })
    .conduct({ metadata: { name: "a" } });
  expect(report.verdict).toBe("done");
  expect([seen, flushed]).toEqual([["t", "t"], "t"]);
});

test("MA-C6 a pass within a pass has a state of its own", async () => {
  const inner: string[] = [];
  const report = await conduct(
    (pass) => pass.bind(token, "outer"),
    async (pass) => {
      const { verdict } = await conduct((nested) => {
        inner.push(nested.find(token) ?? "none");
        nested.bind(token, "inner");
      });
      inner.push(verdict, pass.get(token));
    },
  );
  expect([inner, report.verdict]).toEqual([["none", "done", "outer"], "done"]);
});

test("passes do not share a state", async () => {
  const first = await conduct((pass) => pass.bind(token, "a"));
  const second = await conduct((pass) => void pass.get(token));
  expect(first.verdict).toBe("done");
  expect(second.failures).toMatchObject([{ step: "s0", code: "SLOT_NOT_FOUND", message: "slot token holds nothing" }]);
});
