// A cluster's connection: opened on first use, kept between runs, closed when the credentials change or the actor stops.
// Handshakes go through the fleet's admission; a warm connection needs none. Remembers whether the cluster is to be mistrusted: it gave no
// answer last time, or took long for it.
import type { Transport, TransportResponse } from "../../src/cluster/ports.ts";
import { isKubeError } from "../../src/kube/errors.ts";
import type { Admission, AdmissionClass } from "../../src/support/admission.ts";
import type { Clock } from "../../src/support/clock.ts";
import { ClusterPulseError } from "../../src/support/errors.ts";
import { type Schedule, waitMsOf } from "./schedule.ts";

/** The cluster to connect to, as its ClusterConnection says. */
export interface ConnectTarget {
  readonly namespace: string;
  readonly name: string;
  readonly endpoint: string;
  readonly credentialsRef: { readonly name: string; readonly namespace?: string | undefined };
}

/** The connection as one run uses it. */
export interface LinkTransport extends Transport {
  /** For how long every request of the run has been answered, or none was sent; 0 while one is not. */
  readonly idleMs: number;
}

/** Makes a transport from a cluster's own Secret. Throws ClusterPulseError when the Secret is missing or unusable. */
export interface Connector {
  connect(target: ConnectTarget, schedule: Schedule, signal: AbortSignal): Promise<Transport>;
}

/** An answer that takes more than this share of its time is slow: the next one may fail. */
const SLOW_SHARE = 0.5;

export class ClusterLink {
  readonly #connector: Connector;
  readonly #admission: Admission;
  readonly #clock: Clock;
  #transport: Transport | undefined;
  #warm = false;
  #suspect = false;
  #slow = false;
  #generation = 0;
  /** Of the connections before this one. */
  #formerIdleRetries = 0;

  constructor(connector: Connector, admission: Admission, clock: Clock) {
    this.#connector = connector;
    this.#admission = admission;
    this.#clock = clock;
  }

  /** The transport for one run. Its first request waits for admission unless the connection is warm. */
  async open(target: ConnectTarget, schedule: Schedule, signal: AbortSignal): Promise<LinkTransport> {
    const generation = this.#generation;
    const opened = this.#transport ?? (await this.#connector.connect(target, schedule, signal));
    const isCurrent = generation === this.#generation && !signal.aborted;
    if (isCurrent) this.#transport ??= opened;
    const transport = this.#transport;
    // Two runs may open at once, and one may have ended or all been closed meanwhile: what nobody will use is not left open.
    if (opened !== transport) void opened.close().catch(() => undefined);
    if (!isCurrent || transport === undefined)
      throw new ClusterPulseError("ABORTED", "the connection was closed while it was being opened");
    const clock = this.#clock;
    let unanswered = 0;
    let idleSinceMs = clock.monotonicMs();
    return {
      get facts() {
        return transport.facts;
      },
      get idleMs() {
        return unanswered > 0 ? 0 : clock.monotonicMs() - idleSinceMs;
      },
      get: (path, options) =>
        this.#admitted(schedule, options.signal, async () => {
          await options.beforeSending?.();
          unanswered++;
          try {
            return await this.#observed(transport.get(path, options), schedule);
          } finally {
            unanswered--;
            idleSinceMs = clock.monotonicMs();
          }
        }),
      close: () => this.close(),
    };
  }

  /** How it waits for what the fleet shares: those that gave no answer, or a slow one, not in front of the others. */
  get admissionClass(): AdmissionClass {
    return this.#suspect || this.#slow ? "suspect" : "fresh";
  }

  /** Requests sent once more because the cluster had closed their kept connection, over all connections so far. */
  get idleRetries(): number {
    return this.#formerIdleRetries + (this.#transport?.facts?.idleRetries ?? 0);
  }

  /** Closes the connection; the next open makes a new one. Never rejects. */
  async close(): Promise<void> {
    this.#generation++;
    this.#warm = false;
    this.#formerIdleRetries = this.idleRetries;
    const transport = this.#transport;
    this.#transport = undefined;
    await transport?.close().catch(() => undefined);
  }

  async #admitted(
    schedule: Schedule,
    signal: AbortSignal,
    send: () => Promise<TransportResponse>,
  ): Promise<TransportResponse> {
    if (this.#warm) return await send();
    const atMost = { clock: this.#clock, ms: waitMsOf(schedule) };
    const slot = await this.#admission.acquire(this.admissionClass, signal, {
      atMost,
      untilAborted: true,
    });
    try {
      if (signal.aborted) throw new ClusterPulseError("ABORTED", "the run ended before its request began");
      return await send();
    } finally {
      slot.release();
    }
  }

  /** Remembers whether the connection works: any answer shows that it does. */
  async #observed(request: Promise<TransportResponse>, { requestTimeoutMs }: Schedule): Promise<TransportResponse> {
    const startedMs = this.#clock.monotonicMs();
    try {
      const response = await request;
      this.#warm = true;
      this.#slow = this.#clock.monotonicMs() - startedMs > SLOW_SHARE * requestTimeoutMs;
      this.#suspect = false;
      return response;
    } catch (error) {
      const answered = isKubeError(error) && (error.httpStatus !== undefined || error.code === "BODY_TOO_LARGE");
      this.#warm = answered;
      this.#suspect = !answered;
      throw error;
    }
  }
}
