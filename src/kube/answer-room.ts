// Room in memory for answers, taken before a request is sent and given back when the answer has been read. Guarantees: an answer never
// takes more than was reserved for it. What is expected is reserved, not the most that is possible; an answer that turns out larger is
// refused while it arrives, and asked for once more with room for the largest.
import type { Admitted } from "../support/admission.ts";
import { isKubeError } from "./errors.ts";

/** The memory for answers of a whole hub, as one of its runs sees it. */
export interface AnswerRoom {
  /** No answer reserves less, so that the number of answers is bounded too. */
  readonly minBytes: number;
  /** Waits until there is room. Rejects with ADMISSION_ABORTED and ADMISSION_TIMEOUT, as Admission does. */
  take(bytes: number, signal: AbortSignal): Promise<Admitted>;
}

/** For whoever asks one cluster alone: every answer may be as large as answers may be. */
export const boundlessRoom: AnswerRoom = {
  minBytes: Number.POSITIVE_INFINITY,
  take: () => Promise.resolve({ shrinkTo: () => undefined, release: () => undefined }),
};

/** What one request may take. */
export interface Grant {
  readonly maxBytes: number;
  /** Takes the room. To be waited for when nothing else is in the request's way any more. */
  readonly beforeSending: () => Promise<void>;
}

/**
 * Asks, with room for the answer; whoever is done with its bytes calls `release`. Rejects with what `ask` and the room reject with, and
 * then nothing is held.
 * @param expectedBytes how large it was last time, with some room to grow
 */
export async function askWithRoom<Answer extends { readonly bytes: Uint8Array; readonly discard?: () => void }>(
  ask: (grant: Grant) => Promise<Answer>,
  room: AnswerRoom,
  { expectedBytes, maxBytes }: { readonly expectedBytes: number; readonly maxBytes: number },
  signal: AbortSignal,
): Promise<{ readonly answer: Answer; readonly release: () => void }> {
  for (let reserved = Math.min(maxBytes, Math.max(room.minBytes, expectedBytes)); ; reserved = maxBytes) {
    const taken: { held?: Admitted } = {};
    const beforeSending = async (): Promise<void> => {
      taken.held = await room.take(reserved, signal);
    };
    try {
      const answer = await ask({ maxBytes: reserved, beforeSending });
      taken.held?.shrinkTo(Math.max(room.minBytes, answer.bytes.byteLength));
      const release = (): void => {
        answer.discard?.();
        taken.held?.release();
      };
      return { answer, release };
    } catch (error) {
      taken.held?.release();
      if (reserved >= maxBytes || !isKubeError(error, "BODY_TOO_LARGE")) throw error;
    }
  }
}
