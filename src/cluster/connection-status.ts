// The status of a ClusterConnection, from the health of its newest run: the legacy members that existing tools read, and the
// conditions Ready, Reachable, Synced, Degraded and, where the certificate is known, CertificateExpiring. Pure; equal inputs give an equal status, so a steady cluster causes no writes.
import type { ClusterConnectionStatus } from "../api/v1alpha1/cluster-connection.ts";
import type { Condition } from "../api/v1alpha1/meta.ts";
import { rfc3339 } from "../support/clock.ts";
import type { MissingPart } from "./failure.ts";
import type { ClusterHealth } from "./health.ts";

export interface ConnectionStatusInput {
  readonly health: ClusterHealth;
  /** The parts that the newest collection could not get. */
  readonly missing: readonly MissingPart[];
  /** The conditions as they stand, for their transition times. */
  readonly previous: readonly Condition[];
  readonly observedGeneration: number | undefined;
  /** When data was last collected; null: never. */
  readonly lastSyncMs: number | null;
  /** These are absent where unknown; the member then keeps what it says. */
  readonly nodes: number | undefined;
  readonly namespaces: number | undefined;
  /** As /version says. */
  readonly kubernetesVersion?: string | undefined;
  /** Of the collection at `lastSyncMs`, not of each: it never stands still. */
  readonly latencyMs?: number | undefined;
  /** When the API server's certificate expires, epoch milliseconds; absent: not known, and nothing is said of it. */
  readonly certificateExpiresAtMs?: number | undefined;
  /** The API server's certificate is not verified, because its owner said so. */
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly nowMs: number;
}

/** Reasons of a failure that was the API server's own answer: it was reached. */
const answered: ReadonlySet<string> = new Set([
  "Unauthorized",
  "Forbidden",
  "NotFound",
  "TooManyRequests",
  "ServerError",
  "UnexpectedStatus",
  "ResponseMalformed",
  "ResponseTooLarge",
  "RedirectRefused",
]);
/** Reasons for which the API server was not even asked. */
const notAsked: ReadonlySet<string> = new Set([
  "Pending",
  "InvalidSpec",
  "CredentialsMissing",
  "CredentialsInvalid",
  "ActorCrashLooping",
]);

type Verdict = Pick<Condition, "type" | "status" | "reason" | "message">;

function verdicts({ health, reason, message }: ClusterHealth, missing: readonly MissingPart[]): Verdict[] {
  const works = health === "healthy" || health === "degraded";
  const word = (yes: boolean): "True" | "False" => (yes ? "True" : "False");
  const all = (status: Condition["status"]) => (type: string) => ({ type, status, reason, message });
  if (health === "unknown") return ["Ready", "Reachable", "Synced", "Degraded"].map(all("Unknown"));
  const first = missing[0];
  const lacking = missing.map((part) => `${part.part}: ${part.message}`).join("; ");
  const incomplete: Verdict | undefined = first && {
    type: "Synced",
    status: "False",
    reason: "Incomplete",
    message: lacking,
  };
  const fine = { reason: "AsExpected", message: "" };
  return [
    { type: "Ready", status: word(works), reason, message },
    {
      type: "Reachable",
      status: notAsked.has(reason) ? "Unknown" : word(works || answered.has(reason)),
      reason,
      message,
    },
    works && incomplete !== undefined
      ? incomplete
      : {
          type: "Synced",
          status: word(works),
          ...(works ? { reason: "Collected", message: "" } : { reason, message }),
        },
    health === "healthy"
      ? incomplete === undefined
        ? { type: "Degraded", status: "False", ...fine }
        : { ...incomplete, type: "Degraded", status: "True" }
      : { type: "Degraded", status: "True", reason, message },
  ];
}

/** A certificate that has less than this left is warned of. Those that renew themselves do it earlier. */
const certificateWarningMs = 14 * 86_400_000;

/** Names the day, not the days left, so that the message stands still. */
function certificateVerdict(expiresAtMs: number, nowMs: number): Verdict {
  const isSoon = expiresAtMs - nowMs < certificateWarningMs;
  const word = expiresAtMs <= nowMs ? "expired" : "expires";
  return {
    type: "CertificateExpiring",
    status: isSoon ? "True" : "False",
    reason: isSoon ? "ExpiresSoon" : "AsExpected",
    message: `The API server's certificate ${word} on ${rfc3339(expiresAtMs).slice(0, 10)}`,
  };
}

/** Shown only while it holds: an opt-out that nobody sees is forgotten. */
const insecureVerdict: Verdict = {
  type: "InsecureTLS",
  status: "True",
  reason: "InsecureSkipTLSVerify",
  message: "The API server's certificate is not verified, because the kubeconfig in the Secret says so",
};

/** Two significant digits: what a person compares, and what stays equal while a server is about as fast as it was. */
function coarse(value: number): number {
  return Number(value.toPrecision(2));
}

const phases = { healthy: "Connected", degraded: "Connected", unhealthy: "Error", unknown: "Connecting" } as const;
/** The longest message that the API server takes for a condition is 32,768; this is what a person reads. */
const maxMessageLength = 1_024;

/** The status to write. A condition keeps its transition time while its status stays. */
export function connectionStatus(
  input: ConnectionStatusInput,
): ClusterConnectionStatus & { readonly observedGeneration?: number } {
  const { health, previous, observedGeneration, lastSyncMs, nodes, namespaces, nowMs } = input;
  const { kubernetesVersion, latencyMs, certificateExpiresAtMs } = input;
  const now = rfc3339(nowMs);
  const observed = observedGeneration === undefined ? {} : { observedGeneration };
  return {
    phase: phases[health.health],
    health: health.health,
    message: health.message.slice(0, maxMessageLength),
    ...(lastSyncMs === null ? {} : { lastSyncTime: rfc3339(lastSyncMs) }),
    ...(nodes === undefined ? {} : { nodes }),
    ...(namespaces === undefined ? {} : { namespaces }),
    ...(kubernetesVersion === undefined ? {} : { kubernetesVersion }),
    ...(latencyMs === undefined ? {} : { latencyMs: Math.round(coarse(latencyMs)) }),
    ...observed,
    conditions: [
      ...verdicts(health, input.missing),
      ...(certificateExpiresAtMs === undefined ? [] : [certificateVerdict(certificateExpiresAtMs, nowMs)]),
      ...(input.insecureSkipTlsVerify ? [insecureVerdict] : []),
    ].map((verdict) => {
      const before = previous.find((condition) => condition.type === verdict.type);
      const lastTransitionTime = before?.status === verdict.status ? before.lastTransitionTime : now;
      return { ...verdict, message: verdict.message.slice(0, maxMessageLength), lastTransitionTime, ...observed };
    }),
  };
}

/** The conditions of an object as it was read; anything malformed is left out. */
export function conditionsOf(object: unknown): Condition[] {
  const status = isRecord(object) ? object["status"] : undefined;
  const conditions = isRecord(status) ? status["conditions"] : undefined;
  return Array.isArray(conditions) ? conditions.filter(isCondition) : [];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
const isCondition = (value: unknown): value is Condition =>
  isRecord(value) &&
  ["type", "status", "reason", "message", "lastTransitionTime"].every((member) => typeof value[member] === "string");
