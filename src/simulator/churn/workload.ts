// The pods of one Deployment as churn sees them: read and changed together with the counts in the Deployment's status, so that the two
// always agree. It keeps the little of the seed that it needs, not the model.
import { type ClusterModel, phases } from "../world/model.ts";
import { deploymentCodes, podCodes, podStates, type Variant } from "../world/variants.ts";
import type { World } from "../world/world.ts";

const running = phases.indexOf("Running");
type PodState = (typeof podStates)[number];
type PodCode = Parameters<typeof podCodes.pack>[0];
type DeploymentCode = Parameters<typeof deploymentCodes.pack>[0];

export class DeploymentPods {
  readonly world: World;
  /** Place of the Deployment among those of the cluster. */
  readonly place: number;
  readonly firstPod: number;
  readonly replicas: number;
  readonly #seedPhases: Uint8Array;
  readonly #nodes: Int16Array;

  /** Undefined when there are not so many Deployments. */
  static at(world: World, model: ClusterModel, place: number): DeploymentPods | undefined {
    const workload = model.workloads.filter(({ kind }) => kind === "Deployment")[place];
    return workload && new DeploymentPods(world, model, place, workload);
  }

  private constructor(
    world: World,
    model: ClusterModel,
    place: number,
    { firstPod, replicas }: { readonly firstPod: number; readonly replicas: number },
  ) {
    this.world = world;
    this.place = place;
    this.firstPod = firstPod;
    this.replicas = replicas;
    this.#seedPhases = model.seedPhaseOfPod.slice(firstPod, firstPod + replicas);
    this.#nodes = model.nodeOfPod.slice(firstPod, firstPod + replicas);
  }

  /** Whether a node has the pod in that place, or will have the next one. */
  isScheduled(pod: number): boolean {
    return (this.#nodes[pod - this.firstPod] as number) >= 0;
  }

  /** Whether the Deployment wants a pod in that place. */
  isWanted(pod: number): boolean {
    return pod - this.firstPod < this.replicas - this.deployment().scaledIn;
  }

  pod(pod: number): Omit<PodCode, "state"> & { readonly state: PodState } {
    const variant = this.world.variantOf("pods", pod);
    if (variant !== undefined) {
      const { state, ...rest } = podCodes.unpack(variant.code);
      return { ...rest, state: podStates[state] as PodState };
    }
    const isRunning = this.#seedPhases[pod - this.firstPod] === running;
    return { state: isRunning ? "running" : "creating", restarts: 0, revision: 0, life: 0 };
  }

  deployment(): DeploymentCode {
    const variant = this.world.variantOf("deployments", this.place);
    if (variant !== undefined) return deploymentCodes.unpack(variant.code);
    const ready = this.#seedPhases.filter((phase) => phase === running).length;
    const { replicas } = this;
    return { ready, existing: replicas, updated: replicas, scaledIn: 0, revision: 0, scalings: 0 };
  }

  /** Changes the pod, and then what the Deployment says of its pods. False: it is not churn's to change. */
  changePod(pod: number, next: Omit<PodCode, "state"> & { readonly state: PodState }, nowSeconds: number): boolean {
    const code = podCodes.pack({ ...next, state: podStates.indexOf(next.state) });
    const sinceSeconds = sinceOf(this.world.variantOf("pods", pod), next.state === "creating", nowSeconds);
    if (!this.world.change("pods", pod, { code, sinceSeconds, atSeconds: nowSeconds })) return false;
    this.changeDeployment({}, nowSeconds);
    return true;
  }

  /** Changes what the Deployment wants; its status counts the pods as they are. False: it is not churn's to change. */
  changeDeployment(
    wanted: Partial<Pick<DeploymentCode, "scaledIn" | "revision" | "scalings">>,
    nowSeconds: number,
  ): boolean {
    const former = this.deployment();
    const next = { ...former, ...wanted };
    const pods = Array.from({ length: this.replicas }, (_, i) => this.pod(this.firstPod + i));
    const existing = pods.filter(({ state }) => state !== "gone");
    const code = deploymentCodes.pack({
      ...next,
      existing: existing.length,
      updated: existing.filter(({ revision }) => revision === next.revision).length,
      ready: existing.filter(({ state }) => state === "running").length,
    });
    if (code === deploymentCodes.pack(former)) return true;
    return this.world.change("deployments", this.place, { code, sinceSeconds: nowSeconds, atSeconds: nowSeconds });
  }
}

/** What begins anew begins now. */
export const sinceOf = (variant: Variant | undefined, isAnew: boolean, nowSeconds: number): number =>
  isAnew ? nowSeconds : (variant?.sinceSeconds ?? 0);
