// The newest answer of GET /api/v1/registries/status, fetched every 5 s while the page is visible.
import { useEffect, useState } from "react";
import { explainFailure, fetchRegistries, type RegistryRow } from "./api.ts";

const pollMs = 5000;

export interface RegistriesState {
  /** Null until the first answer. */
  readonly rows: readonly RegistryRow[] | null;
  /** Why the newest request failed; the rows are then older ones, whose ages keep growing. */
  readonly problem: string | null;
}

/** Polls from mount to unmount; one request at a time. */
export function useRegistries(): RegistriesState {
  const [state, setState] = useState<RegistriesState>({ rows: null, problem: null });
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const poll = async () => {
      if (document.visibilityState === "visible") {
        try {
          setState({ rows: await fetchRegistries(abort.signal), problem: null });
        } catch (error) {
          if (!abort.signal.aborted) setState((last) => ({ ...last, problem: explainFailure(error) }));
        }
      }
      if (!abort.signal.aborted) timer = setTimeout(poll, pollMs);
    };
    void poll();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, []);
  return state;
}
