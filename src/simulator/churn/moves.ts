// What it means for an object to come into a condition that a stage names. A condition that it cannot come into, because it is in another
// one than the stage takes for granted, is refused: something else happened to it meanwhile.
import { claimPlaces, isBoundBySeed } from "../world/claims.ts";
import type { ClusterModel } from "../world/model.ts";
import {
  claimCodes,
  claimStates,
  maxExtraNamespaces,
  namespaceCodes,
  namespaceStates,
  nodeCodes,
  nodeReadiness,
} from "../world/variants.ts";
import type { World } from "../world/world.ts";
import type { StageSet } from "./stages.ts";
import { DeploymentPods, sinceOf } from "./workload.ts";

/** An object that churn may change. */
export interface Subject {
  /** What it is like now: the same number means that nothing happened to it. Heartbeats do not count. */
  state(): number;
  canBecome(condition: string): boolean;
  /** False: it is not churn's to change. */
  become(condition: string, nowSeconds: number): boolean;
  /** Those whose chains follow from this one's. */
  dependents(): readonly Subject[];
}

type Make = (world: World, model: ClusterModel, place: number) => Subject | undefined;

/** How many places there are to draw from, and what stands in one; `model` is the seed's. */
export const subjectsOf: Readonly<Record<StageSet["kind"], { count(model: ClusterModel): number; readonly at: Make }>> =
  {
    clusters: { count: () => 1, at: (world, model) => clusterSubject(world, model) },
    nodes: {
      count: ({ nodes }) => nodes.length,
      at: (world, model, place) => nodeSubject(world, place, model.nodes[place]?.ready === "True"),
    },
    deployments: {
      count: ({ workloads }) => workloads.filter(({ kind }) => kind === "Deployment").length,
      at: (world, model, place) => {
        const pods = DeploymentPods.at(world, model, place);
        return pods && deploymentSubject(pods);
      },
    },
    pods: { count: ({ podCount }) => podCount, at: podOfDeployment },
    persistentvolumeclaims: {
      count: claimPlaces,
      at: (world, model, place) => claimSubject(world, place, isBoundBySeed(model, place)),
    },
    namespaces: { count: () => maxExtraNamespaces, at: (world, _model, place) => namespaceSubject(world, place) },
  };

const nobody = (): readonly Subject[] => [];

function podOfDeployment(world: World, model: ClusterModel, place: number): Subject | undefined {
  const deployments = model.workloads.filter(({ kind }) => kind === "Deployment");
  const at = deployments.findIndex(({ firstPod, replicas }) => place >= firstPod && place < firstPod + replicas);
  const pods = DeploymentPods.at(world, model, at);
  return pods && podSubject(pods, place);
}

function podSubject(pods: DeploymentPods, place: number): Subject {
  const { world } = pods;
  return {
    state: () => world.variantOf("pods", place)?.code ?? -1,
    canBecome(condition) {
      const { state, revision } = pods.pod(place);
      switch (condition) {
        case "gone":
          return state !== "gone" && (!pods.isWanted(place) || revision !== pods.deployment().revision);
        case "creating":
          return state === "gone" && pods.isWanted(place);
        case "running":
          return (
            state === "crashed" ||
            (state === "creating" && pods.isScheduled(place) && world.variantOf("pods", place) !== undefined)
          );
        default:
          return condition === "crashed" && state === "running";
      }
    },
    become(condition, nowSeconds) {
      const pod = pods.pod(place);
      const change = (next: Partial<typeof pod>): boolean => pods.changePod(place, { ...pod, ...next }, nowSeconds);
      switch (condition) {
        case "creating":
          return change({ state: "creating", restarts: 0, life: pod.life + 1, revision: pods.deployment().revision });
        case "running":
          return change({ state: "running", restarts: pod.restarts + (pod.state === "crashed" ? 1 : 0) });
        default:
          return change({ state: condition === "gone" ? "gone" : "crashed" });
      }
    },
    dependents: nobody,
  };
}

function deploymentSubject(pods: DeploymentPods): Subject {
  const { replicas, firstPod } = pods;
  return {
    state: () => {
      const { scaledIn, revision, scalings } = pods.deployment();
      return (scaledIn * 2 ** 15 + revision) * 2 ** 15 + scalings;
    },
    canBecome(condition) {
      const { scaledIn } = pods.deployment();
      if (condition === "scaledIn") return replicas > 1 && scaledIn === 0;
      return condition === "rolled" || scaledIn > 0;
    },
    become(condition, nowSeconds) {
      const { revision, scalings } = pods.deployment();
      if (condition === "rolled") return pods.changeDeployment({ revision: revision + 1 }, nowSeconds);
      const scaledIn = condition === "scaledIn" ? Math.floor(replicas / 2) : 0;
      return pods.changeDeployment({ scaledIn, scalings: scalings + 1 }, nowSeconds);
    },
    dependents: () => Array.from({ length: replicas }, (_, i) => podSubject(pods, firstPod + i)),
  };
}

const readinessAfter: Readonly<Record<string, string>> = { ready: "True", notReady: "False", silent: "Unknown" };

/** @param isReady as the seed made it */
function nodeSubject(world: World, place: number, isReady: boolean): Subject {
  const code = () => nodeCodes.unpack(world.variantOf("nodes", place)?.code ?? 0);
  return {
    state: () => world.variantOf("nodes", place)?.code ?? 0,
    canBecome(condition) {
      const { ready, cordon, patches } = code();
      const isReadyNow = ready === 0 ? isReady : nodeReadiness[ready] === "True";
      switch (condition) {
        case "heartbeat":
          return isReadyNow;
        case "ready":
          return ready > 1;
        case "notReady":
        case "silent":
          return isReadyNow;
        case "cordoned":
          return cordon === 0 && patches < world.patches;
        default:
          return true;
      }
    },
    become(condition, nowSeconds) {
      const former = code();
      const readiness = readinessAfter[condition];
      const ready = readiness === undefined ? former.ready : nodeReadiness.indexOf(readiness as "True");
      const cordon = condition === "cordoned" ? 1 : condition === "uncordoned" ? 0 : former.cordon;
      const patches = condition === "upgraded" ? world.patches : former.patches;
      const sinceSeconds = sinceOf(world.variantOf("nodes", place), readiness !== undefined, nowSeconds);
      const next = nodeCodes.pack({ ready, cordon, patches });
      return world.change("nodes", place, { code: next, sinceSeconds, atSeconds: nowSeconds });
    },
    dependents: nobody,
  };
}

function clusterSubject(world: World, model: ClusterModel): Subject {
  return {
    state: () => world.patches,
    canBecome: () => true,
    become() {
      world.upgrade();
      return true;
    },
    dependents: () => model.nodes.map(({ ready }, place) => nodeSubject(world, place, ready === "True")),
  };
}

function claimSubject(world: World, place: number, isBound: boolean): Subject {
  const kind = "persistentvolumeclaims";
  const code = () => {
    const variant = world.variantOf(kind, place);
    const { state, life } =
      variant === undefined ? { state: isBound ? 2 : 1, life: 0 } : claimCodes.unpack(variant.code);
    return { life, state: claimStates[state] as (typeof claimStates)[number] };
  };
  const former = { gone: "bound", pending: "gone", bound: "pending" } as const;
  return {
    state: () => world.variantOf(kind, place)?.code ?? -1,
    canBecome: (condition) => former[condition as keyof typeof former] === code().state,
    become(condition, nowSeconds) {
      const state = claimStates.indexOf(condition as "gone");
      const life = code().life + (condition === "pending" ? 1 : 0);
      const sinceSeconds = sinceOf(world.variantOf(kind, place), condition === "pending", nowSeconds);
      return world.change(kind, place, { code: claimCodes.pack({ state, life }), sinceSeconds, atSeconds: nowSeconds });
    },
    dependents: nobody,
  };
}

function namespaceSubject(world: World, place: number): Subject {
  const code = () => namespaceCodes.unpack(world.variantOf("namespaces", place)?.code ?? 0);
  const former = { active: "gone", terminating: "active", gone: "terminating" } as const;
  return {
    state: () => world.variantOf("namespaces", place)?.code ?? -1,
    canBecome: (condition) => former[condition as keyof typeof former] === namespaceStates[code().state],
    become(condition, nowSeconds) {
      const state = namespaceStates.indexOf(condition as "gone");
      const life = code().life + (condition === "active" ? 1 : 0);
      const sinceSeconds = sinceOf(world.variantOf("namespaces", place), condition === "active", nowSeconds);
      const next = namespaceCodes.pack({ state, life });
      return world.change("namespaces", place, { code: next, sinceSeconds, atSeconds: nowSeconds });
    },
    dependents: nobody,
  };
}
