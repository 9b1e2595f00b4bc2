// Question and answer between the outside (or a run) and an actor: one message, one reply, one deadline.
// The first of reply, timeout, abort and "cannot be delivered" wins; afterwards nothing is left on the wheel or the signal.
import { ClusterPulseError } from "../../src/support/errors.ts";
import type { TimerWheel } from "../../src/support/timer-wheel.ts";
import type { ReplyTo, TellOutcome } from "./types.ts";

const maxPending = 4_096;

/** The actor that is asked. */
export interface AskTarget<M> {
  readonly path: string;
  /** How to give up on the asks that have no reply yet, by message. */
  readonly asks: Map<unknown, () => void>;
  tell(message: M): TellOutcome;
}

/** See ActorRef.ask. */
export function ask<M, T>(
  target: AskTarget<M>,
  wheel: TimerWheel,
  make: (reply: ReplyTo<T>) => M,
  options: { timeoutMs: number; signal?: AbortSignal },
): Promise<T> {
  const { timeoutMs, signal } = options;
  return new Promise<T>((resolve, reject) => {
    const fail = (code: string, what: string): void => reject(new ClusterPulseError(code, `${target.path} ${what}`));
    if (signal?.aborted === true) return fail("ASK_ABORTED", "was not asked: aborted");
    const { asks } = target;
    if (asks.size >= maxPending) return fail("ASK_DEAD", `has ${maxPending} questions unanswered`);

    let open = true;
    const once =
      <A extends unknown[]>(settle: (...args: A) => void) =>
      (...args: A): void => {
        if (!open) return;
        open = false;
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        if (asks.get(message) === onDead) asks.delete(message);
        settle(...args);
      };
    const onAbort = once(() => fail("ASK_ABORTED", "was asked in vain: aborted"));
    const onDead = once(() => fail("ASK_DEAD", "cannot answer: the message was not handled or the actor stopped"));
    const timer = wheel.schedule(
      timeoutMs,
      once(() => fail("ASK_TIMEOUT", `gave no answer within ${timeoutMs} ms`)),
    );
    signal?.addEventListener("abort", onAbort, { once: true });
    let message: M | undefined;
    try {
      message = make({
        resolve: once(resolve),
        reject: once((error) => reject(new ClusterPulseError(error.code, error.message))),
      });
      if (open) asks.set(message, onDead);
      target.tell(message);
    } catch (error) {
      once(reject)(error);
    }
  });
}
