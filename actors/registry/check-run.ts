// One check of one registry: its turn, its Secret, its circuit breaker, and what its end says. Guarantees: waiting for what registries share
// and for the hub's own API takes nothing of the time that the registry has to answer, and is never held against it.
import type { RegistryConnection } from "../../src/api/v1alpha1/registry-connection.ts";
import { type Failure, failureOf } from "../../src/cluster/failure.ts";
import type { CheckRequest, RegistryCheck } from "../../src/registry/check.ts";
import type { Admission, AdmissionClass } from "../../src/support/admission.ts";
import type { Clock } from "../../src/support/clock.ts";
import { ClusterPulseError } from "../../src/support/errors.ts";
import { hubBusy } from "../../src/support/own-trouble.ts";
import { type Attempts, retryAfterMsOf } from "../cluster/attempts.ts";
import type { Schedule } from "../cluster/schedule.ts";
import type { RegistryLink } from "./link.ts";

/** How one check ended. */
export type Checked =
  | { readonly kind: "reached"; readonly check: RegistryCheck }
  | { readonly kind: "failed"; readonly failure: Failure; readonly retryAfterMs: number };

/** A spec that can be used, and what follows from it. */
export interface Declared {
  readonly connection: RegistryConnection;
  readonly schedule: Schedule;
  readonly request: CheckRequest;
}

export interface CheckPorts {
  readonly link: RegistryLink;
  readonly attempts: Attempts;
  readonly clock: Clock;
  /** Checks under way at once, over all registries. */
  readonly admission: Admission;
  readonly admissionClass: AdmissionClass;
}

/** Of an interval: waiting for a turn, and then for one to read the Secret, takes no longer. */
const WAIT_SHARE = 0.5;

export class CheckRun {
  readonly #ports: CheckPorts;
  readonly #declared: Declared;
  #askedMs: number | undefined;

  constructor(ports: CheckPorts, declared: Declared) {
    this.#ports = ports;
    this.#declared = declared;
  }

  /** Waiting, and then an interval for the check itself. */
  get deadlineMs(): number {
    return (1 + WAIT_SHARE) * this.#declared.schedule.intervalMs;
  }

  /** Never rejects. */
  async run(signal: AbortSignal): Promise<Checked> {
    const { link, attempts, clock, admission, admissionClass } = this.#ports;
    const { connection, schedule, request } = this.#declared;
    const { intervalMs } = schedule;
    const untilMs = clock.monotonicMs() + WAIT_SHARE * intervalMs;
    const leftMs = (): number => Math.max(0, untilMs - clock.monotonicMs());
    try {
      const atMost = { clock, ms: leftMs() };
      const slot = await admission.acquire(admissionClass, signal, { atMost, untilAborted: true });
      try {
        const requestTimeoutMs = Math.min(schedule.requestTimeoutMs, 0.4 * intervalMs);
        const { client, leave } = await link.open(connection, { requestTimeoutMs, waitMs: leftMs() }, signal);
        this.#askedMs = clock.monotonicMs();
        const own = boundedBy(signal, clock, intervalMs);
        try {
          const check = (given: AbortSignal): Promise<RegistryCheck> => client.check(request, given);
          return { kind: "reached", check: await attempts.collect(check, own.signal) };
        } finally {
          own.end();
          await leave();
        }
      } finally {
        slot.release();
      }
    } catch (error) {
      const failure = failureOf(error);
      const isLate = failure.code === lateCode;
      return {
        kind: "failed",
        failure: isLate ? { ...failure, reason: "CheckTimeout" } : failure,
        retryAfterMs: retryAfterMsOf(error),
      };
    }
  }

  /** Why it did not end within its deadline: asked in time, it would have ended before. */
  get lateFailure(): Failure {
    return failureOf(this.#askedMs === undefined ? hubBusy("the Secret was not read in time") : cutShort());
  }

  /** How long the registry has been asked; 0: it was not. */
  get tookMs(): number {
    return this.#askedMs === undefined ? 0 : this.#ports.clock.monotonicMs() - this.#askedMs;
  }
}

const lateCode = "CHECK_DEADLINE";
const cutShort = (): ClusterPulseError => hubBusy("too little time was left for the check");

/** A signal for the check: what ends it after `ms` is held against the registry, what ends it before is not. */
function boundedBy(signal: AbortSignal, clock: Clock, ms: number): { readonly signal: AbortSignal; end(): void } {
  const own = new AbortController();
  const cutOff = (): void => own.abort(cutShort());
  const cancel = clock.setTimer(() => {
    own.abort(new ClusterPulseError(lateCode, `the check did not end within ${ms / 1_000} s`));
  }, ms);
  if (signal.aborted) cutOff();
  else signal.addEventListener("abort", cutOff, { once: true });
  return {
    signal: own.signal,
    end() {
      cancel();
      signal.removeEventListener("abort", cutOff);
    },
  };
}
