// What is said of one registry: documents for readers after every check, and the status of its RegistryConnection when something changed.
// Remembers what was said last, so that transitions are told from repetitions. Nothing here waits.
import { conditionsOf } from "../../src/api/v1alpha1/conditions.ts";
import type { Condition, KubeObject } from "../../src/api/v1alpha1/meta.ts";
import type { RegistryConnectionSpec } from "../../src/api/v1alpha1/registry-connection.ts";
import { group, registryConnections, version } from "../../src/api/v1alpha1/resources.ts";
import type { RegistryCheck } from "../../src/registry/check.ts";
import {
  type Failure,
  healthOfBusy,
  healthOfCheck,
  healthOfFailure,
  neverChecked,
  type RegistryHealth,
} from "../../src/registry/health.ts";
import { registryConnectionStatus } from "../../src/registry/status.ts";
import type { Document } from "../../src/store/document.ts";
import { lifetimeSeconds } from "../../src/store/documents.ts";
import {
  type RegistryStatusValue,
  type RegistryTimes,
  registryEvent,
  registrySpec,
  registryStatus,
} from "../../src/store/registry-documents.ts";
import type { BreakerState } from "../../src/support/breaker.ts";
import { type Clock, rfc3339 } from "../../src/support/clock.ts";
import type { EventSink } from "../event-writer/event-writer.ts";
import { type StatusSink, type StatusTarget, statusTargetOf } from "../status-writer/status-writer.ts";
import type { StoreSink } from "../store-writer/store-writer.ts";

export interface RegistryReportLimits {
  readonly cacheTtlSeconds: number;
  readonly retentionSeconds: number;
  /** The status of a registry in a steady state gets a new lastCheckTime this often. */
  readonly statusRefreshMs: number;
}

export interface RegistrySinks {
  readonly store: StoreSink;
  readonly status: StatusSink;
  readonly events: EventSink;
}

const transitionReasons = {
  healthy: "RegistryAvailable",
  degraded: "RegistryDegraded",
  unhealthy: "RegistryUnavailable",
} as const;

export class RegistryReport {
  readonly #name: string;
  readonly #sinks: RegistrySinks;
  readonly #clock: Clock;
  readonly #limits: RegistryReportLimits;
  #spec: RegistryConnectionSpec | undefined;
  #declared: readonly Document[] = [];
  #target: StatusTarget | undefined;
  #observedGeneration: number | undefined;
  /** Of the newest check; one that the hub had no room for is none. */
  #health: RegistryHealth | undefined;
  #check: RegistryCheck | undefined;
  #conditions: readonly Condition[];
  #shown: RegistryCheck | undefined;
  #lastCheckMs: number | null = null;
  #stored: { readonly status: RegistryStatusValue; readonly times: RegistryTimes } | undefined;

  constructor(name: string, object: unknown, sinks: RegistrySinks, clock: Clock, limits: RegistryReportLimits) {
    this.#name = name;
    this.#sinks = sinks;
    this.#clock = clock;
    this.#limits = limits;
    this.#conditions = conditionsOf(object);
  }

  /** Takes over whose status it is, and of which generation. */
  about(object: unknown): void {
    this.#target = statusTargetOf(registryConnections, object);
    this.#observedGeneration = (object as Partial<KubeObject> | undefined)?.metadata?.generation;
  }

  declared(spec: RegistryConnectionSpec): void {
    this.#spec = spec;
    this.#declared = registrySpec(this.#name, spec);
    this.#sinks.store.write(this.#declared);
  }

  /** Lists a registry that was never checked; one of which more is known already stays as it is. */
  pending(): void {
    if (this.#health !== undefined) return;
    this.#store(neverChecked, undefined, "closed", null, 0, 0);
  }

  checked(check: RegistryCheck, breaker: BreakerState["state"], intervalMs: number): void {
    const health = healthOfCheck(check);
    const isDue =
      this.#shown === undefined || check.checkedAtMs - this.#shown.checkedAtMs >= this.#limits.statusRefreshMs;
    if (isDue || this.#isTransition(health) || saysSomethingElse(this.#shown, check)) this.#shown = check;
    this.#finish(health, check, breaker, intervalMs, 0, check.responseTimeMs);
  }

  /** @param waitMs how long the registry will be left alone; 0: until the next check is due */
  failed(
    failure: Failure,
    breaker: BreakerState["state"],
    intervalMs: number,
    waitMs: number,
    elapsedMs: number,
  ): void {
    const health =
      failure.reason === "InvalidSpec" ? { health: "unhealthy" as const, ...failure } : healthOfFailure(failure);
    this.#finish(health, undefined, breaker, intervalMs, waitMs, Math.round(elapsedMs));
  }

  /**
   * The hub had no room to check it. What was wrong with it before may be so still, and stands; what was well is not known to be so any
   * more. The rest is as it was found, and its age goes on.
   */
  busy(failure: Failure, breaker: BreakerState["state"]): void {
    // After a crash, what was said before it stands.
    if (this.#stored === undefined) return;
    const { status, times } = this.#stored;
    const stands = this.#health?.health === "unhealthy";
    const health = healthOfBusy(failure);
    this.#write({ ...status, ...(stands ? {} : health), breaker }, times);
    if (!stands) this.#setStatus(health, this.#check, breaker);
  }

  #isTransition({ health, reason }: RegistryHealth): boolean {
    return health !== this.#health?.health || reason !== this.#health.reason;
  }

  #finish(
    health: RegistryHealth,
    check: RegistryCheck | undefined,
    breaker: BreakerState["state"],
    intervalMs: number,
    waitMs: number,
    responseTimeMs: number,
  ): void {
    const atMs = this.#clock.nowMs();
    const transition = this.#isTransition(health);
    const before = this.#health;
    if (
      transition ||
      check === this.#shown ||
      this.#lastCheckMs === null ||
      atMs - this.#lastCheckMs >= this.#limits.statusRefreshMs
    )
      this.#lastCheckMs = atMs;
    this.#health = health;
    this.#check = check;
    // Readers are told when it is asked again. The custom resource is not: its message would change with every attempt.
    const message = waitMs === 0 ? health.message : `${health.message}; probing again at ${rfc3339(atMs + waitMs)}`;
    this.#store(
      { ...health, message },
      check,
      breaker,
      atMs,
      Math.max(2 * intervalMs, waitMs + intervalMs),
      responseTimeMs,
    );
    const { displayName = "", type = "" } = this.#spec ?? {};
    const data = {
      health: health.health,
      available: check !== undefined,
      response_time: responseTimeMs,
      display_name: displayName,
      type,
    };
    this.#sinks.store.write(registryEvent(this.#name, { type: "registry.reconciled", atMs, data, transition }));
    this.#setStatus(health, check, breaker);
    if (this.#target === undefined || !transition || health.health === "unknown") return;
    const isRecovered = health.health === "healthy" && before !== undefined && before.health !== "healthy";
    const reason = isRecovered ? "RegistryRecovered" : transitionReasons[health.health];
    const { namespace, name, uid } = this.#target;
    const target = { apiVersion: `${group}/${version}`, kind: registryConnections.kind, namespace, name, uid };
    const severity = health.health === "healthy" ? "Normal" : "Warning";
    this.#sinks.events.emit({ target, type: severity, reason, message: health.message, atMs });
  }

  #setStatus(health: RegistryHealth, check: RegistryCheck | undefined, breaker: BreakerState["state"]): void {
    const status = registryConnectionStatus({
      health,
      check,
      shown: check === undefined ? undefined : this.#shown,
      previous: this.#conditions,
      observedGeneration: this.#observedGeneration,
      lastCheckMs: this.#lastCheckMs,
      breaker,
      nowMs: this.#clock.nowMs(),
    });
    this.#conditions = status.conditions ?? [];
    if (this.#target !== undefined) this.#sinks.status.set(this.#target, { ...status });
  }

  #store(
    health: RegistryHealth,
    check: RegistryCheck | undefined,
    breaker: string,
    atMs: number | null,
    staleAfterMs: number,
    responseTimeMs: number,
  ): void {
    const canary = check?.canary ?? null;
    const status = {
      available: check !== undefined,
      responseTimeMs,
      version: check?.version ?? "",
      repositoryCount: check?.catalog?.count ?? 0,
      isCatalogComplete: check?.catalog?.isComplete ?? false,
      features: check?.features ?? {},
      repositories: check?.catalog?.names ?? [],
      error: health.health === "unhealthy" || check?.problem ? health.message : "",
      ...health,
      missing: (check?.missing ?? []).map(({ part }) => part),
      breaker,
      certificateExpiresAtMs: check?.certificateExpiresAtMs ?? null,
      canary: canary && {
        succeeded: canary.pulled !== null,
        atMs: canary.atMs,
        manifestMs: canary.pulled?.manifestMs ?? null,
        layerMs: canary.pulled?.layerMs ?? null,
      },
      lastCheckMs: atMs,
      staleAfterMs: atMs === null ? null : atMs + staleAfterMs,
    };
    const { cacheTtlSeconds, retentionSeconds } = this.#limits;
    // A registry that is left alone for long must not vanish meanwhile.
    const lifetime = (floor: number): number => lifetimeSeconds(floor, staleAfterMs / 2_000);
    const times = { cacheTtlSeconds: lifetime(cacheTtlSeconds), retentionSeconds: lifetime(retentionSeconds) };
    this.#write(status, times);
  }

  #write(status: RegistryStatusValue, times: RegistryTimes): void {
    this.#stored = { status, times };
    this.#sinks.store.write([...this.#declared, ...registryStatus(this.#name, status, times)]);
  }
}

/** What a reader of the custom resource wants to see at once, other than times. */
function saysSomethingElse(before: RegistryCheck | undefined, after: RegistryCheck): boolean {
  if (before === undefined) return true;
  const [was, is] = [before.catalog?.count ?? 0, after.catalog?.count ?? 0];
  const grew = Math.abs(is - was);
  const features = (check: RegistryCheck): string => JSON.stringify(Object.entries(check.features).sort());
  return (
    before.version !== after.version || features(before) !== features(after) || grew > 10 || grew / (was + 1) > 0.1
  );
}
