// Where connections arrive: one TCP listener on 127.0.0.1 per simulated API server, all feeding one TLS server, so that a fault of
// one cluster's connections stays with that cluster and a cluster costs a listener, not a TLS context.
// An Origin knows its own sockets and watches and can refuse, silence, reset and destroy them; why it does so is for the faults to say.
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type Clock, systemClock } from "../../support/clock.ts";
import { ClusterPulseError } from "../../support/errors.ts";
import type { TlsVariant } from "../faults/parameters.ts";

/** Beyond this many connections or requests held without an answer, the oldest is destroyed. */
export const maxStalled = 256;

const loopback = "127.0.0.1";
const reopenDeadlineMs = 5_000;
const reopenPauseMs = 50;

interface Destroyable {
  destroy(): unknown;
}

/** A watch that is being answered. */
export interface OpenWatch extends Destroyable {
  /** Ends it with the event of a version that is too old. */
  expire(): void;
}

/** What new connections meet: the certificate they can trust, a bad one, or no handshake at all. */
export type Presentation = "valid" | TlsVariant;

export class Origin {
  /** The cluster's name, or `hub`. */
  readonly name: string;
  readonly #connect: (socket: Socket, presentation: Presentation) => void;
  /** A loopback address. */
  readonly host: string;
  #server: Server | undefined;
  #port = 0;
  #sockets: Set<Socket> | undefined;
  #stalled: Set<Destroyable> | undefined;
  #watches: Set<OpenWatch> | undefined;
  #isSilent = false;
  #isClosed = false;
  #presentation: Presentation = "valid";

  constructor(name: string, connect: (socket: Socket, presentation: Presentation) => void, host = loopback) {
    this.name = name;
    this.host = host;
    this.#connect = connect;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `https://${this.host}:${this.#port}`;
  }

  get isListening(): boolean {
    return this.#server !== undefined;
  }

  /** Connections that are open right now, answered or not. */
  get socketCount(): number {
    return this.#sockets?.size ?? 0;
  }

  /** Requests and connections that are held without an answer. */
  get stalledCount(): number {
    return this.#stalled?.size ?? 0;
  }

  /** Listens; port 0 takes a free one. Throws ClusterPulseError LISTEN_FAILED. */
  listen(port: number): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    return new Promise((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        const message = `${this.name}: cannot listen on ${this.host}:${port} (${error.code ?? "unknown"})`;
        reject(new ListenError(error.code ?? "", message));
      });
      server.listen(port, this.host, () => {
        if (this.#isClosed) server.close();
        else this.#server = server;
        this.#port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  /** Refuses new connections from now on and destroys the open ones. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
    this.destroySockets();
    await closed;
  }

  /** Listens again on the same port unless it was closed, patiently, for something else may have been given it in the meantime. */
  async reopen(clock: Clock = systemClock): Promise<void> {
    if (this.#isClosed) return;
    const untilMs = clock.monotonicMs() + reopenDeadlineMs;
    for (;;) {
      try {
        await this.listen(this.#port);
        return;
      } catch (error) {
        const isTaken = error instanceof ListenError && error.errno === "EADDRINUSE";
        if (!isTaken || clock.monotonicMs() > untilMs) throw error;
        await new Promise<void>((resolve) => clock.setTimer(resolve, reopenPauseMs));
      }
    }
  }

  /** From now on nothing is read from any connection, open or new, and nothing is said on it: not even the TLS handshake. */
  silence(): void {
    this.#isSilent = true;
    for (const socket of this.#sockets ?? []) {
      // Once TLS owns a socket only its handle can stop the reading; pause() would let it answer pings.
      (socket as unknown as { _handle?: { readStop?(): void } })._handle?.readStop?.();
      this.stall(socket);
    }
  }

  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Holds something that will never be answered, until it goes away by itself or `releaseStalled` destroys it. */
  stall(held: Destroyable): void {
    this.#stalled ??= new Set();
    this.#stalled.add(held);
    if (this.#stalled.size <= maxStalled) return;
    const [oldest] = this.#stalled;
    if (oldest === undefined) return;
    this.#stalled.delete(oldest);
    oldest.destroy();
  }

  forget(held: Destroyable): void {
    this.#stalled?.delete(held);
  }

  /** Destroys everything that was held and speaks again. */
  releaseStalled(): void {
    this.#isSilent = false;
    const held = this.#stalled;
    this.#stalled = undefined;
    for (const one of held ?? []) one.destroy();
  }

  /** From now on connections meet this; the open ones are closed. */
  present(presentation: Presentation): void {
    this.#presentation = presentation;
    this.destroySockets();
  }

  /** Resets the connection of the client that has this port. */
  reset(remotePort: number | undefined): void {
    for (const socket of this.#sockets ?? []) {
      if (socket.remotePort === remotePort) socket.resetAndDestroy();
    }
  }

  watchOpened(watch: OpenWatch): void {
    this.#watches ??= new Set();
    this.#watches.add(watch);
  }

  watchEnded(watch: OpenWatch): void {
    this.#watches?.delete(watch);
  }

  expireWatches(): void {
    for (const watch of [...(this.#watches ?? [])]) watch.expire();
  }

  breakWatches(): void {
    for (const watch of [...(this.#watches ?? [])]) watch.destroy();
  }

  destroySockets(): void {
    for (const socket of this.#sockets ?? []) socket.destroy();
    this.#stalled = undefined;
  }

  /** For good. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.refuse();
  }

  #accept(socket: Socket): void {
    this.#sockets ??= new Set();
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets?.delete(socket);
      this.forget(socket);
    });
    // A socket without a listener for errors would end the process when its client resets it.
    socket.on("error", () => socket.destroy());
    if (!this.#isSilent && this.#presentation !== "handshakeStall") {
      this.#connect(socket, this.#presentation);
      return;
    }
    // Read and drop, so that a client that goes away is noticed.
    socket.resume();
    this.stall(socket);
  }
}

class ListenError extends ClusterPulseError {
  readonly errno: string;

  constructor(errno: string, message: string) {
    super("LISTEN_FAILED", message);
    this.errno = errno;
  }
}
