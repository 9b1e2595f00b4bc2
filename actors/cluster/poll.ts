// One poll of one cluster: its connection, room for its answers, its circuit breaker, and what its end says. Guarantees: what goes wrong in
// the hub itself, which may be short of slots, memory or threads, is told as such and never held against the cluster; what a cluster sends
// whose last answers harmed a thread is read as a suspect's.
import type { ClusterConnection } from "../../src/api/v1alpha1/cluster-connection.ts";
import {
  type Collection,
  type CollectLimits,
  collectCluster,
  type Failure,
  failureOf,
} from "../../src/cluster/collect.ts";
import type { Compute } from "../../src/cluster/ports.ts";
import type { CollectState } from "../../src/cluster/state.ts";
import type { AnswerRoom } from "../../src/kube/answer-room.ts";
import type { Admission } from "../../src/support/admission.ts";
import type { Clock } from "../../src/support/clock.ts";
import { hubBusy, ownTroubleOf } from "../../src/support/own-trouble.ts";
import { type Attempts, retryAfterMsOf } from "./attempts.ts";
import type { ClusterLink, LinkTransport } from "./link.ts";
import { type Schedule, waitMsOf } from "./schedule.ts";

/** How one poll ended. */
export type Poll =
  | { readonly kind: "collected"; readonly collection: Collection }
  | { readonly kind: "failed"; readonly failure: Failure; readonly retryAfterMs: number };

/** A spec that can be used, and what follows from it. */
export interface Declared {
  readonly connection: ClusterConnection;
  readonly schedule: Schedule;
}

export interface PollPorts {
  readonly link: ClusterLink;
  readonly attempts: Attempts;
  readonly compute: Compute;
  readonly clock: Clock;
  /** Bytes of answers to polls, in memory or on their way, over the whole fleet. */
  readonly answers: Admission;
  readonly limits: CollectLimits;
  /** It was left alone, and is being asked. */
  readonly onProbe: () => void;
}

/** No answer of a poll reserves less, so that with the fleet's bytes the requests in flight are bounded, too. */
export const minAnswerBytes = 160 * 1024;
/** Of a poll's time: reading an answer takes less, unless it waits for a thread. */
const UNREAD_SHARE = 0.25;

export class PollRun {
  readonly #ports: PollPorts;
  readonly #declared: Declared;
  readonly #state: CollectState;
  #isUnread = false;
  /** Until its credentials are read, all of its time goes to the hub's own API. */
  #isOpening = true;

  /** @param state of this endpoint with these credentials */
  constructor(ports: PollPorts, declared: Declared, state: CollectState) {
    this.#ports = ports;
    this.#declared = declared;
    this.#state = state;
  }

  /** Never rejects. */
  async run(signal: AbortSignal): Promise<Poll> {
    const { link, attempts, clock, limits, onProbe } = this.#ports;
    const compute = attempts.isHarmful ? suspicious(this.#ports.compute) : this.#ports.compute;
    const { connection, schedule } = this.#declared;
    const room = this.#room();
    try {
      const transport = await link.open(targetOf(connection), schedule, signal);
      this.#isOpening = false;
      const { endpoint } = connection.spec;
      const { runDeadlineMs: deadlineMs, requestTimeoutMs } = schedule;
      const common = { transport, compute, clock, limits, endpoint, room, deadlineMs, requestTimeoutMs };
      const request = { ...common, state: this.#state };
      const collect = (own: AbortSignal): Promise<Collection> => {
        if (attempts.breaker === "half-open") onProbe();
        return collectCluster(request, own);
      };
      const collection = await attempts.collect(collect, this.#judged(signal, transport));
      attempts.wasRead(collection.missing.map(({ code }) => code));
      return { kind: "collected", collection };
    } catch (error) {
      const failure = failureOf(error);
      if (ownTroubleOf(failure.code) === "harmed") attempts.wasRead([failure.code]);
      return { kind: "failed", failure, retryAfterMs: retryAfterMsOf(error) };
    }
  }

  /** Why it did not end within its deadline. */
  get lateFailure(): Failure {
    const within = `within ${this.#declared.schedule.runDeadlineMs / 1_000} s`;
    if (this.#isUnread) return failureOf(hubBusy(`answers were not read ${within}`));
    if (this.#isOpening) return failureOf(hubBusy(`the Secret was not read ${within}`));
    return { code: "RUN_DEADLINE", reason: "CollectionTimeout", message: `the collection did not end ${within}` };
  }

  #room(): AnswerRoom {
    const { clock, answers, link } = this.#ports;
    const untilMs = clock.monotonicMs() + waitMsOf(this.#declared.schedule);
    return {
      minBytes: minAnswerBytes,
      take: (bytes, signal) => {
        const atMost = { clock, ms: Math.max(0, untilMs - clock.monotonicMs()) };
        return answers.acquire(link.admissionClass, signal, { weight: bytes, atMost, untilAborted: true });
      },
    };
  }

  /** A signal that ends with the hub's own trouble when what the cluster gave has waited for long to be read. */
  #judged(signal: AbortSignal, transport: LinkTransport): AbortSignal {
    const own = new AbortController();
    const end = (): void => {
      this.#isUnread = transport.idleMs > UNREAD_SHARE * this.#declared.schedule.runDeadlineMs;
      own.abort(this.#isUnread ? hubBusy("answers were not read in time") : signal.reason);
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
    return own.signal;
  }
}

/** What it is given is read after all others, and leaves them threads. */
const suspicious = (compute: Compute): Compute => ({
  run: (task, input, signal) => compute.run(task, { ...input, isSuspect: true }, signal),
});

export function targetOf({ metadata, spec }: ClusterConnection) {
  return { ...metadata, endpoint: spec.endpoint, credentialsRef: spec.credentialsRef };
}
