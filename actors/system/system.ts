// The system: what all actors share, the invisible guardian above the roots, and the way everything stops.
import { ClusterPulseError } from "../../src/support/errors.ts";
import { TimerWheel } from "../../src/support/timer-wheel.ts";
import { Cell } from "./cell.ts";
import { DeadLetters } from "./dead-letters.ts";
import { blueprintOf } from "./definition.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { Runtime } from "./runtime.ts";
import { snapshotBelow } from "./snapshot.ts";
import type {
  ActorDefinition,
  ActorRef,
  ActorSnapshot,
  ActorSystem,
  ActorSystemCounters,
  ActorSystemOptions,
  DeadLetter,
  SpawnOptions,
} from "./types.ts";

/** Creates an actor system. It does nothing by itself until the first actor is spawned. */
export function createActorSystem(options: ActorSystemOptions): ActorSystem {
  return new System(options);
}

class System implements ActorSystem {
  readonly #runtime: Runtime;
  /** The parent of the roots: they are supervised by its default strategy, and the system stops by stopping it. */
  readonly #guardian: Cell<never>;
  #stopped: Promise<{ abandoned: string[] }> | undefined;
  #guardianStopped = (): void => {};

  constructor({ clock, random, log, throughput = 300, timerTickMs = 100 }: ActorSystemOptions) {
    const totals = {
      processed: 0,
      restarts: 0,
      overflowed: 0,
      coalesced: 0,
      runsStarted: 0,
      runsSkipped: 0,
      runsDeadlined: 0,
      ticksSkipped: 0,
    };
    this.#runtime = {
      clock,
      random,
      log,
      wheel: new TimerWheel(clock, timerTickMs),
      dispatcher: new Dispatcher(clock, throughput, totals),
      deadLetters: new DeadLetters(clock, log),
      totals,
    };
    const guardian: ActorDefinition<never> = {
      kind: "guardian",
      create: () => ({ onMessage: () => {}, onStop: () => this.#guardianStopped() }),
    };
    this.#guardian = new Cell(this.#runtime, blueprintOf(guardian), "", undefined);
    this.#guardian.turn(0);
  }

  spawn<M>(definition: ActorDefinition<M>, options: SpawnOptions): ActorRef<M> {
    if (this.#stopped !== undefined) {
      throw new ClusterPulseError("SYSTEM_STOPPED", `the actor system is stopping and cannot start ${options.name}`);
    }
    return this.#guardian.spawn(definition, options);
  }

  snapshot(): ActorSnapshot[] {
    return snapshotBelow(this.#guardian);
  }

  counters(): ActorSystemCounters {
    const { totals, deadLetters } = this.#runtime;
    return { ...totals, deadLetters: { ...deadLetters.counts } };
  }

  timers(): number {
    return this.#runtime.wheel.size;
  }

  onDeadLetter(listener: (letter: DeadLetter) => void): () => void {
    return this.#runtime.deadLetters.subscribe(listener);
  }

  stop(deadlineMs: number): Promise<{ abandoned: string[] }> {
    this.#stopped ??= new Promise((resolve) => {
      const deadline = this.#runtime.wheel.schedule(deadlineMs, () => {
        this.#guardianStopped = () => {};
        const [, ...abandoned] = this.#guardian.abandon();
        this.#runtime.log.error({ abandoned }, "actors did not stop in time");
        resolve({ abandoned });
      });
      this.#guardianStopped = () => {
        deadline.cancel();
        resolve({ abandoned: [] });
      };
      this.#guardian.stop("shutdown");
    });
    return this.#stopped;
  }
}
