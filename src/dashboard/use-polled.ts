// The newest answer of a route, fetched anew while the page is visible: for what is not worth a stream.
import { useEffect, useState } from "react";
import { explainFailure } from "./api.ts";

export interface Polled<Answer> {
  /** Null until the first answer. */
  readonly answer: Answer | null;
  /** The answer before that one. */
  readonly previous: Answer | null;
  /** Why the newest request failed; the answer is then an older one, whose ages keep growing. */
  readonly problem: string | null;
}

/** Calls `fetchAnswer`, which must be the same function on every render, every `pollMs` from mount to unmount; one request at a time. */
export function usePolled<Answer>(
  fetchAnswer: (signal: AbortSignal) => Promise<Answer>,
  pollMs: number,
): Polled<Answer> {
  const [state, setState] = useState<Polled<Answer>>({ answer: null, previous: null, problem: null });
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const poll = async () => {
      if (document.visibilityState === "visible") {
        try {
          const answer = await fetchAnswer(abort.signal);
          setState((last) => ({ answer, previous: last.answer, problem: null }));
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
  }, [fetchAnswer, pollMs]);
  return state;
}
