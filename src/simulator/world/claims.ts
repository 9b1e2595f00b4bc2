// PersistentVolumeClaims of a generated cluster: some Deployments have one. Most are bound; one in ten waits for a volume.
import { hashOf, hex8, pick } from "../hash.ts";
import type { ClusterModel, Workload } from "./model.ts";
import { commonMetadata, type WorldTable } from "./table.ts";
import { claimCodes, claimStates, type Variant } from "./variants.ts";

/** What one cluster's claims amount to. */
export interface ExpectedClaims {
  readonly total: number;
  readonly bound: number;
  /** Of those that are bound. */
  readonly capacityBytes: number;
}

const gibibytes = [1, 5, 10, 20, 50, 100, 500];
const classes = ["standard", "standard", "fast", "archive"];

const hasClaim = ({ kind, namespace, hash }: Workload): boolean =>
  kind === "Deployment" && namespace !== "kube-system" && hashOf(hash, 71) % 3 === 0;
const sizeOf = ({ hash }: Workload): number => pick(gibibytes, hashOf(hash, 73));
const workloadsWithClaims = ({ workloads }: ClusterModel): Workload[] => workloads.filter(hasClaim);

interface Claim {
  /** Among all that there are when none is gone. */
  readonly place: number;
  readonly workload: Workload;
  /** Of this claim, which is not the first of its name where it was made again. */
  readonly hash: number;
  readonly isBound: boolean;
  readonly variant: Variant | undefined;
}

/** How many there are when none is gone. */
export const claimPlaces = (model: ClusterModel): number => workloadsWithClaims(model).length;
/** Whether the seed binds the claim in that place. */
export const isBoundBySeed = (model: ClusterModel, index: number): boolean =>
  isBound(workloadsWithClaims(model)[index] as Workload);
const isBound = ({ hash }: Workload): boolean => hashOf(hash, 72) % 10 !== 0;

/** Those that are there now. */
function claimsOf(model: ClusterModel): Claim[] {
  return workloadsWithClaims(model).flatMap((workload, place): Claim[] => {
    const variant = model.variantOf("persistentvolumeclaims", place);
    if (variant === undefined) return [{ place, workload, hash: workload.hash, isBound: isBound(workload), variant }];
    const { state, life } = claimCodes.unpack(variant.code);
    if (claimStates[state] === "gone") return [];
    const hash = life === 0 ? workload.hash : hashOf(workload.hash, 77, life);
    return [{ place, workload, hash, isBound: claimStates[state] === "bound", variant }];
  });
}

export function expectedClaims(model: ClusterModel): ExpectedClaims {
  const all = claimsOf(model);
  const bound = all.filter((claim) => claim.isBound);
  return {
    total: all.length,
    bound: bound.length,
    capacityBytes: bound.reduce((sum, { workload }) => sum + sizeOf(workload) * 2 ** 30, 0),
  };
}

export function claimTable(model: ClusterModel): WorldTable {
  const claims = claimsOf(model);
  const claim = (index: number): Claim => claims[index] as Claim;
  const nameOf = (index: number): string => `${claim(index).workload.app}-data`;
  return {
    count: claims.length,
    indexOf: (place) => claims.findIndex((one) => one.place === place),
    namespaceOf: (index) => claim(index).workload.namespace,
    nameOf,
    labelsOf: (index) => ({ app: claim(index).workload.app }),
    metadataText(index) {
      const { workload, hash, variant } = claim(index);
      const { app, namespace } = workload;
      const created = hash === workload.hash ? {} : { createdSeconds: variant?.sinceSeconds ?? 0 };
      const stamp = variant && { revision: variant.revision, ...created };
      const common = commonMetadata(nameOf(index), namespace, hashOf(hash, 74), `{"app":"${app}"}`, stamp);
      return `{${common},"finalizers":["kubernetes.io/pvc-protection"]}`;
    },
    contentText: (index) => contentText(claim(index)),
    fields: {},
  };
}

function contentText({ workload, hash, isBound: hasVolume }: Claim): string {
  const size = `${sizeOf(workload)}Gi`;
  const mode = hashOf(workload.hash, 75) % 5 === 0 ? "ReadWriteMany" : "ReadWriteOnce";
  const volume = hasVolume ? `"volumeName":"pvc-${hex8(hash)}",` : "";
  const spec = `{"accessModes":["${mode}"],"resources":{"requests":{"storage":"${size}"}},${volume}"storageClassName":"${pick(classes, hashOf(workload.hash, 76))}","volumeMode":"Filesystem"}`;
  const status = hasVolume
    ? `{"phase":"Bound","accessModes":["${mode}"],"capacity":{"storage":"${size}"}}`
    : '{"phase":"Pending"}';
  return `"spec":${spec},"status":${status}`;
}
