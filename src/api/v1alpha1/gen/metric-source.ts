// Generated from config/crd by tools/generate-api.ts. Change the definition there and run it again.
import type { Resource, ResourceSchema } from "../resource.ts";

/** What is read of one kind of resource in every cluster, and how it is summed up. */
export type MetricSource = Resource<MetricSourceSpec, MetricSourceStatus>;

/** The resources to read, the fields to take from them, and what is made of those. */
export interface MetricSourceSpec {
  /** The kind of resource that is read, and which of them. */
  readonly source: {
    /** Group and version of the kind, such as v1 or apps/v1. */
    readonly apiVersion: string;
    /** The kind, such as PersistentVolumeClaim. */
    readonly kind: string;
    /** Whether the kind lives in namespaces. Default: Namespaced. */
    readonly scope: "Namespaced" | "Cluster";
    /** Namespaces to read; all unless given. Entries may use * and ?. */
    readonly namespaces?: {
      /** Only these namespaces. */
      readonly include?: readonly string[];
      /** Not these namespaces, also if included. */
      readonly exclude?: readonly string[];
    };
    /** Only resources with these labels. */
    readonly labelSelector?: {
      /** Labels with their values. */
      readonly matchLabels?: Readonly<Record<string, string>>;
      /** Requirements that must all hold. */
      readonly matchExpressions?: readonly {
        /** The label. */
        readonly key: string;
        /** In, NotIn, Exists or DoesNotExist. */
        readonly operator: string;
        /** Values for In and NotIn. */
        readonly values?: readonly string[];
      }[];
    };
  };
  /** Fields taken from each resource. */
  readonly fields: readonly {
    /** Name of the field in results, expressions and filters. */
    readonly name: string;
    /** Path of the value, such as .status.capacity.storage or .spec.accessModes[0]. */
    readonly path: string;
    /** What the value is converted to. Default: string. */
    readonly type: "string" | "integer" | "float" | "boolean" | "quantity" | "timestamp" | "arrayLength";
    /** Text that stands in, converted like the value, where the path leads nowhere. */
    readonly default?: string;
  }[];
  /** Values computed from the fields of each resource. */
  readonly computed?: readonly {
    /** Name of the value in results, later expressions and filters. */
    readonly name: string;
    /** Expression over fields and earlier computed values. */
    readonly expression: string;
    /** What the result is converted to. Default: float. */
    readonly type: "string" | "integer" | "float" | "boolean";
  }[];
  /** Sums over all resources of a cluster. */
  readonly aggregations?: readonly {
    /** Name of the sum in results and metrics. */
    readonly name: string;
    /** How values are summed up. */
    readonly function: "count" | "sum" | "avg" | "min" | "max" | "percentile" | "distinct";
    /** Field or computed value that is summed up; count needs none. */
    readonly field?: string;
    /** Only resources for which this holds. */
    readonly filter?: {
      /** Field or computed value that is compared. */
      readonly field: string;
      /** How it is compared. */
      readonly operator: "equals" | "notEquals" | "contains" | "startsWith" | "endsWith" | "greaterThan" | "lessThan" | "in" | "matches";
      /** Text it is compared with; comma-separated for in, a regular expression for matches. */
      readonly value: string;
    };
    /** Field or computed value by whose values the sum is split. */
    readonly groupBy?: string;
    /** Which percentile, from 0 to 100. */
    readonly percentile?: number;
  }[];
  /** How often resources are read, and how many. */
  readonly collection?: {
    /** Seconds between two collections. Default: 60. At least 30. */
    readonly intervalSeconds: number;
    /** Seconds that one cluster's collection may take. Default: 30. At least 5. */
    readonly timeoutSeconds: number;
    /** Most resources read in one cluster. Default: 5000. At least 1. */
    readonly maxResources: number;
    /** Resources asked for at a time. Default: 500. At least 10. */
    readonly batchSize: number;
    /** Times that a failed request is tried again. Default: 3. At least 0. */
    readonly retryAttempts: number;
    /** Namespaces read at a time. Default: 3. At least 1. */
    readonly parallelism: number;
  };
  /** How access policies name and filter these resources. */
  readonly rbac?: {
    /** Name of the type in access policies and routes. */
    readonly resourceTypeName: string;
    /** Fields that access policies may filter by. */
    readonly filterableFields?: readonly string[];
    /** Whether a reader's sums count only what that reader may see. Default: true. */
    readonly filterAggregations: boolean;
  };
}

/** What came of the last collection. */
export interface MetricSourceStatus {
  /** Generation of the spec that this status speaks of. At least 0. */
  readonly observedGeneration?: number;
  /** Active while resources are collected, Error while the definition or the collection fails. */
  readonly phase?: "Active" | "Error" | "Disabled";
  /** End of the last collection. RFC 3339. */
  readonly lastCollectionTime?: string;
  /** How long the last collection took, such as 56ms or 1m1.235s. */
  readonly lastCollectionDuration?: string;
  /** Resources of the last collection, over all clusters. */
  readonly resourcesCollected?: number;
  /** Clusters that gave resources in the last collection. */
  readonly clustersCollected?: number;
  /** Clusters whose last collection failed. */
  readonly errorsLastRun?: number;
  /** The phase in a sentence. */
  readonly message?: string;
  /** What was found of single fields. */
  readonly fieldValidation?: readonly {
    /** Name of the field. */
    readonly field: string;
    /** Whether the field can be used. */
    readonly status: "valid" | "invalid" | "warning";
    /** What is wrong with it. */
    readonly message?: string;
  }[];
  /** How the objects are read where the cluster can answer so; protobuf takes less work. */
  readonly lane?: "protobuf" | "json";
  /** Why the objects are read as JSON; empty where they are not. */
  readonly laneReason?: string;
  /** What one collection in all clusters takes, from time to time. */
  readonly cost?: {
    /** Milliseconds of CPU time for reading, computing and summing up. At least 0. */
    readonly cpuMs?: number;
    /** Bytes of the answers read, without compression. At least 0. */
    readonly bytes?: number;
    /** Objects looked at. At least 0. */
    readonly objects?: number;
    /** Bytes of rows and sums that are stored. At least 0. */
    readonly storedBytes?: number;
    /** The clusters that take the most CPU time, at most three. */
    readonly topClusters?: readonly {
      /** Name of the cluster. */
      readonly cluster: string;
      /** Milliseconds of CPU time. At least 0. */
      readonly cpuMs: number;
    }[];
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

export const metricSourceSchema: ResourceSchema = {
  spec: {
    type: "object",
    properties: {
      source: {
        type: "object",
        properties: {
          apiVersion: { type: "string" },
          kind: { type: "string" },
          scope: {
            type: "string",
            enum: ["Namespaced", "Cluster"],
            default: "Namespaced",
          },
          namespaces: {
            type: "object",
            properties: {
              include: {
                type: "array",
                items: { type: "string" },
              },
              exclude: {
                type: "array",
                items: { type: "string" },
              },
            },
          },
          labelSelector: {
            type: "object",
            properties: {
              matchLabels: {
                type: "object",
                additionalProperties: { type: "string" },
              },
              matchExpressions: {
                type: "array",
                items: {
                  type: "object",
                  properties: {
                    key: { type: "string" },
                    operator: { type: "string" },
                    values: {
                      type: "array",
                      items: { type: "string" },
                    },
                  },
                  required: ["key", "operator"],
                },
              },
            },
          },
        },
        required: ["apiVersion", "kind"],
      },
      fields: {
        type: "array",
        items: {
          type: "object",
          properties: {
            name: { type: "string" },
            path: { type: "string" },
            type: {
              type: "string",
              enum: ["string", "integer", "float", "boolean", "quantity", "timestamp", "arrayLength"],
              default: "string",
            },
            default: { type: "string" },
          },
          required: ["name", "path"],
        },
      },
      computed: {
        type: "array",
        items: {
          type: "object",
          properties: {
            name: { type: "string" },
            expression: { type: "string" },
            type: {
              type: "string",
              enum: ["string", "integer", "float", "boolean"],
              default: "float",
            },
          },
          required: ["expression", "name"],
        },
      },
      aggregations: {
        type: "array",
        items: {
          type: "object",
          properties: {
            name: { type: "string" },
            function: {
              type: "string",
              enum: ["count", "sum", "avg", "min", "max", "percentile", "distinct"],
            },
            field: { type: "string" },
            filter: {
              type: "object",
              properties: {
                field: { type: "string" },
                operator: {
                  type: "string",
                  enum: ["equals", "notEquals", "contains", "startsWith", "endsWith", "greaterThan", "lessThan", "in", "matches"],
                },
                value: { type: "string" },
              },
              required: ["field", "operator", "value"],
            },
            groupBy: { type: "string" },
            percentile: { type: "integer" },
          },
          required: ["function", "name"],
        },
      },
      collection: {
        type: "object",
        properties: {
          intervalSeconds: { type: "integer", format: "int32", minimum: 30, default: 60 },
          timeoutSeconds: { type: "integer", format: "int32", minimum: 5, default: 30 },
          maxResources: { type: "integer", format: "int32", minimum: 1, default: 5000 },
          batchSize: { type: "integer", format: "int32", minimum: 10, default: 500 },
          retryAttempts: { type: "integer", format: "int32", minimum: 0, default: 3 },
          parallelism: { type: "integer", format: "int32", minimum: 1, default: 3 },
        },
      },
      rbac: {
        type: "object",
        properties: {
          resourceTypeName: { type: "string" },
          filterableFields: {
            type: "array",
            items: { type: "string" },
          },
          filterAggregations: { type: "boolean", default: true },
        },
        required: ["resourceTypeName"],
      },
    },
    required: ["fields", "source"],
  },
  status: {
    type: "object",
    properties: {
      observedGeneration: { type: "integer", format: "int64", minimum: 0 },
      phase: {
        type: "string",
        enum: ["Active", "Error", "Disabled"],
      },
      lastCollectionTime: { type: "string", format: "date-time" },
      lastCollectionDuration: { type: "string" },
      resourcesCollected: { type: "integer" },
      clustersCollected: { type: "integer" },
      errorsLastRun: { type: "integer" },
      message: { type: "string" },
      fieldValidation: {
        type: "array",
        items: {
          type: "object",
          properties: {
            field: { type: "string" },
            status: {
              type: "string",
              enum: ["valid", "invalid", "warning"],
            },
            message: { type: "string" },
          },
          required: ["field", "status"],
        },
      },
      lane: {
        type: "string",
        enum: ["protobuf", "json"],
      },
      laneReason: { type: "string" },
      cost: {
        type: "object",
        properties: {
          cpuMs: { type: "integer", format: "int64", minimum: 0 },
          bytes: { type: "integer", format: "int64", minimum: 0 },
          objects: { type: "integer", format: "int64", minimum: 0 },
          storedBytes: { type: "integer", format: "int64", minimum: 0 },
          topClusters: {
            type: "array",
            items: {
              type: "object",
              properties: {
                cluster: { type: "string" },
                cpuMs: { type: "integer", format: "int64", minimum: 0 },
              },
              required: ["cluster", "cpuMs"],
            },
          },
        },
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
