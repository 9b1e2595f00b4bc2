// When a cluster or a registry is asked: at its turns, unless it is to be left alone; and with which Secret. Holds the timers and the watch
// of its actor, which is told `tick` at every turn, and when one that was left alone may be asked again.
import type { ObjectChanged } from "../informer/informer.ts";
import { WatchedSecret } from "../informer/watched-secret.ts";
import type { ActorContext, ActorRef } from "../system/index.ts";
import type { Attempts } from "./attempts.ts";
import {
  delayToSpreadMs,
  type Monitoring,
  type Schedule,
  type ScheduleLimits,
  scheduleOf,
  sinceTurnMs,
  untilTurnMs,
} from "./schedule.ts";

/** What the owner declared, as far as it says when and with what. */
export interface Turning {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly monitoring?: Monitoring | undefined;
    readonly credentialsRef?: { readonly name: string; readonly namespace?: string | undefined } | undefined;
  };
}

type Context = Pick<ActorContext<{ readonly type: "tick" }>, "clock" | "random" | "timers">;

const busyPauseMs = 3_000;

export class Turns {
  readonly #context: Context;
  readonly #secret: WatchedSecret;
  readonly #attempts: Attempts;
  readonly #limits: ScheduleLimits;
  #name = "";
  #intervalMs = 0;

  /** @param self whom the informer is to tell of the Secret */
  constructor(
    context: Context & { readonly self: unknown },
    dependencies: ConstructorParameters<typeof WatchedSecret>[0],
    attempts: Attempts,
    limits: ScheduleLimits,
  ) {
    this.#context = context;
    this.#secret = new WatchedSecret(dependencies, context.self as ActorRef<ObjectChanged>);
    this.#attempts = attempts;
    this.#limits = limits;
  }

  /** From now on as this says. The first turn is half to one and a half intervals away. */
  follow({ metadata, spec }: Turning): Schedule {
    const { clock, timers } = this.#context;
    const { credentialsRef } = spec;
    const schedule = scheduleOf(spec.monitoring, this.#limits);
    this.#secret.watch(credentialsRef && `${credentialsRef.namespace ?? metadata.namespace}/${credentialsRef.name}`);
    this.#name = metadata.name;
    this.#intervalMs = schedule.intervalMs;
    const firstDelayMs = delayToSpreadMs(this.#name, this.#intervalMs, clock.monotonicMs());
    timers.every("tick", { intervalMs: this.#intervalMs, firstDelayMs }, { type: "tick" });
    return schedule;
  }

  /** There is nothing to ask: no turns, no Secret. */
  end(): void {
    this.#context.timers.cancel("tick");
    this.#context.timers.cancel("probe");
    this.#secret.watch(undefined);
  }

  /** Whether the Secret is another one than when this was last asked. */
  secretHasChanged(): boolean {
    return this.#secret.hasChanged();
  }

  /** Whether it may be asked now. If not, a timer says so as soon as it may. */
  mayAsk(): boolean {
    const { timers } = this.#context;
    const { waitMs } = this.#attempts;
    if (waitMs === 0) timers.cancel("probe");
    else timers.once("probe", waitMs, { type: "tick" });
    return waitMs === 0;
  }

  /** The hub was too busy to ask: not a whole interval later, and not all that wait at the same time. */
  askSoon(): void {
    const { timers, random } = this.#context;
    timers.once("probe", busyPauseMs * (0.5 + random()), { type: "tick" });
  }

  /** When the last turn was, on the monotonic clock. */
  lastMs(): number {
    const nowMs = this.#context.clock.monotonicMs();
    return nowMs - sinceTurnMs(this.#name, this.#intervalMs, nowMs);
  }

  /** How long one that is to be left alone is: never asked before its own interval says so. 0: it is not left alone. */
  leftAloneMs(): number {
    const { waitMs } = this.#attempts;
    if (waitMs === 0) return 0;
    return Math.max(waitMs, untilTurnMs(this.#name, this.#intervalMs, this.#context.clock.monotonicMs()));
  }
}
