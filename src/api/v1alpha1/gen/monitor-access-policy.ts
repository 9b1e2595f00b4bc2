// Generated from config/crd by tools/generate-api.ts. Change the definition there and run it again.
import type { Resource, ResourceSchema } from "../resource.ts";

/** Who may see what of which clusters. */
export type MonitorAccessPolicy = Resource<MonitorAccessPolicySpec, MonitorAccessPolicyStatus>;

/** The readers, whether they are allowed or denied, and what. */
export interface MonitorAccessPolicySpec {
  /** The readers that this policy speaks of. */
  readonly identity: {
    /** Policies with a higher priority are asked first. Default: 100. At least 1. At most 10000. */
    readonly priority: number;
    /** Users, groups and service accounts, by their exact names. */
    readonly subjects: {
      /** Names of users. */
      readonly users?: readonly string[];
      /** Names of groups. */
      readonly groups?: readonly string[];
      /** Service accounts. */
      readonly serviceAccounts?: readonly {
        /** Name of the service account. */
        readonly name: string;
        /** Namespace of the service account. Default: default. */
        readonly namespace: string;
      }[];
    };
  };
  /** What the policy says. */
  readonly access: {
    /** Whether the scope is allowed or denied. */
    readonly effect: "Allow" | "Deny";
    /** Whether the policy counts. Default: true. */
    readonly enabled: boolean;
  };
  /** What the policy speaks of. */
  readonly scope: {
    /** Clusters, and what of them. */
    readonly clusters: {
      /** What holds for clusters that no rule selects; deny is the same as none. Default: none. */
      readonly default: "allow" | "deny" | "none";
      /** Rules for clusters; the first that selects a cluster holds for it. */
      readonly rules?: readonly {
        /** Clusters that the rule is for. */
        readonly selector: {
          /** Clusters with all of these labels. */
          readonly matchLabels?: Readonly<Record<string, string>>;
          /** Clusters with these names. */
          readonly matchNames?: readonly string[];
          /** Clusters whose name this regular expression matches. At most 256 characters. */
          readonly matchPattern?: string;
        };
        /** What readers may do with the clusters. */
        readonly permissions?: {
          /** See the clusters. */
          readonly view?: boolean;
          /** See their metrics. */
          readonly viewMetrics?: boolean;
        };
        /** What readers see of each type of resource. */
        readonly resources?: readonly {
          /** nodes, operators, namespaces, pods, alerts, events, or the resourceTypeName of a MetricSource. */
          readonly type: string;
          /** Whether all, none, or those that pass the filters are seen. Default: all. */
          readonly visibility: "all" | "none" | "filtered";
          /** Which resources are seen; all filters must pass. */
          readonly filters?: {
            /** Namespaces of the resources. */
            readonly namespaces?: {
              /** Only these; entries may use * and ?. */
              readonly allowed?: readonly string[];
              /** Not these, also if allowed; entries may use * and ?. */
              readonly denied?: readonly string[];
            };
            /** Names of the resources. */
            readonly names?: {
              /** Only these; entries may use * and ?. */
              readonly allowed?: readonly string[];
              /** Not these, also if allowed; entries may use * and ?. */
              readonly denied?: readonly string[];
            };
            /** Labels that resources must have. */
            readonly labels?: Readonly<Record<string, string>>;
            /** Values of the filterable fields of a MetricSource. */
            readonly fields?: Readonly<Record<string, {
              /** Only these values. */
              readonly allowed?: readonly string[];
              /** Not these values, also if allowed. */
              readonly denied?: readonly string[];
            }>>;
          };
          /** Which aggregations of a MetricSource are seen. */
          readonly aggregations?: {
            /** Only these aggregations. */
            readonly include?: readonly string[];
            /** Not these aggregations, also if included. */
            readonly exclude?: readonly string[];
          };
        }[];
      }[];
    };
  };
  /** When the policy counts. */
  readonly lifecycle?: {
    /** First and last moment, as RFC 3339 times. */
    readonly validity?: {
      /** The policy counts from then on. */
      readonly notBefore?: string;
      /** The policy counts until then. */
      readonly notAfter?: string;
    };
  };
}

/** What became of the policy. */
export interface MonitorAccessPolicyStatus {
  /** Generation of the spec that this status speaks of. At least 0. */
  readonly observedGeneration?: number;
  /** Whether the policy counts, and why not. Default: Pending. */
  readonly state?: "Active" | "Inactive" | "Error" | "Pending" | "Expired";
  /** The state in a sentence. */
  readonly message?: string;
  /** When the policy was last compiled. */
  readonly compiledAt?: string;
  /** Fingerprint of the compiled policy. */
  readonly hash?: string;
  /** Users that the policy names. */
  readonly affectedUsers?: number;
  /** Groups that the policy names. */
  readonly affectedGroups?: number;
  /** Service accounts that the policy names. */
  readonly affectedServiceAccounts?: number;
  /** Types of MetricSources that the policy names. */
  readonly customResourceTypes?: number;
  /** Types and fields that the policy names and no MetricSource defines. */
  readonly customResourceWarnings?: readonly string[];
  /** Kept for older tools; the hub counts evaluations in its metrics. Default: 0. */
  readonly evaluationCount?: number;
  /** Kept for older tools. */
  readonly lastEvaluated?: string;
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

export const monitorAccessPolicySchema: ResourceSchema = {
  spec: {
    type: "object",
    properties: {
      identity: {
        type: "object",
        properties: {
          priority: { type: "integer", minimum: 1, maximum: 10000, default: 100 },
          subjects: {
            type: "object",
            properties: {
              users: {
                type: "array",
                items: { type: "string" },
              },
              groups: {
                type: "array",
                items: { type: "string" },
              },
              serviceAccounts: {
                type: "array",
                items: {
                  type: "object",
                  properties: {
                    name: { type: "string" },
                    namespace: { type: "string", default: "default" },
                  },
                  required: ["name"],
                },
              },
            },
          },
        },
        required: ["subjects"],
      },
      access: {
        type: "object",
        properties: {
          effect: {
            type: "string",
            enum: ["Allow", "Deny"],
          },
          enabled: { type: "boolean", default: true },
        },
        required: ["effect"],
      },
      scope: {
        type: "object",
        properties: {
          clusters: {
            type: "object",
            properties: {
              default: {
                type: "string",
                enum: ["allow", "deny", "none"],
                default: "none",
              },
              rules: {
                type: "array",
                items: {
                  type: "object",
                  properties: {
                    selector: {
                      type: "object",
                      properties: {
                        matchLabels: {
                          type: "object",
                          additionalProperties: { type: "string" },
                        },
                        matchNames: {
                          type: "array",
                          items: { type: "string" },
                        },
                        matchPattern: { type: "string", maxLength: 256 },
                      },
                    },
                    permissions: {
                      type: "object",
                      properties: {
                        view: { type: "boolean" },
                        viewMetrics: { type: "boolean" },
                      },
                    },
                    resources: {
                      type: "array",
                      items: {
                        type: "object",
                        properties: {
                          type: { type: "string", minLength: 1 },
                          visibility: {
                            type: "string",
                            enum: ["all", "none", "filtered"],
                            default: "all",
                          },
                          filters: {
                            type: "object",
                            properties: {
                              namespaces: {
                                type: "object",
                                properties: {
                                  allowed: {
                                    type: "array",
                                    items: { type: "string" },
                                  },
                                  denied: {
                                    type: "array",
                                    items: { type: "string" },
                                  },
                                },
                              },
                              names: {
                                type: "object",
                                properties: {
                                  allowed: {
                                    type: "array",
                                    items: { type: "string" },
                                  },
                                  denied: {
                                    type: "array",
                                    items: { type: "string" },
                                  },
                                },
                              },
                              labels: {
                                type: "object",
                                additionalProperties: { type: "string" },
                              },
                              fields: {
                                type: "object",
                                additionalProperties: {
                                  type: "object",
                                  properties: {
                                    allowed: {
                                      type: "array",
                                      items: { type: "string" },
                                    },
                                    denied: {
                                      type: "array",
                                      items: { type: "string" },
                                    },
                                  },
                                },
                              },
                            },
                          },
                          aggregations: {
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
                        },
                        required: ["type"],
                      },
                    },
                  },
                  required: ["selector"],
                },
              },
            },
          },
        },
        required: ["clusters"],
      },
      lifecycle: {
        type: "object",
        properties: {
          validity: {
            type: "object",
            properties: {
              notBefore: { type: "string" },
              notAfter: { type: "string" },
            },
          },
        },
      },
    },
    required: ["access", "identity", "scope"],
  },
  status: {
    type: "object",
    properties: {
      observedGeneration: { type: "integer", format: "int64", minimum: 0 },
      state: {
        type: "string",
        enum: ["Active", "Inactive", "Error", "Pending", "Expired"],
        default: "Pending",
      },
      message: { type: "string" },
      compiledAt: { type: "string" },
      hash: { type: "string" },
      affectedUsers: { type: "integer" },
      affectedGroups: { type: "integer" },
      affectedServiceAccounts: { type: "integer" },
      customResourceTypes: { type: "integer" },
      customResourceWarnings: {
        type: "array",
        items: { type: "string" },
      },
      evaluationCount: { type: "integer", default: 0 },
      lastEvaluated: { type: "string" },
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
