// What the hub tells of its own lateness, in virtual time.
import { afterEach, expect, test } from "vitest";
import { noMeasures } from "../../../../src/support/measures.ts";
import { startVirtualFleet } from "../../../support/virtual-fleet.ts";

let fleet: ReturnType<typeof startVirtualFleet>;
afterEach(async () => {
  await fleet.stop();
});
const names = Array.from({ length: 20 }, (_, i) => `c${i}`);

function start(latencyMs = 0) {
  const late: number[] = [];
  const measures = { ...noMeasures, collectedLate: (ms: number) => void late.push(ms) };
  fleet = startVirtualFleet(names, { hub: { measures }, latencyMs: () => latencyMs });
  return late;
}

test("every collection at its turn is told with the time since that turn; first ones have none", async () => {
  const late = start(40);
  await fleet.clock.advance(14_000);
  expect(late).toEqual([]);
  await fleet.clock.advance(160_000);
  // At least four turns of each have passed.
  expect(late.length).toBeGreaterThanOrEqual(4 * names.length);
  // A poll asks for a few things in turn, 40 ms each; the wheel turns every 100 ms.
  expect(Math.min(...late)).toBeGreaterThanOrEqual(80);
  expect(Math.max(...late)).toBeLessThanOrEqual(500);
});

test("clusters that are broken, and their way back, do not count", async () => {
  const late = start();
  await fleet.clock.advance(100_000);
  for (const name of names) fleet.behaviours.set(name, "hang");
  await fleet.clock.advance(5_000);
  late.length = 0;
  await fleet.clock.advance(400_000);
  expect(late).toEqual([]);
  for (const name of names) fleet.behaviours.set(name, "healthy");
  await fleet.clock.advance(300_000);
  expect(late.length).toBeGreaterThan(names.length);
  expect(Math.max(...late)).toBeLessThanOrEqual(200);
});

test("a collection that takes long is that late", async () => {
  const late = start();
  await fleet.clock.advance(100_000);
  late.length = 0;
  fleet.behaviours.set("c0", "latency");
  await fleet.clock.advance(31_000);
  expect(late.filter((ms) => ms > 1_000)).toHaveLength(1);
});
