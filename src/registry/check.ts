// One check of a registry, as a conductor's pass: reach it, count its repositories, pull the canary. Reaching is what counts: without it
// there is nothing to say. The other two are optional, each under a deadline of its own, so that a slow catalog costs no more than itself.
import { duration } from "../kube/error-mapping.ts";
import { KubeError } from "../kube/errors.ts";
import { Conductor, slot } from "../reconcile/index.ts";
import { safeError } from "../support/errors.ts";
import { type CanarySpec, type Pulled, pullCanary } from "./canary.ts";
import { type Catalog, readCatalog } from "./catalog.ts";
import type { RegistryCredentials } from "./credentials.ts";
import type { Failure } from "./health.ts";
import { RegistryHttp, type RegistryHttpOptions } from "./http.ts";
import { type Reached, reach } from "./reach.ts";
import { RegistrySession } from "./session.ts";

/** What one check is to look at. */
export interface CheckRequest {
  /** Empty: /v2/. */
  readonly healthCheckPaths: readonly string[];
  /** Repositories to count at most, as the spec has it; undefined: none are counted. */
  readonly maxCatalogEntries: number | undefined;
  readonly canary: (CanarySpec & { readonly intervalMs: number }) | undefined;
  /** For reaching the registry, and for each of the other two. */
  readonly reachDeadlineMs: number;
  readonly extraDeadlineMs: number;
}

export interface CanaryResult {
  readonly atMs: number;
  readonly pulled: Pulled | null;
}

/** A registry that answered. */
export interface RegistryCheck {
  readonly checkedAtMs: number;
  readonly responseTimeMs: number;
  readonly version: string;
  readonly features: Readonly<Record<string, boolean>>;
  /** Null: not asked for, or not to be had. */
  readonly catalog: Catalog | null;
  /** The newest pull; null: none is wanted, or none was tried yet. */
  readonly canary: CanaryResult | null;
  /** What makes it less than healthy; null: nothing. */
  readonly problem: Failure | null;
  readonly missing: readonly (Failure & { readonly part: "catalog" | "canary" })[];
  readonly certificateExpiresAtMs: number | null;
}

/** One registry, with the connection and the tokens that it was reached with. */
export interface RegistryClient {
  /** Throws KubeError when the registry is not available. */
  check(request: CheckRequest, signal: AbortSignal): Promise<RegistryCheck>;
  /** Closes the connections and forgets the tokens. */
  close(): Promise<void>;
}

export interface RegistryClientOptions extends Omit<RegistryHttpOptions, "caPem"> {
  readonly credentials: RegistryCredentials;
  /** Why there are no credentials though there should be: the registry is then asked without. */
  readonly credentialsProblem: Failure | null;
}

/** A pull that failed is tried again after this, if it is not due before. */
const canaryRetryMs = 60_000;

const reachedSlot = slot<Reached>("reached");
const catalogSlot = slot<Catalog>("catalog");

export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const { clock, credentials, credentialsProblem, server } = options;
  const http = new RegistryHttp({ ...options, caPem: credentials.caPem });
  const session = new RegistrySession(http, server, credentials, clock);
  let canary: (CanaryResult & { readonly failure: Failure | null; readonly dueMs: number }) | null = null;
  return {
    close: () => http.close(),
    async check(request, signal) {
      // The error as it was thrown: the breaker judges it, and its Retry-After is obeyed.
      let unavailable: unknown;
      let found: { reached: Reached; catalog: Catalog | undefined } | undefined;
      const nowMs = (): number => clock.nowMs();
      const conductor = Conductor.create({
        clock,
        flush({ find }) {
          const reached = find(reachedSlot);
          if (reached !== undefined) found = { reached, catalog: find(catalogSlot) };
        },
      })
        .register({
          name: "reach",
          deadlineMs: request.reachDeadlineMs,
          async reconcile(pass) {
            try {
              pass.bind(reachedSlot, await reach(session, request.healthCheckPaths, pass.signal, nowMs));
            } catch (error) {
              if (!pass.signal.aborted) unavailable = error;
              throw error;
            }
          },
        })
        .register({
          name: "catalog",
          optional: true,
          deadlineMs: request.extraDeadlineMs,
          async reconcile(pass) {
            if (request.maxCatalogEntries === undefined) return;
            expectAccepted(pass.get(reachedSlot));
            pass.bind(catalogSlot, await readCatalog(session, request.maxCatalogEntries, pass.signal, nowMs));
          },
        })
        .register({
          name: "canary",
          optional: true,
          deadlineMs: request.extraDeadlineMs,
          async reconcile(pass) {
            const wanted = request.canary;
            if (wanted === undefined || (canary !== null && clock.monotonicMs() < canary.dueMs)) return;
            expectAccepted(pass.get(reachedSlot));
            const startedMs = clock.monotonicMs();
            const atMs = clock.nowMs();
            try {
              const pulled = await pullCanary(session, wanted, clock, pass.signal);
              canary = { atMs, pulled, failure: null, dueMs: startedMs + wanted.intervalMs };
            } catch (error) {
              const { code, message } = pass.signal.aborted
                ? { code: "CANARY_DEADLINE", message: "the canary could not be pulled in time" }
                : safeError(error);
              const dueMs = startedMs + Math.min(wanted.intervalMs, canaryRetryMs);
              canary = { atMs, pulled: null, failure: { code, reason: "CanaryFailed", message }, dueMs };
            }
          },
        });
      const report = await conductor.conduct({ metadata: { name: "registry" } }, signal);
      if (signal.aborted) throw signal.reason;
      if (found === undefined) {
        const late = `the registry was not reached within ${duration(request.reachDeadlineMs)}`;
        throw unavailable ?? new KubeError("REQUEST_DEADLINE", late);
      }
      const { reached, catalog } = found;
      const failureAt = (name: string, reason: string): Failure | null => {
        const failure = report.failures.find(({ step }) => step === name);
        return failure === undefined ? null : { code: failure.code, reason, message: failure.message };
      };
      const catalogFailure = failureAt("catalog", "CatalogFailed");
      const canaryFailure =
        request.canary === undefined ? null : (failureAt("canary", "CanaryFailed") ?? canary?.failure ?? null);
      const { responseTimeMs, version, features, authProblem } = reached;
      return {
        checkedAtMs: clock.nowMs(),
        responseTimeMs,
        version,
        features:
          request.maxCatalogEntries === undefined
            ? features
            : { ...features, catalog_accessible: catalog !== undefined },
        catalog: catalog ?? null,
        canary: request.canary === undefined ? null : canary && { atMs: canary.atMs, pulled: canary.pulled },
        problem: credentialsProblem ?? authProblem ?? canaryFailure,
        missing: [
          ...(catalogFailure === null ? [] : [{ part: "catalog" as const, ...catalogFailure }]),
          ...(canaryFailure === null ? [] : [{ part: "canary" as const, ...canaryFailure }]),
        ],
        certificateExpiresAtMs: http.certificateExpiresAtMs ?? null,
      };
    },
  };
}

/** With credentials that are refused nothing more is asked for: every try may bring an account closer to its lock. */
function expectAccepted({ authProblem }: Reached): void {
  if (authProblem?.reason === "AuthFailed") {
    throw new KubeError("UNAUTHORIZED", "not asked for: the credentials are not accepted");
  }
}
