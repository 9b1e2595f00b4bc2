// PersistentVolumeClaims of a generated cluster: some Deployments have one. Most are bound; one in ten waits for a volume.
import { hashOf, hex8, pick } from "../hash.ts";
import type { ClusterModel, Workload } from "./model.ts";
import { commonMetadata, type WorldTable } from "./table.ts";

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
const isBound = ({ hash }: Workload): boolean => hashOf(hash, 72) % 10 !== 0;
const sizeOf = ({ hash }: Workload): number => pick(gibibytes, hashOf(hash, 73));
const workloadsWithClaims = ({ workloads }: ClusterModel): Workload[] => workloads.filter(hasClaim);

export function expectedClaims(model: ClusterModel): ExpectedClaims {
  const all = workloadsWithClaims(model);
  const bound = all.filter(isBound);
  return {
    total: all.length,
    bound: bound.length,
    capacityBytes: bound.reduce((sum, workload) => sum + sizeOf(workload) * 2 ** 30, 0),
  };
}

export function claimTable(model: ClusterModel): WorldTable {
  const owners = workloadsWithClaims(model);
  const owner = (index: number): Workload => owners[index] as Workload;
  const nameOf = (index: number): string => `${owner(index).app}-data`;
  return {
    count: owners.length,
    namespaceOf: (index) => owner(index).namespace,
    nameOf,
    labelsOf: (index) => ({ app: owner(index).app }),
    metadataText(index) {
      const { app, namespace, hash } = owner(index);
      const common = commonMetadata(nameOf(index), namespace, hashOf(hash, 74), `{"app":"${app}"}`);
      return `{${common},"finalizers":["kubernetes.io/pvc-protection"]}`;
    },
    contentText: (index) => contentText(owner(index)),
    fields: {},
  };
}

function contentText(workload: Workload): string {
  const { hash } = workload;
  const size = `${sizeOf(workload)}Gi`;
  const mode = hashOf(hash, 75) % 5 === 0 ? "ReadWriteMany" : "ReadWriteOnce";
  const volume = isBound(workload) ? `"volumeName":"pvc-${hex8(hash)}",` : "";
  const spec = `{"accessModes":["${mode}"],"resources":{"requests":{"storage":"${size}"}},${volume}"storageClassName":"${pick(classes, hashOf(hash, 76))}","volumeMode":"Filesystem"}`;
  const status = isBound(workload)
    ? `{"phase":"Bound","accessModes":["${mode}"],"capacity":{"storage":"${size}"}}`
    : '{"phase":"Pending"}';
  return `"spec":${spec},"status":${status}`;
}
