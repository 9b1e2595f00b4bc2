import { describe, expect, it } from "vitest";
import { buildActorTree, flattenActorTree, runShare, totalsOf, troublesOf } from "../../../src/dashboard/actor-tree.ts";
import type { ActorSnapshot } from "../../../src/dashboard/api.ts";

const nowMs = 100_000;
const mailbox = {
  user: 0,
  system: 0,
  userCapacity: 256,
  systemCapacity: 64,
  highWater: 0,
  coalesced: 0,
  overflowed: 0,
};
const actor = (path: string, change: Partial<ActorSnapshot> = {}): ActorSnapshot => ({
  path,
  kind: "cluster",
  state: "running",
  mailbox,
  processed: 10,
  restarts: 0,
  lastError: null,
  runs: [],
  skippedRuns: 0,
  skippedTicks: 0,
  nextTimerAtMs: null,
  deadLetters: 0,
  ...change,
});
const plain = { folded: new Set<string>(), onlyTroubled: false, text: "" };
const shown = (actors: ActorSnapshot[], view = plain) =>
  flattenActorTree(buildActorTree(actors, nowMs), view).map(({ node, level }) => `${level} ${node.path}`);

describe("troubles", () => {
  it("are a state other than running, restarts, overflow, and a run past 80 % of its deadline", () => {
    const run = (usedMs: number) => ({
      runs: [{ name: "collect", startedAtMs: nowMs - usedMs, deadlineAtMs: nowMs - usedMs + 10_000 }],
    });
    expect(troublesOf(actor("/a"), nowMs)).toEqual([]);
    expect(troublesOf(actor("/a", { state: "backoff" }), nowMs)).toEqual(["backoff"]);
    expect(troublesOf(actor("/a", { facts: { breaker: "closed" } }), nowMs)).toEqual([]);
    expect(troublesOf(actor("/a", { facts: { breaker: "open" } }), nowMs)).toEqual(["circuit breaker open"]);
    expect(troublesOf(actor("/a", { restarts: 2 }), nowMs)).toEqual(["restarted 2 times"]);
    expect(troublesOf(actor("/a", { mailbox: { ...mailbox, overflowed: 1 } }), nowMs)).toHaveLength(1);
    expect(troublesOf(actor("/a", run(8000)), nowMs)).toEqual([]);
    expect(troublesOf(actor("/a", run(8001)), nowMs)).toHaveLength(1);
  });

  it("measure a run from 0 to 1, also without any time", () => {
    const run = { name: "x", startedAtMs: 100, deadlineAtMs: 200 };
    expect([runShare(run, 50), runShare(run, 150), runShare(run, 900)]).toEqual([0, 0.5, 1]);
    expect(runShare({ ...run, deadlineAtMs: 100 }, 100)).toBe(0);
  });
});

describe("tree", () => {
  const fleet = [
    actor("/hub"),
    actor("/hub/clusters"),
    actor("/hub/clusters/c-10"),
    actor("/hub/clusters/c-2"),
    actor("/hub/clusters/c-30", { restarts: 1 }),
    actor("/hub/api"),
  ];

  it("puts parents before children, and trouble first at every level", () => {
    expect(shown(fleet)).toEqual([
      "1 /hub",
      "2 /hub/clusters",
      "3 /hub/clusters/c-30",
      "3 /hub/clusters/c-2",
      "3 /hub/clusters/c-10",
      "2 /hub/api",
    ]);
  });

  it("makes levels for paths whose parents are not listed", () => {
    expect(shown([actor("/x/y/z")])).toEqual(["1 /x", "2 /x/y", "3 /x/y/z"]);
  });

  it("folds what is asked, and says how much and how troubled that is", () => {
    const rows = flattenActorTree(buildActorTree(fleet, nowMs), { ...plain, folded: new Set(["/hub/clusters"]) });
    expect(rows.map(({ node }) => node.path)).toEqual(["/hub", "/hub/clusters", "/hub/api"]);
    expect(rows[1]).toMatchObject({ isFolded: true, node: { below: 3, troubledBelow: 1 } });
  });

  it("shows only trouble, or what a text names, with parents, through folds", () => {
    const folded = new Set(["/hub"]);
    expect(shown(fleet, { ...plain, folded, onlyTroubled: true })).toEqual([
      "1 /hub",
      "2 /hub/clusters",
      "3 /hub/clusters/c-30",
    ]);
    expect(shown(fleet, { ...plain, folded, text: "C-2" })).toEqual([
      "1 /hub",
      "2 /hub/clusters",
      "3 /hub/clusters/c-2",
    ]);
    expect(shown(fleet, { ...plain, text: "nothing" })).toEqual([]);
  });

  it("adds up", () => {
    expect(totalsOf(fleet, nowMs)).toMatchObject({
      actors: 6,
      troubled: 1,
      processed: 60,
      restarts: 1,
      runs: 0,
      waiting: 0,
    });
  });
});
