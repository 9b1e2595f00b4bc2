// What the server is given and what it gives. It reads the view and these ports, never an actor: the report of the actor system is
// declared here by its shape.
import type { Clock } from "../support/clock.ts";
import type { LatenessSample } from "../support/lateness-window.ts";
import type { Logger } from "../support/log.ts";
import type { MetricSourcesView } from "../view/metric-sources.ts";
import type { FleetView } from "../view/ports.ts";
import type { RegistriesView } from "../view/registries.ts";

/** One named condition of a probe. `degraded` is shown and does not fail the probe. */
export interface Check {
  readonly name: string;
  readonly status: "ok" | "degraded" | "failed";
  /** Why it is not ok; safe to show. */
  readonly message?: string;
}

export interface HealthReport {
  /** The process works; a failed one asks for a restart. */
  readonly live: readonly Check[];
  /** Readers may be sent here. */
  readonly ready: readonly Check[];
}

/** One actor, as GET /api/v1/system/actors shows it. Times are epoch milliseconds. */
export interface ActorReport {
  readonly path: string;
  readonly kind: string;
  readonly state: string;
  readonly mailbox: {
    readonly user: number;
    readonly system: number;
    readonly userCapacity: number;
    readonly systemCapacity: number;
    readonly highWater: number;
    readonly coalesced: number;
    readonly overflowed: number;
  };
  readonly processed: number;
  readonly restarts: number;
  readonly lastError: { readonly code: string; readonly message: string; readonly atMs: number } | null;
  readonly runs: readonly { readonly name: string; readonly startedAtMs: number; readonly deadlineAtMs: number }[];
  readonly skippedRuns: number;
  readonly skippedTicks: number;
  readonly nextTimerAtMs: number | null;
  readonly deadLetters: number;
  /** What an actor shows beside its counters: `breaker` of clusters and registries. */
  readonly facts?: Readonly<Record<string, string>>;
}

/** The supervision tree and its counters since the start. */
export interface SystemReport {
  readonly counters: {
    readonly processed: number;
    readonly restarts: number;
    readonly deadLetters: Readonly<Record<string, number>>;
    readonly overflowed: number;
    readonly coalesced: number;
    readonly runsStarted: number;
    readonly runsSkipped: number;
    readonly runsDeadlined: number;
    readonly ticksSkipped: number;
  };
  readonly actors: readonly ActorReport[];
}

/** Bounds of the server; tests shorten them by injection. */
export interface ServerLimits {
  readonly maxUrlLength: number;
  readonly maxHeaderBytes: number;
  /** Time to receive a whole request. */
  readonly readTimeoutMs: number;
  /** A connection on which nothing happens is closed. */
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxStreamClients: number;
  /** A stream reader with more than this unsent is disconnected. */
  readonly maxStreamBufferBytes: number;
  /** A stream reader that has not taken the first state within this time is disconnected. */
  readonly streamFillDeadlineMs: number;
  readonly streamKeepAliveMs: number;
}

export const defaultServerLimits: ServerLimits = {
  maxUrlLength: 4_096,
  maxHeaderBytes: 16_384,
  readTimeoutMs: 15_000,
  idleTimeoutMs: 60_000,
  maxConnections: 1_024,
  maxStreamClients: 256,
  maxStreamBufferBytes: 1024 * 1024,
  streamFillDeadlineMs: 30_000,
  streamKeepAliveMs: 15_000,
};

export interface ServerOptions {
  readonly view: FleetView;
  /** Absent: there are none. */
  readonly registries?: Pick<RegistriesView, "registries">;
  /** Absent: there are none. */
  readonly metricSources?: Pick<MetricSourcesView, "metricSources" | "metricSource">;
  readonly system: () => SystemReport;
  /** How late reachable clusters were collected in the last minutes, oldest first. Absent: nobody collects here. */
  readonly lateness?: () => readonly LatenessSample[];
  /** Prometheus text of the hub; the server appends its own. */
  readonly metrics: () => Promise<string>;
  readonly health: () => HealthReport;
  /** Where the built page is. */
  readonly staticDir?: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
  readonly limits?: Partial<ServerLimits>;
}

export interface Server {
  /**
   * Starts listening; port 0 takes a free one. Rejects with ClusterPulseError HOST_NOT_LOOPBACK, PORT_IN_USE or LISTEN_FAILED.
   */
  listen(options: { host: string; port: number }): Promise<{ url: string; port: number }>;
  /** Ends streams at once, lets requests finish, and cuts what is left after `deadlineMs`. */
  close(deadlineMs: number): Promise<void>;
}
