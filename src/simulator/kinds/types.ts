// The built-in kinds that every simulated API server of its own writing serves: names, scope, subresources. Shared by the hub and by
// generated clusters, so that a type is the same object wherever it is met.
import type { ResourceType, Subresource, Verb } from "../http/catalog.ts";
import { eventForms } from "./events.ts";

export const readVerbs: readonly Verb[] = ["get", "list", "watch"];
export const allVerbs: readonly Verb[] = [...readVerbs, "create", "update", "patch", "delete", "deletecollection"];

interface Extras {
  readonly short?: readonly string[];
  readonly clusterScoped?: true;
  readonly status?: true;
  readonly inAll?: true;
  readonly generation?: true;
  readonly scale?: true;
  readonly subresources?: readonly Subresource[];
}

export const scaleSubresource: Subresource = {
  name: "scale",
  group: "autoscaling",
  version: "v1",
  kind: "Scale",
  verbs: ["get", "patch", "update"],
};
const workloadScale = { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" };

function builtIn(apiVersion: string, resource: string, kind: string, extras: Extras = {}): ResourceType {
  const [first = "", second] = apiVersion.split("/");
  return {
    group: second === undefined ? "" : first,
    version: second ?? first,
    resource,
    singular: kind.toLowerCase(),
    kind,
    namespaced: extras.clusterScoped !== true,
    verbs: allVerbs,
    shortNames: extras.short ?? [],
    categories: extras.inAll === true ? ["all"] : [],
    hasStatus: extras.status === true,
    builtIn: true,
    hasGeneration: extras.generation === true,
    ...(extras.scale === true ? { scale: workloadScale } : {}),
    subresources: [...(extras.subresources ?? []), ...(extras.scale === true ? [scaleSubresource] : [])],
  };
}

/** Answered, never stored. */
const review = (apiVersion: string, resource: string, kind: string, namespaced = false): ResourceType => ({
  ...builtIn(apiVersion, resource, kind, namespaced ? {} : { clusterScoped: true }),
  verbs: ["create"],
});

const cluster = { clusterScoped: true } as const;

export const namespaceType = builtIn("v1", "namespaces", "Namespace", {
  short: ["ns"],
  clusterScoped: true,
  status: true,
  subresources: [{ name: "finalize", group: "", version: "v1", kind: "Namespace", verbs: ["update"] }],
});
export const secretType = builtIn("v1", "secrets", "Secret");
export const configMapType = builtIn("v1", "configmaps", "ConfigMap", { short: ["cm"] });
export const serviceAccountType = builtIn("v1", "serviceaccounts", "ServiceAccount", {
  short: ["sa"],
  subresources: [
    { name: "token", group: "authentication.k8s.io", version: "v1", kind: "TokenRequest", verbs: ["create"] },
  ],
});
export const nodeType = builtIn("v1", "nodes", "Node", { short: ["no"], clusterScoped: true, status: true });
export const podType = builtIn("v1", "pods", "Pod", {
  short: ["po"],
  status: true,
  inAll: true,
  subresources: [
    { name: "binding", group: "", version: "v1", kind: "Binding", verbs: ["create"] },
    { name: "eviction", group: "policy", version: "v1", kind: "Eviction", verbs: ["create"] },
    { name: "log", group: "", version: "v1", kind: "Pod", verbs: ["get"] },
  ],
});
export const eventType = builtIn("v1", "events", "Event", { short: ["ev"] });
const workload = { status: true, inAll: true, generation: true } as const;
const newEventType: ResourceType = {
  ...builtIn("events.k8s.io/v1", "events", "Event", { short: ["ev"] }),
  storedAs: { ...eventForms, type: eventType },
};
export const deploymentType = builtIn("apps/v1", "deployments", "Deployment", {
  ...workload,
  short: ["deploy"],
  scale: true,
});
export const daemonSetType = builtIn("apps/v1", "daemonsets", "DaemonSet", { ...workload, short: ["ds"] });
export const replicaSetType = builtIn("apps/v1", "replicasets", "ReplicaSet", {
  ...workload,
  short: ["rs"],
  scale: true,
});
export const statefulSetType = builtIn("apps/v1", "statefulsets", "StatefulSet", {
  ...workload,
  short: ["sts"],
  scale: true,
});
export const jobType = builtIn("batch/v1", "jobs", "Job", workload);
export const leaseType = builtIn("coordination.k8s.io/v1", "leases", "Lease");
export const crdType: ResourceType = {
  ...builtIn("apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", {
    short: ["crd", "crds"],
    clusterScoped: true,
    status: true,
    generation: true,
  }),
  categories: ["api-extensions"],
};

const rbac = "rbac.authorization.k8s.io/v1";
export const clusterRoleBindingType = builtIn(rbac, "clusterrolebindings", "ClusterRoleBinding", cluster);
export const clusterRoleType = builtIn(rbac, "clusterroles", "ClusterRole", cluster);
export const roleBindingType = builtIn(rbac, "rolebindings", "RoleBinding");
export const roleType = builtIn(rbac, "roles", "Role");

export const budgetType = builtIn("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", {
  short: ["pdb"],
  status: true,
  generation: true,
});

const authorization = "authorization.k8s.io/v1";
const authentication = "authentication.k8s.io/v1";

/** In the order in which discovery lists them. */
export const builtInTypes: readonly ResourceType[] = [
  configMapType,
  builtIn("v1", "endpoints", "Endpoints", { short: ["ep"] }),
  eventType,
  builtIn("v1", "limitranges", "LimitRange", { short: ["limits"] }),
  namespaceType,
  nodeType,
  builtIn("v1", "persistentvolumeclaims", "PersistentVolumeClaim", { short: ["pvc"], status: true }),
  builtIn("v1", "persistentvolumes", "PersistentVolume", { short: ["pv"], ...cluster, status: true }),
  podType,
  builtIn("v1", "replicationcontrollers", "ReplicationController", { ...workload, short: ["rc"], scale: true }),
  builtIn("v1", "resourcequotas", "ResourceQuota", { short: ["quota"], status: true }),
  secretType,
  serviceAccountType,
  builtIn("v1", "services", "Service", { short: ["svc"], status: true, inAll: true }),
  daemonSetType,
  deploymentType,
  replicaSetType,
  statefulSetType,
  review(authentication, "selfsubjectreviews", "SelfSubjectReview"),
  review("authentication.k8s.io/v1beta1", "selfsubjectreviews", "SelfSubjectReview"),
  review(authentication, "tokenreviews", "TokenReview"),
  review(authorization, "localsubjectaccessreviews", "LocalSubjectAccessReview", true),
  review(authorization, "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
  review(authorization, "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
  review(authorization, "subjectaccessreviews", "SubjectAccessReview"),
  builtIn("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", {
    short: ["hpa"],
    status: true,
    inAll: true,
  }),
  builtIn("batch/v1", "cronjobs", "CronJob", { ...workload, short: ["cj"] }),
  jobType,
  leaseType,
  builtIn("discovery.k8s.io/v1", "endpointslices", "EndpointSlice", { generation: true }),
  newEventType,
  builtIn("networking.k8s.io/v1", "ingressclasses", "IngressClass", cluster),
  builtIn("networking.k8s.io/v1", "ingresses", "Ingress", { short: ["ing"], status: true, generation: true }),
  builtIn("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", { short: ["netpol"], generation: true }),
  budgetType,
  clusterRoleBindingType,
  clusterRoleType,
  roleBindingType,
  roleType,
  builtIn("storage.k8s.io/v1", "storageclasses", "StorageClass", { short: ["sc"], ...cluster }),
  crdType,
];
