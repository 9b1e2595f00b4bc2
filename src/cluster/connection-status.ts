// The status of a ClusterConnection, from the health of its newest run: the legacy members that existing tools read, and the
// conditions Ready, Reachable, Synced, Degraded and, where the certificate is known, CertificateExpiring. Pure; equal inputs give an equal status, so a steady cluster causes no writes.
import type { ClusterConnectionStatus } from "../api/v1alpha1/cluster-connection.ts";
import type { Condition } from "../api/v1alpha1/meta.ts";
import { conditionsFrom, maxMessageLength, type Verdict } from "../reconcile/index.ts";
import { rfc3339 } from "../support/clock.ts";
import type { MissingPart } from "./failure.ts";
import type { ClusterHealth } from "./health.ts";
import {
  asExpected,
  certificateVerdict,
  coarse,
  lackingOf,
  phases,
  reachedDespite,
  truth,
  unknownVerdicts,
} from "./verdicts.ts";

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

function verdicts({ health, reason, message }: ClusterHealth, missing: readonly MissingPart[]): Verdict[] {
  const works = health === "healthy" || health === "degraded";
  if (health === "unknown") return unknownVerdicts({ reason, message });
  const incomplete: Verdict | undefined = missing[0] && {
    type: "Synced",
    status: "False",
    reason: "Incomplete",
    message: lackingOf(missing),
  };
  return [
    { type: "Ready", status: truth(works), reason, message },
    { type: "Reachable", status: works ? "True" : reachedDespite(reason), reason, message },
    works && incomplete !== undefined
      ? incomplete
      : {
          type: "Synced",
          status: truth(works),
          ...(works ? { reason: "Collected", message: "" } : { reason, message }),
        },
    health === "healthy"
      ? incomplete === undefined
        ? { type: "Degraded", status: "False", ...asExpected }
        : { ...incomplete, type: "Degraded", status: "True" }
      : { type: "Degraded", status: "True", reason, message },
  ];
}

/** Shown only while it holds: an opt-out that nobody sees is forgotten. */
const insecureVerdict: Verdict = {
  type: "InsecureTLS",
  status: "True",
  reason: "InsecureSkipTLSVerify",
  message: "The API server's certificate is not verified, because the kubeconfig in the Secret says so",
};

/** The status to write. A condition keeps its transition time while its status stays. */
export function connectionStatus(
  input: ConnectionStatusInput,
): ClusterConnectionStatus & { readonly observedGeneration?: number } {
  const { health, previous, observedGeneration, lastSyncMs, nodes, namespaces, nowMs } = input;
  const { kubernetesVersion, latencyMs, certificateExpiresAtMs } = input;
  const observed = observedGeneration === undefined ? {} : { observedGeneration };
  return {
    phase: phases[health.health],
    health: health.health,
    message: health.message.slice(0, maxMessageLength),
    ...(lastSyncMs === null ? {} : { lastSyncTime: rfc3339(lastSyncMs) }),
    ...(nodes === undefined ? {} : { nodes }),
    ...(namespaces === undefined ? {} : { namespaces }),
    ...(kubernetesVersion === undefined ? {} : { kubernetesVersion }),
    ...(latencyMs === undefined ? {} : { latencyMs: coarse(latencyMs) }),
    ...observed,
    conditions: conditionsFrom(
      [
        ...verdicts(health, input.missing),
        ...(certificateExpiresAtMs === undefined
          ? []
          : [certificateVerdict("The API server", certificateExpiresAtMs, nowMs)]),
        ...(input.insecureSkipTlsVerify ? [insecureVerdict] : []),
      ],
      previous,
      observedGeneration,
      nowMs,
    ),
  };
}
