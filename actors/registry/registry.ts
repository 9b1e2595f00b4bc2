// One registry: when it is checked and with which credentials. The check itself is src/registry; what is said of it is report.ts.
// While a check is under way this actor answers every message within its turn; one that hangs ends at its deadline.
import { parseRegistryConnection, type RegistryConnection } from "../../src/api/v1alpha1/registry-connection.ts";
import { registryConnections } from "../../src/api/v1alpha1/resources.ts";
import { failureOf } from "../../src/cluster/failure.ts";
import type { CheckRequest, RegistryCheck, RegistryClient } from "../../src/registry/check.ts";
import type { Failure } from "../../src/registry/health.ts";
import type { Admission } from "../../src/support/admission.ts";
import { type Attempts, retryAfterMsOf } from "../cluster/attempts.ts";
import type { Schedule, ScheduleLimits } from "../cluster/schedule.ts";
import { Turns } from "../cluster/turns.ts";
import { nameOf } from "../informer/children.ts";
import type { InformerMessage, ObjectCache, ObjectChanged } from "../informer/informer.ts";
import type { Actor, ActorContext, ActorDefinition, ActorRef, RunOutcome } from "../system/index.ts";
import { RegistryReport, type RegistryReportLimits, type RegistrySinks } from "./report.ts";

export type RegistryMessage =
  /** The RegistryConnection has a new generation. */
  | { readonly type: "spec-changed" }
  /** The Secret of this registry changed, appeared or went. */
  | ObjectChanged
  | { readonly type: "tick" }
  | { readonly type: "checked"; readonly outcome: RunOutcome<Checked> };

/** How one check ended. */
export type Checked =
  | { readonly kind: "reached"; readonly check: RegistryCheck }
  | { readonly kind: "failed"; readonly failure: Failure; readonly retryAfterMs: number };

/** Makes a client for one registry of its own Secret. `isProvisional`: the Secret could not be read this time; not to be kept. */
export interface RegistryConnector {
  connect(
    connection: RegistryConnection,
    requestTimeoutMs: number,
    signal: AbortSignal,
  ): Promise<{ readonly client: RegistryClient; readonly isProvisional: boolean }>;
}

export interface RegistryLimits extends RegistryReportLimits {
  readonly schedule: ScheduleLimits;
}

export interface RegistryDependencies extends RegistrySinks {
  readonly cache: ObjectCache;
  readonly informer: ActorRef<InformerMessage>;
  readonly connector: RegistryConnector;
  /** Checks under way at once; those that failed last time hold at most half of its slots. */
  readonly admission: Admission;
  readonly limits: RegistryLimits;
}

/** @param key `namespace/name` of the RegistryConnection */
export function registryDefinition(
  key: string,
  dependencies: RegistryDependencies,
  attempts: Attempts,
): ActorDefinition<RegistryMessage> {
  return {
    kind: "registry",
    create: (context) => new RegistryActor(key, context, dependencies, attempts),
    keyOf: (message) => (message.type === "checked" ? undefined : message.type),
    facts: () => ({ breaker: attempts.breaker }),
  };
}

interface Declared {
  readonly connection: RegistryConnection;
  readonly schedule: Schedule;
  readonly request: CheckRequest;
}

class RegistryActor implements Actor<RegistryMessage> {
  readonly #key: string;
  readonly #context: ActorContext<RegistryMessage>;
  readonly #dependencies: RegistryDependencies;
  readonly #attempts: Attempts;
  readonly #turns: Turns;
  readonly #report: RegistryReport;
  #declared: Declared | undefined;
  #client: RegistryClient | undefined;
  /** Moves with every change of spec or credentials: what was opened before it is closed. */
  #generation = 0;
  #isSuspect = false;
  #afterCrash = false;
  #startedMs = 0;

  constructor(
    key: string,
    context: ActorContext<RegistryMessage>,
    dependencies: RegistryDependencies,
    attempts: Attempts,
  ) {
    this.#key = key;
    this.#context = context;
    this.#dependencies = dependencies;
    this.#attempts = attempts;
    this.#turns = new Turns(context, dependencies, attempts, dependencies.limits.schedule);
    const name = nameOf(key);
    this.#report = new RegistryReport(name, this.#object(), dependencies, context.clock, dependencies.limits);
  }

  onRestart(): void {
    this.#afterCrash = true;
  }

  onStart(): void {
    this.#readSpec();
    // A new registry is listed at once. After a crash the last status stays until the check that follows has a newer one.
    if (!this.#afterCrash) this.#report.pending();
    this.#check();
  }

  onMessage(message: RegistryMessage): void {
    switch (message.type) {
      case "spec-changed":
        this.#readSpec();
        this.#attempts.mended();
        this.#check("supersede");
        return;
      case "object-changed":
        this.#secretChanged();
        return;
      case "tick":
        this.#check();
        return;
      case "checked":
        this.#checked(message.outcome);
        return;
    }
  }

  onStop(): void {
    this.#turns.end();
    this.#context.finalRun("close", { deadlineMs: 1_000 }, async () => this.#disconnect());
  }

  #object(): unknown {
    return this.#dependencies.cache.get(registryConnections.kind, this.#key);
  }

  /** Takes over the newest spec: stores it, watches its Secret, sets the timer. A spec that cannot be used is a health, not an error. */
  #readSpec(): void {
    const object = this.#object();
    const found = parseRegistryConnection(object);
    this.#report.about(object);
    void this.#disconnect();
    if (!found.ok) {
      this.#declared = undefined;
      this.#context.abortRun("check");
      this.#turns.end();
      const failure = { code: "INVALID_SPEC", reason: "InvalidSpec", message: found.problems.join("; ") };
      this.#report.failed(failure, "closed", 0, 0, 0);
      return;
    }
    const schedule = this.#turns.follow(found.value);
    this.#declared = { connection: found.value, schedule, request: requestOf(found.value, schedule.intervalMs) };
    this.#report.declared(found.value.spec);
  }

  /** New credentials: connections and tokens of the old ones go, and the registry is checked with the new ones at once. */
  #secretChanged(): void {
    if (!this.#turns.secretHasChanged()) return;
    void this.#disconnect();
    this.#attempts.mended();
    this.#check("supersede");
  }

  async #disconnect(): Promise<void> {
    this.#generation++;
    const client = this.#client;
    this.#client = undefined;
    await client?.close().catch(() => undefined);
  }

  #check(mode: "skip" | "supersede" = "skip"): void {
    if (this.#declared === undefined || !this.#turns.mayAsk()) return;
    const { schedule } = this.#declared;
    const declared = this.#declared;
    const onEnd = (outcome: RunOutcome<Checked>): RegistryMessage => ({ type: "checked", outcome });
    const options = { deadlineMs: schedule.intervalMs, supersede: mode === "supersede", onEnd };
    this.#context.run<Checked>("check", options, async (signal) => {
      try {
        return { kind: "reached", check: await this.#attempts.collect((own) => this.#ask(declared, own), signal) };
      } catch (error) {
        return { kind: "failed", failure: failureOf(error), retryAfterMs: retryAfterMsOf(error) };
      }
    });
  }

  async #ask({ connection, schedule, request }: Declared, signal: AbortSignal): Promise<RegistryCheck> {
    const { admission, connector } = this.#dependencies;
    const generation = this.#generation;
    const slot = await admission.acquire(this.#isSuspect ? "suspect" : "fresh", signal, { untilAborted: true });
    this.#startedMs = this.#context.clock.monotonicMs();
    let temporary: RegistryClient | undefined;
    try {
      let client = this.#client;
      if (client === undefined) {
        const timeoutMs = Math.min(schedule.requestTimeoutMs, 0.4 * schedule.intervalMs);
        const opened = await connector.connect(connection, timeoutMs, signal);
        client = opened.client;
        if (opened.isProvisional || generation !== this.#generation) temporary = client;
        else this.#client = client;
      }
      return await client.check(request, signal);
    } finally {
      slot.release();
      await temporary?.close().catch(() => undefined);
    }
  }

  #checked(outcome: RunOutcome<Checked>): void {
    if (this.#declared === undefined) return;
    const { intervalMs } = this.#declared.schedule;
    switch (outcome.status) {
      case "ok": {
        const { value } = outcome;
        if (value.kind === "failed") {
          this.#failed(value.failure, value.retryAfterMs);
          return;
        }
        this.#isSuspect = false;
        // A password that is refused again and again may lock an account: such a registry is asked less and less often too.
        if (value.check.problem?.reason === "AuthFailed") this.#attempts.failed(0);
        else this.#attempts.succeeded();
        this.#report.checked(value.check, this.#attempts.breaker, intervalMs);
        return;
      }
      case "failed":
        this.#failed({ ...outcome.error, reason: "Unexpected" });
        return;
      case "deadline": {
        const message = `the check did not end within ${intervalMs / 1_000} s`;
        this.#failed({ code: "RUN_DEADLINE", reason: "CheckTimeout", message });
        return;
      }
      case "aborted":
        // Only a spec that cannot be used aborts a check, and that has been said already.
        return;
    }
  }

  #failed(failure: Failure, retryAfterMs = 0): void {
    if (this.#declared === undefined) return;
    const { intervalMs } = this.#declared.schedule;
    this.#isSuspect = true;
    this.#attempts.failed(retryAfterMs);
    const tookMs = this.#context.clock.monotonicMs() - this.#startedMs;
    this.#report.failed(failure, this.#attempts.breaker, intervalMs, this.#turns.leftAloneMs(), tookMs);
  }
}

const defaultCanarySeconds = 300;
const minCanarySeconds = 60;

/** All parts of a check together end before the next one is due. */
function requestOf({ spec }: RegistryConnection, intervalMs: number): CheckRequest {
  const { monitoring, canary } = spec;
  const seconds = canary?.intervalSeconds;
  return {
    healthCheckPaths: spec.healthCheckPaths ?? [],
    maxCatalogEntries: monitoring?.checkCatalog === true ? (monitoring.maxCatalogEntries ?? 0) : undefined,
    canary: canary && {
      repository: canary.repository,
      reference: canary.reference || "latest",
      intervalMs:
        Math.max(minCanarySeconds, seconds !== undefined && seconds > 0 ? seconds : defaultCanarySeconds) * 1_000,
    },
    reachDeadlineMs: intervalMs / 2,
    extraDeadlineMs: intervalMs / 5,
  };
}
