// Generated from config/crd by tools/generate-api.ts. Change the definition there and run it again.
import type { Resource, ResourceSchema } from "../resource.ts";

/** A container registry whose health the hub watches. */
export type RegistryConnection = Resource<RegistryConnectionSpec, RegistryConnectionStatus>;

/** Where the registry is and how it is checked. */
export interface RegistryConnectionSpec {
  /** Name shown to readers. */
  readonly displayName?: string;
  /** Host with an optional port, or a URL; https unless the URL says http. */
  readonly endpoint: string;
  /** What kind of registry it is, such as docker, harbor or quay. For readers only. */
  readonly type?: string;
  /** Secret with the keys username and password, or of type kubernetes.io/dockerconfigjson; a key ca.crt names the authority of the registry's certificate. Without one the registry is asked anonymously. */
  readonly credentialsRef?: {
    /** Name of the Secret. */
    readonly name: string;
    /** Namespace of the Secret; that of this object unless given. */
    readonly namespace?: string;
  };
  /** Plain http where the endpoint names no scheme. */
  readonly insecure?: boolean;
  /** Accept any certificate. Meant for trials only. */
  readonly skipTLSVerify?: boolean;
  /** How often the registry is checked and how. */
  readonly monitoring?: {
    /** Seconds between two checks; 60 unless given, and never fewer than 30. */
    readonly interval?: number;
    /** Seconds that a request may take; 10 unless given, and never more than 2/5 of the interval. */
    readonly timeout?: number;
    /** Whether the repositories are counted too. */
    readonly checkCatalog?: boolean;
    /** Most repositories asked for; 100 unless given, no limit if negative. */
    readonly maxCatalogEntries?: number;
  };
  /** Free labels, used by filters and access policies. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Paths that must answer, at most eight; /v2/ unless given. */
  readonly healthCheckPaths?: readonly string[];
  /** One image that is pulled in part every few minutes, as a proof that pulls work. Registries that count pulls count these. */
  readonly canary?: {
    /** Name of the repository, such as library/alpine. */
    readonly repository: string;
    /** Tag, or digest as sha256:...; latest unless given. */
    readonly reference?: string;
    /** Seconds between two pulls; 300 unless given, and never fewer than 60. */
    readonly intervalSeconds?: number;
  };
}

/** What the hub last saw of the registry. */
export interface RegistryConnectionStatus {
  /** Generation of the spec that this status speaks of. At least 0. */
  readonly observedGeneration?: number;
  /** Connected once a check came to a result, Error while checks fail. */
  readonly phase?: string;
  /** healthy, degraded, unhealthy or unknown. */
  readonly health?: string;
  /** Whether the registry answers. */
  readonly available: boolean;
  /** End of the last check. RFC 3339. */
  readonly lastCheckTime?: string;
  /** Milliseconds until the registry began to answer. */
  readonly responseTime?: number;
  /** The health in a sentence. */
  readonly message?: string;
  /** Version of the registry's protocol, as it reports it. */
  readonly version?: string;
  /** Repositories in the catalog. */
  readonly repositoryCount?: number;
  /** What the registry was found to offer. */
  readonly features?: Readonly<Record<string, boolean>>;
  /** When the registry's certificate expires. RFC 3339. */
  readonly certificateExpiryTime?: string;
  /** The last pull of the canary. */
  readonly canary?: {
    /** Whether the manifest and the first bytes of a layer came. */
    readonly succeeded?: boolean;
    /** When it was tried. RFC 3339. */
    readonly lastPullTime?: string;
    /** Milliseconds until the manifest was there. */
    readonly manifestMilliseconds?: number;
    /** Milliseconds from then until the first bytes of a layer were there. */
    readonly layerMilliseconds?: number;
  };
  /** closed, open while the registry is left alone after failures in a row, or half-open during the probe. */
  readonly breaker?: string;
  /** Ready, Reachable, Synced, Degraded and, over TLS, CertificateExpiring. */
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

export const registryConnectionSchema: ResourceSchema = {
  spec: {
    type: "object",
    properties: {
      displayName: { type: "string" },
      endpoint: { type: "string" },
      type: { type: "string" },
      credentialsRef: {
        type: "object",
        properties: {
          name: { type: "string" },
          namespace: { type: "string" },
        },
        required: ["name"],
      },
      insecure: { type: "boolean" },
      skipTLSVerify: { type: "boolean" },
      monitoring: {
        type: "object",
        properties: {
          interval: { type: "integer", format: "int32" },
          timeout: { type: "integer", format: "int32" },
          checkCatalog: { type: "boolean" },
          maxCatalogEntries: { type: "integer", format: "int32" },
        },
      },
      labels: {
        type: "object",
        additionalProperties: { type: "string" },
      },
      healthCheckPaths: {
        type: "array",
        items: { type: "string" },
      },
      canary: {
        type: "object",
        properties: {
          repository: { type: "string" },
          reference: { type: "string" },
          intervalSeconds: { type: "integer", format: "int32" },
        },
        required: ["repository"],
      },
    },
    required: ["endpoint"],
  },
  status: {
    type: "object",
    properties: {
      observedGeneration: { type: "integer", format: "int64", minimum: 0 },
      phase: { type: "string" },
      health: { type: "string" },
      available: { type: "boolean" },
      lastCheckTime: { type: "string", format: "date-time" },
      responseTime: { type: "integer", format: "int64" },
      message: { type: "string" },
      version: { type: "string" },
      repositoryCount: { type: "integer" },
      features: {
        type: "object",
        additionalProperties: { type: "boolean" },
      },
      certificateExpiryTime: { type: "string", format: "date-time" },
      canary: {
        type: "object",
        properties: {
          succeeded: { type: "boolean" },
          lastPullTime: { type: "string", format: "date-time" },
          manifestMilliseconds: { type: "integer", format: "int64" },
          layerMilliseconds: { type: "integer", format: "int64" },
        },
      },
      breaker: { type: "string" },
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
    required: ["available"],
  },
};
