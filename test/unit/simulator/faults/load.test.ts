// What an overloaded server admits.
import { expect, it } from "vitest";
import type { RequestFacts } from "../../../../src/simulator/faults/facts.ts";
import { Load } from "../../../../src/simulator/faults/load.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";

const requests = () => {
  const ends: (() => void)[] = [];
  const query = new URLSearchParams();
  const facts: RequestFacts = {
    ...{ isWatch: false, verb: "get", resource: "", path: "/", query, userAgent: "" },
    onEnd: (listener) => void ends.push(listener),
  };
  return { facts, ends };
};

it("without limits a server admits nothing", () => {
  const load = new Load({ maxInFlight: undefined, perSecond: undefined }, new VirtualClock());
  expect(load.admits(requests().facts)).toBe(false);
});

it("a limit at a time counts requests until their answers have left; refused ones do not count", () => {
  const load = new Load({ maxInFlight: 2, perSecond: undefined }, new VirtualClock());
  const { facts, ends } = requests();
  expect([1, 2, 3, 4].map(() => load.admits(facts))).toEqual([true, true, false, false]);
  ends[0]?.();
  expect([1, 2].map(() => load.admits(facts))).toEqual([true, false]);
});

it("a limit a second is new with every second", async () => {
  const clock = new VirtualClock();
  const load = new Load({ maxInFlight: undefined, perSecond: 2 }, clock);
  const { facts } = requests();
  const row = () => [1, 2, 3].map(() => load.admits(facts));
  expect(row()).toEqual([true, true, false]);
  await clock.advance(1_000);
  expect(row()).toEqual([true, true, false]);
});
