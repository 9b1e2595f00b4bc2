// A registry's client: opened on first use, kept between checks, closed when the spec or the Secret changes or the actor stops.
import type { RegistryConnection } from "../../src/api/v1alpha1/registry-connection.ts";
import type { RegistryClient } from "../../src/registry/check.ts";

/** Of the time that one check has. */
export interface ConnectTimes {
  /** Of each request to the registry. */
  readonly requestTimeoutMs: number;
  /** How long it may wait for its turn at the hub's own API. */
  readonly waitMs: number;
}

/** Makes a client for one registry of its own Secret. `isProvisional`: the Secret could not be read this time; not to be kept. */
export interface RegistryConnector {
  /** Throws the hub's own trouble where its own API gave no answer. */
  connect(
    connection: RegistryConnection,
    times: ConnectTimes,
    signal: AbortSignal,
  ): Promise<{ readonly client: RegistryClient; readonly isProvisional: boolean }>;
}

export class RegistryLink {
  readonly #connector: RegistryConnector;
  #client: RegistryClient | undefined;
  /** Moves with every change of spec or credentials: what was opened before it is closed. */
  #generation = 0;

  constructor(connector: RegistryConnector) {
    this.#connector = connector;
  }

  /** The client for one check. `leave` must be called after it; it never rejects. */
  async open(
    connection: RegistryConnection,
    times: ConnectTimes,
    signal: AbortSignal,
  ): Promise<{ readonly client: RegistryClient; leave(): Promise<void> }> {
    if (this.#client !== undefined) return { client: this.#client, leave: () => Promise.resolve() };
    const generation = this.#generation;
    const { client, isProvisional } = await this.#connector.connect(connection, times, signal);
    const isKept = !isProvisional && generation === this.#generation && !signal.aborted;
    if (isKept) this.#client = client;
    return { client, leave: () => (isKept ? Promise.resolve() : client.close().catch(() => undefined)) };
  }

  /** Closes the client; the next check opens a new one. Never rejects. */
  async close(): Promise<void> {
    this.#generation++;
    const client = this.#client;
    this.#client = undefined;
    await client?.close().catch(() => undefined);
  }
}
