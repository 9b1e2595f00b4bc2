// A fleet of several processes of which one hangs, is gone, or refuses: what the others say is told, and who is silent.
import { beforeEach, expect, test } from "vitest";
import { type AdminClient, SimulatorRefusedError } from "../../../../src/simulator/admin-client.ts";
import { AskedPart, answerDeadlineMs, ownDeadlineMs } from "../../../../src/simulator/fleet/asked-part.ts";
import type { FleetServers } from "../../../../src/simulator/fleet/front.ts";
import { joinServers } from "../../../../src/simulator/fleet/joined-servers.ts";
import type { Servers } from "../../../../src/simulator/fleet/servers.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";

const names = ["c0", "c1", "c2"];
const noChurn = { settings: null, steps: 1, begun: {}, idle: 0, pending: 0, dropped: 0, trace: null };
const advanced: string[] = [];
const restored: string[] = [];
const own = {
  urlOf: (name: string) => `https://${name}`,
  faults: { list: () => [] },
  requests: { counts: () => [{ cluster: "hub", count: 7 }] },
  clock: { nowMs: () => 5, advance: async (byMs: number) => void advanced.push(`own ${byMs}`) },
  snapshots: {
    take: (name: string) => ({ name, objects: 1 }),
    list: () => [{ name: "a", objects: 1 }],
    restore: async (name: string) => void restored.push(`own ${name}`),
  },
  metrics: async () => "# HELP a A.\n# TYPE a gauge\na 1\n",
} as unknown as Servers;

/** How a process takes what it is asked. */
type Mood = "answers" | "hangs" | "is gone" | "refuses";

let clock: VirtualClock;
let moods: Mood[];
let asked: number[];
let wakeUp: (() => void)[];
let fleet: FleetServers;
beforeEach(async () => {
  clock = new VirtualClock();
  moods = names.map(() => "answers");
  asked = names.map(() => 0);
  wakeUp = [];
  const clientOf = (place: number): AdminClient => {
    const say = async <T>(answer: T): Promise<T> => {
      asked[place] = (asked[place] ?? 0) + 1;
      switch (moods[place]) {
        case "hangs":
          await new Promise<void>((resolve) => wakeUp.push(resolve));
          return answer;
        case "is gone":
          throw new Error("no answer from the simulator");
        case "refuses":
          throw new SimulatorRefusedError(400, "not this");
        default:
          return answer;
      }
    };
    const cluster = `c${place}`;
    const client: { [M in keyof AdminClient]?: (...args: never[]) => Promise<unknown> } = {
      clusters: () => say([{ name: cluster, url: `https://${cluster}` }]),
      connections: () => say([{ cluster, sockets: 1 }]),
      requestCounts: () => say([{ cluster, count: place }]),
      churn: () => say(noChurn),
      setChurn: () => say(noChurn),
      advanceClock: (...[byMs]: never[]) => say(advanced.push(`${cluster} ${byMs}`)),
      takeSnapshot: (...[name]: never[]) => say({ name, objects: 4 }),
      snapshots: () => say([{ name: "a", objects: 4 }]),
      restoreSnapshot: (...[name]: never[]) => say(restored.push(`${cluster} ${name}`)),
      expected: () => say({ nodes: place }),
      metrics: () => say("# HELP a A.\n# TYPE a gauge\na 1\n"),
    };
    return client as unknown as AdminClient;
  };
  const parts = names.map((_, place) => new AskedPart(`process ${place + 1}`, clientOf(place), clock));
  fleet = await joinServers(own, parts, names);
});

/** What comes of asking, once the deadline is over. */
async function after<T>(asking: T | Promise<T>, deadlineMs = answerDeadlineMs): Promise<T> {
  const outcome = Promise.resolve(asking);
  outcome.catch(() => undefined);
  await clock.advance(deadlineMs);
  return outcome;
}
const clustersOf = (rows: readonly { readonly cluster: string }[]): string[] => rows.map(({ cluster }) => cluster);

test("all that answer are listened to at once", async () => {
  expect(clustersOf(await fleet.connections())).toEqual(names);
  expect(fleet.silent?.()).toEqual([]);
  expect(await fleet.metrics()).toContain("clusterpulse_simulator_processes_silent 0\n");
});

test("one that hangs is left out after the deadline, named, and holds up nobody who asks meanwhile", async () => {
  moods[1] = "hangs";
  let isTold = false;
  const first = Promise.resolve(fleet.connections()).finally(() => {
    isTold = true;
  });
  await clock.advance(answerDeadlineMs - 1);
  expect(isTold).toBe(false);
  await clock.advance(1);
  expect(clustersOf(await first)).toEqual(["c0", "c2"]);
  expect(fleet.silent?.()).toEqual(["process 2"]);
  const before = [...asked];
  expect(clustersOf(await fleet.requests.counts())).toEqual(["hub", "c0", "c2"]);
  expect((await fleet.churn.state()).steps).toBe(2);
  expect(await fleet.metrics()).toContain("a 3\n");
  expect(await fleet.metrics()).toContain("clusterpulse_simulator_processes_silent 1\n");
  expect(asked.map((count, place) => count - (before[place] ?? 0))).toEqual([4, 0, 4]);
});

test("one that hung and answers again is there again", async () => {
  moods[1] = "hangs";
  await after(fleet.connections());
  moods[1] = "answers";
  for (const wake of wakeUp.splice(0)) wake();
  await clock.settle();
  expect(fleet.silent?.()).toEqual([]);
  expect(clustersOf(await fleet.connections())).toEqual(names);
});

test("one that is gone is left out at once, and named", async () => {
  moods[2] = "is gone";
  expect(clustersOf(await fleet.connections())).toEqual(["c0", "c1"]);
  expect(fleet.silent?.()).toEqual(["process 3"]);
});

test("what is of a silent process alone says so, what is of another does not notice", async () => {
  moods[1] = "hangs";
  await expect(after(fleet.expected("c1"), ownDeadlineMs)).rejects.toThrow("process 2 did not answer within 8 s");
  expect(await fleet.expected("c2")).toEqual({ nodes: 2 });
});

test("all are told of churn, and the one that was not is named", async () => {
  moods[0] = "hangs";
  await expect(after(fleet.churn.set({ eventsPerSecond: 9 }))).rejects.toThrow("process 1 did not answer within 4 s");
  expect(asked).toEqual([2, 2, 2]);
  expect((await fleet.churn.state()).settings).toEqual({ eventsPerSecond: 9 });
});

test("the clocks of all go forward", async () => {
  advanced.length = 0;
  await fleet.clock.advance(1_000);
  expect(advanced.toSorted()).toEqual(["c0 1000", "c1 1000", "c2 1000", "own 1000"]);
});

test("a snapshot is one of all processes, or none", async () => {
  await expect(fleet.snapshots.restore("a")).rejects.toMatchObject({ code: "SNAPSHOT_UNKNOWN" });
  expect(await fleet.snapshots.take("a")).toEqual({ name: "a", objects: 13 });
  expect(await fleet.snapshots.list()).toEqual([{ name: "a", objects: 13 }]);
  await fleet.churn.set({ eventsPerSecond: 9 });
  restored.length = 0;
  await fleet.snapshots.restore("a");
  expect([restored, (await fleet.churn.state()).settings]).toEqual([["c0 a", "c1 a", "c2 a", "own a"], null]);
  moods[1] = "is gone";
  await expect(fleet.snapshots.restore("a")).rejects.toThrow("process 2 did not answer");
  expect(restored).toHaveLength(4);
  await expect(fleet.snapshots.take("a")).rejects.toThrow("process 2 did not answer");
  expect(await fleet.snapshots.list()).toEqual([]);
});

test("a refusal is an answer: it is passed on, and nobody is silent", async () => {
  moods[1] = "refuses";
  await expect(fleet.connections()).rejects.toThrow("not this");
  expect(fleet.silent?.()).toEqual([]);
});
