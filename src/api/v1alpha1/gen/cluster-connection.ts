// Generated from config/crd by tools/generate-api.ts. Change the definition there and run it again.
import type { Resource, ResourceSchema } from "../resource.ts";

/** A cluster that the hub watches, and how to reach it. */
export type ClusterConnection = Resource<ClusterConnectionSpec, ClusterConnectionStatus>;

/** Where the cluster is and how it is collected. */
export interface ClusterConnectionSpec {
  /** Name shown to readers. A label only; two clusters may share it. */
  readonly displayName?: string;
  /** URL of the cluster's API server, with its port. */
  readonly endpoint: string;
  /** Secret with the keys token and, for a private authority, ca.crt. */
  readonly credentialsRef: {
    /** Name of the Secret. */
    readonly name: string;
    /** Namespace of the Secret; that of this object unless given. */
    readonly namespace?: string;
  };
  /** Free labels, used by filters and access policies. */
  readonly labels?: Readonly<Record<string, string>>;
  /** How often the cluster is collected and how long a run may take. */
  readonly monitoring?: {
    /** Seconds between two runs; 30 unless given, and never fewer. */
    readonly interval?: number;
    /** Seconds that a request may take; 10 unless given. */
    readonly timeout?: number;
  };
  /** Whether the hub collects (pull) or an agent in the cluster sends (push). Default: pull. */
  readonly collectionMode: "pull" | "push";
  /** Address that the agent of a push cluster sends to, as host and port. */
  readonly ingesterAddress?: string;
  /** Image tag of the agent of a push cluster. */
  readonly collectorVersion?: string;
}

/** What the hub last saw of the cluster. */
export interface ClusterConnectionStatus {
  /** Generation of the spec that this status speaks of. At least 0. */
  readonly observedGeneration?: number;
  /** Connected once a run succeeded, Error while runs fail. */
  readonly phase?: string;
  /** healthy, degraded, unhealthy or unknown. */
  readonly health?: string;
  /** The health in a sentence. */
  readonly message?: string;
  /** End of the last successful run. RFC 3339. */
  readonly lastSyncTime?: string;
  /** Nodes of the cluster. */
  readonly nodes?: number;
  /** Namespaces of the cluster. */
  readonly namespaces?: number;
  /** Version that the API server reports, such as v1.33.2. */
  readonly kubernetesVersion?: string;
  /** Median of the API server's answering times in the last run, in milliseconds. At least 0. */
  readonly latencyMs?: number;
  /** State of the agent of a push cluster. */
  readonly collectorStatus?: {
    /** Whether the agent's stream is open. */
    readonly connected: boolean;
    /** When the agent was last heard. RFC 3339. */
    readonly lastHeartbeat?: string;
    /** Version that the agent reports. */
    readonly version?: string;
  };
  /** Ready, Reachable, Synced and Degraded. */
  readonly conditions?: readonly {
    /** What the condition speaks of, in CamelCase. At most 316 characters. */
    readonly type: string;
    /** Whether it holds. */
    readonly status: "True" | "False" | "Unknown";
    /** Why, as one stable CamelCase word. At most 1024 characters. */
    readonly reason: string;
    /** Why, for people. At most 32768 characters. */
    readonly message: string;
    /** When the status last changed. RFC 3339. */
    readonly lastTransitionTime: string;
    /** Generation of the spec that the condition speaks of. At least 0. */
    readonly observedGeneration?: number;
  }[];
}

export const clusterConnectionSchema: ResourceSchema = {
  spec: {
    type: "object",
    properties: {
      displayName: { type: "string" },
      endpoint: { type: "string" },
      credentialsRef: {
        type: "object",
        properties: {
          name: { type: "string" },
          namespace: { type: "string" },
        },
        required: ["name"],
      },
      labels: {
        type: "object",
        additionalProperties: { type: "string" },
      },
      monitoring: {
        type: "object",
        properties: {
          interval: { type: "integer", format: "int32" },
          timeout: { type: "integer", format: "int32" },
        },
      },
      collectionMode: {
        type: "string",
        enum: ["pull", "push"],
        default: "pull",
      },
      ingesterAddress: { type: "string" },
      collectorVersion: { type: "string" },
    },
    required: ["credentialsRef", "endpoint"],
  },
  status: {
    type: "object",
    properties: {
      observedGeneration: { type: "integer", format: "int64", minimum: 0 },
      phase: { type: "string" },
      health: { type: "string" },
      message: { type: "string" },
      lastSyncTime: { type: "string", format: "date-time" },
      nodes: { type: "integer" },
      namespaces: { type: "integer" },
      kubernetesVersion: { type: "string" },
      latencyMs: { type: "integer", minimum: 0 },
      collectorStatus: {
        type: "object",
        properties: {
          connected: { type: "boolean" },
          lastHeartbeat: { type: "string", format: "date-time" },
          version: { type: "string" },
        },
        required: ["connected"],
      },
      conditions: {
        type: "array",
        items: {
          type: "object",
          properties: {
            type: { type: "string", maxLength: 316, pattern: "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$" },
            status: {
              type: "string",
              enum: ["True", "False", "Unknown"],
            },
            reason: { type: "string", minLength: 1, maxLength: 1024, pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$" },
            message: { type: "string", maxLength: 32768 },
            lastTransitionTime: { type: "string", format: "date-time" },
            observedGeneration: { type: "integer", format: "int64", minimum: 0 },
          },
          required: ["lastTransitionTime", "message", "reason", "status", "type"],
        },
        keys: ["type"],
      },
    },
  },
};
