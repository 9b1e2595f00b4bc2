// Another process of the fleet, as who asks it sees it: it answers, or it is silent. One that hangs holds up nobody for longer than the
// deadline, and who asks while an earlier question is overdue is told at once.
import { type Clock, systemClock } from "../../support/clock.ts";
import { ClusterPulseError } from "../../support/errors.ts";
import { type AdminClient, SimulatorRefusedError } from "../admin-client.ts";

/** So long a process may take to answer before the others are listened to alone. */
export const answerDeadlineMs = 4_000;
/** So long where no other is asked; within the deadline of who asks the fleet. */
export const ownDeadlineMs = 8_000;

/** The process did not answer in time, or not at all. */
export class PartSilentError extends ClusterPulseError {
  constructor(message: string) {
    super("PART_SILENT", message);
  }
}

export class AskedPart {
  /** For people. */
  readonly name: string;
  readonly #client: AdminClient;
  readonly #clock: Clock;
  #isSilent = false;
  /** Questions that are overdue. */
  #overdue = 0;

  constructor(name: string, client: AdminClient, clock: Clock = systemClock) {
    this.name = name;
    this.#client = client;
    this.#clock = clock;
  }

  /** It did not answer when it was asked last. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Throws PartSilentError, and SimulatorRefusedError with what it says. */
  async ask<T>(question: (client: AdminClient) => Promise<T>, deadlineMs = answerDeadlineMs): Promise<T> {
    if (this.#overdue > 0) throw this.#silent(deadlineMs);
    const answered = question(this.#client);
    let cancel = (): void => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = this.#clock.setTimer(() => {
        this.#overdue++;
        // The client has a deadline of its own: this is not for ever.
        const noted = answered.then(
          () => {
            this.#isSilent = false;
          },
          () => undefined,
        );
        void noted.finally(() => this.#overdue--);
        reject(this.#silent(deadlineMs));
      }, deadlineMs);
    });
    try {
      const answer = await Promise.race([answered, late]);
      this.#isSilent = false;
      return answer;
    } catch (error) {
      this.#isSilent = !(error instanceof SimulatorRefusedError);
      throw this.#isSilent ? this.#silent(deadlineMs) : error;
    } finally {
      cancel();
    }
  }

  #silent(deadlineMs: number): PartSilentError {
    return new PartSilentError(`${this.name} did not answer within ${deadlineMs / 1_000} s`);
  }
}
