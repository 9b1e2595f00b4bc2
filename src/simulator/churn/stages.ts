// What happens in generated clusters by itself, as data: chains of stages, each of which takes an object from one condition to the next
// after a while. What a condition means for an object is moves.ts, who is struck and when churn.ts.
import type { ChurnedKind } from "../world/variants.ts";

/** One step of a chain. Of several that could follow, one is drawn by weight. */
export interface Stage {
  /** `start`: where a chain begins. */
  readonly when: string;
  /** `end`: nothing more happens. */
  readonly next: string;
  /** Shortest and longest time from one to the other; every one between is as likely. */
  readonly delayMs: readonly [number, number];
  /** 1 unless told. */
  readonly weight?: number;
  /** A chain for every object that depends on this one, one after the other with so much time between. */
  readonly each?: { readonly set: string; readonly everyMs: readonly [number, number] };
}

export interface StageSet {
  /** `clusters`: the control plane. */
  readonly kind: ChurnedKind | "clusters";
  /** Changes of objects that a chain makes on the average, without those of its dependents' chains. */
  readonly changes: number;
  readonly stages: readonly Stage[];
}

const atOnce = [0, 0] as const;

/** What can be asked for, by name. */
export const churnKinds = [
  "steady",
  "rollout",
  "crashloop",
  "node-flap",
  "scale-out",
  "namespaces",
  "pvc-pending",
  "cluster-upgrade",
] as const;
export type ChurnKind = (typeof churnKinds)[number];

/** Those, and what they do to dependents. A change of a pod mostly is one of its Deployment's status too. */
export const stageSets: Readonly<Record<string, StageSet>> & Readonly<Record<ChurnKind, StageSet>> = {
  /** A heartbeat of a node. */
  steady: { kind: "nodes", changes: 1, stages: [{ when: "start", next: "heartbeat", delayMs: atOnce }] },
  rollout: {
    kind: "deployments",
    changes: 1,
    stages: [{ when: "start", next: "rolled", delayMs: atOnce, each: { set: "replaced", everyMs: [1_000, 4_000] } }],
  },
  replaced: {
    kind: "pods",
    changes: 6,
    stages: [
      { when: "start", next: "gone", delayMs: atOnce },
      { when: "start", next: "creating", delayMs: atOnce },
      { when: "gone", next: "creating", delayMs: [100, 2_000] },
      { when: "creating", next: "running", delayMs: [1_000, 15_000] },
    ],
  },
  crashloop: {
    kind: "pods",
    changes: 12,
    stages: [
      { when: "start", next: "crashed", delayMs: atOnce },
      { when: "start", next: "running", delayMs: atOnce },
      { when: "crashed", next: "running", delayMs: [10_000, 40_000] },
      { when: "running", next: "crashed", delayMs: [3_000, 30_000], weight: 2 },
      { when: "running", next: "end", delayMs: atOnce },
    ],
  },
  "node-flap": {
    kind: "nodes",
    changes: 2,
    stages: [
      { when: "start", next: "notReady", delayMs: atOnce },
      { when: "start", next: "silent", delayMs: atOnce },
      { when: "start", next: "ready", delayMs: atOnce },
      { when: "notReady", next: "ready", delayMs: [10_000, 60_000] },
      { when: "silent", next: "ready", delayMs: [40_000, 180_000] },
    ],
  },
  /** It shrinks to about half and grows again, so that never more is asked of the nodes than they have. */
  "scale-out": {
    kind: "deployments",
    changes: 2,
    stages: [
      { when: "start", next: "scaledIn", delayMs: atOnce, each: { set: "removed", everyMs: [0, 500] } },
      { when: "start", next: "scaledOut", delayMs: atOnce, each: { set: "added", everyMs: [0, 500] } },
      { when: "scaledIn", next: "scaledOut", delayMs: [30_000, 180_000], each: { set: "added", everyMs: [0, 500] } },
    ],
  },
  removed: { kind: "pods", changes: 2, stages: [{ when: "start", next: "gone", delayMs: atOnce }] },
  added: {
    kind: "pods",
    changes: 4,
    stages: [
      { when: "start", next: "creating", delayMs: atOnce },
      { when: "creating", next: "running", delayMs: [1_000, 15_000] },
    ],
  },
  namespaces: {
    kind: "namespaces",
    changes: 3,
    stages: [
      { when: "start", next: "active", delayMs: atOnce },
      { when: "start", next: "terminating", delayMs: atOnce },
      { when: "active", next: "terminating", delayMs: [60_000, 600_000] },
      { when: "terminating", next: "gone", delayMs: [2_000, 20_000] },
    ],
  },
  "pvc-pending": {
    kind: "persistentvolumeclaims",
    changes: 3,
    stages: [
      { when: "start", next: "gone", delayMs: atOnce },
      { when: "start", next: "pending", delayMs: atOnce },
      { when: "start", next: "bound", delayMs: atOnce },
      { when: "gone", next: "pending", delayMs: [500, 3_000] },
      { when: "pending", next: "bound", delayMs: [5_000, 60_000] },
    ],
  },
  /** The control plane first, then node by node. */
  "cluster-upgrade": {
    kind: "clusters",
    changes: 0,
    stages: [
      { when: "start", next: "upgraded", delayMs: atOnce, each: { set: "upgraded", everyMs: [10_000, 40_000] } },
    ],
  },
  upgraded: {
    kind: "nodes",
    changes: 3,
    stages: [
      { when: "start", next: "cordoned", delayMs: atOnce },
      { when: "cordoned", next: "upgraded", delayMs: [5_000, 30_000] },
      { when: "upgraded", next: "uncordoned", delayMs: [1_000, 5_000] },
    ],
  },
};
