// Where connections arrive: one TCP listener on 127.0.0.1 per simulated API server, all feeding one TLS server, so that a fault of
// one cluster's connections stays with that cluster and a cluster costs a listener, not a TLS context.
// An Origin knows its own sockets and watches and can refuse, silence, reset and destroy them; why it does so is for the faults to say.
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type Clock, systemClock } from "../../support/clock.ts";
import { ClusterPulseError } from "../../support/errors.ts";
import type { RequestFacts } from "../faults/facts.ts";
import type { KernelConnections } from "./kernel-connections.ts";

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
  readonly facts: RequestFacts;
  /** Tells it this, and ends it then or leaves it open. Nothing follows. */
  finish(line: string, ends: boolean): void;
  /** A fault began that may meet it. */
  faultBegan(): void;
}

/** Handshakes that go wrong for a client that is right. */
export const badPresentations = [
  "expired",
  "notYetValid",
  "wrongHost",
  "unknownCa",
  "rotatedCa",
  "clientCertificate",
  "oldVersion",
] as const;

/** What handshakes meet: the certificate they can trust, or one of those that they must not. */
export type Presentation = "valid" | (typeof badPresentations)[number];

/** What a new connection meets: a handshake, at once or later, or none. */
export type Welcome =
  | Presentation
  | "silence"
  /** Reset at once, or when the client has said something. */
  | "reset"
  | "handshakeAbort"
  | "plainHttp"
  | { readonly delayMs: number; readonly clock: Clock };

const plainAnswer =
  "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nClient sent a TLS handshake to an HTTP server.\n";

export class Origin {
  /** The cluster's name, or `hub`. */
  readonly name: string;
  readonly #connect: (socket: Socket, presentation: Presentation) => void;
  /** A loopback address. */
  readonly host: string;
  #server: Server | undefined;
  #port = 0;
  #sockets: Set<Socket> | undefined;
  /** Connections, and requests with what is known of them. */
  #stalled: Map<Destroyable, RequestFacts | undefined> | undefined;
  #watches: Set<OpenWatch> | undefined;
  #closedTransferred = { sentBytes: 0, receivedBytes: 0 };
  #isSilent = false;
  #isClosed = false;
  #door: ((others: number) => Welcome) | undefined;

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

  /**
   * Connections that are open right now, answered or not.
   * @param kernel tells of those that are silenced and not read whether the client closed them; without it they count as open
   */
  socketCount(kernel?: KernelConnections): number {
    const sockets = this.#sockets ?? new Set<Socket>();
    if (!this.#isSilent || kernel === undefined) return sockets.size;
    return [...sockets].filter((socket) => kernel.has(socket)).length;
  }

  /** What went over all its connections so far, TLS included. */
  get transferred(): { readonly sentBytes: number; readonly receivedBytes: number } {
    let { sentBytes, receivedBytes } = this.#closedTransferred;
    for (const socket of this.#sockets ?? []) {
      sentBytes += socket.bytesWritten;
      receivedBytes += socket.bytesRead;
    }
    return { sentBytes, receivedBytes };
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

  /** Holds something that will never be answered, until it goes away by itself or is released: a connection, or a request. */
  stall(held: Destroyable, request?: RequestFacts): void {
    this.#stalled ??= new Map();
    this.#stalled.set(held, request);
    if (this.#stalled.size <= maxStalled) return;
    const [oldest] = this.#stalled.keys();
    if (oldest === undefined) return;
    this.#stalled.delete(oldest);
    oldest.destroy();
  }

  forget(held: Destroyable): void {
    this.#stalled?.delete(held);
  }

  /** Destroys the requests among what is held that are meant. */
  releaseStalled(isMeant: (request: RequestFacts) => boolean): void {
    this.#release((request) => request !== undefined && isMeant(request));
  }

  /** Destroys the connections that were held, and speaks again on new ones. */
  speak(): void {
    this.#isSilent = false;
    this.#release((request) => request === undefined);
  }

  #release(isMeant: (request: RequestFacts | undefined) => boolean): void {
    for (const [held, request] of [...(this.#stalled ?? [])]) {
      if (!isMeant(request)) continue;
      this.#stalled?.delete(held);
      held.destroy();
    }
  }

  /** From now on connections meet this; the open ones are closed. */
  present(welcome: Welcome): void {
    this.admit(() => welcome);
    this.destroySockets();
  }

  /** From now on new connections meet what `door` says, which hears how many others there are; undefined: a good handshake. */
  admit(door: ((others: number) => Welcome) | undefined): void {
    this.#door = door;
  }

  /** Resets the connection of the client that has this port, or says that nothing more will come. */
  reset(remotePort: number | undefined, how: "reset" | "halfClose" = "reset"): void {
    for (const socket of this.#sockets ?? []) {
      if (socket.remotePort !== remotePort) continue;
      if (how === "reset") socket.resetAndDestroy();
      else socket.end();
    }
  }

  watchOpened(watch: OpenWatch): void {
    this.#watches ??= new Set();
    this.#watches.add(watch);
  }

  watchEnded(watch: OpenWatch): void {
    this.#watches?.delete(watch);
  }

  /** The watches that are being answered now. */
  get watches(): readonly OpenWatch[] {
    return [...(this.#watches ?? [])];
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
    const others = this.#sockets.size;
    this.#sockets.add(socket);
    socket.once("close", () => {
      const { sentBytes, receivedBytes } = this.#closedTransferred;
      this.#closedTransferred = {
        sentBytes: sentBytes + socket.bytesWritten,
        receivedBytes: receivedBytes + socket.bytesRead,
      };
      this.#sockets?.delete(socket);
      this.forget(socket);
    });
    // A socket without a listener for errors would end the process when its client resets it.
    socket.on("error", () => socket.destroy());
    const welcome = this.#door?.(others) ?? "valid";
    this.#welcome(socket, this.#isSilent ? "silence" : welcome);
  }

  #welcome(socket: Socket, welcome: Welcome): void {
    if (typeof welcome === "object") {
      const { clock, delayMs } = welcome;
      const cancel = clock.setTimer(() => this.#connect(socket, "valid"), delayMs);
      socket.once("close", cancel);
      return;
    }
    switch (welcome) {
      case "silence":
        // Read and drop, so that a client that goes away is noticed.
        socket.resume();
        this.stall(socket);
        return;
      case "reset":
        socket.resetAndDestroy();
        return;
      case "handshakeAbort":
        socket.once("data", () => socket.resetAndDestroy());
        return;
      case "plainHttp":
        socket.once("data", () => socket.end(plainAnswer));
        return;
      default:
        this.#connect(socket, welcome);
    }
  }
}

class ListenError extends ClusterPulseError {
  readonly errno: string;

  constructor(errno: string, message: string) {
    super("LISTEN_FAILED", message);
    this.errno = errno;
  }
}
