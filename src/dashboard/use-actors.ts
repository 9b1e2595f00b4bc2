// The newest answer of GET /api/v1/system/actors, fetched every 2 s while the page is visible.
import { useEffect, useState } from "react";
import { parseStamp } from "./ages.ts";
import { type ActorsAnswer, explainFailure, fetchActors } from "./api.ts";

const pollMs = 2000;

export interface ActorsState {
  readonly answer: ActorsAnswer | null;
  /** Why the newest request failed; the answer is then an older one. */
  readonly problem: string | null;
  /** Messages processed per second between the last two answers; null while unknown. */
  readonly processedPerSecond: number | null;
}

/** Polls from mount to unmount; one request at a time. */
export function useActors(): ActorsState {
  const [state, setState] = useState<ActorsState>({ answer: null, problem: null, processedPerSecond: null });
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const poll = async () => {
      if (document.visibilityState === "visible") {
        try {
          const answer = await fetchActors(abort.signal);
          setState((last) => ({ answer, problem: null, processedPerSecond: rate(last.answer, answer) }));
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

function rate(before: ActorsAnswer | null, after: ActorsAnswer): number | null {
  const seconds = ((parseStamp(after.asOf) ?? 0) - (parseStamp(before?.asOf) ?? 0)) / 1000;
  if (before === null || seconds <= 0) return null;
  return Math.max(0, Math.round((processed(after) - processed(before)) / seconds));
}

function processed(answer: ActorsAnswer): number {
  return answer.actors.reduce((sum, actor) => sum + actor.processed, 0);
}
