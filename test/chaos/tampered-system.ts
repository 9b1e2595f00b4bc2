// An actor system whose actors are meddled with: handlers that throw, deadlines that never come, crashes that nobody answers.
// It wraps what is given to the real runtime; the runtime itself is untouched.
import {
  type Actor,
  type ActorContext,
  type ActorDefinition,
  type ActorRef,
  type ActorSystem,
  type ActorSystemOptions,
  createActorSystem,
} from "../../actors/system/index.ts";

/** Where a handler is about to run. */
export type Handler = "create" | "onStart" | "onMessage" | "onStop" | "run";

export interface Tamper {
  /** Called before each handler, and at the start of each run's work; what it throws, the handler throws. A message is what onMessage gets. */
  readonly before?: (kind: string, handler: Handler, message?: object) => void;
  /** Called with the address of each actor as it is spawned. */
  readonly spawned?: (kind: string, ref: ActorRef<never>) => void;
  /** A crash ends the actor for good. */
  readonly unsupervised?: boolean;
  /** Runs may take for ever. */
  readonly endlessRuns?: boolean;
}

const foreverMs = 1e9;

/** For HubOptions.createSystem. */
export function tamperedSystem(tamper: Tamper): typeof createActorSystem {
  return (options: ActorSystemOptions): ActorSystem => {
    const system = createActorSystem(options);
    return {
      spawn: (definition, at) => system.spawn(tampered(definition, tamper), at),
      timers: () => system.timers(),
      snapshot: () => system.snapshot(),
      counters: () => system.counters(),
      onDeadLetter: (listener) => system.onDeadLetter(listener),
      stop: (deadlineMs) => system.stop(deadlineMs),
    };
  };
}

function tampered<M>(definition: ActorDefinition<M>, tamper: Tamper): ActorDefinition<M> {
  const { kind } = definition;
  const before: Before = (handler, message) => tamper.before?.(kind, handler, message);
  return {
    ...definition,
    ...(tamper.unsupervised === true ? { supervision: { decide: () => "stop" as const } } : {}),
    create(context) {
      before("create");
      return watched(definition.create(meddling(context, tamper, before)), before);
    },
  };
}

type Before = (handler: Handler, message?: object) => void;

function watched<M>(actor: Actor<M>, before: Before): Actor<M> {
  return {
    onStart() {
      before("onStart");
      actor.onStart?.();
    },
    onRestart: (error) => actor.onRestart?.(error),
    onMessage(message) {
      before("onMessage", message as object);
      actor.onMessage(message);
    },
    onStop(reason) {
      actor.onStop?.(reason);
      before("onStop");
    },
  };
}

/** The real context, but for what is spawned and run through it. */
function meddling<M>(context: ActorContext<M>, tamper: Tamper, before: Before): ActorContext<M> {
  const overrides: Pick<ActorContext<M>, "spawn" | "run"> = {
    spawn: (definition, options) => {
      const ref = context.spawn(tampered(definition, tamper), options);
      tamper.spawned?.(definition.kind, ref as ActorRef<never>);
      return ref;
    },
    run: (name, options, work) => {
      const deadlineMs = tamper.endlessRuns === true ? foreverMs : options.deadlineMs;
      return context.run(name, { ...options, deadlineMs }, async (signal) => {
        before("run");
        return await work(signal);
      });
    },
  };
  return new Proxy(context, {
    get(target, member) {
      if (member === "spawn" || member === "run") return overrides[member];
      const value: unknown = Reflect.get(target, member, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
