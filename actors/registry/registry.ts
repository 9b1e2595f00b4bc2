// One registry: when it is checked and with which credentials. The check itself is src/registry; what is said of it is report.ts.
// While a check is under way this actor answers every message within its turn; one that hangs ends at its deadline.
import { parseRegistryConnection, type RegistryConnection } from "../../src/api/v1alpha1/registry-connection.ts";
import { registryConnections } from "../../src/api/v1alpha1/resources.ts";
import { busyReason, invalidSpec } from "../../src/cluster/failure.ts";
import type { CheckRequest } from "../../src/registry/check.ts";
import type { Failure } from "../../src/registry/health.ts";
import type { Admission } from "../../src/support/admission.ts";
import type { Attempts } from "../cluster/attempts.ts";
import type { ScheduleLimits } from "../cluster/schedule.ts";
import { Turns } from "../cluster/turns.ts";
import { nameOf } from "../informer/children.ts";
import type { InformerMessage, ObjectCache, ObjectChanged } from "../informer/informer.ts";
import type { Actor, ActorContext, ActorDefinition, ActorRef, RunOutcome } from "../system/index.ts";
import { type Checked, CheckRun, type Declared } from "./check-run.ts";
import { type RegistryConnector, RegistryLink } from "./link.ts";
import { RegistryReport, type RegistryReportLimits, type RegistrySinks } from "./report.ts";

export type RegistryMessage =
  /** The RegistryConnection has a new generation. */
  | { readonly type: "spec-changed" }
  /** The Secret of this registry changed, appeared or went. */
  | ObjectChanged
  | { readonly type: "tick" }
  | Ended;

interface Ended {
  readonly type: "checked";
  readonly outcome: RunOutcome<Checked>;
  readonly run: CheckRun;
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

class RegistryActor implements Actor<RegistryMessage> {
  readonly #key: string;
  readonly #context: ActorContext<RegistryMessage>;
  readonly #dependencies: RegistryDependencies;
  readonly #attempts: Attempts;
  readonly #turns: Turns;
  readonly #report: RegistryReport;
  readonly #link: RegistryLink;
  #declared: Declared | undefined;
  /** It gave no answer last time. */
  #isSuspect = false;
  #afterCrash = false;

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
    this.#link = new RegistryLink(dependencies.connector);
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
        this.#checked(message);
        return;
    }
  }

  onStop(): void {
    this.#turns.end();
    this.#context.finalRun("close", { deadlineMs: 1_000 }, () => this.#link.close());
  }

  #object(): unknown {
    return this.#dependencies.cache.get(registryConnections.kind, this.#key);
  }

  /** Takes over the newest spec: stores it, watches its Secret, sets the timer. A spec that cannot be used is a health, not an error. */
  #readSpec(): void {
    const object = this.#object();
    const found = parseRegistryConnection(object);
    this.#report.about(object);
    void this.#link.close();
    if (!found.ok) {
      this.#declared = undefined;
      this.#context.abortRun("check");
      this.#turns.end();
      this.#report.failed(invalidSpec(found.problems), "closed", 0, 0, 0);
      return;
    }
    const schedule = this.#turns.follow(found.value);
    this.#declared = { connection: found.value, schedule, request: requestOf(found.value, schedule.intervalMs) };
    this.#report.declared(found.value.spec);
  }

  /** New credentials: connections and tokens of the old ones go, and the registry is checked with the new ones at once. */
  #secretChanged(): void {
    if (!this.#turns.secretHasChanged()) return;
    void this.#link.close();
    this.#attempts.mended();
    this.#check("supersede");
  }

  #check(mode: "skip" | "supersede" = "skip"): void {
    if (this.#declared === undefined || !this.#turns.mayAsk()) return;
    const { admission } = this.#dependencies;
    const { clock } = this.#context;
    const admissionClass = this.#isSuspect ? "suspect" : "fresh";
    const ports = { link: this.#link, attempts: this.#attempts, clock, admission, admissionClass } as const;
    const run = new CheckRun(ports, this.#declared);
    const options = {
      deadlineMs: run.deadlineMs,
      supersede: mode === "supersede",
      onEnd: (outcome: RunOutcome<Checked>): Ended => ({ type: "checked", outcome, run }),
    };
    this.#context.run<Checked>("check", options, (signal) => run.run(signal));
  }

  #checked({ outcome, run }: Ended): void {
    if (this.#declared === undefined) return;
    const { intervalMs } = this.#declared.schedule;
    switch (outcome.status) {
      case "ok": {
        const { value } = outcome;
        if (value.kind === "failed") {
          this.#failed(run, value.failure, value.retryAfterMs);
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
        this.#failed(run, { ...outcome.error, reason: "Unexpected" });
        return;
      case "deadline":
        this.#failed(run, run.lateFailure);
        return;
      case "aborted":
        // Only a spec that cannot be used aborts a check, and that has been said already.
        return;
    }
  }

  #failed(run: CheckRun, failure: Failure, retryAfterMs = 0): void {
    if (this.#declared === undefined) return;
    if (failure.reason === busyReason) {
      this.#report.busy(failure, this.#attempts.breaker);
      this.#turns.askSoon();
      return;
    }
    const { intervalMs } = this.#declared.schedule;
    this.#isSuspect = true;
    this.#attempts.failed(retryAfterMs);
    this.#report.failed(failure, this.#attempts.breaker, intervalMs, this.#turns.leftAloneMs(), run.tookMs);
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
