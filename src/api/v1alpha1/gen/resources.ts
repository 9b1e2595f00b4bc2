// Generated from config/crd by tools/generate-api.ts. Change the definition there and run it again.
import type { ResourceType } from "../meta.ts";

export const clusterConnections: ResourceType = { group: "clusterpulse.io", version: "v1alpha1", kind: "ClusterConnection", plural: "clusterconnections" };
export const metricSources: ResourceType = { group: "clusterpulse.io", version: "v1alpha1", kind: "MetricSource", plural: "metricsources" };
export const monitorAccessPolicies: ResourceType = { group: "clusterpulse.io", version: "v1alpha1", kind: "MonitorAccessPolicy", plural: "monitoraccesspolicies" };
export const registryConnections: ResourceType = { group: "clusterpulse.io", version: "v1alpha1", kind: "RegistryConnection", plural: "registryconnections" };
