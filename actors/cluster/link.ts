// A cluster's connection: opened on first use, kept between runs, closed when the credentials change or the actor stops.
// Handshakes go through the fleet's admission; a warm connection needs none.
import type { Transport, TransportResponse } from "../../src/cluster/ports.ts";
import type { Admission } from "../../src/support/admission.ts";
import { ClusterPulseError } from "../../src/support/errors.ts";
import type { Schedule } from "./schedule.ts";

/** The cluster to connect to, as its ClusterConnection says. */
export interface ConnectTarget {
  readonly namespace: string;
  readonly name: string;
  readonly endpoint: string;
  readonly credentialsRef: { readonly name: string; readonly namespace?: string | undefined };
}

/** Makes a transport from a cluster's own Secret. Throws ClusterPulseError when the Secret is missing or unusable. */
export interface Connector {
  connect(target: ConnectTarget, schedule: Schedule, signal: AbortSignal): Promise<Transport>;
}

export class ClusterLink {
  readonly #connector: Connector;
  readonly #admission: Admission;
  #transport: Transport | undefined;
  #warm = false;
  #suspect = false;
  #generation = 0;
  /** Of the connections before this one. */
  #formerIdleRetries = 0;

  constructor(connector: Connector, admission: Admission) {
    this.#connector = connector;
    this.#admission = admission;
  }

  /** The transport for one run. Its first request waits for admission unless the connection is warm. */
  async open(target: ConnectTarget, schedule: Schedule, signal: AbortSignal): Promise<Transport> {
    const generation = this.#generation;
    const opened = this.#transport ?? (await this.#connector.connect(target, schedule, signal));
    const isCurrent = generation === this.#generation && !signal.aborted;
    if (isCurrent) this.#transport ??= opened;
    const transport = this.#transport;
    // Two runs may open at once, and one may have ended or all been closed meanwhile: what nobody will use is not left open.
    if (opened !== transport) void opened.close().catch(() => undefined);
    if (!isCurrent || transport === undefined)
      throw new ClusterPulseError("ABORTED", "the connection was closed while it was being opened");
    return {
      get facts() {
        return transport.facts;
      },
      get: (path, options) => this.#get(transport, path, options),
      close: () => this.close(),
    };
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

  async #get(transport: Transport, path: string, options: Parameters<Transport["get"]>[1]): Promise<TransportResponse> {
    if (this.#warm) return await this.#observed(transport.get(path, options));
    const release = await this.#admission.acquire(this.#suspect ? "suspect" : "fresh", options.signal);
    // A request that does not heed its signal may never end: its slot is free again once the run is over.
    options.signal.addEventListener("abort", release, { once: true });
    try {
      if (options.signal.aborted) throw new ClusterPulseError("ABORTED", "the run ended before its request began");
      return await this.#observed(transport.get(path, options));
    } finally {
      options.signal.removeEventListener("abort", release);
      release();
    }
  }

  /** Remembers whether the connection works: any answer shows that it does. */
  async #observed(request: Promise<TransportResponse>): Promise<TransportResponse> {
    try {
      const response = await request;
      this.#warm = true;
      this.#suspect = false;
      return response;
    } catch (error) {
      const answered = ClusterPulseError.is(error) && "httpStatus" in error && error.httpStatus !== undefined;
      this.#warm = answered;
      this.#suspect = !answered;
      throw error;
    }
  }
}
