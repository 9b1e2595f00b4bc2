// Secrets of clusters and registries, read from the hub's own API a few at once: a fleet that starts reads thousands, and one that waited
// for the two connections to that API with its deadline running would look like something that is late. Guarantees: what that API
// does not answer is the hub's own trouble.
import { isKubeError } from "../../src/kube/errors.ts";
import { Admission } from "../../src/support/admission.ts";
import type { Clock } from "../../src/support/clock.ts";
import { ownTrouble } from "../../src/support/own-trouble.ts";

const maxSecretReads = 4;

export class SecretReads {
  readonly #clock: Clock;
  readonly #turns = new Admission(maxSecretReads, "turn to read a Secret");

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Reads in its turn. Rejects with what `read` rejects with, with HUB_BUSY where the API gave no answer, and with ADMISSION_TIMEOUT when
   * no turn came within `waitMs`.
   */
  async read<T>(read: () => Promise<T>, waitMs: number, signal: AbortSignal): Promise<T> {
    const atMost = { clock: this.#clock, ms: waitMs };
    const turn = await this.#turns.acquire("fresh", signal, { atMost, untilAborted: true });
    try {
      return await read();
    } catch (error) {
      throw ofTheHubItself(error);
    } finally {
      turn.release();
    }
  }
}

/** An error of the hub's own API as what it is: unless it was an answer, it says nothing of whose Secret it is. */
function ofTheHubItself(error: unknown): unknown {
  if (!isKubeError(error) || error.code === "ABORTED") return error;
  const { httpStatus = 503, message } = error;
  if (httpStatus < 500 && httpStatus !== 429) return error;
  return ownTrouble("HUB_BUSY", `the hub's own API gave no Secret: ${message}`);
}
