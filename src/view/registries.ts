// What readers see of the registries: rows as finished JSON bytes, kept current from the store's change stream. A burst of changes to one
// registry is one rebuild; a row whose bytes are the same keeps its revision. Texts of the store are passed on as they are, except
// for the reference to credentials, which is nobody's business.
import type { StoreChanges, StoreReader } from "../store/document.ts";
import { allRegistriesKey, registryKeys, registryOfKey } from "../store/registry-documents.ts";
import type { Clock } from "../support/clock.ts";
import type { ViewRow } from "./ports.ts";
import { Refresher } from "./refresher.ts";

export interface RegistriesView {
  /** Rows of GET /api/v1/registries/status, in order of name. */
  registries(): readonly ViewRow[];
  /** Resolves once everything that has changed so far is in the rows. */
  idle(): Promise<void>;
  close(): void;
}

/** Starts reading the store and follows it until closed. */
export function createRegistriesView({
  store,
  clock,
}: {
  store: StoreReader & StoreChanges;
  clock: Clock;
}): RegistriesView {
  const found = new Map<string, ViewRow | undefined>();
  let revision = clock.nowMs() * 1_000;
  let rows: readonly ViewRow[] | undefined;
  let closed = false;

  const refresher = new Refresher<true>({
    clock,
    merge: () => true,
    refresh: (key) => (key === allRegistriesKey ? readList() : rebuild(key)),
  });
  const unsubscribe = store.subscribe((keys) => {
    for (const key of keys) {
      if (key === allRegistriesKey) refresher.mark(key, true);
      const registry = registryOfKey(key);
      if (registry !== undefined && found.has(registry)) refresher.mark(registry, true);
    }
  });
  refresher.mark(allRegistriesKey, true);

  async function readList(): Promise<void> {
    const listed = new Set(await store.set(allRegistriesKey));
    if (closed) return;
    for (const name of found.keys()) {
      if (listed.has(name)) continue;
      found.delete(name);
      refresher.forget(name);
      revision++;
      rows = undefined;
    }
    for (const name of listed) {
      if (found.has(name)) continue;
      found.set(name, undefined);
      refresher.mark(name, true);
    }
  }

  async function rebuild(name: string): Promise<void> {
    const [spec, status] = await Promise.all([
      store.string(registryKeys.spec(name)),
      store.string(registryKeys.status(name)),
    ]);
    if (closed || !found.has(name)) return;
    const bytes = Buffer.from(registryText(name, spec, status));
    if (found.get(name)?.bytes.equals(bytes)) return;
    found.set(name, { name, revision: ++revision, bytes });
    rows = undefined;
  }

  return {
    registries() {
      rows ??= [...found.values()].filter((row) => row !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
      return rows;
    },
    idle: () => refresher.idle(),
    close() {
      closed = true;
      unsubscribe();
      refresher.close();
    },
  };
}

function registryText(name: string, specText: string | undefined, statusText: string | undefined): string {
  const { credentials_ref: _, ...spec } = objectIn(specText);
  // A status whose life has ended says nothing any more: not even that the registry is away.
  const status =
    statusText === undefined
      ? { available: false, health: "unknown", reason: "Unknown", message: "Status unavailable" }
      : objectIn(statusText);
  const { stale_after: staleAfter = null, ...shown } = status;
  const missing = Array.isArray(status["missing"]) ? status["missing"] : [];
  const row = {
    name,
    spec,
    status: shown,
    asOf: status["last_check"] ?? null,
    staleAfter,
    partial: missing.length > 0,
    missing,
  };
  return JSON.stringify(row);
}

function objectIn(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
